"""What is still to be put into the outbox, what came in as messages, and who is expected.

Owns the rows. A ``Dispatch`` is written in the transaction of the signature or the reading that
makes it necessary, so that a power cut between the two loses nothing.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.models.people import Site
from deeppcos.app.web.models.readings import Assessment
from deeppcos.app.web.models.reports import SignedReport
from deeppcos.app.web.models.studies import Study


class Dispatch(models.Model):
    """Something happened to a study, and the rules have not been asked yet what is to be sent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="dispatches")
    event = models.CharField(max_length=10)
    key = models.CharField(max_length=80, unique=True)
    assessment = models.ForeignKey(Assessment, null=True, blank=True, on_delete=models.CASCADE)
    report = models.ForeignKey(SignedReport, null=True, blank=True, on_delete=models.PROTECT)
    made_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField(auto_now_add=True)
    problem = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["done_at", "next_try"], name="dispatch_due")]

    def __str__(self) -> str:
        return self.key


class MessageState(models.TextChoices):
    """What became of a message that was acknowledged."""

    WAITING = "waiting", _("waiting")
    APPLIED = "applied", _("applied")
    ASKED = "asked", _("asked")
    REFUSED = "refused", _("refused")


class ReceivedMessage(models.Model):
    """One HL7 v2 message as it came, and what became of it. It is on the disk before its AA."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sender = models.CharField(max_length=200, blank=True)
    control_id = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    kind = models.CharField(max_length=20, blank=True)
    patient = models.CharField(max_length=130, blank=True, db_index=True)
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.SET_NULL)
    study = models.ForeignKey(
        Study, null=True, blank=True, on_delete=models.SET_NULL, related_name="messages"
    )
    state = models.CharField(
        max_length=10, choices=MessageState.choices, default=MessageState.WAITING
    )
    words = models.TextField(blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sender", "sha256"], name="each_message_once")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "received_at"], name="message_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.control_id}"


class ExpectedStudy(models.Model):
    """An examination somebody ordered or scheduled; it fills in the study that comes of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="expected")
    accession = models.CharField(max_length=64)
    study_uid = models.CharField(max_length=64, blank=True)
    patient = models.CharField(max_length=64, help_text="As the desk knows her: her identifier.")
    name = models.CharField(max_length=200, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    description = models.CharField(max_length=200, blank=True)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=200, help_text="Who said so.")
    is_cancelled = models.BooleanField(default=False)
    study = models.ForeignKey(
        Study, null=True, blank=True, on_delete=models.SET_NULL, related_name="expected"
    )
    told_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "accession"], name="one_expected_an_accession")
        ]

    def __str__(self) -> str:
        return self.accession
