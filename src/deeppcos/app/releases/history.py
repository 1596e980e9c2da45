"""Every move of the shelf, one line each, each chained to the one before.

Owns the file; how an event is hashed is the business of ``app.desk.audit_chain``, as for the
trail of the desk. The head of the chain stands in the last line: cutting lines off the end is
seen only against a copy elsewhere, so the desk's own trail names each move too.
"""

import datetime
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deeppcos.app.desk.audit_chain import GENESIS, Event, event_hash, problems_of
from deeppcos.app.releases.files import append_line
from deeppcos.errors import ContractBroken

HISTORY_FILE = "history.jsonl"


def remember(folder: Path, *, action: str, about: str, by: str, detail: Mapping[str, Any]) -> Event:
    """Add one event.

    Args:
        folder: The shelf.
        action: Such as ``promoted`` or ``rolled_back``.
        about: Name of the release.
        by: Who did it.
        detail: More, as JSON.

    Returns:
        The event.

    Raises:
        TemporaryFailure: If the disk refuses.
        ContractBroken: If the history before it is damaged.
    """
    known = list(events(folder))
    previous = known[-1][1] if known else GENESIS
    event = Event(
        number=len(known) + 1,
        at=datetime.datetime.now(datetime.UTC),
        actor=None,
        actor_name=by,
        action=action,
        about=about,
        site=None,
        detail=detail,
        previous_hash=previous,
    )
    line = {
        "number": event.number,
        "at": event.at.isoformat(timespec="microseconds"),
        "by": by,
        "action": action,
        "about": about,
        "detail": dict(detail),
        "previous_hash": previous,
        "hash": event_hash(event),
    }
    append_line(folder / HISTORY_FILE, json.dumps(line, sort_keys=True))
    return event


def events(folder: Path) -> Iterator[tuple[Event, str]]:
    """Every event with its stored hash, in order.

    Args:
        folder: The shelf.

    Yields:
        Event and hash. A last line that a power cut left unfinished is passed over: it was
        never acknowledged.

    Raises:
        ContractBroken: If a line in the middle cannot be read.
    """
    file = folder / HISTORY_FILE
    if not file.is_file():
        return
    lines = file.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            row = json.loads(line)
            event = Event(
                number=row["number"],
                at=datetime.datetime.fromisoformat(row["at"]),
                actor=None,
                actor_name=row["by"],
                action=row["action"],
                about=row["about"],
                site=None,
                detail=row["detail"],
                previous_hash=row["previous_hash"],
            )
        except (ValueError, KeyError, TypeError) as problem:
            raise ContractBroken(
                f"{file}: line {number} cannot be read",
                value=str(problem),
                remedy="restore the file from a backup; the served release is not affected",
            ) from problem
        yield event, row["hash"]


def problems(folder: Path) -> list[str]:
    """What is wrong with the history, in words; nothing when it is whole.

    Args:
        folder: The shelf.

    Returns:
        One sentence a problem.
    """
    chain = list(events(folder))
    if not chain:
        return []
    last, stored = chain[-1]
    return list(problems_of(chain, head_number=last.number, head_hash=stored))
