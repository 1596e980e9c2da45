"""Signed reports: each version locked, each with its hash."""

import uuid
from pathlib import Path
from typing import ClassVar

from django.db import models

from deeppcos.app.web.models.people import User
from deeppcos.app.web.models.readings import Assessment
from deeppcos.app.web.models.studies import Study


class SignedReport(models.Model):
    """One signed version of a study's report. An amendment is another version.

    The files lie in the study's folder; their hashes stand here and are checked at every reading.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField()
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="reports")
    document = models.JSONField(help_text="The assessment with the signature in it.")
    signer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reports")
    signer_name = models.CharField(max_length=150)
    signer_role = models.CharField(max_length=80)
    signed_at = models.DateTimeField()
    comment = models.TextField(blank=True)
    amends = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    amended_because = models.TextField(blank=True)
    json_sha256 = models.CharField(max_length=64)
    html_sha256 = models.CharField(max_length=64)
    pdf_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["study", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "number"], name="reports_are_numbered")
        ]

    def __str__(self) -> str:
        return f"{self.study} report {self.number}"

    @property
    def folder(self) -> Path:
        """Where its ``report.html``, ``report.pdf`` and ``assessment.json`` lie."""
        return self.study.folder / "reports" / f"{self.number:03d}"
