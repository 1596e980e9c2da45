"""Calls about studies: list, create, take, choose the profile.

Owns requests and answers; what is done stands in ``studies`` and ``worklist``.
"""

import datetime
import hashlib
from typing import Annotated, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router, Schema, Status
from pydantic import Field

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, rights_of, study_for, visible_studies
from deeppcos.app.web.api.bearer import token_of
from deeppcos.app.web.api.paging import PageAsked, page_of
from deeppcos.app.web.api.problems import EVERYWHERE, SENDING, Refusal, refusal_of, refused
from deeppcos.app.web.api.shapes import State, StudyOut, StudyPage, study_out
from deeppcos.app.web.api.words import NO_NUL, Line
from deeppcos.app.web.assessment.choosing import choose_profile
from deeppcos.app.web.models import ApiToken, IdempotencyKey, Study
from deeppcos.app.web.studies.forms import NewStudyForm
from deeppcos.app.web.studies.handling import assign_study, begin_study
from deeppcos.app.web.studies.removing import remove_study
from deeppcos.app.web.worklist.query import ORDERS, WorklistQuery, narrowed, ordered
from deeppcos.errors import InvalidInput

router = Router(tags=["studies"])


class StudiesAsked(PageAsked):
    """The worklist's own filters."""

    q: Annotated[str, Field(max_length=100, pattern=NO_NUL)] = ""
    state: State | None = None
    urgency: Annotated[int, Field(ge=0, le=2, description="At least this urgent.")] = 0
    mine: bool = False
    near: Annotated[bool, Field(description="Only what lies near a threshold.")] = False
    order: Literal["urgency", "newest", "oldest", "patient", "closeness"] = "urgency"


class NewStudy(Schema):
    """What a study begins with. Its site is the token's."""

    identifier: Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
    name: Line = ""
    birth_date: datetime.date | None = None
    accession: Annotated[str, Field(max_length=64, pattern=NO_NUL)] = ""
    performed_on: datetime.date | None = None
    urgency: Annotated[int, Field(ge=0, le=2)] = 0


class Assignment(Schema):
    """Whose study it is to look at."""

    mine: bool


class ProfileChoice(Schema):
    """Criteria profile of a study."""

    profile: Line


@router.get("/studies", response={200: StudyPage, **EVERYWHERE}, summary="List studies")
def list_studies(request: HttpRequest, asked: Query[StudiesAsked]) -> object:
    """Studies of the token's site, with the filters and orders of the worklist."""
    user = account_of(request)
    _refuse_without(request, Right.SEE_STUDIES)
    query = WorklistQuery(
        text=asked.q.strip(),
        state=asked.state or "",
        urgency=asked.urgency,
        is_mine=asked.mine,
        is_near=asked.near,
        order=asked.order,
    )
    rows = narrowed(visible_studies(user), query, user)
    rows = ordered(rows, query).select_related("patient", "site", "assigned_to")
    return page_of(rows, asked, order=(*ORDERS[query.order], "pk"), show=study_out)


@router.post(
    "/studies",
    response={201: StudyOut, 200: StudyOut, **SENDING, 409: Refusal},
    summary="Create a study",
)
def create_study(
    request: HttpRequest,
    new: NewStudy,
    idempotency_key: Annotated[
        str, Header(alias="Idempotency-Key", max_length=128, pattern=NO_NUL)
    ] = "",
) -> object:
    """Begin a study at the token's site; its files come after it.

    With an `Idempotency-Key`, sending the same request again answers the study it made (200).
    """
    token, user = token_of(request), account_of(request)
    _refuse_without(request, Right.ADD_STUDIES)
    said = hashlib.sha256(new.model_dump_json().encode()).hexdigest()
    before = _made_before(token, idempotency_key, said)
    if before is not None:
        return Status(200, study_out(before))
    form = NewStudyForm(
        {**new.model_dump(mode="json"), "site": token.site_id}, sites=[token.site_id]
    )
    if not form.is_valid():
        return refusal_of(422, _questions(form))
    try:
        with transaction.atomic():
            begun = begin_study(form, by=user)
            if idempotency_key:
                IdempotencyKey.objects.create(
                    token=token, key=idempotency_key, body_sha256=said, study=begun
                )
    except IntegrityError:
        before = _made_before(token, idempotency_key, said)
        if before is None:
            return refused(
                409,
                "somebody else created a study with this accession number just now",
                value=new.accession,
                remedy="look for it in the list, or send another number",
            )
        return Status(200, study_out(before))
    return Status(201, study_out(begun))


@router.get("/studies/{study_id}", response={200: StudyOut, **EVERYWHERE}, summary="One study")
def get_study(request: HttpRequest, study_id: UUID, response: HttpResponse) -> object:
    """Where a study stands."""
    user = account_of(request)
    study = study_for(user, study_id)
    audit.record("study.viewed", actor=user, study=study)
    response["ETag"] = f'"{study.version}"'
    return study_out(study)


@router.put(
    "/studies/{study_id}/assignment",
    response={200: StudyOut, **SENDING},
    summary="Take a study, or give it back",
)
def set_assignment(request: HttpRequest, study_id: UUID, wanted: Assignment) -> object:
    """Take a study as one's own, or give it back."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    if wanted.mine != (study.assigned_to_id == user.pk):
        assign_study(study, user if wanted.mine else None, by=user)
    return study_out(study)


@router.put(
    "/studies/{study_id}/profile",
    response={200: StudyOut, **SENDING},
    summary="Choose the criteria profile",
)
def set_profile(request: HttpRequest, study_id: UUID, wanted: ProfileChoice) -> object:
    """Assess a study by another criteria profile from now on."""
    user = account_of(request)
    choose_profile(study_for(user, study_id, Right.MARK), wanted.profile, by=user)
    return study_out(study_for(user, study_id))


@router.delete(
    "/studies/{study_id}", response={204: None, **EVERYWHERE}, summary="Remove an empty study"
)
def delete_study(request: HttpRequest, study_id: UUID) -> object:
    """Remove a study in which nothing was read or assessed; the audit trail keeps that it was."""
    user = account_of(request)
    remove_study(study_for(user, study_id, Right.ADD_STUDIES), by=user)
    return Status(204, None)


def _refuse_without(request: HttpRequest, right: Right) -> None:
    """Refuse a call that is about no study in particular."""
    if right not in rights_of(account_of(request), token_of(request).site_id):
        raise PermissionDenied


def _made_before(token: ApiToken, key: str, said: str) -> Study | None:
    """The study a request of this name made, if it was the same request."""
    if not key:
        return None
    kept = (
        IdempotencyKey.objects.select_related("study__patient", "study__site", "study__assigned_to")
        .filter(token=token, key=key)
        .first()
    )
    if kept is None:
        return None
    if kept.body_sha256 != said:
        raise InvalidInput(
            "this Idempotency-Key was used for another request",
            value=key[:40],
            accepted="a key of its own for every study",
            remedy="send a new key",
        )
    return kept.study


def _questions(form: NewStudyForm) -> list[InvalidInput]:
    """What the form asks back, field by field."""
    return [
        InvalidInput(f"{name}: {said}", value=str(form.data.get(name) or "")[:80])
        for name, problems in form.errors.items()
        for said in problems
    ]
