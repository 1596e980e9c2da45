"""Everything a manifest says was measured, in the order the model card tells it.

Owns the names of what is measured. Figures that took a threshold or a calibration are
cross-fitted; which ones is said in ``how``.
"""

from collections.abc import Sequence
from typing import Any

from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.evaluate.figures import headline
from deeppcos.learning.evaluate.gate import gate_table, risk_coverage
from deeppcos.learning.evaluate.intervals import area_coverage_figure, coverage_figure
from deeppcos.learning.evaluate.probabilities import SCORES, calibration_figure, rounded
from deeppcos.learning.evaluate.subgroups import subgroup_tables
from deeppcos.learning.metrics import Measured

HOW = (
    "held-out patient groups, exported file, serving road; mirror image, close margin "
    "and least follicle score chosen on the other half of the groups, finer squares and the second "
    "close look on a fold of the training groups; 95 % bootstrap by group"
)


def figures_of(results: Sequence[SampleResult]) -> dict[str, Any]:
    """The headline as plain numbers; nothing from nothing."""
    return plain(headline(results)) if results else {}


def plain(figures: dict[str, Measured]) -> dict[str, Any]:
    """Figures as plain numbers."""
    return {name: rounded(figure) for name, figure in figures.items()}


def measured_figures(
    results: Sequence[SampleResult], *, drawn_scores: Sequence[float], least_probability: float
) -> dict[str, Any]:
    """Everything measured of one network over cross-fitted results.

    Args:
        results: Cross-fitted results.
        drawn_scores: Best ovary scores of pictures of nothing.
        least_probability: Probability at which a picture passes as an ovary.

    Returns:
        Name to plain numbers.
    """
    return {
        "release": figures_of(results),
        "calibration error, cross-fitted": {
            which: calibration_figure(results, which) for which in SCORES
        },
        "count interval coverage, cross-fitted": coverage_figure(results),
        "area interval coverage, cross-fitted": area_coverage_figure(
            results, least_probability=least_probability
        ),
        "accepted as an ovary": gate_table(
            results, drawn_scores, least_probability=least_probability
        ),
        "least ovary probability": least_probability,
        "risk and coverage, cross-fitted": risk_coverage(results),
        "subgroups": subgroup_tables(results),
        "counts": counts_of(results),
        "answers": answers_of(results),
    }


def counts_of(results: Sequence[SampleResult]) -> list[dict[str, Any]]:
    """Machine's and reader's count of every picture that a reader marked."""
    return [
        {"source": r.source, "machine": r.follicles.counted, "reader": r.follicles.true}
        for r in results
        if r.follicles is not None
    ]


def answers_of(results: Sequence[SampleResult]) -> dict[str, dict[str, int]]:
    """What the picture shows beside what the two picture-level answers say.

    Returns:
        Kind, then ``ovary``, ``lesion`` or ``neither`` (both answers under one half), to pictures.
    """
    table: dict[str, dict[str, int]] = {}
    for result in results:
        ovary, lesion = result.look.ovary_answer, result.look.lesion_answer
        said = "neither" if max(ovary, lesion) < 0.5 else "ovary" if ovary >= lesion else "lesion"
        row = table.setdefault(result.kind, {"ovary": 0, "lesion": 0, "neither": 0})
        row[said] += 1
    return dict(sorted(table.items()))
