"""What a backup holds of the connections: received images, what waits to be sent, merges.

Owns which files those are and in which order their tables are copied while images arrive:

1. the inbox's index before the data base: an image the copied data base does not hold yet is not
   marked as taken either, and is taken in again after a restore (what the desk holds already is
   recognised by its content);
2. outbox and merges after the data base: an event or a merge that is done there is known here, and
   one that is not is repeated, which changes nothing;
3. files last: no row names a file the backup lacks.

``connections.toml`` stays behind: a restored copy sends nothing to anybody until somebody puts it
there.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

FOLDER = "connections"
BEFORE_THE_DATA_BASE = ("inbox/index.sqlite3",)
AFTER_THE_DATA_BASE = ("outbox.sqlite3", "merges.sqlite3")
PAYLOADS = "payloads"
RECEIVED = ("inbox/studies", "inbox/conflicts", "inbox/quarantine")


def copied_tables(home: Path, names: tuple[str, ...], into: Path) -> Iterator[tuple[str, Path]]:
    """Copy tables as they are at one moment, each for itself.

    Args:
        home: The data folder.
        names: Tables, counted from the folder of the connections.
        into: An empty folder for the copies.

    Yields:
        Name in the backup, and the copy; nothing of tables that are not there.
    """
    for name in names:
        source = home / FOLDER / name
        if source.is_file():
            copy = into / name.replace("/", "-")
            copy_sqlite(source, copy)
            yield f"{FOLDER}/{name}", copy


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy an SQLite file as it is at one moment, whoever writes to it.

    Args:
        source: The file.
        target: Where.
    """
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)


def received_files(home: Path) -> Iterator[Path]:
    """Every file that was received and kept; what is half received was never acknowledged."""
    for folder in RECEIVED:
        yield from _whole_files(home / FOLDER / folder)


def waiting_files(home: Path) -> Iterator[Path]:
    """Every file that was put aside for sending. One that was sent long ago may go meanwhile."""
    yield from _whole_files(home / FOLDER / PAYLOADS)


def _whole_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path
