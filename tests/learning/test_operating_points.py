"""Thresholds are chosen by other pictures than those they are judged on."""

from collections.abc import Sequence

import numpy as np
import pytest

from deeppcos.learning import operating_points
from deeppcos.learning.evaluate import (
    NOTHING,
    FollicleComparison,
    SampleResult,
)
from deeppcos.learning.evaluate.compare import beside_truth
from deeppcos.learning.evaluate.probabilities import half_of
from deeppcos.learning.operating_points import choose_points, points_at
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.vision.looking import Look, SeenFollicle, SeenOvary
from deeppcos.vision.release import OperatingPoints

SIDE = 120
SQUARE = np.array([[10, 10], [30, 10], [30, 30], [10, 30]], np.float32)


def sample(name: str, group: str) -> Sample:
    nothing = np.zeros((SIDE, SIDE), bool)
    return Sample(
        name=name,
        source="mmotu",
        group=group,
        kind="ovary",
        grey=np.zeros((SIDE, SIDE), np.uint8),
        raw_grey=np.zeros((SIDE, SIDE), np.uint8),
        ovary=~nothing,
        lesion=nothing,
        readings={"r1": (FollicleMark(polygon=SQUARE, is_sure=True),)},
        subgroup="x",
    )


def groups_of_both_halves() -> tuple[str, str]:
    names = [f"g{number}" for number in range(40)]
    return (
        next(name for name in names if half_of(name) == 0),
        next(name for name in names if half_of(name) == 1),
    )


def seen(*scores: float) -> Look:
    """One ovary with a right follicle at the first score, wrong ones at the others."""
    outlines = [SQUARE + 40 * number for number in range(len(scores))]
    follicles = tuple(
        SeenFollicle(polygon=tuple(map(tuple, outline.tolist())), score=score)
        for outline, score in zip(outlines, scores, strict=True)
    )
    whole = ((0.0, 0.0), (119.0, 0.0), (119.0, 119.0), (0.0, 119.0))
    return Look(
        ovary_answer=1.0,
        lesion_answer=0.0,
        ovaries=(SeenOvary(polygon=whole, score=0.9, follicles=follicles),),
        lesions=(),
    )


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fake looks: in half 0 weak follicles are wrong, in half 1 the right one is weak."""
    asked: list[str] = []

    def fake(
        samples: Sequence[Sample], network: object, points: OperatingPoints
    ) -> list[SampleResult]:
        results = []
        for one in samples:
            asked.append(one.name)
            look = seen(0.95, 0.55) if half_of(one.group) == 0 else seen(0.55)
            results.append(beside_truth(one, look))
        return results

    monkeypatch.setattr(operating_points, "look_with", fake)
    return asked


def counted(result: SampleResult) -> int:
    assert isinstance(result.follicles, FollicleComparison)
    return result.follicles.counted


def test_each_half_is_measured_with_what_the_other_half_chose(looks: list[str]) -> None:
    zero, one = groups_of_both_halves()
    chosen = choose_points([sample("a", zero), sample("b", one)], lambda pictures: NotImplemented)
    by_name = {result.name: counted(result) for result in chosen.results}
    assert by_name == {"a": 2, "b": 0}, "the weak follicle stays in a and is lost in b"


def test_a_picture_is_looked_at_once_for_each_mirror_and_margin(looks: list[str]) -> None:
    zero, one = groups_of_both_halves()
    choose_points([sample("a", zero), sample("b", one)], lambda pictures: NotImplemented)
    assert looks.count("a") == len(operating_points.MIRROR) * len(operating_points.MARGINS)


def test_thresholds_outside_the_grid_are_the_same_everywhere() -> None:
    here = points_at(mirror=True, margin=0.4, least_score=0.7)
    there = points_at(mirror=False, margin=0.25, least_score=0.5)
    assert here.ovary_map == there.ovary_map
    assert here.ovary_probability == there.ovary_probability
    assert NOTHING.ovaries == ()
