"""Do the intervals of counts and areas hold the truth as often as they promise?

Cross-fitted, as everything in ``probabilities``: the interval that is judged was fitted on the
other half of the groups. Owns what is covered and by which patients.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from deeppcos.learning import metrics
from deeppcos.learning.calibrate import fit_count_interval, fit_ratio_interval
from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.evaluate.probabilities import cross_fitted, fitted, rounded, top_score
from deeppcos.learning.evaluate.traits import NAMES
from deeppcos.vision.uncertainty import LogisticCalibration

COVERAGE = 0.9


def coverage_figure(results: Sequence[SampleResult]) -> dict[str, Any]:
    """Cross-fitted coverage of the section count's interval, whole, by group and by trait.

    Args:
        results: Held-out results.

    Returns:
        Value, interval, what was asked, n, ``by group`` (patient group to ``[covered, n]``) and
        ``by subgroup`` (trait, then its values, to the same); None for the value where a half has
        nothing to fit on.
    """
    return _coverage(cross_fitted(results, _covered))


def _coverage(rows: Sequence[tuple[SampleResult, bool]]) -> dict[str, Any]:
    """Coverage over results that were held or not, with its tables."""
    held = np.array([inside for _, inside in rows], float)
    figure = metrics.by_group(lambda items: float(held[items].mean()), [r.group for r, _ in rows])
    by_trait = {
        words: _tally((result.traits.get(trait), inside) for result, inside in rows)
        for trait, words in NAMES.items()
    }
    return {
        **rounded(figure),
        "asked": COVERAGE,
        "by group": _tally((result.group, inside) for result, inside in rows),
        "by subgroup": {words: table for words, table in by_trait.items() if table},
    }


def _tally(rows: Iterable[tuple[str | None, bool]]) -> dict[str, list[int]]:
    """Name to how many were held, and of how many; rows without a name are left out."""
    table: dict[str, list[int]] = {}
    for name, inside in rows:
        if name is not None:
            held, n = table.get(name, (0, 0))
            table[name] = [held + inside, n + 1]
    return dict(sorted(table.items()))


def _covered(
    fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
) -> list[tuple[SampleResult, bool]]:
    """Whether each count's interval held the reader's count."""
    rows = [r.follicles for r in fitting if r.follicles is not None]
    if not rows:
        return []
    fit = fit_count_interval(
        [row.counted for row in rows], [row.true for row in rows], coverage=COVERAGE
    )
    found = []
    for result in measured:
        if result.follicles is not None:
            interval = fit.around(result.follicles.counted)
            found.append((result, interval.low <= result.follicles.true <= interval.high))
    return found


def area_ratios(
    results: Sequence[SampleResult], fit: LogisticCalibration, *, least_probability: float
) -> list[tuple[SampleResult, float]]:
    """Every outlined ovary that is measured, those that pass the gate, with its area ratio.

    Args:
        results: Held-out results.
        fit: Calibration of the ovary's score.
        least_probability: Probability that passes.

    Returns:
        One row a measured ovary.
    """
    return [
        (r, r.area_ratio)
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
        As ``coverage_figure``; None for the value where a half measured nothing to fit on.
    """

    def measure(
        fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
    ) -> list[tuple[SampleResult, bool]]:
        fit = fitted(fitting, "ovary")
        ratios = area_ratios(fitting, fit, least_probability=least_probability)
        if not ratios:
            return []
        interval = fit_ratio_interval([ratio for _, ratio in ratios], coverage=COVERAGE)
        low, high = interval.around(1.0)
        rows = area_ratios(measured, fit, least_probability=least_probability)
        return [(result, low <= ratio <= high) for result, ratio in rows]

    return _coverage(cross_fitted(results, measure))
