"""What a reading costs, with and without the machine's marks first, and whether they sway readers.

Owns the figures. Readers are not drawn by lot to be shown the marks unless the reading list sent
them blind: compare the two columns with that in mind.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deeppcos.learning.metrics import Items, Measured, by_group, pooled_f1

ROUNDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One finished reading of one study.

    Attributes:
        group: Patient.
        machine_first: Whether the machine's marks were seen before the first correction.
        edits: Corrections that stand.
        seconds: Time at the pictures; None where none was measured.
    """

    group: str
    machine_first: bool
    edits: int
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What readings of one kind cost.

    Attributes:
        edits: Mean corrections a scan.
        seconds: Mean seconds a scan, over those that were timed.
    """

    edits: Measured
    seconds: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideMachine:
    """A reading of one picture beside what the machine marked in it.

    Attributes:
        group: Patient.
        machine_first: Whether the machine's marks were seen first.
        shared: Follicles that both marked.
        reader_count: Follicles of the reader.
        machine_count: Follicles of the machine.
    """

    group: str
    machine_first: bool
    shared: int
    reader_count: int
    machine_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationBias:
    """Whether readers follow the machine when they see it first.

    Attributes:
        machine_first: F1 of the machine with readers who saw it first.
        blind: F1 of the machine with readers who did not.
        difference: First minus second; above 0 they follow it.
    """

    machine_first: Measured
    blind: Measured
    difference: Measured


def effort(scans: Sequence[Scan], *, machine_first: bool, rounds: int = ROUNDS) -> Effort:
    """Mean cost of the readings with, or without, the machine's marks first.

    Args:
        scans: Finished readings.
        machine_first: Which of them.
        rounds: Bootstrap rounds.

    Returns:
        The figures.
    """
    chosen = [one for one in scans if one.machine_first == machine_first]
    timed = [one for one in chosen if one.seconds is not None]
    return Effort(
        edits=_mean([float(one.edits) for one in chosen], chosen, rounds),
        seconds=_mean([float(one.seconds or 0.0) for one in timed], timed, rounds),
    )


def _mean(values: Sequence[float], scans: Sequence[Scan], rounds: int) -> Measured:
    kept = np.array(values, float)
    return by_group(
        lambda items: float(kept[items].mean()), [s.group for s in scans], rounds=rounds
    )


def automation_bias(rows: Sequence[BesideMachine], *, rounds: int = ROUNDS) -> AutomationBias:
    """Agreement with the machine, seen first and not seen.

    Args:
        rows: Readings of pictures beside the machine.
        rounds: Bootstrap rounds.

    Returns:
        The figures; None where one of the two kinds is missing.

    Examples:
        >>> rows = [
        ...     BesideMachine(group="a", machine_first=True, shared=4, reader_count=4,
        ...                   machine_count=4),
        ...     BesideMachine(group="b", machine_first=False, shared=2, reader_count=4,
        ...                   machine_count=4),
        ... ]
        >>> automation_bias(rows, rounds=10).difference.value
        0.5
    """
    first = np.array([row.machine_first for row in rows], bool)
    shared = np.array([row.shared for row in rows], float)
    reader = np.array([row.reader_count for row in rows], float)
    machine = np.array([row.machine_count for row in rows], float)
    groups = [row.group for row in rows]

    agreed = pooled_f1(matched=shared, predicted=reader, true=machine)

    def found(items: Items) -> float | None:
        return agreed(items) if len(items) else None

    def difference(items: Items) -> float | None:
        seen, unseen = found(items[first[items]]), found(items[~first[items]])
        return None if seen is None or unseen is None else seen - unseen

    return AutomationBias(
        machine_first=by_group(lambda i: found(i[first[i]]), groups, rounds=rounds),
        blind=by_group(lambda i: found(i[~first[i]]), groups, rounds=rounds),
        difference=by_group(difference, groups, rounds=rounds),
    )
