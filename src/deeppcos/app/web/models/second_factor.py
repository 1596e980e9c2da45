"""The second factor of an account, and the identity a hospital's provider knows it by.

Owns the rows. Checking a code is the business of ``accounts.second_factor``; signing in through
a provider that of ``accounts.provider``.
"""

from typing import ClassVar

from django.db import models

from deeppcos.app.web.models.people import User


class SecondFactor(models.Model):
    """A device that shows codes. It counts once a code of it was confirmed.

    The last step that was used is kept, so that no code works twice.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = models.CharField(max_length=64)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"second factor of {self.user}"


class RecoveryCode(models.Model):
    """One code for the day the device is lost; only its hash is kept, and it works once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "digest"], name="one_recovery_code_each")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class ExternalIdentity(models.Model):
    """Who somebody is at a provider of identities: its address and its id of the person."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="external_identity")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_account_an_identity")
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"
