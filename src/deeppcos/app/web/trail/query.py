"""What somebody asks of the audit trail, and which events they may read.

Owns the filters. Whoever reads the trail of a site reads what happened there and what its people
did to accounts; events of other sites stay theirs.
"""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from deeppcos.app.web.access import Right, sites_with
from deeppcos.app.web.models import AuditEvent, Grant, Study, User

LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailQuery:
    """What somebody asks of the audit trail.

    Attributes:
        who: Words of the name of who did it.
        action: Beginning of an action, such as ``report.`` or ``report.signed``.
        study: Accession number or id of a study.
        since: Not before this day.
        until: Not after this day.
    """

    who: str = ""
    action: str = ""
    study: str = ""
    since: datetime.date | None = None
    until: datetime.date | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out."""
        return any((self.who, self.action, self.study, self.since, self.until))


def asked(fields: QueryDict) -> TrailQuery:
    """What an address asks; whatever makes no sense is left out."""
    return TrailQuery(
        who=fields.get("who", "").strip()[:LONGEST],
        action=fields.get("action", "").strip()[:LONGEST],
        study=fields.get("study", "").strip()[:LONGEST],
        since=_day(fields.get("since", "")),
        until=_day(fields.get("until", "")),
    )


def readable_events(user: User) -> QuerySet[AuditEvent]:
    """The events of the sites where somebody may read the trail."""
    sites = sites_with(user, Right.READ_AUDIT)
    their_people = Grant.objects.filter(site__in=sites).values("user")
    nowhere = Q(site=None) & (Q(actor=None) | Q(actor__in=their_people))
    return AuditEvent.objects.filter(Q(site__in=sites) | nowhere)


def narrowed(events: QuerySet[AuditEvent], query: TrailQuery) -> QuerySet[AuditEvent]:
    """The events the question is about, the newest first."""
    for word in query.who.split()[:5]:
        events = events.filter(actor_name__icontains=word)
    if query.action:
        events = events.filter(action__startswith=query.action)
    if query.study:
        events = events.filter(about__in=_about(query.study))
    if query.since:
        events = events.filter(at__gte=_start(query.since))
    if query.until:
        events = events.filter(at__lt=_start(query.until + datetime.timedelta(days=1)))
    return events.order_by("-number")


def actions() -> list[str]:
    """Every action that was ever recorded."""
    return list(AuditEvent.objects.order_by("action").values_list("action", flat=True).distinct())


def _about(said: str) -> list[str]:
    """The study that is meant, by its id or its accession number."""
    try:
        return [f"study:{UUID(said)}"]
    except ValueError:
        found = Study.objects.filter(accession=said).values_list("pk", flat=True)
        return [f"study:{pk}" for pk in found]


def _day(said: str) -> datetime.date | None:
    try:
        return parse_date(said)
    except ValueError:
        return None


def _start(day: datetime.date) -> datetime.datetime:
    """When a day begins where the readers are."""
    try:
        return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
    except OverflowError:
        return timezone.make_aware(datetime.datetime(1900, 1, 1))
