"""How well outlines, counts and probabilities agree with the truth, with honest intervals.

Owns the measures and the bootstrap by patient group. What is compared with what is the
business of ``evaluate``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Masks = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Items = npt.NDArray[np.int64]


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


def overlaps_of(predicted: Sequence[Masks], true: Sequence[Masks]) -> Floats:
    """Overlap (IoU) of every predicted with every true instance.

    Follicles fill little of a picture: pairs whose boxes do not meet are not looked at, and the
    others only inside their boxes.

    Args:
        predicted: Predicted instance masks, ``(H, W) bool``.
        true: True instance masks.

    Returns:
        ``(len(predicted), len(true)) float64`` in [0, 1].
    """
    overlaps = np.zeros((len(predicted), len(true)))
    boxed_true = [_boxed(mask) for mask in true]
    for i, one in enumerate(map(_boxed, predicted)):
        for j, other in enumerate(boxed_true):
            overlaps[i, j] = _box_overlap(one, other)
    return overlaps


@dataclass(frozen=True, slots=True, kw_only=True)
class _Boxed:
    """A mask with its bounding box and area."""

    mask: Masks
    top: int
    left: int
    bottom: int
    right: int
    area: int


def _boxed(mask: Masks) -> _Boxed:
    """The bounding box of a mask; empty for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return _Boxed(mask=mask, top=0, left=0, bottom=0, right=0, area=0)
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    area = int(mask[top:bottom, left:right].sum())
    return _Boxed(mask=mask, top=top, left=left, bottom=bottom, right=right, area=area)


def _box_overlap(a: _Boxed, b: _Boxed) -> float:
    """Intersection over union of two boxed masks."""
    rows = slice(max(a.top, b.top), min(a.bottom, b.bottom))
    columns = slice(max(a.left, b.left), min(a.right, b.right))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return 0.0
    both = int((a.mask[rows, columns] & b.mask[rows, columns]).sum())
    return both / (a.area + b.area - both)


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
    return matched(overlaps_of(predicted, true), least_iou=least_iou)


def matched(overlaps: Floats, *, least_iou: float) -> Matching:
    """Pair instances one to one, largest overlap first.

    Args:
        overlaps: ``(predicted, true)`` overlaps, as of ``overlaps_of``.
        least_iou: Overlap a pair needs.

    Returns:
        The pairs.
    """
    ranked = sorted(((float(v), i, j) for (i, j), v in np.ndenumerate(overlaps)), reverse=True)
    pairs: list[tuple[int, int]] = []
    used_predicted: set[int] = set()
    used_true: set[int] = set()
    for overlap, i, j in ranked:
        if overlap < least_iou or overlap == 0.0:
            break
        if i not in used_predicted and j not in used_true:
            pairs.append((i, j))
            used_predicted.add(i)
            used_true.add(j)
    return Matching(pairs=tuple(pairs), predicted=overlaps.shape[0], true=overlaps.shape[1])


def f1(*, matched: float, predicted: float, true: float) -> float:
    """Harmonic mean of precision and recall; 1 when there is nothing to find and none found."""
    return 1.0 if predicted + true == 0 else 2.0 * matched / (predicted + true)


def pooled_f1(*, matched: Floats, predicted: Floats, true: Floats) -> Callable[[Items], float]:
    """F1 over pooled items, as ``by_group`` asks for it.

    Args:
        matched: ``(n,)`` pairs of each item.
        predicted: ``(n,)`` number predicted in each.
        true: ``(n,)`` number true in each.

    Returns:
        Takes item numbers, gives F1 over all of them together.
    """

    def measure(items: Items) -> float:
        return f1(
            matched=float(matched[items].sum()),
            predicted=float(predicted[items].sum()),
            true=float(true[items].sum()),
        )

    return measure


def auroc_of(scores: Floats, is_positive: Masks) -> Callable[[Items], float | None]:
    """AUROC over items, as ``by_group`` asks for it; undefined where a class is missing.

    Args:
        scores: ``(n,)`` score of each item.
        is_positive: ``(n,) bool``.

    Returns:
        Takes item numbers, gives the AUROC or None.
    """

    def measure(items: Items) -> float | None:
        positive, negative = scores[items][is_positive[items]], scores[items][~is_positive[items]]
        return auroc(positive, negative) if len(positive) and len(negative) else None

    return measure


def concordance(a: Sequence[float] | Floats, b: Sequence[float] | Floats) -> float:
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


def auroc(positive: Sequence[float] | Floats, negative: Sequence[float] | Floats) -> float:
    """Chance that a positive scores above a negative, ties counting half.

    Examples:
        >>> auroc([0.9, 0.4], [0.4, 0.1])
        0.875
    """
    p, q = np.asarray(positive, float), np.sort(np.asarray(negative, float))
    below = np.searchsorted(q, p, side="left")
    not_above = np.searchsorted(q, p, side="right")
    return float((below + not_above).mean() / (2 * len(q)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Probabilities of about one size, and how often they came true.

    Attributes:
        probability: Mean probability.
        share: Share that came true.
        n: How many.
    """

    probability: float
    share: float
    n: int


def reliability(
    probabilities: Sequence[float], outcomes: Sequence[bool], *, bins: int = 10
) -> tuple[ReliabilityBin, ...]:
    """Probabilities beside what came true, over bins of equal counts.

    Args:
        probabilities: In [0, 1].
        outcomes: Whether each came true.
        bins: At most so many.

    Returns:
        Bins by rising probability; none when there is nothing to bin.
    """
    order = np.argsort(np.asarray(probabilities, float), kind="stable")
    p = np.asarray(probabilities, float)[order]
    y = np.asarray(outcomes, float)[order]
    parts = [i for i in np.array_split(np.arange(len(p)), min(bins, max(len(p), 1))) if len(i)]
    return tuple(
        ReliabilityBin(probability=float(p[i].mean()), share=float(y[i].mean()), n=len(i))
        for i in parts
    )


def calibration_error(
    probabilities: Sequence[float], outcomes: Sequence[bool], *, bins: int = 10
) -> float | None:
    """Expected calibration error over bins of equal counts; None when there is nothing to bin."""
    found = reliability(probabilities, outcomes, bins=bins)
    if not found:
        return None
    gaps = [one.n * abs(one.probability - one.share) for one in found]
    return float(sum(gaps) / len(probabilities))


def by_group(
    measure: Callable[[Items], float | None],
    groups: Sequence[str],
    *,
    rounds: int = 2000,
    seed: int = 0,
) -> Measured:
    """A figure with a 95 % percentile bootstrap interval over patient groups.

    Groups are drawn with replacement, all their items together, since pictures of one patient
    are not independent.

    Args:
        measure: Takes ``(n,) int64`` item numbers (repeats allowed), gives the figure or None.
        groups: Group of each item.
        rounds: Bootstrap rounds.
        seed: Seed of the draws.

    Returns:
        The figure, its interval and how many items and groups it stands on.
    """
    items = np.arange(len(groups))
    gathered: dict[str, list[int]] = {}
    for item, group in enumerate(groups):
        gathered.setdefault(group, []).append(item)
    members = [np.asarray(gathered[name]) for name in sorted(gathered)]
    value = measure(items) if len(items) else None
    none = Measured(value=value, low=None, high=None, n=len(items), groups=len(members))
    if value is None or len(members) < 2:
        return none
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(rounds):
        chosen = rng.integers(0, len(members), len(members))
        result = measure(np.concatenate([members[c] for c in chosen]))
        if result is not None:
            drawn.append(result)
    if not drawn:
        return none
    low, high = np.percentile(drawn, [2.5, 97.5])
    return replace(none, low=float(low), high=float(high))
