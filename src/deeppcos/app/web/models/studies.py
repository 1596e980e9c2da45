"""Patients, studies and their pictures.

Owns what is stored of them and the columns the worklist searches. Which states follow which is
the business of ``deeppcos.app.desk.study_states``.
"""

import uuid
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.models.people import Site, User


class Patient(models.Model):
    """A woman whose studies are kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="patients")
    identifier = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    may_teach = models.BooleanField(
        null=True, help_text="Consent to learning from her studies; null when never asked."
    )
    may_research = models.BooleanField(
        null=True,
        help_text="Consent to research on her studies; null when never asked, and then not given.",
    )
    search_key = models.CharField(max_length=330, editable=False, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "identifier"], name="one_patient_an_identifier")
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep what is searched in step with name and identifier, in her studies too."""
        is_new, before = self._state.adding, self.search_key
        self.search_key = f"{self.name} {self.identifier}".casefold()[:260]
        _with_key(kwargs)
        super().save(*args, **kwargs)
        if not is_new and before != self.search_key:
            for study in self.studies.all():
                study.save(update_fields=["search_key"])

    def __str__(self) -> str:
        return self.name or self.identifier


def _with_key(arguments: dict[str, Any]) -> None:
    """Save the search key with whatever else is saved."""
    fields = arguments.get("update_fields")
    if fields is not None:
        arguments["update_fields"] = {*fields, "search_key"}


class StudyState(models.TextChoices):
    """How far a study has come."""

    ARRIVED = "arrived", _("arrived")
    ANALYSED = "analysed", _("analysed")
    IN_REVIEW = "in_review", _("in review")
    SIGNED = "signed", _("signed")
    SENT = "sent", _("sent")


class Urgency(models.IntegerChoices):
    """How soon somebody should look; larger is sooner."""

    ROUTINE = 0, _("routine")
    SOON = 1, _("soon")
    URGENT = 2, _("urgent")


class Study(models.Model):
    """One examination of one patient.

    ``chart`` is a ``deeppcos.chart/1`` document. ``version`` goes up with every change of chart,
    marks or state, and a change names the version it was made on (optimistic locking).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="studies")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="studies")
    accession = models.CharField(max_length=64)
    study_uid = models.CharField(max_length=64, blank=True, db_index=True)
    performed_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=StudyState.choices, default=StudyState.ARRIVED)
    urgency = models.SmallIntegerField(choices=Urgency.choices, default=Urgency.ROUTINE)
    assigned_to = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned_studies"
    )
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="created_studies"
    )
    chart = models.JSONField(default=dict, blank=True)
    refused_files = models.JSONField(
        default=list, blank=True, help_text="Name and reason of files that were sent and not kept."
    )
    profile = models.CharField(max_length=32, default="guideline_2023")
    version = models.PositiveIntegerField(default=1)
    is_example = models.BooleanField(default=False)
    search_key = models.CharField(max_length=330, editable=False)

    status = models.CharField(max_length=32, blank=True)
    count_margin = models.FloatField(null=True, blank=True)
    volume_margin_ml = models.FloatField(null=True, blank=True)
    closeness = models.FloatField(null=True, blank=True)

    arrived_at = models.DateTimeField(auto_now_add=True)
    analysed_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "studies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "accession"], name="one_study_an_accession")
        ]
        indexes: ClassVar = [
            models.Index(fields=["site", "-urgency", "-arrived_at"], name="study_worklist"),
            models.Index(fields=["site", "state", "-arrived_at"], name="study_by_state"),
            models.Index(fields=["site", "-arrived_at"], name="study_by_arrival"),
            models.Index(fields=["site", "closeness"], name="study_by_closeness"),
            models.Index(fields=["site", "search_key"], name="study_by_name"),
            models.Index(fields=["assigned_to", "-arrived_at"], name="study_by_owner"),
            models.Index(fields=["patient", "-performed_on"], name="study_by_patient"),
        ]

    def __str__(self) -> str:
        return self.accession

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep what is searched in step with patient and accession number."""
        self.search_key = f"{self.patient.search_key} {self.accession}".casefold()[:330]
        _with_key(kwargs)
        super().save(*args, **kwargs)

    @property
    def is_charted(self) -> bool:
        """Whether the chart says anything."""
        return any(name != "schema" for name in self.chart)

    @property
    def folder(self) -> Path:
        """Where the study's files lie in the data folder."""
        return Path(settings.DEEPPCOS_HOME) / "studies" / str(self.id)


class ImageKind(models.TextChoices):
    """What a file holds."""

    STILL = "still", _("still")
    SWEEP = "sweep", _("sweep")
    VOLUME = "volume", _("volume")


class StandingImages(models.Manager["Image"]):
    """The files that count: a withdrawn one is met only where somebody asks for it."""

    def get_queryset(self) -> "models.QuerySet[Image]":
        """Every file that is not withdrawn."""
        return super().get_queryset().filter(withdrawn_at=None)


class Image(models.Model):
    """One file of a study as it arrived, and its frames as pictures.

    The file lies at ``original``; frame *n* as a picture at ``frame_path(n)`` once ``is_ready``.
    A file that could not be read keeps its row and says why in ``refused_because``. A file that was
    withdrawn keeps its row and lies where it lay; ``objects`` and ``study.images`` leave it out, so
    that what is written without a thought of it never shows, counts, exports or sends it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="images")
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=255)
    stored_as = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    sop_instance_uid = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=8, choices=ImageKind.choices, blank=True)
    side = models.CharField(max_length=8, blank=True)
    frame_count = models.PositiveIntegerField(null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    mm_per_pixel_x = models.FloatField(null=True, blank=True)
    mm_per_pixel_y = models.FloatField(null=True, blank=True)
    scale_source = models.CharField(max_length=64, blank=True)
    slice_spacing_mm = models.FloatField(null=True, blank=True)
    section_plane = models.CharField(max_length=20, blank=True)
    frame_times_s = models.JSONField(null=True, blank=True)
    tissue_region = models.JSONField(null=True, blank=True, help_text="x0, y0, x1, y1 in pixels.")
    header = models.JSONField(
        null=True, blank=True, help_text="What a DICOM header offers a chart."
    )
    is_ready = models.BooleanField(default=False)
    refused_because = models.TextField(blank=True)
    added_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="withdrawn_images"
    )
    withdrawn_because = models.CharField(max_length=300, blank=True)

    objects = StandingImages()
    with_withdrawn = models.Manager["Image"]()

    class Meta:
        ordering: ClassVar = ["position", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "sha256"], name="each_file_once_a_study")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def original(self) -> Path:
        """The file as it arrived."""
        return self.study.folder / "images" / self.stored_as

    def frame_path(self, frame: int) -> Path:
        """One frame as a picture, numbered from 0."""
        return self.study.folder / "frames" / str(self.id) / f"{frame:05d}.png"
