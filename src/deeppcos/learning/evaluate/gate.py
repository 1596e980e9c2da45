"""What passes as an ovary, and how wrong the answers are that are given.

Cross-fitted, as everything in ``probabilities``. Owns what counts as accepted and as wrong.
"""

from collections.abc import Sequence

import numpy as np

from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.evaluate.probabilities import (
    HALVES,
    OVERLAP_OF_A_HIT,
    cross_fitted,
    fitted,
    half_of,
    top_score,
)


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
