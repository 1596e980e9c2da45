"""The audit trail's page, its verification and its file."""

import csv
from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs
from deeppcos.app.web.models import AuditEvent, Study, User
from deeppcos.app.web.trail.query import actions, asked, narrowed, readable_events
from deeppcos.app.web.trail.verifying import Verified
from deeppcos.app.web.trail.verifying import verify as verify_trail

PAGE_SIZE = 50
COLUMNS = ("number", "at", "actor_name", "action", "about", "site", "detail", "hash")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would take a cell that begins so for a formula."""


@needs(Right.READ_AUDIT)
@never_cache
@require_safe
def trail(request: HttpRequest) -> HttpResponse:
    """The events of one's sites, the newest first. Reading them is an event, too."""
    audit.record("trail.viewed", actor=account_of(request), detail=_asked_words(request))
    return _page(request, None)


@needs(Right.READ_AUDIT)
@never_cache
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Check every link of the whole trail, and show what was found."""
    found = verify_trail()
    audit.record(
        "trail.verified",
        actor=account_of(request),
        detail={"events": found.events, "is_whole": found.is_whole},
    )
    return _page(request, found)


@needs(Right.READ_AUDIT)
@never_cache
@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """What the page shows, all of it, as a CSV file."""
    user = account_of(request)
    audit.record("trail.exported", actor=user, detail=_asked_words(request))
    events = narrowed(readable_events(user), asked(request.GET)).select_related("site")
    response = StreamingHttpResponse(_lines(events), content_type="text/csv; charset=utf-8")
    name = f"audit-trail-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _page(request: HttpRequest, verified: Verified | None) -> HttpResponse:
    user, query = account_of(request), asked(request.GET)
    events = narrowed(readable_events(user), query).select_related("site")
    page = Paginator(events, PAGE_SIZE).get_page(request.GET.get("page"))
    content = {
        "query": query,
        "page": page,
        "events": _readable(list(page)),
        "actions": actions(),
        "verified": verified,
    }
    return render(request, "trail/list.html", content)


def _readable(events: list[AuditEvent]) -> list[dict[str, Any]]:
    """Each event with accession number, name and words, which say more than ids and JSON."""
    studies = _names(events, "study:", Study, "accession")
    people = _names(events, "user:", User, "full_name")
    return [
        {
            "event": event,
            "study": studies.get(event.about, ""),
            "about": people.get(event.about) or event.about,
            "detail": [(key, _words(value)) for key, value in event.detail.items()],
        }
        for event in events
    ]


def _names(events: list[AuditEvent], prefix: str, model: type[Model], field: str) -> dict[str, str]:
    """What the things are called that events are about, by what the events call them."""
    ids = {event.about.removeprefix(prefix) for event in events if event.about.startswith(prefix)}
    known = {one for one in ids if one != "unknown"}
    rows = model._default_manager.filter(pk__in=known).values_list("pk", field)
    return {f"{prefix}{pk}": name for pk, name in rows}


def _words(value: object) -> str:
    """A value of an event's detail as people write it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or _("none")
    return str(value)


def _asked_words(request: HttpRequest) -> dict[str, str]:
    """The filters, as they are kept with the event; a search for a name is kept as that."""
    known = ("action", "study", "since", "until")
    said = {name: request.GET.get(name, "")[:100] for name in known if request.GET.get(name)}
    return said | ({"by": "name"} if request.GET.get("who") else {})


class _Line:
    """A file of which only the line just written is kept."""

    def write(self, line: str) -> str:
        return line


def _lines(events: QuerySet[AuditEvent]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for event in events.iterator(chunk_size=2000):
        cells = (
            event.number,
            event.at.isoformat(),
            event.actor_name,
            event.action,
            event.about,
            event.site.slug if event.site else "",
            event.detail or "",
            event.hash,
        )
        yield writer.writerow([_plain(str(cell)) for cell in cells])


def _plain(cell: str) -> str:
    """A cell no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
