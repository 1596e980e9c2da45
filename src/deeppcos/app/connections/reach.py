"""Whether each peer answers, asked now and then, so that a page can say it without waiting.

Owns the asking in the background and its last results. What is asked is the business of
``checking``.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deeppcos.app.connections.checking import sign_of_life
from deeppcos.app.connections.database import Database
from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.settings import Connections
from deeppcos.errors import DeepPCOSError

LOG = logging.getLogger("deeppcos.connections")

LOOK_SECONDS = 120.0
LONGEST_WORDS = 1000
_TABLE = """
CREATE TABLE IF NOT EXISTS reach (
    peer TEXT PRIMARY KEY, at REAL NOT NULL, answers INTEGER NOT NULL, words TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What was found the last time a peer was asked.

    Attributes:
        at: When, seconds since 1970.
        answers: Whether it answered.
        words: Why not.
    """

    at: float
    answers: bool
    words: str = ""


def note_reach(outbox: Outbox, peer: str, *, words: str) -> None:
    """Remember what was found.

    Args:
        outbox: Beside which it is kept.
        peer: Name of the peer.
        words: Why it does not answer; empty where it does.
    """
    with _base(outbox).writing() as base:
        base.execute(
            "INSERT OR REPLACE INTO reach VALUES (?, ?, ?, ?)",
            (peer, outbox.clock(), not words, words[:LONGEST_WORDS]),
        )


def known_reach(outbox: Outbox) -> dict[str, Reach]:
    """The last result of each peer."""
    with _base(outbox).reading() as base:
        rows = base.execute("SELECT peer, at, answers, words FROM reach").fetchall()
    return {
        row["peer"]: Reach(at=row["at"], answers=bool(row["answers"]), words=row["words"])
        for row in rows
    }


def look(outbox: Outbox, connections: Connections, name: str) -> str:
    """Ask one peer for a sign of life and remember what came.

    Returns:
        Why it does not answer; empty where it does.
    """
    try:
        sign_of_life(connections.peer(name))
        words = ""
    except DeepPCOSError as problem:
        words = str(problem)
    note_reach(outbox, name, words=words)
    return words


@contextmanager
def keeping_watch(outbox: Outbox, connections: Connections) -> Iterator[None]:
    """Ask every peer now and then in the background."""
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            for name in connections.peers:
                if over.is_set():
                    return
                try:
                    look(outbox, connections, name)
                except Exception:  # What a library raises unforeseen must not end the watch.
                    LOG.exception("%s could not be asked", name)
            over.wait(LOOK_SECONDS)

    thread = threading.Thread(target=go_on, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=5.0)


def _base(outbox: Outbox) -> Database:
    return Database(outbox.base.path.with_name("reach.sqlite3"), _TABLE)
