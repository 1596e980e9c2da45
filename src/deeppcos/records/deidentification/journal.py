"""What was done with each file so far, on disk before it counts as done.

Owns the journal of a de-identification: one line a file, appended and synced, so that a run that
was killed goes on where it stopped. It names the originals: it stays with the key.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from deeppcos.errors import InvalidInput

SCHEMA = "deeppcos.deidentification_journal/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What became of one file.

    Attributes:
        source: The original.
        sha256: Of the original.
        state: ``written``, ``duplicate`` or ``refused``.
        output: The new file, below the folder of results; empty when refused.
        reason: Why it was refused; empty otherwise.
        frames: Number of frames written.
        texts: Number of texts blanked.
        outside_regions: Share of the picture outside the scan regions, 0 to 1.
        has_regions: Whether the file declared its scan regions.
    """

    source: str
    sha256: str
    state: str
    output: str = ""
    reason: str = ""
    frames: int = 0
    texts: int = 0
    outside_regions: float = 0.0
    has_regions: bool = False


class Journal:
    """The journal of one folder of results.

    Args:
        path: The file; made when absent.
        settings: What must be the same when a run goes on: the key's fingerprint and the policy.

    Raises:
        InvalidInput: If the journal belongs to another key or policy.
    """

    def __init__(self, path: Path, *, settings: dict[str, str]) -> None:
        self._path = path
        lines = _lines(path)
        if not lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append({"schema": SCHEMA, "settings": settings})
        elif lines[0].get("schema") != SCHEMA or lines[0].get("settings") != settings:
            raise InvalidInput(
                f"{path}: these results were begun with another key or other options",
                accepted="the key and options of the first run",
                remedy="give them again, or another folder with --out",
            )
        self._entries = {entry.source: entry for entry in journal_entries(path)}

    def entry(self, source: str) -> Entry | None:
        """What was last said of a file."""
        return self._entries.get(source)

    def entries(self) -> tuple[Entry, ...]:
        """What was last said of every file, in the order they were first met."""
        return tuple(self._entries.values())

    def add(self, entry: Entry) -> None:
        """Say what became of a file; on disk when this returns."""
        self._append(asdict(entry))
        self._entries[entry.source] = entry

    def _append(self, line: dict[str, object]) -> None:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "rb+") as stream:
            # A line that a killed run left unfinished must not swallow this one.
            size = stream.seek(0, os.SEEK_END)
            is_cut = size > 0 and os.pread(stream.fileno(), 1, size - 1) != b"\n"
            text = json.dumps(line, ensure_ascii=True) + "\n"
            stream.write(b"\n" * is_cut + text.encode("ascii"))
            stream.flush()
            os.fsync(stream.fileno())


def _lines(path: Path) -> list[dict[str, object]]:
    """Whole lines only: the last one may have been cut short."""
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _entry(line: dict[str, object]) -> Entry:
    return Entry(**cast(Any, line))  # written by asdict above


def journal_entries(path: Path) -> tuple[Entry, ...]:
    """What a journal last said of every file.

    Args:
        path: The journal.
    """
    return tuple({entry.source: entry for entry in map(_entry, _lines(path)[1:])}.values())
