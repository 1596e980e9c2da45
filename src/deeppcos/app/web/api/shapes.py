"""What studies, pictures and jobs look like to a program.

Owns the bodies of answers and how rows become them. Unknown is null, never zero or empty words.
"""

import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from deeppcos.app.web.models import Image, Job, Study

State = Literal["arrived", "analysed", "in_review", "signed", "sent"]
Side = Literal["left", "right"]


class PatientOut(BaseModel):
    """Whose study it is."""

    id: UUID
    identifier: str
    name: str
    birth_date: datetime.date | None


class StudyOut(BaseModel):
    """One study. `version` goes up with every change of chart, sides, profile or state."""

    id: UUID
    accession: str
    study_uid: str | None
    site: str
    patient: PatientOut
    performed_on: datetime.date | None
    state: State
    urgency: int = Field(ge=0, le=2, description="0 routine, 1 soon, 2 urgent.")
    assigned_to: str | None
    profile: str
    version: int
    status: str | None = Field(description="Conclusion of the newest assessment.")
    count_margin: float | None = Field(description="Follicles above (+) the threshold.")
    volume_margin_ml: float | None = Field(description="Volume above (+) the threshold, mL.")
    closeness: float | None = Field(description="Share of the threshold; small is near.")
    is_example: bool
    arrived_at: datetime.datetime
    analysed_at: datetime.datetime | None
    signed_at: datetime.datetime | None
    sent_at: datetime.datetime | None


class StudyPage(BaseModel):
    """Some studies of a list."""

    items: list[StudyOut]
    next: str | None


class DoingOut(BaseModel):
    """What a job is doing."""

    phase: str
    frame: int | None
    frames: int | None
    file: str


class JobOut(BaseModel):
    """Work in the background."""

    id: UUID
    kind: str
    study: UUID | None
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int = Field(description="Of `total`; both 0 before it is known.")
    total: int
    doing: DoingOut | None
    problem: str = Field(description="Why it failed, in words; else empty.")
    attempts: int
    is_cancel_wanted: bool
    asked_at: datetime.datetime
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None


class ImageOut(BaseModel):
    """One file of a study. Without a scale there are no millimetres."""

    id: UUID
    position: int
    name: str
    sha256: str
    size_bytes: int
    kind: Literal["still", "sweep", "volume"] | None
    side: Side | None
    section_plane: str | None
    frame_count: int | None
    width: int | None
    height: int | None
    mm_per_pixel_x: float | None
    mm_per_pixel_y: float | None
    scale_source: str | None
    slice_spacing_mm: float | None
    frame_times_s: list[float] | None
    tissue_region: list[float] | None
    is_ready: bool
    refused_because: str | None
    added_at: datetime.datetime


class WithdrawnImageOut(BaseModel):
    """A picture that was withdrawn: kept, and part of nothing."""

    id: UUID
    name: str
    sha256: str
    withdrawn_at: datetime.datetime
    withdrawn_by: str
    withdrawn_because: str


class ImagePage(BaseModel):
    """Some files of a study."""

    items: list[ImageOut]
    next: str | None


def study_out(study: Study) -> StudyOut:
    """A study as it is sent; with its patient, site and reader already read."""
    return StudyOut(
        id=study.pk,
        accession=study.accession,
        study_uid=study.study_uid or None,
        site=study.site.slug,
        patient=PatientOut(
            id=study.patient.pk,
            identifier=study.patient.identifier,
            name=study.patient.name,
            birth_date=study.patient.birth_date,
        ),
        performed_on=study.performed_on,
        state=study.state,  # type: ignore[arg-type]
        urgency=study.urgency,
        assigned_to=study.assigned_to.get_full_name() if study.assigned_to else None,
        profile=study.profile,
        version=study.version,
        status=study.status or None,
        **_columns(study, "count_margin volume_margin_ml closeness is_example"),
        **_columns(study, "arrived_at analysed_at signed_at sent_at"),
    )


def job_out(job: Job) -> JobOut:
    """A job as it is sent."""
    return JobOut(
        study=job.study_id,
        state=job.state,  # type: ignore[arg-type]
        doing=_doing(job.message),
        **_columns(job, "id kind done total problem attempts is_cancel_wanted"),
        **_columns(job, "asked_at started_at ended_at"),
    )


def image_out(image: Image) -> ImageOut:
    """A file as it is sent."""
    words = _columns(image, "kind side section_plane scale_source refused_because")
    known: dict[str, Any] = {name: word or None for name, word in words.items()}
    return ImageOut(
        **known,
        **_columns(image, "id position name sha256 size_bytes frame_count width height"),
        **_columns(image, "mm_per_pixel_x mm_per_pixel_y slice_spacing_mm frame_times_s"),
        **_columns(image, "tissue_region is_ready added_at"),
    )


def withdrawn_image_out(image: Image) -> WithdrawnImageOut:
    """A withdrawn picture as it is sent."""
    return WithdrawnImageOut(
        withdrawn_by=image.withdrawn_by.get_full_name() if image.withdrawn_by else "",
        **_columns(image, "id name sha256 withdrawn_at withdrawn_because"),
    )


def _columns(row: Any, names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names.split()}


def _doing(message: str) -> DoingOut | None:
    """What the reading process said last."""
    phase, *rest = message.split("|", 3)
    if len(rest) != 3:
        return None
    done, total, name = rest
    return DoingOut(phase=phase, frame=_number(done), frames=_number(total), file=name)


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None
