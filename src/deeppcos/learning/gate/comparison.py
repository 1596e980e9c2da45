"""Candidate and current release on the same pictures and the same draws of patients.

Differences are paired: each bootstrap round draws patient groups once and measures both releases
on them, so that a hard patient is hard for both. Owns what is measured of a release as served,
with its own operating points and calibrations; what a difference means is the business of
``checks``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from deeppcos.learning import metrics
from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.evaluate.figures import Measure, follicle_measures, outline_measures
from deeppcos.learning.evaluate.probabilities import scored, top_score
from deeppcos.learning.metrics import Items, Measured
from deeppcos.learning.operating_points import look_with
from deeppcos.learning.samples import Sample
from deeppcos.vision.release import Release


class Better(StrEnum):
    """Which way a measure is better."""

    MORE = "more"
    LESS = "less"


BETTER: Mapping[str, Better] = {
    "follicle F1 at IoU 0.3": Better.MORE,
    "follicle F1 at IoU 0.5": Better.MORE,
    "count concordance": Better.MORE,
    "count mean absolute error": Better.LESS,
    "ovary Dice mean": Better.MORE,
    "ovary missed": Better.LESS,
    "lesion Dice mean": Better.MORE,
    "calibration error of the ovary": Better.LESS,
    "calibration error of follicles": Better.LESS,
    "accepted without an ovary": Better.LESS,
    "ovaries called not assessable": Better.LESS,
}
"""Everything the gate can ask about, and which way it is better."""

CALIBRATION = ("calibration error of the ovary", "calibration error of follicles")
WRONGLY_ACCEPTED = "accepted without an ovary"
ABSTAINED = "ovaries called not assessable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One measure of two releases.

    Attributes:
        name: Key of ``BETTER``.
        current: Of the current release, with its 95 % interval.
        candidate: Of the candidate, with its 95 % interval.
        change: Candidate minus current, paired by patient group, with its 95 % interval.
    """

    name: str
    current: Measured
    candidate: Measured
    change: Measured

    @property
    def gain(self) -> float | None:
        """The change, positive when better; None where it is undefined."""
        return _turned(self.change.value, BETTER[self.name])

    @property
    def least_gain(self) -> float | None:
        """The end of the interval that is worst for the candidate."""
        if BETTER[self.name] is Better.MORE:
            return self.change.low
        return _turned(self.change.high, Better.LESS)


def served(samples: Sequence[Sample], release: Release) -> list[SampleResult]:
    """Look at every sample as the release would when served.

    Args:
        samples: The frozen test set.
        release: A release with its own operating points.

    Returns:
        One result a sample, in order.
    """
    return look_with(samples, release.network, release.manifest.operating_points)


def differences(
    current: tuple[Sequence[SampleResult], Release],
    candidate: tuple[Sequence[SampleResult], Release],
    *,
    only: Sequence[str] = tuple(BETTER),
    rounds: int = 2000,
) -> dict[str, Difference]:
    """Measure two releases on the same pictures.

    Args:
        current: Results of the current release, and the release.
        candidate: Results of the candidate on the same pictures in the same order, and it.
        only: Names that are wanted.
        rounds: Bootstrap rounds.

    Returns:
        Name to difference; measures for which there is no picture are left out.
    """
    now, then = _measures(*current), _measures(*candidate)
    found = {}
    for name in only:
        (measure_now, groups), (measure_then, _) = now[name], then[name]
        if not groups:
            continue

        def change(
            items: Items, before: Measure = measure_now, after: Measure = measure_then
        ) -> float | None:
            return _minus(after(items), before(items))

        found[name] = Difference(
            name=name,
            current=metrics.by_group(measure_now, groups, rounds=rounds),
            candidate=metrics.by_group(measure_then, groups, rounds=rounds),
            change=metrics.by_group(change, groups, rounds=rounds),
        )
    return found


def _measures(
    results: Sequence[SampleResult], release: Release
) -> dict[str, tuple[Measure, list[str]]]:
    """Every measure of one release with the groups of the pictures it is taken over."""
    follicles, marked = follicle_measures(results)
    ovaries, outlined = outline_measures(results, "ovary")
    lesions, with_lesion = outline_measures(results, "lesion")
    table = {name: (measure, marked) for name, measure in follicles.items()}
    table |= {name: (measure, outlined) for name, measure in ovaries.items()}
    table |= {name: (measure, with_lesion) for name, measure in lesions.items()}
    for name, which in zip(CALIBRATION, ("ovary", "follicle"), strict=True):
        table[name] = _calibration(results, release, which)
    empty = [r for r in results if r.kind in ("neither", "foreign")]
    table[WRONGLY_ACCEPTED] = _share(empty, [_passes(r, release) for r in empty])
    ovary = [r for r in results if r.kind == "ovary"]
    table[ABSTAINED] = _share(ovary, [not _passes(r, release) for r in ovary])
    return table


def _calibration(
    results: Sequence[SampleResult], release: Release, which: str
) -> tuple[Measure, list[str]]:
    """Calibration error of the probabilities the release states, over pictures."""
    fit = release.calibration(which)
    # A picture on which one release outlines nothing still belongs to both: pairs must agree.
    asked = [
        r for r in results if (r.ovary_overlaps if which == "ovary" else r.follicles) is not None
    ]
    rows = [[(fit.probability(s), right) for s, right in scored([r], which)] for r in asked]

    def measure(items: Items) -> float | None:
        drawn = [pair for item in items for pair in rows[item]]
        if not drawn:
            return None
        return metrics.calibration_error([p for p, _ in drawn], [right for _, right in drawn])

    return measure, [r.group for r in asked]


def _share(results: Sequence[SampleResult], claims: Sequence[bool]) -> tuple[Measure, list[str]]:
    """Share of pictures for which something holds."""
    values = np.array(claims, float)
    return (lambda items: float(values[items].mean())), [r.group for r in results]


def _passes(result: SampleResult, release: Release) -> bool:
    """Whether the picture would be measured."""
    probability = release.calibration("ovary").probability(top_score(result))
    return bool(result.look.ovaries) and (
        probability >= release.manifest.operating_points.ovary_probability
    )


def _minus(after: float | None, before: float | None) -> float | None:
    """The difference, undefined where either is."""
    return None if after is None or before is None else after - before


def _turned(value: float | None, better: Better) -> float | None:
    """A change as a gain."""
    return None if value is None else value if better is Better.MORE else -value
