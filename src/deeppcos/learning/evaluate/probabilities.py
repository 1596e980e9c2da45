"""Is confidence deserved? Calibration, count intervals and the gate, never judged by own fit.

Everything here is cross-fitted: fitted on one half of the held-out groups, measured on the
other, both ways. Owns what is called right; fitting is the business of ``calibrate``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np

from deeppcos.learning import metrics
from deeppcos.learning.calibrate import fit_count_interval, fit_logistic, fit_ratio_interval
from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.splits import fold_of
from deeppcos.vision.uncertainty import LogisticCalibration

HALVES = 2
COVERAGE = 0.9
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


def coverage_figure(results: Sequence[SampleResult]) -> dict[str, Any]:
    """Cross-fitted coverage of the section count's interval, as a whole and by patient group.

    Args:
        results: Held-out results.

    Returns:
        Value, interval, what was asked, n, and ``by group`` as ``[covered, n]``.
    """
    rows = cross_fitted(results, _covered)
    covered = np.array([inside for _, inside in rows], float)
    groups = [group for group, _ in rows]
    figure = metrics.by_group(lambda items: float(covered[items].mean()), groups)
    table = {
        group: [int(sum(i for g, i in rows if g == group)), groups.count(group)]
        for group in sorted(set(groups))
    }
    return {**rounded(figure), "asked": COVERAGE, "by group": table}


def _covered(
    fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
) -> list[tuple[str, bool]]:
    """Whether each count's interval held the reader's count."""
    rows = [r.follicles for r in fitting if r.follicles is not None]
    fit = fit_count_interval(
        [row.counted for row in rows], [row.true for row in rows], coverage=COVERAGE
    )
    found = []
    for result in measured:
        if result.follicles is not None:
            interval = fit.around(result.follicles.counted)
            found.append((result.group, interval.low <= result.follicles.true <= interval.high))
    return found


def area_ratios(
    results: Sequence[SampleResult], fit: LogisticCalibration, *, least_probability: float
) -> list[tuple[str, float]]:
    """Group and area ratio of every outlined ovary that is measured: those that pass the gate.

    Args:
        results: Held-out results.
        fit: Calibration of the ovary's score.
        least_probability: Probability that passes.

    Returns:
        One row a measured ovary.
    """
    return [
        (r.group, r.area_ratio)
        for r in results
        if r.area_ratio is not None and fit.probability(top_score(r)) >= least_probability
    ]


def area_coverage_figure(
    results: Sequence[SampleResult], *, least_probability: float
) -> dict[str, Any]:
    """Cross-fitted coverage of the section area's interval.

    Args:
        results: Held-out results.
        least_probability: Probability at which an ovary is measured.

    Returns:
        Value, interval, what was asked, n and groups; None for the value where a half measured
        nothing to fit on.
    """

    def measure(
        fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
    ) -> list[tuple[str, bool]]:
        fit = fitted(fitting, "ovary")
        ratios = area_ratios(fitting, fit, least_probability=least_probability)
        if not ratios:
            return []
        interval = fit_ratio_interval([ratio for _, ratio in ratios], coverage=COVERAGE)
        low, high = interval.around(1.0)
        rows = area_ratios(measured, fit, least_probability=least_probability)
        return [(group, low <= ratio <= high) for group, ratio in rows]

    rows = cross_fitted(results, measure)
    covered = np.array([inside for _, inside in rows], float)
    figure = metrics.by_group(lambda items: float(covered[items].mean()), [g for g, _ in rows])
    return {**rounded(figure), "asked": COVERAGE}


def gate_table(
    results: Sequence[SampleResult], drawn: Sequence[float], *, least_probability: float
) -> dict[str, dict[str, int]]:
    """How many pictures of each kind pass as an ovary, judged by the other half's calibration.

    Args:
        results: Held-out results.
        drawn: Best scores of pictures of nothing, which belong to no half: judged by both.
        least_probability: Probability that passes.

    Returns:
        Kind to ``n`` and ``accepted``; for pictures of nothing the worse of both halves.
    """

    def measure(
        fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
    ) -> list[tuple[str, bool]]:
        fit = fitted(fitting, "ovary")
        return [(r.kind, fit.probability(top_score(r)) >= least_probability) for r in measured]

    rows = cross_fitted(results, measure)
    kinds = ["neither", "foreign", "lesion", "ovary"]
    table = {
        kind: {
            "n": sum(k == kind for k, _ in rows),
            "accepted": sum(passes for k, passes in rows if k == kind),
        }
        for kind in kinds
    }
    by_half = [
        fitted([r for r in results if half_of(r.group) != half], "ovary") for half in range(HALVES)
    ]
    passed = [sum(fit.probability(s) >= least_probability for s in drawn) for fit in by_half]
    table["noise, stripes, blobs and pages"] = {"n": len(drawn), "accepted": max(passed)}
    return table


def top_score(result: SampleResult) -> float:
    """Score of the best ovary outline; 0 without one."""
    return max((o.score for o in result.look.ovaries), default=0.0)


def risk_coverage(results: Sequence[SampleResult]) -> list[dict[str, float]]:
    """What is wrong among what the gate lets through, from the surest picture to the last.

    A picture is wrong when its best outline misses the ovary (IoU under 0.3), or when it has no
    ovary at all; a picture whose ovary nobody looked for is left out.

    Args:
        results: Held-out results.

    Returns:
        Rows of ``probability``, ``coverage`` (share of pictures answered) and ``risk`` (share of
        those that are wrong).
    """

    def measure(
        fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
    ) -> list[tuple[float, bool]]:
        fit = fitted(fitting, "ovary")
        return [
            (fit.probability(top_score(r)), _is_wrong(r))
            for r in measured
            if r.ovary_overlaps is not None and r.kind != "lesion"
        ]

    rows = sorted(cross_fitted(results, measure), reverse=True)
    wrong = np.cumsum([is_wrong for _, is_wrong in rows])
    return [
        {
            "probability": round(probability, 4),
            "coverage": round((place + 1) / len(rows), 4),
            "risk": round(float(wrong[place]) / (place + 1), 4),
        }
        for place, (probability, _) in enumerate(rows)
    ]


def _is_wrong(result: SampleResult) -> bool:
    """Whether the best outline, if it were taken for an ovary, would be none."""
    overlaps = result.ovary_overlaps
    return not overlaps or overlaps[0] < OVERLAP_OF_A_HIT


def rounded(figure: metrics.Measured) -> dict[str, Any]:
    """A figure as plain, short numbers."""
    return _rounded_row(asdict(figure))


def _rounded_row(row: dict[str, Any]) -> dict[str, Any]:
    """Floats to four places."""
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
