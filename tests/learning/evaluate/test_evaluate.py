"""What is compared with what: machine against reader, reader against reader."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.learning.evaluate import (
    NOTHING,
    SampleResult,
    compare,
    compare_follicles,
    drawn_noise,
    follicle_figures,
    headline,
    look_at_samples,
    reader_agreement,
)
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.vision.findings import Polygon
from deeppcos.vision.follicles import FollicleRule
from deeppcos.vision.looking import Look, SeenFollicle, SeenLesion, SeenOvary
from deeppcos.vision.preprocess import INPUT_SIDE_PX
from deeppcos.vision.release import OperatingPoints

SHAPE = (200, 240)
Floats = npt.NDArray[np.float32]


def square(x: float, y: float, side: float) -> Polygon:
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


def mark(polygon: Polygon, *, is_sure: bool = True) -> FollicleMark:
    return FollicleMark(polygon=np.array(polygon, np.float32), is_sure=is_sure)


def box(x: int, y: int, side: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(SHAPE, bool)
    mask[y : y + side + 1, x : x + side + 1] = True
    return mask


def sample(number: int = 0, **changes: object) -> Sample:
    grey = np.random.default_rng(number).integers(30, 200, SHAPE).astype(np.uint8)
    whole = Sample(
        name=f"mmotu/{number}",
        source="mmotu",
        group=f"mmotu/{number}",
        kind="ovary",
        grey=grey,
        raw_grey=grey // 2,
        ovary=box(50, 50, 100),
        lesion=np.zeros(SHAPE, bool),
        readings={"r1": (mark(square(60, 60, 20)), mark(square(100, 100, 20), is_sure=False))},
        subgroup="Ovary_Normal",
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def seen(*follicles: Polygon, at: Polygon | None = None) -> Look:
    spaces = tuple(SeenFollicle(polygon=p, score=0.9 - 0.1 * i) for i, p in enumerate(follicles))
    ovary = SeenOvary(polygon=at or square(50, 50, 100), score=0.8, follicles=spaces)
    return Look(ovary_answer=0.9, lesion_answer=0.1, ovaries=(ovary,), lesions=())


def compared(sample: Sample, look: Look, monkeypatch: pytest.MonkeyPatch) -> SampleResult:
    monkeypatch.setattr(compare, "look_at", lambda *args, **more: look)
    points = OperatingPoints.model_construct()
    (result,) = look_at_samples([sample], no_network, points=points, rule=FollicleRule())
    return result


def no_network(pictures: Floats) -> tuple[Floats, Floats]:
    raise AssertionError("the look is given")


def test_a_found_follicle_is_right_and_an_invented_one_is_not() -> None:
    predicted = [(square(61, 61, 20), 0.9), (square(150, 20, 20), 0.6)]
    found = compare_follicles(predicted, [mark(square(60, 60, 20))], shape=SHAPE)
    assert found.is_right == (True, False)
    assert found.scores == (0.9, 0.6)
    assert found.matched == {0.3: 1, 0.5: 1}
    assert (found.counted, found.true) == (2, 1)


def test_a_loose_outline_counts_at_the_lower_overlap_only() -> None:
    predicted = [(square(68, 60, 20), 0.9)]
    found = compare_follicles(predicted, [mark(square(60, 60, 20))], shape=SHAPE)
    assert found.matched == {0.3: 1, 0.5: 0}


def test_a_maybe_is_neither_right_nor_wrong_when_set_aside() -> None:
    marks = [mark(square(60, 60, 20)), mark(square(100, 100, 20), is_sure=False)]
    both = compare_follicles(
        [(square(60, 60, 20), 0.9), (square(100, 100, 20), 0.8)], marks, shape=SHAPE
    )
    one = compare_follicles([(square(60, 60, 20), 0.9)], marks, shape=SHAPE)
    for found in (both, one):
        assert found.matched_sure[0.3] == found.counted_besides_maybe[0.3] == found.true_sure == 1
    assert both.true == 2


def test_an_ovary_outlined_exactly_has_full_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    result = compared(sample(), seen(square(60, 60, 20)), monkeypatch)
    assert result.ovary_dice == 1.0
    assert result.ovary_overlaps == (1.0,)
    assert result.lesion_dice is None
    assert result.follicles is not None
    assert result.follicles.matched[0.5] == 1


def test_a_missed_ovary_has_no_overlap_and_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    result = compared(sample(), NOTHING, monkeypatch)
    assert result.ovary_dice == 0.0
    assert result.follicles is not None
    assert (result.follicles.counted, result.follicles.true) == (0, 2)


def test_an_outline_where_there_is_no_ovary_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = sample(kind="neither", ovary=np.zeros(SHAPE, bool), readings={})
    result = compared(empty, seen(), monkeypatch)
    assert result.ovary_dice is None
    assert result.ovary_overlaps == (0.0,)
    assert result.follicles is None


def test_an_outline_where_nobody_looked_is_neither_right_nor_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = compared(sample(ovary=None), seen(), monkeypatch)
    assert result.ovary_dice is None
    assert result.ovary_overlaps is None


def test_the_best_lesion_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    outlined = sample(
        kind="lesion", ovary=np.zeros(SHAPE, bool), lesion=box(30, 30, 60), readings={}
    )
    lesions = (SeenLesion(polygon=square(30, 30, 60), score=0.9),)
    look = Look(ovary_answer=0.1, lesion_answer=0.9, ovaries=(), lesions=lesions)
    assert compared(outlined, look, monkeypatch).lesion_dice == 1.0
    assert compared(outlined, NOTHING, monkeypatch).lesion_dice == 0.0


def test_the_ablation_shows_the_graphics(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    def looked(grey: npt.NDArray[np.uint8], *args: object, **more: object) -> Look:
        shown.append(grey)
        return NOTHING

    monkeypatch.setattr(compare, "look_at", looked)
    points, rule = OperatingPoints.model_construct(), FollicleRule()
    for with_graphics in (False, True):
        look_at_samples(
            [sample()], no_network, points=points, rule=rule, with_graphics=with_graphics
        )
    assert np.array_equal(shown[0], sample().grey)
    assert np.array_equal(shown[1], sample().raw_grey)


def test_a_black_sample_is_a_miss_and_stops_nothing() -> None:
    black = sample(grey=np.zeros(SHAPE, np.uint8))
    points = OperatingPoints.model_construct()
    (result,) = look_at_samples([black], no_network, points=points, rule=FollicleRule())
    assert result.look == NOTHING
    assert result.ovary_dice == 0.0


def test_figures_pool_follicles_and_average_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    full = seen(square(60, 60, 20), square(100, 100, 20))
    results = [
        compared(sample(1), full, monkeypatch),
        compared(sample(2), seen(square(60, 60, 20), square(150, 20, 15)), monkeypatch),
        compared(sample(3), NOTHING, monkeypatch),
    ]
    figures = follicle_figures(results)
    assert figures["follicle F1 at IoU 0.3"].value == pytest.approx(2 * 3 / (4 + 6))
    aside = figures["follicle F1 at IoU 0.3, maybe set aside"]
    assert aside.value == pytest.approx(2 * 2 / (3 + 3))
    assert figures["count mean absolute error"].value == pytest.approx(2 / 3)
    assert figures["count concordance"].n == 3
    # One sure mark a picture; besides the "maybe" the machine counts 1, 2 and 0.
    assert figures["count mean absolute error, maybe set aside"].value == pytest.approx(2 / 3)
    assert figures["count concordance, maybe set aside"].n == 3


def test_the_headline_keeps_sources_apart_and_unknown_undefined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crop = sample(5, source="closeups", group="closeups/5")
    results = [
        compared(sample(1), seen(square(60, 60, 20)), monkeypatch),
        compared(sample(2), NOTHING, monkeypatch),
        compared(crop, seen(square(60, 60, 20)), monkeypatch),
    ]
    figures = headline(results)
    assert figures["mmotu ovary Dice mean"].value == pytest.approx(0.5)
    assert figures["closeups ovary Dice mean"].value == pytest.approx(1.0)
    assert figures["lesion Dice mean"].value is None
    assert figures["lesion against ovary AUROC"].value is None


def test_readers_who_agree_reach_one_and_single_readings_are_left_out() -> None:
    marks = (mark(square(60, 60, 20)), mark(square(100, 100, 20)))
    twice = sample(1, readings={"r1": marks, "r2": marks})
    figures = reader_agreement([twice, sample(2)])
    assert figures["follicle F1 at IoU 0.5"].value == 1.0
    assert figures["follicle F1 at IoU 0.5"].n == 1
    assert reader_agreement([sample(2)]) == {}


def test_drawn_noise_differs_and_repeats_with_its_seed() -> None:
    pictures = drawn_noise(6, seed=5)
    assert all(p.shape == (480, 640) and p.dtype == np.uint8 for p in pictures)
    assert all(p.std() > 6 for p in pictures)
    assert not np.array_equal(pictures[0], pictures[4])
    assert np.array_equal(pictures[3], drawn_noise(4, seed=5)[3])
    assert INPUT_SIDE_PX < 480
