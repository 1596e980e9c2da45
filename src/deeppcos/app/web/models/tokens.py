"""Tokens by which a program uses the API as one person, at one site, for some purposes.

Owns the rows. What a scope permits, and who a request is, is the business of ``api.tokens``.
"""

import hashlib
import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from deeppcos.app.web.models.people import Site, User
from deeppcos.app.web.models.studies import Study


class ApiToken(models.Model):
    """One token. The secret itself is shown once and never stored, only its hash."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    beginning = models.CharField(max_length=16, help_text="To tell one secret from another.")
    scopes = models.JSONField(default=list)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @property
    def works(self) -> bool:
        """Whether it still opens anything: in time, not revoked, and its owner may sign in."""
        in_time = timezone.now() < self.expires_at
        return in_time and self.revoked_at is None and self.user.is_active


class IdempotencyKey(models.Model):
    """What a program called one request to create a study, so that sending it again makes none."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="keys")
    key = models.CharField(max_length=128)
    body_sha256 = models.CharField(max_length=64)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["token", "key"], name="each_key_once_a_token")
        ]

    def __str__(self) -> str:
        return self.key


def token_hash(secret: str) -> str:
    """What is stored of a token's secret.

    The secret is random and long, so that a plain hash cannot be searched backwards.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
