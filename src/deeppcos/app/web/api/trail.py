"""Calls about the audit trail, the token itself and the server's health.

Owns requests and answers; the chain is checked by ``deeppcos audit-log verify``.
"""

import datetime
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

import deeppcos
from deeppcos.app.web.access import Right, account_of, rights_of, sites_with
from deeppcos.app.web.api.bearer import token_of
from deeppcos.app.web.api.paging import PageAsked, page_of
from deeppcos.app.web.api.problems import EVERYWHERE, Refusal
from deeppcos.app.web.api.words import NO_NUL
from deeppcos.app.web.models import AuditEvent, Site
from deeppcos.errors import TemporaryFailure

router = Router(tags=["audit and server"])


class TrailAsked(PageAsked):
    """Which events."""

    action: Annotated[str, Field(max_length=40, pattern=NO_NUL)] = ""
    about: Annotated[str, Field(max_length=80, pattern=NO_NUL)] = ""
    since: datetime.datetime | None = None


class EventOut(BaseModel):
    """One event; `hash` covers everything in it and the event before."""

    number: int
    at: datetime.datetime
    actor: str
    action: str
    about: str
    detail: dict[str, Any]
    previous_hash: str
    hash: str


class EventPage(BaseModel):
    """Some events of the trail."""

    items: list[EventOut]
    next: str | None


class TokenOut(BaseModel):
    """The token a call is made with."""

    id: UUID
    name: str
    owner: str
    site: str
    scopes: list[str]
    rights: list[str] = Field(description="What its owner's roles leave of the scopes now.")
    expires_at: datetime.datetime


class Health(BaseModel):
    """That the server can work."""

    status: str
    version: str


@router.get("/audit-trail", response={200: EventPage, **EVERYWHERE}, summary="Read the audit trail")
def list_events(request: HttpRequest, asked: Query[TrailAsked]) -> object:
    """Events of the token's site, oldest first. Needs `audit:read`."""
    sites = sites_with(account_of(request), Right.READ_AUDIT)
    if not sites:
        raise PermissionDenied
    rows = AuditEvent.objects.filter(site__in=sites)
    if asked.action:
        rows = rows.filter(action=asked.action)
    if asked.about:
        rows = rows.filter(about=asked.about)
    if asked.since is not None:
        rows = rows.filter(at__gte=_aware(asked.since))
    return page_of(rows, asked, order=("number",), show=_event_out)


@router.get("/token", response={200: TokenOut, **EVERYWHERE}, summary="This token")
def get_token(request: HttpRequest) -> object:
    """Whose token this is, and what it may do now."""
    token = token_of(request)
    return TokenOut(
        id=token.pk,
        name=token.name,
        owner=token.user.get_full_name(),
        site=token.site.slug,
        scopes=token.scopes,
        rights=sorted(rights_of(account_of(request), token.site_id)),
        expires_at=token.expires_at,
    )


@router.get(
    "/health", auth=None, response={200: Health, 503: Refusal}, summary="Whether the server works"
)
def health(request: HttpRequest) -> object:
    """200 when the data base answers, else 503. Needs no token."""
    try:
        Site.objects.exists()
    except DatabaseError as problem:
        raise TemporaryFailure("the data base does not answer") from problem
    return Health(status="ok", version=deeppcos.__version__)


def _aware(when: datetime.datetime) -> datetime.datetime:
    """A moment; one without a zone is meant in UTC."""
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)


def _event_out(one: AuditEvent) -> EventOut:
    return EventOut(
        number=one.number,
        at=one.at,
        actor=one.actor_name,
        action=one.action,
        about=one.about,
        detail=one.detail,
        previous_hash=one.previous_hash,
        hash=one.hash,
    )
