"""Sites, people, and who may do what where.

Owns accounts and grants. What a role permits is the business of ``access``.
"""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Site(models.Model):
    """A clinic or department whose studies are its own."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=60, unique=True)
    second_factor_roles = models.JSONField(default=list, blank=True)
    """Roles that must give a second factor here."""

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What somebody is at a site."""

    SONOGRAPHER = "sonographer", _("sonographer")
    CLINICIAN = "clinician", _("clinician")
    RESEARCHER = "researcher", _("researcher")
    ADMINISTRATOR = "administrator", _("administrator")


class User(AbstractUser):
    """A person with an account. Django's groups and permissions are not used; grants are."""

    full_name = models.CharField(max_length=150, blank=True)
    language = models.CharField(
        max_length=10, blank=True, help_text="Of the clinic's pages; the installation's when empty."
    )

    def get_full_name(self) -> str:
        """The name as it is shown and signed with."""
        return self.full_name or super().get_full_name() or self.username

    def __str__(self) -> str:
        return self.get_full_name()


class Grant(models.Model):
    """One role of one person at one site."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=16, choices=Role.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "site", "role"], name="one_grant_each")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} at {self.site}"
