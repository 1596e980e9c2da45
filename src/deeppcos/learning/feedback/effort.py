"""What a reading costs, with and without the machine's marks first, and whether they sway readers.

Owns the figures. A study is drawn by lot, once, to be read blind first or not. Only readings that
kept to their lot are compared; all are counted. Intervals are by patient, so they speak of the
readers who read, not of others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.learning.metrics import Items, Measured, by_group, pooled_f1

Floats = npt.NDArray[np.float64]

ROUNDS = 1000
FEWEST_PATIENTS = 5
"""Under it a mean has no interval: it would say more of luck than of readers."""
FEWEST_RESAMPLED = 10
"""Under it, in either kind, an interval by resampling patients would be far too narrow."""
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One finished reading of one study.

    Attributes:
        group: Patient.
        reader: Pseudonym of who read.
        machine_first: Whether the machine's marks were seen before the first correction.
        drawn_blind: Whether the lot says that the study is read blind first.
        edits: Corrections that stand.
        seconds: Time at the pictures; None where none was measured.
    """

    group: str
    reader: str = ""
    machine_first: bool
    drawn_blind: bool = False
    edits: int
    seconds: float | None

    @property
    def keeps_to_its_lot(self) -> bool:
        """Whether it was read the way that was drawn for it."""
        return self.drawn_blind != self.machine_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What readings of one kind cost.

    Attributes:
        edits: Mean corrections a scan.
        seconds: Mean seconds a scan, over those that were timed.
        readers: How many people read them.
    """

    edits: Measured
    seconds: Measured
    readers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What the machine's marks save, among readings that kept to their lot.

    Attributes:
        edits: Mean corrections with the marks first, minus blind.
        seconds: Mean seconds with the marks first, minus blind.
    """

    edits: Measured
    seconds: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideMachine:
    """A reading of one picture beside what the machine marked in it.

    Attributes:
        group: Patient.
        machine_first: Whether the machine's marks were seen first.
        drawn_blind: Whether the lot says that the study is read blind first.
        shared: Follicles that both marked.
        reader_count: Follicles of the reader.
        machine_count: Follicles of the machine.
    """

    group: str
    machine_first: bool
    drawn_blind: bool = False
    shared: int
    reader_count: int
    machine_count: int

    @property
    def keeps_to_its_lot(self) -> bool:
        """Whether it was read the way that was drawn for it."""
        return self.drawn_blind != self.machine_first


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationBias:
    """Whether readers follow the machine when they see it first.

    Attributes:
        machine_first: F1 of the machine with readers who saw it first.
        blind: F1 of the machine with readers who did not.
        difference: First minus second; above 0 they follow it.
        off_lot: Pictures left out, since they were not read the way the lot had it.
    """

    machine_first: Measured
    blind: Measured
    difference: Measured
    off_lot: int


def effort(scans: Sequence[Scan], *, machine_first: bool) -> Effort:
    """Mean cost of the readings with, or without, the machine's marks first.

    Args:
        scans: Finished readings.
        machine_first: Which of them.

    Returns:
        The figures.
    """
    chosen = [one for one in scans if one.machine_first == machine_first]
    return Effort(
        edits=_mean(chosen, _edits),
        seconds=_mean(chosen, _seconds),
        readers=len({one.reader for one in chosen}),
    )


def saving(scans: Sequence[Scan]) -> Saving:
    """What the marks save, by lot.

    Args:
        scans: Finished readings; those that did not keep to their lot are left out.

    Returns:
        The figures; None where one of the two kinds is missing.
    """
    kept = [one for one in scans if one.keeps_to_its_lot]
    return Saving(edits=_difference(kept, _edits), seconds=_difference(kept, _seconds))


def _edits(scan: Scan) -> float | None:
    return float(scan.edits)


def _seconds(scan: Scan) -> float | None:
    return scan.seconds


def _mean(scans: Sequence[Scan], of: Callable[[Scan], float | None]) -> Measured:
    """A mean with Student's interval; scans of one patient count as one draw."""
    known = [(scan.group, value) for scan in scans if (value := of(scan)) is not None]
    groups = [group for group, _ in known]
    values = np.array([value for _, value in known], float)
    if not known:
        return Measured(value=None, low=None, high=None, n=0, groups=0)
    mean = float(values.mean())
    parts = (values - mean) / len(values)
    return _measured(mean, parts, groups, fewest=len(set(groups)))


def _difference(scans: Sequence[Scan], of: Callable[[Scan], float | None]) -> Measured:
    """Difference of two means; a patient read both ways counts once."""
    known = [(scan, value) for scan in scans if (value := of(scan)) is not None]
    groups = [scan.group for scan, _ in known]
    values = np.array([value for _, value in known], float)
    first = np.array([scan.machine_first for scan, _ in known], bool)
    arms = [len({g for g, one in zip(groups, first, strict=True) if one is kind})
            for kind in (np.True_, np.False_)]  # fmt: skip
    if min(arms) == 0:
        return Measured(value=None, low=None, high=None, n=len(known), groups=len(set(groups)))
    seen, blind = values[first].mean(), values[~first].mean()
    parts = np.where(first, (values - seen) / first.sum(), -(values - blind) / (~first).sum())
    return _measured(float(seen - blind), parts, groups, fewest=min(arms))


def _measured(value: float, parts: Floats, groups: Sequence[str], *, fewest: int) -> Measured:
    """A figure with the interval its parts give, summed within patients.

    Args:
        value: The figure.
        parts: What each scan adds to its error.
        groups: Patient of each scan.
        fewest: Patients of the smaller kind: degrees of freedom, and whether there is an interval.
    """
    names = sorted(set(groups))
    plain = Measured(value=value, low=None, high=None, n=len(groups), groups=len(names))
    if fewest < FEWEST_PATIENTS:
        return plain
    sums = np.zeros(len(names))
    np.add.at(sums, [names.index(one) for one in groups], parts)
    error = float(np.sqrt(len(names) / (len(names) - 1) * (sums**2).sum()))
    reach = student_95(fewest - 1) * error
    return Measured(
        value=value, low=value - reach, high=value + reach, n=len(groups), groups=len(names)
    )


def student_95(freedom: int) -> float:
    """How many standard errors a 95 % interval reaches to either side.

    Args:
        freedom: Degrees of freedom, 3 or more.

    Returns:
        The 97.5 % point of Student's t, to 0.02.

    Source:
        Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.

    Examples:
        >>> round(student_95(4), 2), round(student_95(9), 2), round(student_95(1000), 2)
        (2.77, 2.26, 1.96)
    """
    z, v = NORMAL_95, float(freedom)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


def automation_bias(rows: Sequence[BesideMachine], *, rounds: int = ROUNDS) -> AutomationBias:
    """Agreement with the machine, seen first and not seen, of readings that kept to their lot.

    Args:
        rows: Readings of pictures beside the machine.
        rounds: Bootstrap rounds.

    Returns:
        The figures; None where one of the two kinds is missing.

    Examples:
        >>> rows = [
        ...     BesideMachine(group="a", machine_first=True, shared=4, reader_count=4,
        ...                   machine_count=4),
        ...     BesideMachine(group="b", machine_first=False, drawn_blind=True, shared=2,
        ...                   reader_count=4, machine_count=4),
        ... ]
        >>> automation_bias(rows, rounds=10).difference.value
        0.5
    """
    kept = [row for row in rows if row.keeps_to_its_lot]
    first = np.array([row.machine_first for row in kept], bool)
    shared = np.array([row.shared for row in kept], float)
    reader = np.array([row.reader_count for row in kept], float)
    machine = np.array([row.machine_count for row in kept], float)
    groups = [row.group for row in kept]
    agreed = pooled_f1(matched=shared, predicted=reader, true=machine)

    def found(items: Items) -> float | None:
        return agreed(items) if len(items) else None

    def difference(items: Items) -> float | None:
        seen, unseen = found(items[first[items]]), found(items[~first[items]])
        return None if seen is None or unseen is None else seen - unseen

    def arm(kind: bool) -> Measured:
        items = np.flatnonzero(first == kind)
        return _told(by_group(lambda i: found(items[i]), [groups[n] for n in items], rounds=rounds))

    seen, blind = arm(kind=True), arm(kind=False)
    between = by_group(difference, groups, rounds=rounds)
    return AutomationBias(
        machine_first=seen,
        blind=blind,
        difference=_told(between, fewest=min(seen.groups, blind.groups)),
        off_lot=len(rows) - len(kept),
    )


def _told(measured: Measured, *, fewest: int | None = None) -> Measured:
    """A figure without its interval where too few patients stand behind it."""
    patients = measured.groups if fewest is None else fewest
    if patients >= FEWEST_RESAMPLED:
        return measured
    return Measured(value=measured.value, low=None, high=None, n=measured.n, groups=measured.groups)
