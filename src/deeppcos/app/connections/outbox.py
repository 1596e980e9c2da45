"""What waits to be sent, to whom, and what became of it. Nothing put here is ever lost.

Owns the queue: states, leases, pauses between tries, and what each peer said. Sending is the
business of ``sending``; deciding what is sent that of the rules.

=========  =====================================================================================
state      means
=========  =====================================================================================
waiting    nobody has it yet; it is tried again by itself
sent       the peer has acknowledged it
refused    the peer has answered and does not want it, or it could not be made; somebody must look
given_up   tried too often or too long, or a person gave up
=========  =====================================================================================

A crash between the peer's acknowledgement and its record sends once more: every format names its
content, so that a peer recognises the repetition (SOP Instance UID, conditional create, MSH-10).
Of one study, the same thing goes to the same peer in the order it was put here: a draft that was
held up never follows its signed version.
"""

import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from deeppcos.app.connections.database import Database
from deeppcos.app.connections.outbox_items import (
    LONGEST_WORDS,
    TABLES,
    Item,
    ItemState,
    NewItem,
    Try,
    item_of,
    note_try,
    packed,
    pause_s,
    unpacked,
)
from deeppcos.app.connections.payloads import Payloads
from deeppcos.app.connections.tables import SendingTable
from deeppcos.errors import InvalidInput

LEASE_S = 60.0
DAY_S = 86_400.0


class Outbox:
    """The queue in one folder.

    Args:
        folder: Where it is kept; made when it is missing.
        pace: How often is tried, and for how long.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pace: SendingTable | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.base = Database(folder / "outbox.sqlite3", TABLES)
        self.payloads = Payloads(folder / "payloads")
        self.pace = pace or SendingTable()
        self.clock = clock
        self.owner = f"{socket.gethostname()}:{os.getpid()}"

    def put(self, event: str, items: Iterable[NewItem], *, study: str, about: str) -> None:
        """Queue everything one event makes necessary, all of it or nothing.

        The same event puts nothing twice; what could not be made before is put again.

        Args:
            event: What happened, such as ``signed:ID``.
            items: What is to be sent.
            study: Whose it is.
            about: Words for people that name no patient.
        """
        now = self.clock()
        with self.base.writing() as base:
            base.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?)", (event, study, now))
            for one in items:
                key = f"{event}|{one.peer}|{one.what}"
                base.execute(
                    "DELETE FROM items WHERE key = ? AND files = '[]' AND state = 'refused'",
                    (key,),
                )
                state = ItemState.REFUSED if one.problem else ItemState.WAITING
                base.execute(
                    "INSERT OR IGNORE INTO items (key, event, study, about, what, peer, files,"
                    " state, words, put_at, since, next_try, changed_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(key, event, study, about, one.what, one.peer, packed(one.files)),
                        *(state, one.problem[:LONGEST_WORDS], now, now, now, now),
                    ),
                )

    def has(self, event: str) -> bool:
        """Whether an event was put here."""
        with self.base.reading() as base:
            found = base.execute("SELECT 1 FROM events WHERE event = ?", (event,)).fetchone()
        return found is not None

    def lease(self, peers: Sequence[str]) -> Item | None:
        """Take the next item that is due, so that nobody else does.

        Args:
            peers: Names of the peers it may be for.

        Returns:
            The item, or None while nothing is due.
        """
        now = self.clock()
        marks = ",".join("?" * len(peers))
        with self.base.writing() as base:
            row = base.execute(
                f"SELECT * FROM items AS one WHERE state = 'waiting' AND peer IN ({marks})"
                # A clock that was set back must not hold an item up for longer than a pause.
                " AND (next_try <= ? OR next_try > ?) AND lease_until <= ?"
                " AND NOT EXISTS (SELECT 1 FROM items AS earlier WHERE earlier.id < one.id"
                " AND earlier.peer = one.peer AND earlier.study = one.study"
                " AND earlier.what = one.what AND earlier.state = 'waiting')"
                " ORDER BY next_try, id LIMIT 1",
                (*peers, now, now + 2 * self.pace.longest_pause_s, now),
            ).fetchone()
            if row is None:
                return None
            base.execute(
                "UPDATE items SET lease_owner = ?, lease_until = ?, attempts = attempts + 1"
                " WHERE id = ?",
                (self.owner, now + LEASE_S, row["id"]),
            )
        return item_of({**dict(row), "attempts": row["attempts"] + 1}, now)

    def keep_lease(self, item: Item) -> bool:
        """Say that somebody is still at it; False when it was given to somebody else."""
        with self.base.writing() as base:
            done = base.execute(
                f"UPDATE items SET lease_until = ? WHERE {_MINE}",
                (self.clock() + LEASE_S, *self._mine(item)),
            )
        return done.rowcount == 1

    def release_dead(self) -> int:
        """Free what processes of this computer held when they died; others' leases run out."""
        with self.base.writing() as base:
            held = base.execute("SELECT id, lease_owner FROM items WHERE lease_until > 0")
            dead = [row["id"] for row in held if self._is_dead(row["lease_owner"])]
            base.executemany(
                "UPDATE items SET lease_owner = '', lease_until = 0 WHERE id = ?",
                [(one,) for one in dead],
            )
        return len(dead)

    def sent(self, item: Item, words: str = "") -> None:
        """Record that the peer has it."""
        self._end(item, ItemState.SENT, words, "sent")

    def refused(self, item: Item, words: str) -> None:
        """Record that the peer does not want it."""
        self._end(item, ItemState.REFUSED, words, "refused")

    def failed(self, item: Item, words: str) -> None:
        """Record a failure that may pass: tried again after a pause, until it is given up."""
        now = self.clock()
        too_long = now - item.since >= self.pace.give_up_after_days * DAY_S
        if too_long or item.attempts >= self.pace.most_attempts:
            self._end(item, ItemState.GIVEN_UP, words, "failed")
            return
        pause = pause_s(item.attempts, self.pace)
        with self.base.writing() as base:
            if base.execute(
                f"UPDATE items SET words = ?, next_try = ?, changed_at = ?, lease_owner = '',"
                f" lease_until = 0 WHERE {_MINE}",
                (words[:LONGEST_WORDS], now + pause, now, *self._mine(item)),
            ).rowcount:
                note_try(base, item.id, now, "failed", words)

    def retry(self, number: int, *, by: str) -> None:
        """Have an item tried again now.

        Args:
            number: The item.
            by: Who asks.

        Raises:
            InvalidInput: If there is no such item, nothing was made, the peer has it, or a newer
                version of it was sent: an older one must not follow it.
        """
        now = self.clock()
        with self.base.writing() as base:
            item = _row(base, number, now)
            _refuse_retry(base, item)
            base.execute(
                "UPDATE items SET state = 'waiting', next_try = ?, since = ?, changed_at = ?"
                " WHERE id = ?",
                (now, now, now, number),
            )
            note_try(base, number, now, "asked again", f"by {by}")

    def give_up(self, number: int, *, by: str) -> None:
        """Stop trying an item.

        Raises:
            InvalidInput: If there is no such item, or the peer has it.
        """
        now = self.clock()
        with self.base.writing() as base:
            item = _row(base, number, now)
            if item.state is ItemState.SENT:
                raise InvalidInput("the peer has this already", value=f"number {number}")
            base.execute(
                "UPDATE items SET state = 'given_up', changed_at = ?, lease_owner = '',"
                " lease_until = 0 WHERE id = ?",
                (now, number),
            )
            note_try(base, number, now, "given up", f"by {by}")

    def unmake(self, study: str, *, because: str) -> int:
        """Take back what waits to be sent of a study: it may only be sent once made anew.

        Args:
            study: The study.
            because: Why, as it is shown.

        Returns:
            How many items. What a peer has already stays as it is.
        """
        now = self.clock()
        with self.base.writing() as base:
            waiting = base.execute(
                "SELECT id FROM items WHERE study = ? AND state != 'sent' AND files != '[]'",
                (study,),
            ).fetchall()
            for (number,) in map(tuple, waiting):
                base.execute(
                    "UPDATE items SET state = 'refused', files = '[]', words = ?, changed_at = ?,"
                    " lease_owner = '', lease_until = 0 WHERE id = ?",
                    (because[:LONGEST_WORDS], now, number),
                )
                note_try(base, number, now, "taken back", because)
        return len(waiting)

    def item(self, number: int) -> Item:
        """One item.

        Raises:
            InvalidInput: If there is none.
        """
        with self.base.reading() as base:
            return _row(base, number, self.clock())

    def items(
        self,
        *,
        study: str | None = None,
        peer: str | None = None,
        states: Sequence[ItemState] = tuple(ItemState),
        limit: int = 500,
    ) -> tuple[Item, ...]:
        """Items, the newest first.

        Args:
            study: Only of this study.
            peer: Only for this peer.
            states: Only in these states.
            limit: At most so many.
        """
        clauses, values = [f"state IN ({','.join('?' * len(states))})"], list(map(str, states))
        for column, value in (("study", study), ("peer", peer)):
            if value is not None:
                clauses.append(f"{column} = ?")
                values.append(value)
        now = self.clock()
        with self.base.reading() as base:
            rows = base.execute(
                f"SELECT * FROM items WHERE {' AND '.join(clauses)} ORDER BY id DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return tuple(item_of(dict(row), now) for row in rows)

    def counts(self) -> dict[str, dict[ItemState, int]]:
        """How many items of each peer are in each state."""
        found: dict[str, dict[ItemState, int]] = {}
        with self.base.reading() as base:
            rows = base.execute("SELECT peer, state, count(*) FROM items GROUP BY peer, state")
            for peer, state, number in rows:
                found.setdefault(peer, {})[ItemState(state)] = number
        return found

    def last_success(self) -> dict[str, float]:
        """When each peer acknowledged something last, seconds since 1970."""
        with self.base.reading() as base:
            rows = base.execute(
                "SELECT peer, max(changed_at) FROM items WHERE state = 'sent' GROUP BY peer"
            ).fetchall()
        return {str(peer): float(at) for peer, at in rows}

    def studies_sent_since(self, at: float) -> frozenset[str]:
        """Studies of which something was acknowledged.

        Args:
            at: From when on, seconds since 1970.
        """
        with self.base.reading() as base:
            rows = base.execute(
                "SELECT DISTINCT study FROM items WHERE state = 'sent' AND changed_at >= ?", (at,)
            ).fetchall()
        return frozenset(str(row["study"]) for row in rows)

    def tries(self, number: int) -> tuple[Try, ...]:
        """What was tried with an item, the oldest first."""
        with self.base.reading() as base:
            rows = base.execute(
                "SELECT at, outcome, words FROM tries WHERE item = ? ORDER BY at, rowid", (number,)
            ).fetchall()
        return tuple(Try(at=row["at"], outcome=row["outcome"], words=row["words"]) for row in rows)

    def clear(self) -> int:
        """Remove what was sent long ago, and files nobody refers to.

        The event stays, so that nothing is sent a second time.

        Returns:
            How many items were removed.
        """
        before = self.clock() - self.pace.keep_sent_days * DAY_S
        with self.base.writing() as base:
            gone = base.execute(
                "UPDATE items SET files = '[]' WHERE state = 'sent' AND changed_at < ?"
                " AND files != '[]'",
                (before,),
            ).rowcount
            rows = base.execute("SELECT files FROM items WHERE files != '[]'").fetchall()
        self.payloads.clear({one.sha256 for row in rows for one in unpacked(row["files"])})
        return gone

    def _end(self, item: Item, state: ItemState, words: str, outcome: str) -> None:
        now = self.clock()
        with self.base.writing() as base:
            if base.execute(
                "UPDATE items SET state = ?, words = ?, changed_at = ?, lease_owner = '',"
                f" lease_until = 0 WHERE {_MINE}",
                (state, words[:LONGEST_WORDS], now, *self._mine(item)),
            ).rowcount:
                note_try(base, item.id, now, outcome, words)

    def _mine(self, item: Item) -> tuple[int, str, int]:
        return item.id, self.owner, item.attempts

    def _is_dead(self, owner: str) -> bool:
        """Whether an owner was a process of this computer that is gone."""
        host, _, process = owner.rpartition(":")
        if host != socket.gethostname() or not process.isdigit():
            return False
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


_MINE = "id = ? AND lease_owner = ? AND attempts = ? AND state = 'waiting'"
"""An outcome counts only from whoever holds the item now."""


def _refuse_retry(base: sqlite3.Connection, item: Item) -> None:
    where = f"number {item.id}"
    if item.state is ItemState.SENT:
        raise InvalidInput("the peer has this already", value=where)
    if not item.is_made:
        raise InvalidInput(
            "this could not be made, so there is nothing to send",
            value=item.words,
            remedy="have it made again on the study's page",
        )
    newer = base.execute(
        "SELECT 1 FROM items WHERE id > ? AND peer = ? AND study = ? AND what = ?"
        " AND state = 'sent'",
        (item.id, item.peer, item.study, item.what),
    ).fetchone()
    if newer is not None:
        raise InvalidInput(
            "a newer version was sent, and an older one must not follow it",
            value=where,
            remedy="give it up",
        )


def _row(base: sqlite3.Connection, number: int, now: float) -> Item:
    row = base.execute("SELECT * FROM items WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise InvalidInput("nothing of that number waits", value=str(number))
    return item_of(dict(row), now)
