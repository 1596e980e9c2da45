"""What the pages of the connections show: peers, items, messages, in words.

Owns gathering and wording; nothing is changed here.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import Item, ItemState
from deeppcos.app.connections.reach import Reach, known_reach
from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import PeerTable
from deeppcos.app.web.access import Right, sites_with
from deeppcos.app.web.models import Dispatch, Study, User

MOST_SHOWN = 200
OPEN = (ItemState.WAITING, ItemState.REFUSED, ItemState.GIVEN_UP)

KINDS: dict[str, str | Promise] = {
    "dicom": _("DICOM"),
    "dicomweb": _("DICOMweb"),
    "fhir": _("FHIR"),
    "hl7": _("HL7 v2"),
}
WHATS: dict[str, str | Promise] = {
    "images": _("the images as they came"),
    "segmentation": _("outlines (SEG)"),
    "report": _("measurements (SR)"),
    "ob_gyn_report": _("OB-GYN report (SR)"),
    "pdf": _("report as PDF"),
    "pictures": _("pictures with outlines"),
    "key_objects": _("images of interest (KO)"),
    "fhir": _("report (FHIR)"),
    "hl7": _("results (HL7)"),
}
STATES: dict[str, str | Promise] = {
    "sending": _("being sent"),
    "waiting": _("waiting"),
    "sent": _("sent"),
    "refused": _("refused"),
    "given_up": _("given up"),
    "not_made": _("could not be made"),
}
EVENTS: dict[str, str | Promise] = {
    "arrived": _("arrived"),
    "analysed": _("draft"),
    "signed": _("signed report"),
    "amended": _("amendment"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRow:
    """One peer as the page shows it.

    Attributes:
        name: Its name.
        kind: Its kind, in words.
        address: Where it is.
        reach: What was found when it was asked last; None before.
        asked_at: When.
        waiting: Items that wait.
        refused: Items that it refused, or that could not be made for it.
        given_up: Items nobody tries any more.
        last_success: When it acknowledged something last, or None.
    """

    name: str
    kind: str | Promise
    address: str
    reach: Reach | None
    asked_at: dt.datetime | None
    waiting: int
    refused: int
    given_up: int
    last_success: dt.datetime | None

    @property
    def standing(self) -> str:
        """The worst that is true of it, for its mark."""
        if self.reach is not None and not self.reach.answers:
            return "away"
        if self.refused or self.given_up:
            return "look"
        if self.waiting:
            return "waits"
        return "well" if self.reach is not None else "unasked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One item as the pages show it.

    Attributes:
        item: The item.
        what: What it is, in words.
        event: What it is part of, in words.
        state: Key of its state.
        state_words: Its state, in words.
        changed_at: When that changed.
        next_try: When it is tried next; None where it is not.
        study: The desk's study, where it is one.
        may_retry: Whether trying again makes sense.
    """

    item: Item
    what: str | Promise
    event: str | Promise
    state: str
    state_words: str | Promise
    changed_at: dt.datetime
    next_try: dt.datetime | None
    study: Study | None
    may_retry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule as the page shows it.

    Attributes:
        when: What sets it off.
        words: What is sent, in words.
        to: To whom.
    """

    when: str
    words: str
    to: str


def peer_rows(connections: Connections, outbox: Outbox) -> list[PeerRow]:
    """Every peer of the file, and those of earlier files for which something is left."""
    counts, success, reach = outbox.counts(), outbox.last_success(), known_reach(outbox)
    rows = []
    for name in (*connections.peers, *(one for one in counts if one not in connections.peers)):
        here = counts.get(name, {})
        if name not in connections.peers and not any(here.get(state) for state in OPEN):
            continue
        found, peer = reach.get(name), connections.peers.get(name)
        rows.append(
            PeerRow(
                name=name,
                kind=KINDS[peer.kind] if peer else _("not in the file any more"),
                address=address_of(peer) if peer else "",
                reach=found,
                asked_at=moment(found.at) if found else None,
                waiting=here.get(ItemState.WAITING, 0),
                refused=here.get(ItemState.REFUSED, 0),
                given_up=here.get(ItemState.GIVEN_UP, 0),
                last_success=moment(success[name]) if name in success else None,
            )
        )
    return rows


def rule_rows(connections: Connections) -> list[RuleRow]:
    """What is sent to whom and when, in words."""
    return [
        RuleRow(
            when=str(rule.when), words=", ".join(str(WHATS[one]) for one in rule.send), to=rule.to
        )
        for rule in connections.rules
    ]


def open_items(outbox: Outbox, user: User) -> list[ItemRow]:
    """What waits or was refused, of studies whose site somebody keeps the connections of."""
    sites = set(sites_with(user, Right.MANAGE_CONNECTIONS))
    rows = item_rows(outbox.items(states=OPEN, limit=MOST_SHOWN))
    return [row for row in rows if row.study is None or row.study.site_id in sites]


def item_rows(items: Sequence[Item]) -> list[ItemRow]:
    """Items as the pages show them, in the order given."""
    studies = _studies({item.study for item in items})
    return [_row(item, studies.get(item.study)) for item in items]


def due_dispatches(sites: Iterable[int]) -> list[Dispatch]:
    """What happened and could not be put into the outbox yet."""
    failing = Dispatch.objects.filter(done_at=None, study__site__in=list(sites)).exclude(problem="")
    return list(failing.select_related("study").order_by("made_at")[:MOST_SHOWN])


def address_of(peer: PeerTable) -> str:
    """Where a peer is, for people."""
    if hasattr(peer, "url"):
        return str(peer.url)
    title = f"{peer.ae_title} at " if hasattr(peer, "ae_title") else ""
    return f"{title}{peer.host}:{peer.port}"


def moment(at: float) -> dt.datetime:
    """Seconds since 1970 as Django shows times."""
    return dt.datetime.fromtimestamp(at, tz=timezone.get_current_timezone())


def _row(item: Item, study: Study | None) -> ItemRow:
    state = str(item.state)
    if item.state is ItemState.REFUSED and not item.is_made:
        state = "not_made"
    elif item.is_leased and item.state is ItemState.WAITING:
        state = "sending"
    is_waiting = item.state is ItemState.WAITING
    return ItemRow(
        item=item,
        what=WHATS.get(item.what, item.what),
        event=EVENTS.get(item.event.split(":")[0], _("by hand")),
        state=state,
        state_words=STATES[state],
        changed_at=moment(item.changed_at),
        next_try=moment(item.next_try) if is_waiting and item.attempts else None,
        study=study,
        may_retry=item.is_made and item.state is not ItemState.SENT and not item.is_leased,
    )


def _studies(ids: set[str]) -> dict[str, Study]:
    """The desk's studies behind items; those sent by hand have none."""
    uuids = [one for one in ids if len(one) == 36]
    found = Study.objects.filter(pk__in=uuids).select_related("site")
    return {str(one.pk): one for one in found}
