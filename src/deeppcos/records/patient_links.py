"""Patient numbers that are one person and are both used: linked and unlinked (HL7 v2 ADT A24, A37).

Owns the append-only table of links. A link moves no record: each number keeps its own studies, so
that a link that was a mistake is taken back without anything to put right. Numbers of which one
stands for the other are the business of ``identifiers``.
"""

import datetime as dt
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.records.identifiers import PatientIdentifier

_TABLE = """
CREATE TABLE IF NOT EXISTS link_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('link', 'unlink')),
    one_issuer TEXT NOT NULL, one_value TEXT NOT NULL,
    other_issuer TEXT NOT NULL, other_value TEXT NOT NULL,
    told_at TEXT NOT NULL, told_by TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS link_events_keep_update BEFORE UPDATE ON link_events
    BEGIN SELECT RAISE(ABORT, 'link events are only appended'); END;
CREATE TRIGGER IF NOT EXISTS link_events_keep_delete BEFORE DELETE ON link_events
    BEGIN SELECT RAISE(ABORT, 'link events are only appended'); END;
"""
_WAIT_S = 30.0
Pair = frozenset[PatientIdentifier]


class LinkKind(StrEnum):
    """What a message said of two numbers."""

    LINK = "link"
    UNLINK = "unlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEvent:
    """One statement about two identifiers, never changed afterwards.

    Attributes:
        kind: Link or unlink.
        one: An identifier.
        other: Another.
        told_at: When it was told, with its offset from UTC.
        told_by: What told it, such as the control id of the message.
    """

    kind: LinkKind
    one: PatientIdentifier
    other: PatientIdentifier
    told_at: dt.datetime
    told_by: str

    @property
    def pair(self) -> Pair:
        """Both, in no order."""
        return frozenset({self.one, self.other})


def standing_links(events: Iterable[LinkEvent]) -> frozenset[Pair]:
    """The links that hold after all events, oldest first."""
    standing: set[Pair] = set()
    for event in events:
        (standing.add if event.kind is LinkKind.LINK else standing.discard)(event.pair)
    return frozenset(standing)


class LinkTable:
    """The links of a hospital, in an SQLite file that any number of processes may share.

    Args:
        path: The file; made when absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._opened()) as table:
            table.executescript(_TABLE)

    def append(self, event: LinkEvent) -> bool:
        """Add one statement; on disk when this returns. What stands already is not added again.

        Args:
            event: What was told.

        Returns:
            Whether it was new.

        Raises:
            InvalidInput: If there is no such link to take back.
        """
        with closing(self._opened()) as table, table:
            table.execute("BEGIN IMMEDIATE")
            stands = event.pair in standing_links(_read(table))
            if event.kind is LinkKind.UNLINK and not stands:
                raise InvalidInput(
                    "there is no such link to take back",
                    value=f"{event.one.value} and {event.other.value}",
                    accepted="two numbers that were linked (ADT A24)",
                    remedy="look at the order of the messages",
                )
            is_new = (event.kind is LinkKind.LINK) is not stands
            if is_new:
                table.execute(
                    "INSERT INTO link_events (kind, one_issuer, one_value, other_issuer,"
                    " other_value, told_at, told_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(event.kind.value, event.one.issuer, event.one.value),
                        *(event.other.issuer, event.other.value),
                        *(event.told_at.isoformat(), event.told_by),
                    ),
                )
        return is_new

    def events(self) -> tuple[LinkEvent, ...]:
        """Everything that was told, oldest first."""
        with closing(self._opened()) as table:
            return _read(table)

    def linked_with(self, identifier: PatientIdentifier) -> tuple[PatientIdentifier, ...]:
        """Every other identifier of the same person, through any chain of links."""
        links = standing_links(self.events())
        known, open_ = {identifier}, [identifier]
        while open_:
            one = open_.pop()
            found = {other for pair in links if one in pair for other in pair} - known
            known |= found
            open_ += found
        return tuple(sorted(known - {identifier}))

    def _opened(self) -> sqlite3.Connection:
        table = sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None)
        table.execute("PRAGMA journal_mode=WAL")
        table.execute("PRAGMA synchronous=FULL")
        return table


def _read(table: sqlite3.Connection) -> tuple[LinkEvent, ...]:
    rows = table.execute(
        "SELECT kind, one_issuer, one_value, other_issuer, other_value, told_at, told_by"
        " FROM link_events ORDER BY number"
    )
    return tuple(
        LinkEvent(
            kind=LinkKind(kind),
            one=PatientIdentifier(issuer=one_issuer, value=one_value),
            other=PatientIdentifier(issuer=other_issuer, value=other_value),
            told_at=dt.datetime.fromisoformat(told_at),
            told_by=told_by,
        )
        for kind, one_issuer, one_value, other_issuer, other_value, told_at, told_by in rows
    )
