"""What the machine and the readers say of a study.

Owns assessments (whole documents) and marks (deltas on a machine's marks). Applying deltas is the
business of ``deeppcos.app.desk.marks``.
"""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.models.people import User
from deeppcos.app.web.models.studies import Image, Study


class Assessment(models.Model):
    """One frozen record: pictures, marks and chart as they were, and what followed.

    Never changed once written. ``document`` is ``deeppcos.assessment/1``, in which the source of
    a frame is the image's id. ``marks`` names the reader's marks it rests on; without them it is
    the machine's alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="assessments")
    number = models.PositiveIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    release = models.CharField(max_length=64, blank=True)
    profile = models.CharField(max_length=32)
    schema = models.CharField(max_length=40)
    document = models.JSONField()
    chart = models.JSONField()
    marks = models.ForeignKey(
        "web.MarkSet", null=True, blank=True, on_delete=models.PROTECT, related_name="assessments"
    )
    marks_version = models.PositiveIntegerField(null=True, blank=True)
    status = models.CharField(max_length=32)
    phenotype = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering: ClassVar = ["study", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "number"], name="assessments_are_numbered")
        ]

    def __str__(self) -> str:
        return f"{self.study} assessment {self.number}"

    @property
    def is_machines(self) -> bool:
        """Whether no reader has changed a mark in it."""
        return self.marks_id is None


class Purpose(models.TextChoices):
    """Why somebody marks a study."""

    REVIEW = "review", _("review")
    SECOND_READING = "second", _("second reading")
    ADJUDICATION = "adjudication", _("adjudication")


class MarkSet(models.Model):
    """Marks on one machine assessment: deltas, in the order they were made.

    A review is the draft all people of the study correct together, begun by ``reader``; a second
    reading is its reader's own. ``version`` goes up with every edit; saving names the version it
    was made on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="mark_sets")
    base = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="mark_sets")
    base_release = models.CharField(max_length=64, blank=True)
    reader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="mark_sets")
    reader_role = models.CharField(max_length=16, blank=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.REVIEW)
    is_blinded = models.BooleanField(
        default=False, help_text="Whether other readers' marks are hidden from this one."
    )
    machine_shown_first = models.BooleanField(
        default=True, help_text="Whether the reader saw the machine's marks before marking."
    )
    release_shown = models.CharField(
        max_length=64, blank=True, help_text="Release whose marks were shown; empty when none were."
    )
    version = models.PositiveIntegerField(default=0)
    seconds_spent = models.FloatField(
        default=0.0, help_text="Time at work up to the last correction; a Sitting holds all of it."
    )
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["base"],
                condition=models.Q(purpose="review"),
                name="one_draft_an_assessment",
            ),
            models.UniqueConstraint(
                fields=["base", "reader", "purpose"],
                condition=~models.Q(purpose="review"),
                name="one_reading_a_reader",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study} marks of {self.reader}"

    @property
    def seconds_at_work(self) -> float:
        """Time all its readers spent at the pictures, also where nothing was corrected."""
        sittings = self.base.sittings.filter(purpose=self.purpose)
        if self.purpose != Purpose.REVIEW:
            sittings = sittings.filter(reader=self.reader)
        total = sittings.aggregate(seconds=models.Sum("seconds"))["seconds"]
        return float(total or 0.0)


class EditKind(models.TextChoices):
    """What a reader says was wrong. The words of learning from clinicians."""

    MISSED = "missed", _("missed follicle added")
    EXTRA = "extra", _("extra mark removed")
    BOUNDARY = "boundary", _("outline changed")
    SPLIT = "split", _("one mark split")
    MERGE = "merge", _("marks merged")
    WRONG_KIND = "wrong_kind", _("kind changed")
    NOT_ASSESSABLE = "not_assessable", _("frame not assessable")
    LABEL_DISPUTE = "label_dispute", _("label disputed")
    UNDO = "undo", _("taken back")


class Edit(models.Model):
    """One typed delta. Never changed and never removed: an undo is another edit.

    ``content`` is the whole edit as ``deeppcos.app.desk.marks.wire`` writes it. ``client_id`` lets
    a browser send the same edit twice after a lost connection without making two.
    """

    mark_set = models.ForeignKey(MarkSet, on_delete=models.CASCADE, related_name="edits")
    reader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="edits")
    reader_role = models.CharField(max_length=16, blank=True)
    number = models.PositiveIntegerField()
    client_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=EditKind.choices)
    undoes = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="edits")
    frame = models.PositiveIntegerField()
    content = models.JSONField(default=dict)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    made_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["mark_set", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mark_set", "number"], name="edits_are_numbered"),
            models.UniqueConstraint(fields=["mark_set", "client_id"], name="each_edit_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.image} frame {self.frame}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new edit; an old one stays as it is."""
        if not self._state.adding:
            raise TypeError("an edit is never changed; add another that undoes it")
        super().save(*args, **kwargs)
