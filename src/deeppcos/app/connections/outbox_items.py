"""Items of the outbox and the tables they are rows of.

Owns what an item is and how it is written down. What happens to it is the business of ``outbox``.
"""

import json
import random
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from deeppcos.app.connections.payloads import Payload
from deeppcos.app.connections.tables import SendingTable

LONGEST_WORDS = 1000
JITTER = 0.25

TABLES = """
CREATE TABLE IF NOT EXISTS events (
    event TEXT PRIMARY KEY, study TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL REFERENCES events (event),
    study TEXT NOT NULL, about TEXT NOT NULL, what TEXT NOT NULL, peer TEXT NOT NULL,
    files TEXT NOT NULL, state TEXT NOT NULL, words TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, put_at REAL NOT NULL, since REAL NOT NULL,
    next_try REAL NOT NULL, changed_at REAL NOT NULL,
    lease_owner TEXT NOT NULL DEFAULT '', lease_until REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS items_due ON items (state, next_try);
CREATE INDEX IF NOT EXISTS items_changed ON items (state, changed_at);
CREATE INDEX IF NOT EXISTS items_of_study ON items (study, id);
CREATE INDEX IF NOT EXISTS items_in_order ON items (peer, study, what, id);
CREATE TABLE IF NOT EXISTS tries (
    item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    at REAL NOT NULL, outcome TEXT NOT NULL, words TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tries_of_item ON tries (item, at);
"""


class ItemState(StrEnum):
    """Where an item stands."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """One thing for one peer.

    Attributes:
        what: What it is, such as ``report``.
        peer: Name of the peer.
        files: What is sent; already kept in the payloads.
        problem: Why it could not be made; it is then refused from the beginning.
    """

    what: str
    peer: str
    files: tuple[Payload, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing for one peer, and where it stands.

    Attributes:
        id: Its number.
        event: What made it necessary, such as ``signed:ID``.
        study: Whose it is.
        about: Words for people that name no patient, such as the accession number.
        what: What it is.
        peer: Name of the peer.
        files: What is sent.
        state: Where it stands.
        words: What was said last.
        attempts: How often it was tried.
        put_at: When it was put here, seconds since 1970.
        since: From when tries count, seconds since 1970.
        next_try: When it is tried next, seconds since 1970.
        changed_at: When its state changed last, seconds since 1970.
        is_leased: Whether somebody is at it now.
    """

    id: int
    event: str
    study: str
    about: str
    what: str
    peer: str
    files: tuple[Payload, ...]
    state: ItemState
    words: str
    attempts: int
    put_at: float
    since: float
    next_try: float
    changed_at: float
    is_leased: bool = False

    @property
    def is_made(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One try.

    Attributes:
        at: When, seconds since 1970.
        outcome: ``sent``, ``refused``, ``failed`` or what a person did.
        words: What was said.
    """

    at: float
    outcome: str
    words: str


def pause_s(attempts: int, pace: SendingTable) -> float:
    """How long to wait before the next try: doubled each time, up to the longest, and a bit apart.

    Args:
        attempts: How often it was tried.
        pace: The first and the longest pause.

    Examples:
        >>> 3.75 <= pause_s(1, SendingTable()) <= 6.25
        True
        >>> pause_s(500, SendingTable()) <= 900 * 1.25
        True
    """
    whole = min(pace.first_pause_s * 2.0 ** min(attempts - 1, 30), pace.longest_pause_s)
    # Not a secret: it only keeps many items from knocking at the same moment.
    return whole * random.uniform(1 - JITTER, 1 + JITTER)


def item_of(row: dict[str, object], now: float) -> Item:
    """A row of ``items`` as an item.

    Args:
        row: Every column.
        now: Seconds since 1970.
    """
    lease_until = row.pop("lease_until")
    for name in ("key", "lease_owner"):
        row.pop(name)
    row["files"] = unpacked(str(row["files"]))
    row["state"] = ItemState(str(row["state"]))
    assert isinstance(lease_until, float | int)
    return Item(**row, is_leased=lease_until > now)  # type: ignore[arg-type]


def note_try(base: sqlite3.Connection, number: int, at: float, outcome: str, words: str) -> None:
    """Add to what was tried with an item."""
    base.execute(
        "INSERT INTO tries VALUES (?, ?, ?, ?)", (number, at, outcome, words[:LONGEST_WORDS])
    )


def packed(files: Iterable[Payload]) -> str:
    """Files as a column."""
    return json.dumps([[one.name, one.sha256, one.size] for one in files])


def unpacked(text: str) -> tuple[Payload, ...]:
    """Files of a column."""
    return tuple(Payload(name=n, sha256=h, size=s) for n, h, s in json.loads(text))
