"""Naming a window, looking at a site, raising alarms, and saying that somebody saw one.

Owns rows, order and the audit trail. Mails are the business of ``mailing``.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from deeppcos.app.web import audit
from deeppcos.app.web.models import DriftAlarm, Site, User, WatchReading, WatchWindow
from deeppcos.app.web.monitoring.observing import observe
from deeppcos.errors import InvalidInput
from deeppcos.research.monitoring.ranks import Value
from deeppcos.research.monitoring.signals import SIGNALS, Source
from deeppcos.research.monitoring.subgroups import Case
from deeppcos.research.monitoring.watch import Observed, SignalState, watch
from deeppcos.research.monitoring.window import Window, as_document, freeze, window_from

FALSE_ALARM_RATE = 0.05
LONGEST_REMARK = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the watch of a site stands.

    Attributes:
        site: The site.
        window: Its window; None before somebody named one.
        states: State of every signal; empty without a window.
        alarms: Alarms of the window, newest first.
        women: Women observed in all.
        releases: Releases that read the women since the window.
    """

    site: Site
    window: WatchWindow | None
    states: tuple[SignalState, ...]
    alarms: tuple[DriftAlarm, ...]
    women: int
    releases: tuple[str, ...] = ()

    @property
    def open_alarms(self) -> tuple[DriftAlarm, ...]:
        """Alarms nobody has acknowledged."""
        return tuple(alarm for alarm in self.alarms if alarm.acknowledged_at is None)


def name_window(
    site: Site,
    *,
    name: str,
    first: datetime.date,
    last: datetime.date,
    by: User,
    false_alarm_rate: float = FALSE_ALARM_RATE,
) -> WatchWindow:
    """Freeze what was usual.

    Args:
        site: Where.
        name: What people call it.
        first: First day, in the time zone of the installation.
        last: Last day; it must be over, or a woman of today could still join.
        by: Who says that this time was usual.
        false_alarm_rate: Most probability that any signal ever alarms without a change.

    Raises:
        InvalidInput: If it has no name, is not over, or has too few women.
    """
    if not name.strip():
        raise InvalidInput("a window needs a name", remedy="such as: first quarter, release 1.2")
    if last >= timezone.localdate():
        raise InvalidInput(
            "the window is not over yet",
            value=str(last),
            accepted="a last day before today",
        )
    with transaction.atomic():
        observe(site)
        rows = WatchReading.objects.filter(
            site=site, observed_at__gte=_midnight(first), observed_at__lt=_after(last)
        )
        window = freeze(
            name=name.strip(),
            first=first,
            last=last,
            false_alarm_rate=false_alarm_rate,
            values=_values(rows),
        )
        row = WatchWindow.objects.create(
            site=site,
            name=window.name[:120],
            document=as_document(window),
            fingerprint=window.fingerprint,
            named_by=by,
        )
        audit.record(
            "monitoring.window_named",
            actor=by,
            site=site,
            about=f"window:{row.pk}",
            detail={"first": str(first), "last": str(last), "fingerprint": window.fingerprint},
        )
    return row


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))


def _after(day: datetime.date) -> datetime.datetime:
    return _midnight(day + datetime.timedelta(days=1))


def _values(rows: Iterable[WatchReading]) -> dict[str, list[Value]]:
    """Known values by signal. What readers said counts where they had said it by now."""
    found: dict[str, list[Value]] = {signal.name: [] for signal in SIGNALS}
    for row in rows:
        for name, value in {**row.facts, **row.reader_facts}.items():
            if name in found:
                found[name].append(value)
    return found


def standing(site: Site) -> Standing:
    """Where a site stands, from what was taken down so far.

    Args:
        site: The site.

    Raises:
        ContractBroken: If its window was changed after it was frozen.
    """
    row = site.watch_windows.first()
    readings = list(WatchReading.objects.filter(site=site).order_by("observed_at", "pk"))
    if row is None:
        return Standing(site=site, window=None, states=(), alarms=(), women=len(readings))
    window = window_from(row.document, fingerprint=row.fingerprint)
    since = _after(window.last)
    later = [one for one in readings if one.observed_at >= since]
    return Standing(
        site=site,
        window=row,
        states=watch(window, _observed(later, window), salt=str(row.pk)),
        alarms=tuple(row.alarms.select_related("acknowledged_by")),
        women=len(readings),
        releases=tuple(sorted({one.release for one in later if one.release})),
    )


def _observed(rows: Sequence[WatchReading], window: Window) -> Mapping[str, list[Observed]]:
    """What came after the window, by signal: machines' facts and readers' in their own order."""
    found: dict[str, list[Observed]] = {name: [] for name in window.values}
    for row in rows:
        _add(found, row, row.facts, row.observed_at)
        if row.reader_at is not None:
            _add(found, row, row.reader_facts, row.reader_at)
    return found


def _add(
    found: dict[str, list[Observed]],
    row: WatchReading,
    facts: Mapping[str, Value],
    at: datetime.datetime,
) -> None:
    for name, value in facts.items():
        if name in found:
            found[name].append(Observed(key=str(row.study_id), at=at, value=value))


def look(site: Site, *, by: User | None = None) -> Standing:
    """Take down what is new, and raise an alarm for every signal that left its window.

    Args:
        site: The site.
        by: Who looks; None for the clock.

    Returns:
        Where it stands, with the new alarms.
    """
    with transaction.atomic():
        fresh = observe(site)
        found = standing(site)
        raised = [state.signal.name for state in found.states if _raise(found, state)]
        audit.record(
            "monitoring.looked",
            actor=by,
            site=site,
            detail={"new_women": fresh, "women": found.women, "new_alarms": raised},
        )
    return standing(site) if raised else found


def _raise(found: Standing, state: SignalState) -> bool:
    """Raise an alarm once; whether it is new."""
    window = found.window
    if window is None or state.alarmed_at is None:
        return False
    detail = {
        "women": state.women_until_alarm,
        "before": state.before,
        "now": state.now,
        "log_evidence": round(max(state.log_evidence), 3),
        "log_limit": round(state.limit, 3),
        "releases": list(found.releases),
    }
    alarm, is_new = DriftAlarm.objects.get_or_create(
        window=window,
        signal=state.signal.name,
        defaults={"crossed_at": state.alarmed_at, "detail": detail},
    )
    if is_new:
        audit.record(
            "monitoring.alarm",
            actor=None,
            site=window.site,
            about=f"alarm:{alarm.pk}",
            detail={"signal": state.signal.name, "women": state.women_until_alarm},
        )
    return is_new


def acknowledge(alarm: DriftAlarm, *, by: User, remark: str) -> None:
    """Say that somebody saw an alarm and what she found.

    Args:
        alarm: The alarm.
        by: Who.
        remark: What was found and done, in her words.

    Raises:
        InvalidInput: If nothing is said, or somebody else was quicker.
    """
    words = remark.strip()
    if not words or len(words) > LONGEST_REMARK:
        raise InvalidInput(
            "an alarm is acknowledged with what was found",
            value=f"{len(words)} characters",
            accepted=f"1 to {LONGEST_REMARK} characters",
        )
    with transaction.atomic():
        done = DriftAlarm.objects.filter(pk=alarm.pk, acknowledged_at=None).update(
            acknowledged_by=by, acknowledged_at=timezone.now(), remark=words
        )
        if not done:
            raise InvalidInput(
                "somebody else has acknowledged this alarm meanwhile",
                remedy="read what they found; open the page again",
            )
        audit.record(
            "monitoring.acknowledged",
            actor=by,
            site=alarm.window.site,
            about=f"alarm:{alarm.pk}",
            detail={"signal": alarm.signal},
        )


def cases(*sites: Site) -> list[Case]:
    """Every woman of some sites for the tables of subgroups, in the order they came."""
    rows = WatchReading.objects.filter(site__in=sites).order_by("observed_at", "pk")
    named = {site.pk: site.name for site in sites}
    return [_case({**row.facts, **row.reader_facts}, named[row.site_id]) for row in rows]


def _case(facts: Mapping[str, Value], site: str) -> Case:
    names = set(Case.__dataclass_fields__)
    known = {name: value for name, value in facts.items() if name in names}
    return Case(site=site, **known)  # type: ignore[arg-type]


def sites_named(slug: str) -> list[Site]:
    """One site by its short name, or all of them.

    Args:
        slug: Short name; empty for all.

    Raises:
        InvalidInput: If there is no such site.
    """
    every = list(Site.objects.order_by("name"))
    found = [site for site in every if slug in ("", site.slug)]
    if not found:
        raise InvalidInput(
            "no such site",
            value=slug,
            accepted=", ".join(site.slug for site in every) or "none yet",
        )
    return found


def by_source(states: Sequence[SignalState]) -> list[tuple[Source, list[SignalState]]]:
    """States in the order of the page: pictures and women, the machine, the readers."""
    return [
        (source, found)
        for source in Source
        if (found := [state for state in states if state.signal.source is source])
    ]
