"""The page of the watch: signals against their window, alarms, and subgroups.

Owns requests and answers. Everybody who may see cohorts sees it and acknowledges alarms; who
may teach the machine as well names windows.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, rights_of, sites_with
from deeppcos.app.web.models import DriftAlarm, Site, User
from deeppcos.app.web.monitoring import mailing, watching
from deeppcos.app.web.monitoring.forms import WindowForm
from deeppcos.errors import DeepPCOSError, TemporaryFailure
from deeppcos.research.monitoring.signals import BY_NAME, ORDER, Source
from deeppcos.research.monitoring.subgroups import tables
from deeppcos.research.monitoring.watch import SignalState

WIDE, HIGH = 240, 56
"""Size of a signal's picture in its own units."""
LOWEST = -0.5
"""Evidence below this share of the limit is drawn there: there is nothing to see in it."""
MOST_POINTS = 240
MOST_UNFOLDED = 2
"""With more alarms than this only the first is unfolded: one change often moves many signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A signal with its picture.

    Attributes:
        state: Where it stands.
        line: Points of its evidence as SVG writes them.
        limit_y: Height of the limit.
        zero_y: Height of no evidence.
    """

    state: SignalState
    line: str
    limit_y: float
    zero_y: float


@needs(Right.SEE_COHORTS)
@never_cache
@require_safe
def page(request: HttpRequest, site_id: int | None = None) -> HttpResponse:
    """How a site stands."""
    user = account_of(request)
    site = _site(user, site_id)
    audit.record("monitoring.viewed", actor=user, site=site)
    return _page(request, site)


@needs(Right.SEE_COHORTS)
@require_POST
def look_now(request: HttpRequest, site_id: int) -> HttpResponse:
    """Look now instead of waiting for the clock."""
    user = account_of(request)
    site = _site(user, site_id)
    found = watching.look(site, by=user)
    try:
        mailing.send_unsent(site)
    except TemporaryFailure as problem:
        messages.warning(request, str(problem))
    if found.open_alarms:
        messages.warning(request, _("Something changed: see the alarms."))
    else:
        messages.success(request, _("Looked. No open alarm."))
    return redirect("monitoring:site", site.pk)


@needs(Right.TEACH)
@require_POST
def name(request: HttpRequest, site_id: int) -> HttpResponse:
    """Name a window."""
    user = account_of(request)
    site = _site(user, site_id)
    if Right.TEACH not in rights_of(user, site.pk):
        raise PermissionDenied
    form, problem = WindowForm(request.POST), None
    if form.is_valid():
        given = form.cleaned_data
        try:
            watching.name_window(
                site,
                name=given["name"],
                first=given["first"],
                last=given["last"],
                by=user,
                false_alarm_rate=given["rate"],
            )
        except DeepPCOSError as refused:
            problem = refused
        else:
            messages.success(request, _("The window is frozen. The watch begins anew."))
            return redirect("monitoring:site", site.pk)
    return _page(request, site, form=form, problem=problem, status=422)


@needs(Right.SEE_COHORTS)
@require_POST
def seen(request: HttpRequest, alarm_id: UUID) -> HttpResponse:
    """Acknowledge an alarm."""
    user = account_of(request)
    alarm = DriftAlarm.objects.select_related("window__site").filter(pk=alarm_id).first()
    if alarm is None or alarm.window.site_id not in sites_with(user, Right.SEE_COHORTS):
        raise Http404("no such alarm")
    try:
        watching.acknowledge(alarm, by=user, remark=request.POST.get("remark", ""))
    except DeepPCOSError as problem:
        return _page(request, alarm.window.site, problem=problem, status=422)
    messages.success(request, _("Acknowledged. The alarm stays in the history."))
    return redirect("monitoring:site", alarm.window.site_id)


def _site(user: User, site_id: int | None) -> Site:
    """A site whose watch a person may see; the first one when none is named."""
    mine = Site.objects.filter(pk__in=sites_with(user, Right.SEE_COHORTS))
    found = mine.first() if site_id is None else mine.filter(pk=site_id).first()
    if found is None:
        raise Http404("no such site")
    return found


def _page(
    request: HttpRequest,
    site: Site,
    *,
    form: WindowForm | None = None,
    problem: DeepPCOSError | None = None,
    status: int = 200,
) -> HttpResponse:
    user = account_of(request)
    found = watching.standing(site)
    sites = Site.objects.filter(pk__in=sites_with(user, Right.SEE_COHORTS))
    shown = tables(watching.cases(site), beside=watching.cases(*sites))
    context: dict[str, Any] = {
        "found": found,
        "groups": [
            (_SOURCES[source], [_drawn(state) for state in states])
            for source, states in watching.by_source(found.states)
        ],
        "alarms": _alarms(found),
        "tables": shown,
        "untold": [table.title for table in shown if not table.rows],
        "left_out": [
            (BY_NAME[key].title, count)
            for key, count in (found.window.document["left_out"] if found.window else {}).items()
            if key in BY_NAME
        ],
        "form": form or WindowForm(),
        "problem": problem,
        "may_name": Right.TEACH in rights_of(user, site.pk),
        "may_go_back": Right.MANAGE_RELEASES in rights_of(user),
        "is_mailed": mailing.is_set_up(),
        "sites": sites,
        "size": (WIDE, HIGH),
    }
    return render(request, "monitoring/page.html", context, status=status)


def _alarms(found: watching.Standing) -> list[dict[str, Any]]:
    """Alarms that wait, causes first and the first of many unfolded; then those that were seen."""
    known = [alarm for alarm in found.alarms if alarm.signal in BY_NAME]
    waiting = sorted(
        (one for one in known if one.acknowledged_at is None), key=lambda one: ORDER[one.signal]
    )
    seen = [one for one in known if one.acknowledged_at is not None]
    return [
        {
            "alarm": alarm,
            "title": BY_NAME[alarm.signal].title,
            "is_unfolded": number == 0 or len(waiting) <= MOST_UNFOLDED,
        }
        for number, alarm in enumerate([*waiting, *seen])
    ]


_SOURCES = {
    Source.INPUT: gettext_lazy("What comes in"),
    Source.OUTPUT: gettext_lazy("What the machine says"),
    Source.READER: gettext_lazy("What readers say of it"),
}


def _drawn(state: SignalState) -> Drawn:
    """A signal's evidence as a line: time to the right, the limit near the top."""
    logs = state.log_evidence
    step = max(1, len(logs) // MOST_POINTS)
    picked = [*logs[::step], *logs[-1:]] if logs else []
    top = max(1.15, *(one / state.limit for one in picked)) if picked else 1.15

    def high(share: float) -> float:
        return round(HIGH - 3 - (HIGH - 6) * (max(LOWEST, share) - LOWEST) / (top - LOWEST), 1)

    wide = max(1, len(picked) - 1)
    points = " ".join(
        f"{round(2 + (WIDE - 4) * number / wide, 1)},{high(one / state.limit)}"
        for number, one in enumerate(picked)
    )
    return Drawn(state=state, line=points, limit_y=high(1.0), zero_y=high(0.0))
