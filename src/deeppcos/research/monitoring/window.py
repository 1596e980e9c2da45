"""The frozen reference: what was usual, named by a person, with the values it had then.

Owns its document ``deeppcos.monitoring-window/1`` and its fingerprint. It holds values, no women:
values of a signal stand in no common order with those of another.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.research.monitoring.ranks import Value
from deeppcos.research.monitoring.signals import BY_NAME, SIGNALS

SCHEMA = "deeppcos.monitoring-window/1"
FEWEST_VALUES = 30
"""With fewer values a signal is not watched: a change could hardly show in its ranks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A reference that never changes.

    Attributes:
        name: What people call it.
        first: First day of it.
        last: Last day of it.
        false_alarm_rate: Most probability that any signal ever alarms without a change.
        values: Sorted values by signal; signals that are not in it are not watched.
        left_out: Signals with too few known values, and how many there were.
    """

    name: str
    first: date
    last: date
    false_alarm_rate: float
    values: Mapping[str, tuple[Value, ...]]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the document."""
        return hashlib.sha256(json.dumps(as_document(self), sort_keys=True).encode()).hexdigest()


def freeze(
    *,
    name: str,
    first: date,
    last: date,
    false_alarm_rate: float,
    values: Mapping[str, Sequence[Value]],
) -> Window:
    """A new reference.

    Args:
        name: What people call it.
        first: First day of it.
        last: Last day of it.
        false_alarm_rate: Above 0, at most 0.5.
        values: Known values by signal.

    Returns:
        The window; signals with fewer than 30 known values are left out and named.

    Raises:
        InvalidInput: If nothing can be watched, or the days or the rate cannot be meant.
    """
    if first > last:
        raise InvalidInput(
            "the window ends before it begins",
            value=f"{first} to {last}",
            accepted="a first day on or before the last",
        )
    if not 0 < false_alarm_rate <= 0.5:
        raise InvalidInput(
            "the false-alarm rate cannot be meant",
            value=str(false_alarm_rate),
            accepted="above 0, at most 0.5, such as 0.05",
        )
    counts = {signal.name: len(values.get(signal.name, ())) for signal in SIGNALS}
    kept = {name for name, count in counts.items() if count >= FEWEST_VALUES}
    if not kept:
        most = max(counts.values())
        raise InvalidInput(
            "too few women for a reference window",
            value=f"at most {most} known values of any signal from {first} to {last}",
            accepted=f"at least {FEWEST_VALUES}",
            remedy="name a longer time",
        )
    return Window(
        name=name,
        first=first,
        last=last,
        false_alarm_rate=false_alarm_rate,
        # Sorted, so that what stands in two lists at the same place is not the same woman.
        values={one: tuple(sorted(values[one])) for one in counts if one in kept},
        left_out={one: count for one, count in counts.items() if one not in kept},
    )


def as_document(window: Window) -> dict[str, Any]:
    """The window as JSON."""
    return {
        "schema": SCHEMA,
        "name": window.name,
        "first": window.first.isoformat(),
        "last": window.last.isoformat(),
        "false_alarm_rate": window.false_alarm_rate,
        "values": {name: list(values) for name, values in window.values.items()},
        "left_out": dict(window.left_out),
    }


def window_from(document: Mapping[str, Any], *, fingerprint: str) -> Window:
    """The window of a document.

    Args:
        document: What ``as_document`` wrote.
        fingerprint: Its fingerprint when it was frozen.

    Raises:
        ContractBroken: If it is another document, or was changed after it was frozen.
    """
    try:
        found = Window(
            name=str(document["name"]),
            first=date.fromisoformat(document["first"]),
            last=date.fromisoformat(document["last"]),
            false_alarm_rate=float(document["false_alarm_rate"]),
            values={name: tuple(values) for name, values in document["values"].items()},
            left_out=dict(document["left_out"]),
        )
        is_known = document["schema"] == SCHEMA and set(found.values) <= set(BY_NAME)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _broken(str(problem)) from problem
    if not is_known:
        raise _broken("another schema or an unknown signal")
    if found.fingerprint != fingerprint:
        raise _broken("it was changed after it was frozen")
    return found


def _broken(problem: str) -> ContractBroken:
    return ContractBroken(
        "a monitoring window cannot be used",
        value=problem,
        accepted=SCHEMA,
        remedy="name a new window; keep the old one for whoever looks into it",
    )
