"""The audit trail: a chain in which every event carries the hash of the one before.

Owns the rows. How a hash is made and checked is the business of ``deeppcos.app.desk.audit_chain``;
adding an event that of ``deeppcos.app.web.audit``.
"""

from typing import Any, ClassVar

from django.db import models

from deeppcos.app.web.models.people import Site, User


class AuditEvent(models.Model):
    """Something somebody did. Never changed and never removed."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT)
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=40, db_index=True)
    about = models.CharField(max_length=80, blank=True, db_index=True)
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT)
    detail = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.action} by {self.actor_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new event; an old one stays as it is."""
        if not self._state.adding:
            raise TypeError("an audit event is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse: the chain would break."""
        raise TypeError("an audit event is never removed")


class AuditHead(models.Model):
    """The last event's number and hash: one row, locked while an event is added.

    It also shows when events were cut off the end of the chain.
    """

    number = models.BigIntegerField()
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"audit trail up to {self.number}"
