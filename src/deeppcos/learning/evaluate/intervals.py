"""Do the intervals of counts and areas hold the truth as often as they promise?

Cross-fitted, as everything in ``probabilities``: the interval that is judged was fitted on the
other half of the groups. Owns what is covered and by which patients.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from deeppcos.learning import metrics
from deeppcos.learning.calibrate import fit_count_interval, fit_ratio_interval
from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.evaluate.probabilities import cross_fitted, fitted, rounded, top_score
from deeppcos.vision.uncertainty import LogisticCalibration

COVERAGE = 0.9


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
