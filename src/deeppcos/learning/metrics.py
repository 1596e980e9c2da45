"""How well outlines, counts and probabilities agree with the truth, with honest intervals.

Owns the measures and the bootstrap by patient group. What is compared with what is the
business of ``evaluate``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Masks = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure with its interval.

    Attributes:
        value: The figure; None where it is undefined.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        n: Number of items.
        groups: Number of patient groups.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """One-to-one pairs of predicted and true instances.

    Attributes:
        pairs: ``(predicted, true)`` indices.
        predicted: Number predicted.
        true: Number true.
    """

    pairs: tuple[tuple[int, int], ...]
    predicted: int
    true: int


def dice(a: Masks, b: Masks) -> float:
    """Overlap of two masks: twice the intersection over the sum; 1 for two empty masks."""
    total = int(a.sum()) + int(b.sum())
    return 1.0 if total == 0 else 2.0 * int((a & b).sum()) / total


def intersection_over_union(a: Masks, b: Masks) -> float:
    """Overlap of two masks: intersection over union; 0 for two empty masks."""
    union = int((a | b).sum())
    return 0.0 if union == 0 else int((a & b).sum()) / union


def match_instances(
    predicted: Sequence[Masks], true: Sequence[Masks], *, least_iou: float
) -> Matching:
    """Pair instances one to one, largest overlap first.

    Args:
        predicted: Predicted instance masks.
        true: True instance masks.
        least_iou: Overlap a pair needs.

    Returns:
        The pairs.
    """
    overlaps = [
        (intersection_over_union(p, t), i, j)
        for i, p in enumerate(predicted)
        for j, t in enumerate(true)
    ]
    pairs: list[tuple[int, int]] = []
    used_predicted: set[int] = set()
    used_true: set[int] = set()
    for overlap, i, j in sorted(overlaps, reverse=True):
        if overlap < least_iou or overlap == 0.0:
            break
        if i not in used_predicted and j not in used_true:
            pairs.append((i, j))
            used_predicted.add(i)
            used_true.add(j)
    return Matching(pairs=tuple(pairs), predicted=len(predicted), true=len(true))


def f1(*, matched: int, predicted: int, true: int) -> float:
    """Harmonic mean of precision and recall; 1 when there is nothing to find and none found."""
    return 1.0 if predicted + true == 0 else 2.0 * matched / (predicted + true)


def concordance(a: Sequence[float], b: Sequence[float]) -> float:
    """Lin's concordance correlation coefficient (Lin 1989), with the biased variances.

    Examples:
        >>> round(concordance([1, 2, 3, 4], [2, 3, 4, 5]), 3)
        0.714
    """
    x, y = np.asarray(a, float), np.asarray(b, float)
    spread = float(x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    if spread == 0:
        return 1.0
    return float(2 * ((x - x.mean()) * (y - y.mean())).mean() / spread)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Chance that a positive scores above a negative, ties counting half."""
    p, q = np.asarray(positive, float), np.asarray(negative, float)
    above = (p[:, None] > q[None]).mean()
    equal = (p[:, None] == q[None]).mean()
    return float(above + 0.5 * equal)


def calibration_error(
    probabilities: Sequence[float], outcomes: Sequence[bool], *, bins: int = 10
) -> float | None:
    """Expected calibration error over bins of equal counts; None when there is nothing to bin."""
    if len(probabilities) == 0:
        return None
    order = np.argsort(np.asarray(probabilities, float), kind="stable")
    p = np.asarray(probabilities, float)[order]
    y = np.asarray(outcomes, float)[order]
    parts = [i for i in np.array_split(np.arange(len(p)), min(bins, len(p))) if len(i)]
    gaps = [len(i) * abs(float(p[i].mean() - y[i].mean())) for i in parts]
    return float(sum(gaps) / len(p))


def by_group(
    measure: Callable[[Sequence[int]], float | None],
    groups: Sequence[str],
    *,
    rounds: int = 2000,
    seed: int = 0,
) -> Measured:
    """A figure with a 95 % percentile bootstrap interval over patient groups.

    Groups are drawn with replacement, all their items together, since pictures of one patient
    are not independent.

    Args:
        measure: Takes item numbers (repeats allowed), gives the figure or None.
        groups: Group of each item.
        rounds: Bootstrap rounds.
        seed: Seed of the draws.

    Returns:
        The figure, its interval and how many items and groups it stands on.
    """
    items = list(range(len(groups)))
    members: dict[str, list[int]] = {}
    for item, group in enumerate(groups):
        members.setdefault(group, []).append(item)
    names = sorted(members)
    value = measure(items) if items else None
    if value is None or len(names) < 2:
        return Measured(value=value, low=None, high=None, n=len(items), groups=len(names))
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(rounds):
        chosen = rng.integers(0, len(names), len(names))
        result = measure([item for c in chosen for item in members[names[int(c)]]])
        if result is not None:
            drawn.append(result)
    if not drawn:
        return Measured(value=value, low=None, high=None, n=len(items), groups=len(names))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Measured(value=value, low=float(low), high=float(high), n=len(items), groups=len(names))
