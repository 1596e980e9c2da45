"""Links by which a patient reads her signed result: unguessable, expiring, to be taken back."""

import hashlib
import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from deeppcos.app.web.models.people import User
from deeppcos.app.web.models.reports import SignedReport


class PatientLink(models.Model):
    """One link to one signed report. The secret itself is never stored, only its hash."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.ForeignKey(SignedReport, on_delete=models.CASCADE, related_name="patient_links")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    language = models.CharField(max_length=10)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="patient_links")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)
    opened_count = models.PositiveIntegerField(default=0)
    last_opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        return f"{self.report} for the patient"

    @property
    def works(self) -> bool:
        """Whether it may still be opened: in time, not taken back, and the report not replaced."""
        if self.taken_back_at is not None or timezone.now() >= self.expires_at:
            return False
        newest = self.report.study.reports.order_by("-number").first()
        return newest is not None and newest.pk == self.report_id


def secret_hash(secret: str) -> str:
    """What is stored of a link's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
