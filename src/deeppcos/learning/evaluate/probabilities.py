"""Is confidence deserved? Calibrated probabilities, never judged by their own fit.

Everything here is cross-fitted: fitted on one half of the held-out groups, measured on the
other, both ways. Owns what is called right; fitting is the business of ``calibrate``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np

from deeppcos.learning import metrics
from deeppcos.learning.calibrate import fit_logistic
from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.splits import fold_of
from deeppcos.vision.uncertainty import LogisticCalibration

HALVES = 2
OVERLAP_OF_A_HIT = 0.3
SCORES = ("ovary", "follicle", "lesion")

Found = TypeVar("Found")


def half_of(group: str) -> int:
    """Half of the held-out groups a group belongs to."""
    return fold_of(group, folds=HALVES, salt="cross-fit")


def cross_fitted(
    results: Sequence[SampleResult],
    measure: Callable[[Sequence[SampleResult], Sequence[SampleResult]], Iterable[Found]],
) -> list[Found]:
    """Fit on one half of the groups, measure on the other, both ways.

    Args:
        results: Held-out results.
        measure: Takes (fitting, measured) results, gives what it found in the measured.

    Returns:
        Everything found.
    """
    found: list[Found] = []
    for half in range(HALVES):
        fitting = [r for r in results if half_of(r.group) != half]
        measured = [r for r in results if half_of(r.group) == half]
        found += measure(fitting, measured)
    return found


def scored(results: Sequence[SampleResult], which: str) -> list[tuple[float, bool]]:
    """Raw scores and whether each outline was right.

    Args:
        results: Held-out results.
        which: ``ovary``, ``lesion`` or ``follicle``.

    Returns:
        Pairs of score and outcome.
    """
    return [pair for result in results for pair in _scored(result, which)]


def _scored(result: SampleResult, which: str) -> list[tuple[float, bool]]:
    """Scores and outcomes of one picture."""
    if which == "ovary" and result.ovary_overlaps is not None:
        hits = [overlap >= OVERLAP_OF_A_HIT for overlap in result.ovary_overlaps]
        return list(zip((o.score for o in result.look.ovaries), hits, strict=True))
    if which == "follicle" and result.follicles is not None:
        return list(zip(result.follicles.scores, result.follicles.is_right, strict=True))
    if which == "lesion" and result.look.lesions:
        dice = result.lesion_dice or 0.0
        return [(result.look.lesions[0].score, dice / (2 - dice) >= OVERLAP_OF_A_HIT)]
    return []


def fitted(results: Sequence[SampleResult], which: str) -> LogisticCalibration:
    """Calibration of one score.

    Args:
        results: Held-out results to fit on.
        which: ``ovary``, ``lesion`` or ``follicle``.

    Returns:
        The calibration.
    """
    pairs = scored(results, which)
    return fit_logistic([score for score, _ in pairs], [right for _, right in pairs])


def calibrated(results: Sequence[SampleResult], which: str) -> list[tuple[str, float, bool]]:
    """Group, cross-fitted probability and outcome of every outline.

    Args:
        results: Held-out results.
        which: ``ovary``, ``lesion`` or ``follicle``.

    Returns:
        One row an outline.
    """

    def measure(
        fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
    ) -> list[tuple[str, float, bool]]:
        fit = fitted(fitting, which)
        return [
            (result.group, fit.probability(score), bool(right))
            for result in measured
            for score, right in _scored(result, which)
        ]

    return cross_fitted(results, measure)


def calibration_figure(results: Sequence[SampleResult], which: str) -> dict[str, Any]:
    """Cross-fitted expected calibration error, with the bins behind it.

    Args:
        results: Held-out results.
        which: ``ovary``, ``lesion`` or ``follicle``.

    Returns:
        Value, interval by patient group, n, groups and ``bins`` of a reliability diagram.
    """
    rows = calibrated(results, which)
    probabilities = np.array([p for _, p, _ in rows], float)
    outcomes = np.array([right for _, _, right in rows], bool)
    figure = metrics.by_group(
        lambda items: metrics.calibration_error(
            probabilities[items].tolist(), outcomes[items].tolist()
        ),
        [group for group, _, _ in rows],
        rounds=400,
    )
    bins = metrics.reliability(probabilities.tolist(), outcomes.tolist())
    return {**rounded(figure), "bins": [_rounded_row(asdict(one)) for one in bins]}


def top_score(result: SampleResult) -> float:
    """Score of the best ovary outline; 0 without one."""
    return max((o.score for o in result.look.ovaries), default=0.0)


def rounded(figure: metrics.Measured) -> dict[str, Any]:
    """A figure as plain, short numbers."""
    return _rounded_row(asdict(figure))


def _rounded_row(row: dict[str, Any]) -> dict[str, Any]:
    """Floats to four places."""
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
