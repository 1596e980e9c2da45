"""Calls about marks: what is marked, corrections, second readings.

Owns requests and answers; keeping corrections is done by ``viewer.keeping``, for the viewer's
page and for programs alike.
"""

import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, JsonResponse
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from deeppcos.app.desk.marks.wire import EditPart, EditsSent, kept_json, read_edits
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, study_for
from deeppcos.app.web.api.problems import EVERYWHERE, SENDING, Problem, Refusal
from deeppcos.app.web.api.words import Count
from deeppcos.app.web.models import MarkSet, Purpose, Study, User
from deeppcos.app.web.viewer import answers, keeping
from deeppcos.app.web.viewer.pictures import image_of
from deeppcos.app.web.viewer.reading import (
    StudyReading,
    log_of,
    open_blinded_reading,
    reading_for,
)
from deeppcos.records.assessment_document import Measurements

router = Router(tags=["marks"], by_alias=True)


class WhichReading(Schema):
    """Whose marks: the review all share, or one's own second reading."""

    reading: Literal["review", "second"] = "review"


class SinceAsked(WhichReading):
    """Corrections after a version."""

    since: Count = 0


class MarksOut(BaseModel):
    """Marks of every frame of one file; `docs/api.md` describes a frame."""

    picture: UUID
    version: int
    frames: list[dict[str, Any]]


class KeptEditOut(EditPart):
    """A correction that is kept, with who made it."""

    number: int
    reader: str
    received: datetime.datetime


class EditsOut(BaseModel):
    """Version of the log, and corrections."""

    version: int
    edits: list[KeptEditOut]


class KeptOut(BaseModel):
    """All corrections are kept; the log's version now."""

    version: int


class EditsConflict(Refusal):
    """Somebody else was quicker, or a correction does not fit: nothing was stored."""

    version: int
    edits: list[KeptEditOut] = Field(description="What was kept since your base version.")
    misfit: str = Field(description="Id of the correction that does not fit; else empty.")


class MeasuresOut(BaseModel):
    """Counts and measurements, kept apart. A blinded reader is told her own alone."""

    version: int
    machine: Measurements | None
    reader: Measurements | None
    signed: Measurements | None
    signed_by: str | None


class MarkSetOut(BaseModel):
    """One reading of a study."""

    id: UUID
    purpose: str
    reader: str
    on_assessment: int
    version: int
    is_blinded: bool
    machine_shown_first: bool
    seconds_spent: float
    started_at: datetime.datetime
    finished_at: datetime.datetime | None


@router.get(
    "/studies/{study_id}/mark-sets",
    response={200: list[MarkSetOut], **EVERYWHERE},
    summary="Readings",
)
def list_mark_sets(request: HttpRequest, study_id: UUID) -> object:
    """The readings of a study; whoever reads blinded is told of her own alone."""
    user = account_of(request)
    study = study_for(user, study_id)
    rows = study.mark_sets.select_related("reader", "base").order_by("started_at")
    if open_blinded_reading(study, user) is not None:
        rows = rows.filter(reader=user, purpose=Purpose.SECOND_READING)
    return [_mark_set_out(one) for one in rows]


@router.get(
    "/studies/{study_id}/images/{image_id}/marks",
    response={200: MarksOut, **EVERYWHERE},
    summary="Marks of a file",
)
def get_marks(
    request: HttpRequest, study_id: UUID, image_id: UUID, asked: Query[WhichReading]
) -> object:
    """Marks of every frame of one file as they stand now."""
    user = account_of(request)
    study = study_for(user, study_id)
    reading = _reading(study, user, asked)
    image = image_of(study, image_id)
    shows_marks = reading.base is not None and not reading.starts_empty
    audit.record("marks.shown" if shows_marks else "pictures.shown", actor=user, study=study)
    return JsonResponse(answers.marks_file(reading, image, version=reading.version))


@router.get(
    "/studies/{study_id}/edits", response={200: EditsOut, **EVERYWHERE}, summary="Corrections"
)
def list_edits(request: HttpRequest, study_id: UUID, asked: Query[SinceAsked]) -> object:
    """The log of corrections after a version, oldest first."""
    user = account_of(request)
    reading = _reading(study_for(user, study_id), user, asked)
    kept = kept_json(log_of(reading.mark_set, since=asked.since))
    return JsonResponse({"version": reading.version, "edits": kept})


@router.post(
    "/studies/{study_id}/edits",
    response={200: KeptOut, 409: EditsConflict, 423: Refusal, **SENDING},
    summary="Correct marks",
)
def add_edits(
    request: HttpRequest, study_id: UUID, sent: EditsSent, asked: Query[WhichReading]
) -> object:
    """Keep corrections: all or none, and each id once however often it is sent.

    409 where somebody else corrected since `base_version`; 423 once the study is signed or the
    reading finished.
    """
    user = account_of(request)
    reading = _reading(study_for(user, study_id, Right.MARK), user, asked)
    base_version, edits = read_edits(request.body)
    outcome = keeping.keep_edits(reading, user, base_version=base_version, edits=edits)
    if outcome.behind is None:
        return KeptOut(version=outcome.version)
    problem = Problem(
        what="a correction does not fit what stands now"
        if outcome.misfit
        else "somebody else corrected marks meanwhile",
        value=outcome.misfit,
        accepted=f"corrections made on version {outcome.version}",
        remedy="look at the corrections in this answer, then send yours again on this version",
    )
    body = Refusal(problem=problem).model_dump()
    kept = kept_json(outcome.behind)
    return JsonResponse(
        {**body, "version": outcome.version, "edits": kept, "misfit": outcome.misfit}, status=409
    )


@router.get(
    "/studies/{study_id}/measures",
    response={200: MeasuresOut, **EVERYWHERE},
    summary="Measurements",
)
def get_measures(request: HttpRequest, study_id: UUID, asked: Query[WhichReading]) -> object:
    """Counts and measurements: the machine's, the reader's and the signed."""
    user = account_of(request)
    found = answers.measures(_reading(study_for(user, study_id), user, asked))
    return JsonResponse(
        {
            "version": found["version"],
            "reader": found["reader"],
            "machine": found.get("machine"),
            "signed": found.get("signed"),
            "signed_by": found.get("signed_by") or None,
        }
    )


@router.post(
    "/studies/{study_id}/second-reading",
    response={201: MarkSetOut, **EVERYWHERE},
    summary="Begin a second reading",
)
def begin_second_reading(request: HttpRequest, study_id: UUID) -> object:
    """Begin a second reading, blinded to the machine and to other readers, or go on with it."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    return Status(201, _mark_set_out(keeping.begin_second_reading(study, user)))


@router.post(
    "/studies/{study_id}/second-reading/finish",
    response={200: MarkSetOut, **EVERYWHERE},
    summary="Finish a second reading",
)
def finish_second_reading(request: HttpRequest, study_id: UUID) -> object:
    """Close one's second reading; from then on its reader sees what others marked."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    mark_set = reading_for(study, user, Purpose.SECOND_READING).mark_set
    if mark_set is None:
        raise Http404("no such reading")
    keeping.finish_reading(mark_set, user)
    mark_set.refresh_from_db()
    return _mark_set_out(mark_set)


def _reading(study: Study, user: User, asked: WhichReading) -> StudyReading:
    """The reading a call is about; a blinded reader is always given her own."""
    is_second = asked.reading == "second" or open_blinded_reading(study, user) is not None
    return reading_for(study, user, Purpose.SECOND_READING if is_second else Purpose.REVIEW)


def _mark_set_out(one: MarkSet) -> MarkSetOut:
    return MarkSetOut(
        id=one.pk,
        purpose=one.purpose,
        reader=one.reader.get_full_name(),
        on_assessment=one.base.number,
        version=one.version,
        is_blinded=one.is_blinded,
        machine_shown_first=one.machine_shown_first,
        seconds_spent=one.seconds_spent,
        started_at=one.started_at,
        finished_at=one.finished_at,
    )
