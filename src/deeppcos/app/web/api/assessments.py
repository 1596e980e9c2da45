"""Calls about assessments: every version, the current one, and another profile's answer.

Owns requests and answers; when an assessment is made anew stands in ``studies.current``.
"""

import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest, JsonResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from deeppcos.app.web import audit
from deeppcos.app.web.access import account_of, study_for
from deeppcos.app.web.api.blinding import refuse_blinded
from deeppcos.app.web.api.problems import EVERYWHERE
from deeppcos.app.web.api.words import Line, Number
from deeppcos.app.web.models import Assessment, Purpose, User
from deeppcos.app.web.studies.current import current_assessment, document_under
from deeppcos.app.web.viewer.reading import reading_for
from deeppcos.clinical.profiles import profile_named
from deeppcos.records.assessment_document import AssessmentDocument

router = Router(tags=["assessments"], by_alias=True)


class AssessmentSummary(BaseModel):
    """One version of a study's assessment. None is ever changed."""

    number: int
    made_at: datetime.datetime
    made_by: str | None
    release: str
    profile: str
    is_machines: bool = Field(description="Whether no reader has corrected a mark in it.")
    marks_version: int | None
    status: str
    phenotype: str | None


class AssessmentOut(AssessmentSummary):
    """One version with its document."""

    document: AssessmentDocument


class TrialOut(BaseModel):
    """What would follow under another profile. Nothing is stored."""

    profile: str
    document: AssessmentDocument


@router.get(
    "/studies/{study_id}/assessments",
    response={200: list[AssessmentSummary], **EVERYWHERE},
    summary="Versions",
)
def list_assessments(request: HttpRequest, study_id: UUID) -> object:
    """Every version, oldest first."""
    user = account_of(request)
    study = study_for(user, study_id)
    refuse_blinded(study, user)
    rows = study.assessments.defer("document", "chart").select_related("made_by")
    return [_summary(one) for one in rows]


@router.get(
    "/studies/{study_id}/assessments/current",
    response={200: AssessmentOut, **EVERYWHERE},
    summary="The current assessment",
)
def get_current(request: HttpRequest, study_id: UUID) -> object:
    """The newest version, made anew if chart, marks, sides or profile have changed since."""
    user = account_of(request)
    study = study_for(user, study_id)
    refuse_blinded(study, user)
    newest = current_assessment(study, user)
    if newest is None:
        raise Http404("nothing has been read")
    return _shown(newest, user)


@router.get(
    "/studies/{study_id}/assessments/under",
    response={200: TrialOut, **EVERYWHERE},
    summary="Under another profile",
)
def get_under(request: HttpRequest, study_id: UUID, profile: Annotated[Line, Query()]) -> object:
    """What would follow under another criteria profile; nothing is stored."""
    user = account_of(request)
    study = study_for(user, study_id)
    refuse_blinded(study, user)
    key = profile_named(profile).key
    reading = reading_for(study, user, Purpose.REVIEW)
    if reading.base is None:
        raise Http404("nothing has been read")
    document = document_under(study, reading, profile=key)
    audit.record("assessment.viewed", actor=user, study=study, detail={"profile": key})
    return JsonResponse({"profile": key, "document": document.model_dump(mode="json")})


@router.get(
    "/studies/{study_id}/assessments/{number}",
    response={200: AssessmentOut, **EVERYWHERE},
    summary="One version",
)
def get_assessment(request: HttpRequest, study_id: UUID, number: Number) -> object:
    """One version as it was made."""
    user = account_of(request)
    study = study_for(user, study_id)
    refuse_blinded(study, user)
    found = study.assessments.filter(number=number).select_related("made_by").first()
    if found is None:
        raise Http404("no such version")
    return _shown(found, user)


def _shown(assessment: Assessment, user: User) -> JsonResponse:
    """A version with its document, sent as it is stored."""
    audit.record(
        "assessment.viewed",
        actor=user,
        study=assessment.study,
        detail={"assessment": assessment.number},
    )
    body: dict[str, Any] = _summary(assessment).model_dump(mode="json")
    return JsonResponse({**body, "document": assessment.document})


def _summary(one: Assessment) -> AssessmentSummary:
    return AssessmentSummary(
        number=one.number,
        made_at=one.made_at,
        made_by=one.made_by.get_full_name() if one.made_by else None,
        release=one.release,
        profile=one.profile,
        is_machines=one.is_machines,
        marks_version=one.marks_version,
        status=one.status,
        phenotype=one.phenotype or None,
    )
