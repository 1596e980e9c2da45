"""Choosing a release's few thresholds without judging them by the pictures that chose them.

Owns the grid and the cross-fit: a point is chosen on one half of the held-out groups and
measured on the other, both ways; the shipped point is chosen on all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from deeppcos.learning.evaluate import (
    IOU_LEVELS,
    SampleResult,
    at_least_score,
    look_at_samples,
)
from deeppcos.learning.evaluate.probabilities import HALVES, half_of
from deeppcos.learning.metrics import f1
from deeppcos.learning.samples import Sample
from deeppcos.vision.follicles import FollicleRule
from deeppcos.vision.release import Network, OperatingPoints

MIRROR = (False, True)
MARGINS = (0.25, 0.4, 0.6)
LEAST_SCORES = (0.5, 0.6, 0.7)

FINER_SQUARES = 3
CLOSE_LOOKS = 2
"""Chosen on a fold of the training groups, by a run that kept it (docs/experiments.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPoints:
    """The shipped thresholds, and results no picture of which chose its own thresholds.

    Attributes:
        shipped: Chosen on every held-out group.
        shipped_results: Results at the shipped point; for fitting calibrations only.
        results: Cross-fitted results; what is reported.
    """

    shipped: OperatingPoints
    shipped_results: tuple[SampleResult, ...]
    results: tuple[SampleResult, ...]


def points_at(*, mirror: bool, margin: float, least_score: float) -> OperatingPoints:
    """A point of the grid; the other thresholds were set beforehand."""
    return OperatingPoints(
        ovary_map=0.5,
        lesion_map=0.5,
        close_margin=margin,
        asks_mirror_image=mirror,
        ovary_probability=0.5,
        lesion_probability=0.3,
        follicle_interior=0.45,
        follicle_top=0.5,
        follicle_least_area_px=14,
        follicle_least_score=least_score,
        finer_squares=FINER_SQUARES,
        close_looks=CLOSE_LOOKS,
    )


def rule_of(points: OperatingPoints) -> FollicleRule:
    """The instance thresholds of a point."""
    return FollicleRule(
        interior=points.follicle_interior,
        top=points.follicle_top,
        least_area_px=points.follicle_least_area_px,
        least_score=points.follicle_least_score,
    )


def look_with(
    samples: Sequence[Sample],
    network: Network,
    points: OperatingPoints,
    *,
    with_graphics: bool = False,
) -> list[SampleResult]:
    """Look at samples with one point of the grid."""
    return look_at_samples(
        samples, network, points=points, rule=rule_of(points), with_graphics=with_graphics
    )


def choose_points(samples: Sequence[Sample], network: Network) -> ChosenPoints:
    """Choose by follicle F1 over the grid, and measure cross-fitted.

    Args:
        samples: Held-out samples.
        network: The network.

    Returns:
        Shipped point and cross-fitted results.
    """
    grid = [
        points_at(mirror=mirror, margin=margin, least_score=score)
        for mirror, margin, score in product(MIRROR, MARGINS, LEAST_SCORES)
    ]
    looks = _Looks(network)
    marked = [sample for sample in samples if sample.readings]
    table = [(points, looks.at(points, marked)) for points in grid]
    results: list[SampleResult] = []
    for half in range(HALVES):
        chosen = _best(table, {s.name for s in marked if half_of(s.group) != half})
        results += looks.at(chosen, [s for s in samples if half_of(s.group) == half])
    shipped = _best(table, {sample.name for sample in marked})
    return ChosenPoints(
        shipped=shipped,
        shipped_results=tuple(looks.at(shipped, samples)),
        results=tuple(results),
    )


class _Looks:
    """Looks at samples over the grid, each sample once for mirror and margin.

    The least score only drops follicles, so it is applied afterwards.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._seen: dict[tuple[bool, float, str], SampleResult] = {}

    def at(self, points: OperatingPoints, samples: Sequence[Sample]) -> list[SampleResult]:
        """Results of samples at a point."""
        loose = points.model_copy(update={"follicle_least_score": min(LEAST_SCORES)})
        place = (points.asks_mirror_image, points.close_margin)
        fresh = [sample for sample in samples if (*place, sample.name) not in self._seen]
        for result in look_with(fresh, self._network, loose):
            self._seen[*place, result.name] = result
        return [
            at_least_score(sample, self._seen[*place, sample.name], points.follicle_least_score)
            for sample in samples
        ]


def _best(
    table: Sequence[tuple[OperatingPoints, Sequence[SampleResult]]], names: set[str]
) -> OperatingPoints:
    """The point with the best follicle F1 on some pictures; the first of equals."""

    def quality(results: Sequence[SampleResult]) -> float:
        rows = [r.follicles for r in results if r.name in names and r.follicles is not None]
        return f1(
            matched=sum(row.matched[IOU_LEVELS[0]] for row in rows),
            predicted=sum(row.counted for row in rows),
            true=sum(row.true for row in rows),
        )

    return max(table, key=lambda entry: quality(entry[1]))[0]
