"""The hash chain of the audit trail.

Owns how an event is hashed and what is wrong with a chain. Storing events is the business of
``deeppcos.app.web.audit``.
"""

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = "0" * 64
"""What the first event follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as it is hashed.

    Attributes:
        number: 1 for the first, without gaps.
        at: When, with a time zone.
        actor: Id of the account, or None for the system.
        actor_name: Name at that time.
        action: What was done.
        about: What it was done to.
        site: Id of the site, or None.
        detail: More, as JSON.
        previous_hash: Hash of the event before.
    """

    number: int
    at: datetime.datetime
    actor: int | None
    actor_name: str
    action: str
    about: str
    site: int | None
    detail: Mapping[str, Any]
    previous_hash: str


def event_hash(event: Event) -> str:
    """SHA-256 of everything in an event, the hash of the one before included.

    Args:
        event: The event.

    Returns:
        64 hexadecimal digits.
    """
    content = {
        "number": event.number,
        "at": event.at.astimezone(datetime.UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "actor_name": event.actor_name,
        "action": event.action,
        "about": event.about,
        "site": event.site,
        "detail": event.detail,
        "previous_hash": event.previous_hash,
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def problems_of(
    chain: Iterable[tuple[Event, str]], *, head_number: int, head_hash: str
) -> Iterator[str]:
    """What is wrong with a chain, in words; nothing when it is whole.

    Args:
        chain: Every event with the hash stored beside it, in order.
        head_number: Number of the last event that was added.
        head_hash: Its hash.

    Yields:
        One sentence a problem. After a broken link the check goes on from what is stored, so
        that one change does not hide the next.
    """
    number, previous = 0, GENESIS
    for event, stored in chain:
        if event.number != number + 1:
            yield f"events {number + 1} to {event.number - 1} are missing"
        if event.previous_hash != previous:
            yield f"event {event.number} does not follow the event before it"
        if event_hash(event) != stored:
            yield f"event {event.number} was changed after it was written"
        number, previous = event.number, stored
    if number != head_number or previous != head_hash:
        yield f"the trail ends at event {number}, but event {head_number} was the last one added"
