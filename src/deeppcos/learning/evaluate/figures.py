"""The figures of a release over held-out pictures, each with its interval by patient group.

Owns which figures there are; how agreement is expressed is the business of ``metrics``.
"""

from collections.abc import Callable, Container, Sequence

import numpy as np

from deeppcos.learning import metrics
from deeppcos.learning.evaluate.compare import IOU_LEVELS, FollicleComparison, SampleResult
from deeppcos.learning.metrics import Items, Measured

Measure = Callable[[Items], float | None]

ALWAYS_NAMED = ("mmotu", "closeups")
MISSED_DICE = 0.1
"""An outline that overlaps less is somewhere else: the ovary was missed."""


def headline(results: Sequence[SampleResult]) -> dict[str, Measured]:
    """The figures of the model card, each with its interval by patient group.

    Args:
        results: Held-out results.

    Returns:
        Figure name to figure; data sets are kept apart.
    """
    figures: dict[str, Measured] = {}
    measured_on = {r.source for r in results if r.follicles is not None}
    for source in (*ALWAYS_NAMED, *sorted(measured_on - {*ALWAYS_NAMED})):
        here = [r for r in results if r.source == source]
        figures |= {f"{source} {k}": v for k, v in follicle_figures(here).items()}
        figures |= {f"{source} {k}": v for k, v in outline_figures(here, "ovary").items()}
    figures |= outline_figures(results, "lesion")
    judged = [r for r in results if r.source == "mmotu" and r.kind in ("ovary", "lesion")]
    figures["lesion against ovary AUROC"] = metrics.by_group(
        _lesion_auroc(judged), [r.group for r in judged]
    )
    return figures


def follicle_figures(
    results: Sequence[SampleResult], *, only: Container[str] | None = None
) -> dict[str, Measured]:
    """F1 by overlap, with and without "maybe", and how the counts agree.

    Args:
        results: Results, of which those with follicle marks count.
        only: Names of the figures that are wanted; all when None.

    Returns:
        Figure name to figure.
    """
    measures, groups = follicle_measures(results)
    return _figures(measures, groups, only)


def follicle_measures(results: Sequence[SampleResult]) -> tuple[dict[str, Measure], list[str]]:
    """What ``follicle_figures`` measures, and the group of each marked picture.

    Args:
        results: Results, of which those with follicle marks count, in their order.

    Returns:
        Figure name to a measure over those pictures, and the group of each.
    """
    marked = [(r.group, r.follicles) for r in results if r.follicles is not None]
    groups, rows = [group for group, _ in marked], [row for _, row in marked]
    counted = np.array([row.counted for row in rows], float)
    true = np.array([row.true for row in rows], float)
    # Without "maybe": what the machine counted besides them, beside the reader's sure marks.
    besides = np.array([row.counted_besides_maybe[IOU_LEVELS[0]] for row in rows], float)
    sure = np.array([row.true_sure for row in rows], float)
    measures: dict[str, Measure] = {}
    for level in IOU_LEVELS:
        measures[f"follicle F1 at IoU {level}"] = _f1(rows, level)
        measures[f"follicle F1 at IoU {level}, maybe set aside"] = _f1_of_sure(rows, level)
    measures |= {
        "count concordance": lambda items: metrics.concordance(counted[items], true[items]),
        "count concordance, maybe set aside": lambda items: metrics.concordance(
            besides[items], sure[items]
        ),
        "count mean absolute error": lambda items: _mean(np.abs(counted - true)[items]),
        "count mean absolute error, maybe set aside": lambda items: _mean(
            np.abs(besides - sure)[items]
        ),
        "count bias": lambda items: _mean((counted - true)[items]),
    }
    return measures, groups


def outline_figures(
    results: Sequence[SampleResult], which: str, *, only: Container[str] | None = None
) -> dict[str, Measured]:
    """Mean and median Dice, and how many were missed altogether.

    Args:
        results: Results, of which those with an outlined object count.
        which: ``ovary`` or ``lesion``.
        only: Names of the figures that are wanted; all when None.

    Returns:
        Figure name to figure.
    """
    measures, groups = outline_measures(results, which)
    return _figures(measures, groups, only)


def outline_measures(
    results: Sequence[SampleResult], which: str
) -> tuple[dict[str, Measure], list[str]]:
    """What ``outline_figures`` measures, and the group of each outlined picture.

    Args:
        results: Results, of which those with an outlined object count, in their order.
        which: ``ovary`` or ``lesion``.

    Returns:
        Figure name to a measure over those pictures, and the group of each.
    """
    found = [(r.group, getattr(r, f"{which}_dice")) for r in results]
    outlined = [(group, dice) for group, dice in found if dice is not None]
    dices = np.array([dice for _, dice in outlined], float)
    measures: dict[str, Measure] = {
        f"{which} Dice mean": lambda items: _mean(dices[items]),
        f"{which} Dice median": lambda items: float(np.median(dices[items])),
        f"{which} missed": lambda items: _mean((dices[items] < MISSED_DICE).astype(float)),
    }
    return measures, [group for group, _ in outlined]


def _figures(
    measures: dict[str, Measure], groups: Sequence[str], only: Container[str] | None
) -> dict[str, Measured]:
    """The wanted measures with their intervals."""
    wanted = {k: v for k, v in measures.items() if only is None or k in only}
    return {name: metrics.by_group(measure, groups) for name, measure in wanted.items()}


def _mean(values: metrics.Floats) -> float:
    """Mean as a plain number."""
    return float(values.mean())


def _f1(rows: Sequence[FollicleComparison], level: float) -> Measure:
    """F1 over all marks."""
    matched = np.array([row.matched[level] for row in rows], float)
    predicted = np.array([row.counted for row in rows], float)
    true = np.array([row.true for row in rows], float)
    return metrics.pooled_f1(matched=matched, predicted=predicted, true=true)


def _f1_of_sure(rows: Sequence[FollicleComparison], level: float) -> Measure:
    """F1 over sure marks; a "maybe" counts neither for nor against."""
    matched = np.array([row.matched_sure[level] for row in rows], float)
    predicted = np.array([row.counted_besides_maybe[level] for row in rows], float)
    true = np.array([row.true_sure for row in rows], float)
    return metrics.pooled_f1(matched=matched, predicted=predicted, true=true)


def _lesion_auroc(rows: Sequence[SampleResult]) -> Measure:
    """Telling a lesion picture from a normal ovary picture by the two answers."""
    scores = np.array([r.look.lesion_answer - r.look.ovary_answer for r in rows], float)
    is_lesion = np.array([r.kind == "lesion" for r in rows], bool)
    return metrics.auroc_of(scores, is_lesion)
