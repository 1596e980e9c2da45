"""Calls about what a patient is given, and about her time lines.

Owns requests and answers; links are made in ``patient.releasing``, lines in ``desk.trends``.
"""

import datetime
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse
from ninja import Router, Schema, Status
from pydantic import BaseModel, Field

from deeppcos.app.desk.trends import Series, trends
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, patient_for, study_for, visible_studies
from deeppcos.app.web.api.blinding import refuse_blinded
from deeppcos.app.web.api.problems import EVERYWHERE, SENDING
from deeppcos.app.web.models import PatientLink
from deeppcos.app.web.models.links import secret_hash
from deeppcos.app.web.patient.releasing import LONGEST_DAYS, release_to_patient, take_back
from deeppcos.app.web.trends.visits import visits_of
from deeppcos.errors import InvalidInput

router = Router(tags=["patients"])


class Releasing(Schema):
    """Language and time of a link."""

    language: Annotated[str, Field(max_length=10)] = "en"
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 30


class LinkOut(BaseModel):
    """A link by which the patient reads her result."""

    id: UUID
    report: int
    language: str
    made_by: str
    made_at: datetime.datetime
    expires_at: datetime.datetime
    taken_back_at: datetime.datetime | None
    opened_count: int
    works: bool


class NewLinkOut(LinkOut):
    """A link that was just made."""

    address: str = Field(description="Where she reads it. Shown this once and not kept.")


class PointOut(BaseModel):
    """One value of one day."""

    day: datetime.date
    value: float
    low: float | None
    high: float | None
    limit: float | None
    study: UUID
    is_signed: bool


class SeriesOut(BaseModel):
    """Values that may stand on one line: same side, assay and unit."""

    name: str
    detail: str
    unit: str
    points: list[PointOut]


@router.get(
    "/studies/{study_id}/patient-links",
    response={200: list[LinkOut], **EVERYWHERE},
    summary="Patient links",
)
def list_links(request: HttpRequest, study_id: UUID) -> object:
    """The links to a study's reports, newest first; never their addresses."""
    study = study_for(account_of(request), study_id, Right.RELEASE_TO_PATIENT)
    rows = PatientLink.objects.filter(report__study=study).select_related("made_by", "report")
    return [LinkOut(**_link(one)) for one in rows]


@router.post(
    "/studies/{study_id}/patient-links",
    response={201: NewLinkOut, **SENDING},
    summary="Release to the patient",
)
def release(request: HttpRequest, study_id: UUID, wanted: Releasing) -> object:
    """Make a link to the newest signed report; nothing is released before a signature."""
    user = account_of(request)
    study = study_for(user, study_id, Right.RELEASE_TO_PATIENT)
    languages = dict(settings.PATIENT_LANGUAGES)
    if wanted.language not in languages:
        raise InvalidInput(
            "the patient's page does not speak this language",
            value=wanted.language.encode(errors="replace").decode(),
            accepted=", ".join(languages),
            remedy="choose one of these",
        )
    secret = release_to_patient(study, by=user, language=wanted.language, days=wanted.days)
    link = PatientLink.objects.get(secret_sha256=secret_hash(secret))
    address = request.build_absolute_uri(reverse("patient:page", args=[secret]))
    return Status(201, NewLinkOut(**_link(link), address=address))


@router.post(
    "/studies/{study_id}/patient-links/{link_id}/take-back",
    response={200: LinkOut, **EVERYWHERE},
    summary="Take a link back",
)
def take_link_back(request: HttpRequest, study_id: UUID, link_id: UUID) -> object:
    """Make a link void at once."""
    user = account_of(request)
    study = study_for(user, study_id, Right.RELEASE_TO_PATIENT)
    link = PatientLink.objects.filter(pk=link_id, report__study=study).first()
    if link is None:
        raise Http404("no such link")
    take_back(link, by=user)
    link.refresh_from_db()
    return LinkOut(**_link(link))


@router.get(
    "/patients/{patient_id}/trends",
    response={200: list[SeriesOut], **EVERYWHERE},
    summary="Time lines",
)
def get_trends(request: HttpRequest, patient_id: UUID) -> object:
    """Hormones and follicles of one patient; unknown values are gaps, never zero."""
    user = account_of(request)
    patient = patient_for(user, patient_id)
    for study in visible_studies(user).filter(patient=patient):
        refuse_blinded(study, user)
    audit.record("trends.viewed", actor=user, site=patient.site, about=f"patient:{patient.pk}")
    return [_series(one) for one in trends(visits_of(user, patient))]


def _link(one: PatientLink) -> dict[str, Any]:
    return {
        "id": one.pk,
        "report": one.report.number,
        "language": one.language,
        "made_by": one.made_by.get_full_name(),
        "made_at": one.made_at,
        "expires_at": one.expires_at,
        "taken_back_at": one.taken_back_at,
        "opened_count": one.opened_count,
        "works": one.works,
    }


def _series(one: Series) -> SeriesOut:
    points = [
        PointOut(
            day=p.day,
            value=p.value,
            low=p.low,
            high=p.high,
            limit=p.limit,
            study=UUID(p.study_id),
            is_signed=p.is_signed,
        )
        for p in one.points
    ]
    return SeriesOut(name=one.name, detail=one.detail, unit=one.unit, points=points)
