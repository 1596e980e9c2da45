"""Alarms that nobody has acknowledged, for whoever can go back to an earlier release.

Owns gathering them and the words a way back begins with. An administrator sees no patient and no
page of the watch: signal, site and release are all that is told here.
"""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from deeppcos.app.web.models import DriftAlarm, Site
from deeppcos.research.monitoring.signals import BY_NAME, ORDER

MOST_WORDS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingAlarm:
    """One alarm that waits for a person.

    Attributes:
        title: The signal, as people read it.
        site: Where.
        before: The window in a few words.
        now: The women at the alarm in a few words; empty under ten.
        women: Women after the window until it was shown.
        since: When it was shown.
        releases: Releases that read those women.
    """

    title: str
    site: str
    before: str
    now: str
    women: int
    since: datetime.datetime
    releases: tuple[str, ...]


def waiting_alarms(sites: Collection[int] | None) -> tuple[WaitingAlarm, ...]:
    """Open alarms of the windows that count now, by site and in the order of the signals.

    Args:
        sites: Ids of the sites; None for all.
    """
    asked = Site.objects.all() if sites is None else Site.objects.filter(pk__in=sites)
    newest = [window.pk for site in asked if (window := site.watch_windows.first()) is not None]
    rows = DriftAlarm.objects.filter(window__in=newest, acknowledged_at=None)
    found = sorted(
        rows.select_related("window__site"),
        key=lambda row: (row.window.site.name, ORDER.get(row.signal, len(ORDER))),
    )
    return tuple(_told(row) for row in found)


def _told(row: DriftAlarm) -> WaitingAlarm:
    detail = row.detail
    return WaitingAlarm(
        title=BY_NAME[row.signal].title if row.signal in BY_NAME else row.signal,
        site=str(row.window.site),
        before=str(detail.get("before", "")),
        now=str(detail.get("now", "")),
        women=int(detail.get("women", 0)),
        since=row.crossed_at,
        releases=tuple(detail.get("releases", ())),
    )


def reason_of(alarms: Sequence[WaitingAlarm]) -> str:
    """The words a way back begins with; empty without an alarm.

    Args:
        alarms: What waits.
    """
    if not alarms:
        return ""
    signals = "; ".join(f"{one.title} changed at {one.site}" for one in alarms)
    return f"Alarm of the watch: {signals}."[:MOST_WORDS]
