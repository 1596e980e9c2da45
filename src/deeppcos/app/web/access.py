"""Who may do what: default deny, and every right held at a site.

Owns roles' rights and the ways a view states what it needs. A view that states nothing answers
nobody.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from deeppcos.app.web.models import Patient, Role, Study, User

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class Right(StrEnum):
    """Something one may be permitted to do at a site."""

    SEE_STUDIES = "see_studies"
    ADD_STUDIES = "add_studies"
    MARK = "mark"
    SIGN = "sign"
    RELEASE_TO_PATIENT = "release_to_patient"
    SEE_COHORTS = "see_cohorts"
    EXPORT_RESEARCH = "export_research"
    TEACH = "teach"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_CONNECTIONS = "manage_connections"
    MANAGE_RELEASES = "manage_releases"
    READ_AUDIT = "read_audit"


RIGHTS: dict[str, frozenset[Right]] = {
    Role.SONOGRAPHER: frozenset({Right.SEE_STUDIES, Right.ADD_STUDIES, Right.MARK}),
    Role.CLINICIAN: frozenset(
        {
            Right.SEE_STUDIES,
            Right.ADD_STUDIES,
            Right.MARK,
            Right.SIGN,
            Right.RELEASE_TO_PATIENT,
            Right.SEE_COHORTS,
        }
    ),
    Role.RESEARCHER: frozenset({Right.SEE_COHORTS, Right.EXPORT_RESEARCH, Right.TEACH}),
    Role.ADMINISTRATOR: frozenset(
        {
            Right.MANAGE_ACCOUNTS,
            Right.MANAGE_CONNECTIONS,
            Right.MANAGE_RELEASES,
            Right.READ_AUDIT,
            Right.TEACH,
        }
    ),
}
"""An administrator keeps accounts and sees no patient; who needs both is granted both."""

GUARD_THEMSELVES = frozenset({"api"})
"""Namespaces whose library checks a token itself, path by path."""

_NEEDED, _OPEN, _SIGNED_IN = "needed_right", "is_open_to_all", "is_for_signed_in"


def needs(right: Right) -> Callable[[View], View]:
    """Say which right a view needs; at which site is for the view to check.

    Args:
        right: Held at any site it opens the view; use ``study_for`` inside for the study's site.
    """

    def mark(view: View) -> View:
        setattr(view, _NEEDED, right)
        return view

    return mark


def open_to_all(view: View) -> View:
    """Say that a view answers everybody, signed in or not."""
    setattr(view, _OPEN, True)
    return login_not_required(view)


def for_signed_in(view: View) -> View:
    """Say that a view answers everybody who is signed in."""
    setattr(view, _SIGNED_IN, True)
    return view


def is_permitted(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether a view answers this request; one that states nothing never does."""
    if getattr(view, _OPEN, False):
        return True
    match = request.resolver_match
    if match is not None and set(match.namespaces) & GUARD_THEMSELVES:
        return True
    if not request.user.is_authenticated:
        return False
    if getattr(view, _SIGNED_IN, False):
        return True
    right = getattr(view, _NEEDED, None)
    return right is not None and right in rights_of(request.user)


class DefaultDenyMiddleware:
    """Refuse every view that does not say who may see it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; ``process_view`` decides."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        """Let pass, or raise PermissionDenied."""
        if not is_permitted(request, view):
            raise PermissionDenied


def grants_of(user: User) -> dict[int, frozenset[Right]]:
    """Every right of a person by site id; asked of the data base once a request."""
    known: dict[int, frozenset[Right]] | None = getattr(user, "_rights_by_site", None)
    if known is None:
        known = {}
        for site, role in user.grants.values_list("site_id", "role"):
            known[site] = known.get(site, frozenset()) | RIGHTS[role]
        user._rights_by_site = known  # type: ignore[attr-defined]
    return known


def account_of(request: HttpRequest) -> User:
    """The account a request is made with; views that state a right always have one."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


def narrow(user: User, *, site_id: int, rights: frozenset[Right]) -> None:
    """Leave an account, for as long as it is held in memory, these rights at this site at most.

    Args:
        user: The account; rights it does not hold are not given to it.
        site_id: The only site it may act at.
        rights: The most it may do there.
    """
    held = grants_of(user).get(site_id, frozenset())
    user._rights_by_site = {site_id: held & rights}  # type: ignore[attr-defined]


def rights_of(user: User, site_id: int | None = None) -> frozenset[Right]:
    """The rights of a person at a site, or at any of theirs when None."""
    if not user.is_active:
        return frozenset()
    grants = grants_of(user)
    if site_id is not None:
        return grants.get(site_id, frozenset())
    return frozenset().union(*grants.values())


def sites_with(user: User, right: Right) -> list[int]:
    """Ids of the sites where a person has a right."""
    return [site for site, rights in grants_of(user).items() if right in rights]


def visible_studies(user: User, right: Right = Right.SEE_STUDIES) -> QuerySet[Study]:
    """The studies of the sites where a person has a right."""
    sites = sites_with(user, right)
    # One site as an equality lets an index give the order too.
    if len(sites) == 1:
        return Study.objects.filter(site=sites[0])
    return Study.objects.filter(site__in=sites)


def study_for(user: User, study_id: UUID, right: Right = Right.SEE_STUDIES) -> Study:
    """One study, if this person may do this with it.

    Args:
        user: Who asks.
        study_id: Which study.
        right: What is to be done with it.

    Returns:
        The study with its patient and site.

    Raises:
        Http404: If there is no such study, or none this person may know of.
        PermissionDenied: If the person may see it, but not do this.
    """
    study = (
        visible_studies(user)
        .select_related("patient", "site", "assigned_to")
        .filter(pk=study_id)
        .first()
    )
    if study is None:
        raise Http404("no such study")
    if right not in rights_of(user, study.site_id):
        raise PermissionDenied
    return study


def patient_for(user: User, patient_id: UUID) -> Patient:
    """One patient, if this person may see her studies; else as if there were none."""
    sites = sites_with(user, Right.SEE_STUDIES)
    patient = Patient.objects.filter(site__in=sites, pk=patient_id).first()
    if patient is None:
        raise Http404("no such patient")
    return patient
