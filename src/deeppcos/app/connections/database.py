"""The small data base of the connections: one SQLite file, on the disk when it says so.

Owns how it is opened. The tables belong to those who use them (``outbox``, ``messages_in``).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 20.0


class Database:
    """A file, opened anew for each piece of work: safe for threads and after a fork.

    Args:
        path: The file; made with its folder when it is missing.
        tables: SQL that makes the tables; may be run any number of times.
    """

    def __init__(self, path: Path, tables: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._open() as base:
            base.execute("PRAGMA journal_mode = WAL")
            base.executescript(tables)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; on the disk when the block has ended."""
        with self._open() as base:
            base.execute("BEGIN IMMEDIATE")
            try:
                yield base
            except BaseException:
                base.execute("ROLLBACK")
                raise
            base.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One view of the tables."""
        with self._open() as base:
            base.execute("BEGIN")
            yield base

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        base = sqlite3.connect(self.path, timeout=PATIENCE_S, isolation_level=None)
        try:
            base.row_factory = sqlite3.Row
            base.execute("PRAGMA synchronous = FULL")
            base.execute("PRAGMA foreign_keys = ON")
            yield base
        finally:
            base.close()
