"""What every page is given: navigation by rights, theme, banner.

Owns the table of the navigation: to add an entry, one line.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import deeppcos
from deeppcos.app.web.access import Right, account_of, rights_of
from deeppcos.app.web.connections.places import is_connected
from deeppcos.app.web.models import Study, User

THEME_COOKIE = "theme"
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """One entry of the navigation.

    Attributes:
        name: Name of the URL.
        label: What it says.
        right: Shown to those who hold it.
        shown_if: Whether there is anything to show at all.
    """

    name: str
    label: str | Promise
    right: Right
    shown_if: Callable[[], bool] = lambda: True


NAVIGATION: tuple[NavigationEntry, ...] = (
    NavigationEntry("worklist:list", _("Worklist"), Right.SEE_STUDIES),
    NavigationEntry("studies:new", _("New study"), Right.ADD_STUDIES),
    NavigationEntry("connections:expected", _("Expected"), Right.ADD_STUDIES, is_connected),
    NavigationEntry("research:cohorts", _("Research"), Right.SEE_COHORTS),
    NavigationEntry("monitoring:page", _("Monitoring"), Right.SEE_COHORTS),
    NavigationEntry("accounts:people", _("People"), Right.MANAGE_ACCOUNTS),
    NavigationEntry("connections:page", _("Connections"), Right.MANAGE_CONNECTIONS),
    NavigationEntry("learning:reading-list", _("Reading list"), Right.MARK),
    NavigationEntry("learning:readers", _("Learning"), Right.TEACH),
    NavigationEntry("trail:list", _("Audit trail"), Right.READ_AUDIT),
)

STUDY_TABS: tuple[NavigationEntry, ...] = (
    NavigationEntry("studies:study", _("Overview"), Right.SEE_STUDIES),
    NavigationEntry("studies:chart", _("Chart"), Right.SEE_STUDIES),
    NavigationEntry("viewer:page", _("Pictures and marks"), Right.SEE_STUDIES),
    NavigationEntry("assessment:page", _("Assessment"), Right.SEE_STUDIES),
    NavigationEntry("signoff:sign", _("Sign-off"), Right.SEE_STUDIES),
    NavigationEntry("connections:study", _("Sent"), Right.SEE_STUDIES, is_connected),
    NavigationEntry("patient:share", _("For the patient"), Right.RELEASE_TO_PATIENT),
)
"""Parts of one study; each URL takes ``study_id``. To add one, one line."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One part of a study as linked to."""

    url: str
    label: str | Promise
    is_here: bool


def tabs_of(request: HttpRequest, study: Study) -> list[Tab]:
    """The parts of a study this person may open; no pictures without a picture."""
    rights = rights_of(account_of(request), study.site_id)
    empty = set() if study.images.filter(is_ready=True).exists() else {"viewer:page"}
    part = _part_of(getattr(request.resolver_match, "view_name", ""))
    return [
        Tab(reverse(entry.name, args=[study.pk]), entry.label, is_here=entry.name == part)
        for entry in STUDY_TABS
        if entry.right in rights and entry.name not in empty and entry.shown_if()
    ]


def _part_of(here: str) -> str:
    """The tab a page belongs to: its own, or the only one of its area, as a report's."""
    tabs = [entry.name for entry in STUDY_TABS]
    area = [name for name in tabs if name.partition(":")[0] == here.partition(":")[0]]
    return here if here in tabs or len(area) != 1 else area[0]


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Navigation, theme and version for every page."""
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    return {
        "navigation": _navigation(request),
        "home": _home(request),
        "theme": theme if theme in THEMES else "auto",
        "software_version": deeppcos.__version__,
    }


def _home(request: HttpRequest) -> str:
    """Where the mark in the corner leads."""
    user = getattr(request, "user", None)
    return home_of(user) if user is not None and user.is_authenticated else "/"


def home_of(user: User) -> str:
    """The first page somebody may see; an administrator who sees no patient has no worklist."""
    rights = rights_of(user)
    for entry in NAVIGATION:
        if entry.right in rights and entry.shown_if():
            return reverse(entry.name)
    return reverse("accounts:me")


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    rights = rights_of(user)
    here = getattr(request.resolver_match, "view_name", "")
    return [
        {"url": reverse(entry.name), "label": entry.label, "is_here": entry.name == here}
        for entry in NAVIGATION
        if entry.right in rights and entry.shown_if()
    ]
