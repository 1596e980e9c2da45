"""Calls about sign-off, signed reports and amendments.

Owns requests and answers; what is checked and written stands in ``signoff.signing``.
"""

import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router, Schema, Status
from pydantic import BaseModel, Field

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, study_for
from deeppcos.app.web.api.blinding import refuse_blinded
from deeppcos.app.web.api.problems import EVERYWHERE, SENDING, Refusal
from deeppcos.app.web.api.shapes import StudyOut, study_out
from deeppcos.app.web.api.words import NO_NUL, Number, Remark
from deeppcos.app.web.models import SignedReport
from deeppcos.app.web.signoff.signing import HTML, JSON, PDF, Wanted, begin_amendment, sign_study
from deeppcos.app.web.signoff.views import document

router = Router(tags=["reports"])

FILES = {"json": JSON, "html": HTML, "pdf": PDF}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE = {
    "responses": {
        200: {
            "description": "The file, exactly as it was signed.",
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/AssessmentDocument"}},
                "text/html": {"schema": {"type": "string"}},
                "application/pdf": _BINARY,
            },
        }
    }
}


class Signing(Schema):
    """A signature by the owner of the token."""

    assessment: Number
    role: Annotated[str, Field(min_length=1, max_length=80, pattern=NO_NUL)]
    looked: Annotated[
        Literal[True], Field(description="That she looked at pictures, marks and chart.")
    ]
    comment: Remark = ""
    because: Annotated[Remark, Field(description="What an amendment changes, and why.")] = ""


class ReportOut(BaseModel):
    """One signed version of a report; an amendment is another version."""

    number: int
    assessment: int
    signer: str
    signer_role: str
    signed_at: datetime.datetime
    comment: str
    amends: int | None
    amended_because: str | None
    json_sha256: str
    html_sha256: str
    pdf_sha256: str


@router.get(
    "/studies/{study_id}/reports",
    response={200: list[ReportOut], **EVERYWHERE},
    summary="Signed reports",
)
def list_reports(request: HttpRequest, study_id: UUID) -> object:
    """Every signed version, oldest first."""
    study = study_for(account_of(request), study_id)
    rows = study.reports.select_related("assessment", "amends").order_by("number")
    return [_report_out(one) for one in rows]


@router.post(
    "/studies/{study_id}/reports",
    response={201: ReportOut, **SENDING, 409: Refusal},
    summary="Sign",
)
def sign(request: HttpRequest, study_id: UUID, signing: Signing) -> object:
    """Sign the current assessment and lock its report, as the owner of the token.

    `assessment` is the number that was looked at; 409 where chart or marks changed since. Needs
    `reports:sign`, which only a clinician's own token can have.
    """
    user = account_of(request)
    study = study_for(user, study_id, Right.SIGN)
    wanted = Wanted(
        assessment_number=signing.assessment,
        role=signing.role,
        comment=signing.comment,
        because=signing.because,
    )
    return Status(201, _report_out(sign_study(study, wanted, signer=user)))


@router.post(
    "/studies/{study_id}/amendments",
    response={200: StudyOut, **EVERYWHERE},
    summary="Begin an amendment",
)
def amend(request: HttpRequest, study_id: UUID) -> object:
    """Open a signed study again; the signed report stays as it is. Needs `reports:sign`."""
    user = account_of(request)
    begin_amendment(study_for(user, study_id, Right.SIGN), by=user)
    return study_out(study_for(user, study_id))


@router.get(
    "/studies/{study_id}/reports/{number}",
    response={200: ReportOut, **EVERYWHERE},
    summary="One signed report",
)
def get_report(request: HttpRequest, study_id: UUID, number: Number) -> object:
    """One signed version, with the hashes of its files."""
    user = account_of(request)
    study = study_for(user, study_id)
    found = study.reports.filter(number=number).select_related("assessment", "amends").first()
    if found is None:
        raise Http404("no such report")
    audit.record("report.viewed", actor=user, study=study, detail={"report": number})
    return _report_out(found)


@router.get(
    "/studies/{study_id}/reports/{number}/files/{form}",
    response=EVERYWHERE,
    summary="A report's file",
    openapi_extra=_FILE,
)
def get_file(
    request: HttpRequest, study_id: UUID, number: Number, form: Literal["json", "html", "pdf"]
) -> HttpResponseBase:
    """The report as JSON, HTML or PDF, exactly as it was signed; its hash is checked."""
    user = account_of(request)
    refuse_blinded(study_for(user, study_id), user)
    return document(request, study_id, number, FILES[form])


def _report_out(one: SignedReport) -> ReportOut:
    return ReportOut(
        number=one.number,
        assessment=one.assessment.number,
        signer=one.signer_name,
        signer_role=one.signer_role,
        signed_at=one.signed_at,
        comment=one.comment,
        amends=one.amends.number if one.amends else None,
        amended_because=one.amended_because or None,
        json_sha256=one.json_sha256,
        html_sha256=one.html_sha256,
        pdf_sha256=one.pdf_sha256,
    )
