"""Cohorts that were released. The figures are frozen; the women in them are not named here."""

import uuid
from typing import Any, ClassVar

from django.db import models

from deeppcos.app.web.models.people import Site, User


class SavedCohort(models.Model):
    """A query, frozen, with the figures released from it.

    ``document`` is ``deeppcos.cohort-release/1`` and is never changed. Who may see it needs the
    right at every site in ``sites``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    sites = models.ManyToManyField(Site, related_name="cohorts")
    query_sha256 = models.CharField(max_length=64)
    table_sha256 = models.CharField(max_length=64)
    document = models.JSONField()
    made_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="cohorts"
    )
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new cohort; an old one stays as it is."""
        if not self._state.adding:
            raise TypeError("a released cohort is never changed; release another")
        super().save(*args, **kwargs)
