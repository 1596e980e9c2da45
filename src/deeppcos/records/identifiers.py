"""Who a patient is: issuer and number, and which numbers were found to be one person.

Owns patient identifiers as pairs, the append-only table of merges (HL7 v2 ADT A40) and of merges
that were taken back, and the answer to "which number stands for this one now". It changes no
record: whoever looks a patient up asks ``canonical``. Numbers that are both used are the business
of ``patient_links``.
"""

import datetime as dt
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deeppcos.errors import InvalidInput

_TABLE = """
CREATE TABLE IF NOT EXISTS merge_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('merge', 'unmerge')),
    retired_issuer TEXT NOT NULL, retired_value TEXT NOT NULL,
    surviving_issuer TEXT NOT NULL, surviving_value TEXT NOT NULL,
    told_at TEXT NOT NULL, told_by TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS merge_events_keep_update BEFORE UPDATE ON merge_events
    BEGIN SELECT RAISE(ABORT, 'merge events are only appended'); END;
CREATE TRIGGER IF NOT EXISTS merge_events_keep_delete BEFORE DELETE ON merge_events
    BEGIN SELECT RAISE(ABORT, 'merge events are only appended'); END;
"""
_WAIT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PatientIdentifier:
    """A patient's number and who gave it: the number alone names nobody.

    Attributes:
        issuer: Issuer of Patient ID (DICOM), assigning authority (HL7 v2) or system (FHIR);
            empty where the sender states none.
        value: The number, as written.

    Raises:
        InvalidInput: If the number is empty.
    """

    issuer: str
    value: str

    def __post_init__(self) -> None:
        if not self.value.strip():
            raise InvalidInput(
                "a patient identifier is empty",
                accepted="a number, and who gave it",
                remedy="take the study as one without a known patient",
            )
        object.__setattr__(self, "issuer", self.issuer.strip())
        object.__setattr__(self, "value", self.value.strip())


class MergeKind(StrEnum):
    """What a message said of two numbers."""

    MERGE = "merge"  # both are one person; the surviving number stands for both
    UNMERGE = "unmerge"  # an earlier merge was a mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeEvent:
    """One statement about two identifiers, never changed afterwards.

    Attributes:
        kind: Merge or unmerge.
        retired: The identifier that is no longer used.
        surviving: The identifier that stands for both.
        told_at: When it was told, with its offset from UTC.
        told_by: What told it, such as the control id of the message.
    """

    kind: MergeKind
    retired: PatientIdentifier
    surviving: PatientIdentifier
    told_at: dt.datetime
    told_by: str


def standing_merges(
    events: Iterable[MergeEvent],
) -> dict[PatientIdentifier, PatientIdentifier]:
    """The merges that hold after all events, oldest first: retired to surviving.

    Args:
        events: In the order they were told.

    Returns:
        One step each; follow them with ``canonical_of``.
    """
    standing: dict[PatientIdentifier, PatientIdentifier] = {}
    for event in events:
        if event.kind is MergeKind.MERGE:
            standing[event.retired] = event.surviving
        elif standing.get(event.retired) == event.surviving:
            del standing[event.retired]
    return standing


def canonical_of(
    identifier: PatientIdentifier, standing: dict[PatientIdentifier, PatientIdentifier]
) -> PatientIdentifier:
    """The identifier that stands for this one, through any chain of merges.

    Examples:
        >>> old, new = (PatientIdentifier(issuer="H", value=value) for value in ("1", "2"))
        >>> canonical_of(old, {old: new}).value
        '2'
    """
    while identifier in standing:
        identifier = standing[identifier]
    return identifier


class MergeTable:
    """The merges of a hospital, in an SQLite file that any number of processes may share.

    Args:
        path: The file; made when absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._opened()) as table:
            table.executescript(_TABLE)

    def append(self, *told: MergeEvent) -> None:
        """Add what one message told, all of it or nothing; on disk when this returns.

        The same statement twice stands once.

        Args:
            told: The statements, in their order.

        Raises:
            InvalidInput: If a merge would go round in a circle or contradict a standing one,
                or there is no such merge to take back.
        """
        with closing(self._opened()) as table, table:
            table.execute("BEGIN IMMEDIATE")
            for event in told:
                if _changes_something(event, standing_merges(_read(table))):
                    _add(table, event)

    def events(self) -> tuple[MergeEvent, ...]:
        """Everything that was told, oldest first."""
        with closing(self._opened()) as table:
            return _read(table)

    def canonical(self, identifier: PatientIdentifier) -> PatientIdentifier:
        """The identifier that stands for this one now."""
        return canonical_of(identifier, standing_merges(self.events()))

    def known_as(self, identifier: PatientIdentifier) -> tuple[PatientIdentifier, ...]:
        """Every identifier of the same person, the standing one first."""
        standing = standing_merges(self.events())
        canonical = canonical_of(identifier, standing)
        retired = sorted(one for one in standing if canonical_of(one, standing) == canonical)
        return (canonical, *retired)

    def _opened(self) -> sqlite3.Connection:
        table = sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None)
        table.execute("PRAGMA journal_mode=WAL")
        table.execute("PRAGMA synchronous=FULL")
        return table


def _add(table: sqlite3.Connection, event: MergeEvent) -> None:
    table.execute(
        "INSERT INTO merge_events (kind, retired_issuer, retired_value, surviving_issuer,"
        " surviving_value, told_at, told_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(event.kind.value, event.retired.issuer, event.retired.value),
            *(event.surviving.issuer, event.surviving.value),
            *(event.told_at.isoformat(), event.told_by),
        ),
    )


def _read(table: sqlite3.Connection) -> tuple[MergeEvent, ...]:
    rows = table.execute(
        "SELECT kind, retired_issuer, retired_value, surviving_issuer, surviving_value, "
        "told_at, told_by FROM merge_events ORDER BY number"
    )
    return tuple(
        MergeEvent(
            kind=MergeKind(kind),
            retired=PatientIdentifier(issuer=retired_issuer, value=retired_value),
            surviving=PatientIdentifier(issuer=surviving_issuer, value=surviving_value),
            told_at=dt.datetime.fromisoformat(told_at),
            told_by=told_by,
        )
        for (
            kind,
            retired_issuer,
            retired_value,
            surviving_issuer,
            surviving_value,
            told_at,
            told_by,
        ) in rows
    )


def _changes_something(
    event: MergeEvent, standing: dict[PatientIdentifier, PatientIdentifier]
) -> bool:
    """Whether the event is new; refuses one that contradicts what stands."""
    pair = f"{_said(event.retired)} into {_said(event.surviving)}"
    holds_now = standing.get(event.retired)
    if event.kind is MergeKind.UNMERGE:
        if holds_now != event.surviving:
            raise InvalidInput(
                "there is no such merge to take back",
                value=pair,
                accepted="a merge that stands",
                remedy="look at the order of the messages",
            )
        return True
    if holds_now == event.surviving:
        return False
    if holds_now is not None:
        raise InvalidInput(
            "the patient number was already merged into another",
            value=f"{pair}, but it stands for {_said(holds_now)}",
            accepted="one surviving number for each retired one",
            remedy="take the first merge back before the second",
        )
    if canonical_of(event.surviving, standing) == event.retired:
        raise InvalidInput(
            "the merge would go round in a circle",
            value=pair,
            accepted="a surviving number that was not itself merged into the retired one",
            remedy="take the earlier merge back first",
        )
    return True


def _said(identifier: PatientIdentifier) -> str:
    return f"{identifier.value} of {identifier.issuer or 'an unnamed issuer'}"
