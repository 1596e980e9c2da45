"""Training views: the picture and its truth move together, and unknown stays unweighted."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from deeppcos.learning import augment
from deeppcos.learning.augment import (
    DonorFollicle,
    donor_follicles,
    draw_view,
    elsewhere_view,
    follicle_maps,
    frame_view,
    noise_picture,
    object_view,
    pasted,
    relit,
    tilted,
    truth_maps,
    with_mass,
)
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.vision.preprocess import INPUT_SIDE_PX, View

OVARY, LESION, FOLLICLE, CORE = range(4)


def circle(x: float, y: float, radius: float) -> FollicleMark:
    at = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    points = np.stack([x + radius * np.cos(at), y + radius * np.sin(at)], axis=1)
    return FollicleMark(polygon=points.astype(np.float32), is_sure=True)


def sample(**changes: object) -> Sample:
    """An ovary of grey 150 with a black follicle on a background of 60."""
    grey = np.full((240, 320), 60, np.uint8)
    cv2.ellipse(grey, (160, 120), (80, 60), 0, 0, 360, 150, cv2.FILLED)
    ovary = grey == 150
    cv2.circle(grey, (150, 120), 20, 5, cv2.FILLED)
    whole = Sample(
        name="s/1",
        source="s",
        group="s/1",
        kind="ovary",
        grey=grey,
        raw_grey=grey,
        ovary=ovary,
        lesion=np.zeros_like(ovary),
        readings={"r1": (circle(150, 120, 20),)},
        subgroup="x",
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


WHOLE = View(x=32.0, y=-8.0, side=256.0)


def test_every_map_that_somebody_judged_has_weight_and_no_other() -> None:
    maps = truth_maps(sample())
    assert (maps[..., 4:] == 255).all()
    nobody = truth_maps(sample(ovary=None, lesion=None, readings={}))
    assert not nobody.any()


def test_pictures_without_an_ovary_are_known_to_hold_no_follicle() -> None:
    nothing = np.zeros((240, 320), bool)
    maps = truth_maps(sample(kind="neither", ovary=nothing, readings={}))
    assert not maps[..., :4].any()
    assert (maps[..., 4:] == 255).all()


def test_beside_a_lesion_the_absence_of_an_ovary_weighs_less() -> None:
    lesion = np.zeros((240, 320), bool)
    lesion[100:140, 100:160] = True
    maps = truth_maps(
        sample(kind="lesion", ovary=np.zeros_like(lesion), lesion=lesion, readings={})
    )
    assert maps[120, 130, 4] == 255
    assert maps[10, 10, 4] == round(255 * augment.OUTSIDE_LESION_WEIGHT)


def test_the_core_is_one_hill_a_follicle_even_where_follicles_touch() -> None:
    follicle, core = follicle_maps((circle(60, 60, 20), circle(101, 60, 20)), height=120, width=160)
    assert core.max() == 1.0
    assert core[60, 60] == pytest.approx(1.0, abs=0.06)
    assert core[60, 101] == pytest.approx(1.0, abs=0.06)
    assert follicle[60, 80] == 1.0
    assert core[60, 80] < 0.15


def test_a_maybe_counts_half_and_readers_are_averaged() -> None:
    maybe = replace(circle(150, 120, 20), is_sure=False)
    assert truth_maps(sample(readings={"a": (maybe,)}))[120, 150, FOLLICLE] == 128
    torn = sample(readings={"a": (circle(150, 120, 20),), "b": ()})
    assert truth_maps(torn)[120, 150, FOLLICLE] == 128


@pytest.mark.parametrize("seed", range(6))
def test_picture_and_truth_move_together(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "relit", lambda picture, rng, **_: picture)
    view = draw_view(sample(), truth_maps(sample()), WHOLE, np.random.default_rng(seed))
    fluid = view.picture < 0.3
    inside = view.target[FOLLICLE] > 0.9
    assert inside.sum() > 500
    assert fluid[inside].mean() > 0.97
    ovary = (view.target[OVARY] > 0.9) & (view.target[FOLLICLE] < 0.1)
    assert view.picture[ovary].mean() > 0.85


@pytest.mark.parametrize("seed", range(4))
def test_a_view_is_within_its_ranges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    donors = tuple(donor_follicles(sample()))
    view = draw_view(sample(), truth_maps(sample()), frame_view(sample(), rng), rng, donors)
    assert view.picture.shape == (INPUT_SIDE_PX, INPUT_SIDE_PX)
    assert view.target.shape == view.weight.shape == (4, INPUT_SIDE_PX, INPUT_SIDE_PX)
    for values in (view.picture, view.target, view.weight, view.answers):
        assert values.dtype == np.float32
        assert 0.0 <= values.min() <= values.max() <= 1.0


def test_the_same_state_of_chance_draws_the_same_view() -> None:
    one, other = (
        draw_view(sample(), truth_maps(sample()), WHOLE, np.random.default_rng(9)) for _ in "ab"
    )
    assert np.array_equal(one.picture, other.picture)
    assert np.array_equal(one.target, other.target)


def test_what_is_shown_is_the_answer() -> None:
    rng = np.random.default_rng(0)
    seen = draw_view(sample(), truth_maps(sample()), WHOLE, rng)
    beside = draw_view(sample(), truth_maps(sample()), View(x=0.0, y=0.0, side=50.0), rng)
    assert seen.answers.tolist() == [1.0, 0.0]
    assert beside.answers.tolist() == [0.0, 0.0]


def test_the_answer_about_an_ovary_nobody_looked_for_has_no_weight() -> None:
    unknown = sample(ovary=None)
    view = draw_view(unknown, truth_maps(unknown), WHOLE, np.random.default_rng(0))
    assert view.answer_weight[OVARY] == 0.0


def test_a_tilt_keeps_the_centre_in_place() -> None:
    rng = np.random.default_rng(1)
    middle = np.array([WHOLE.x + WHOLE.side / 2 - 0.5, WHOLE.y + WHOLE.side / 2 - 0.5, 1.0])
    for _ in range(20):
        assert tilted(WHOLE.matrix(), rng) @ middle == pytest.approx([127.5, 127.5], abs=1e-6)


def test_a_close_view_holds_most_of_its_object() -> None:
    rng = np.random.default_rng(2)
    mask = sample().ovary
    assert mask is not None
    for _ in range(20):
        view = object_view(mask, rng)
        rows, columns = np.nonzero(mask)
        inside = (np.abs(columns - view.x - view.side / 2) < view.side / 2) & (
            np.abs(rows - view.y - view.side / 2) < view.side / 2
        )
        assert inside.mean() > 0.8


def test_a_view_elsewhere_touches_nothing_outlined() -> None:
    rng = np.random.default_rng(3)
    wide = np.full((600, 800), 90, np.uint8)
    ovary = np.zeros(wide.shape, bool)
    ovary[250:350, 350:450] = True
    found = 0
    for _ in range(20):
        view = elsewhere_view(sample(grey=wide, ovary=ovary, lesion=np.zeros_like(ovary)), rng)
        if view is not None:
            found += 1
            x, y, side = int(view.x), int(view.y), int(view.side)
            assert not ovary[y : y + side, x : x + side].any()
    assert found > 5


def test_donors_are_sure_follicles_away_from_the_border() -> None:
    marks = (circle(150, 120, 20), circle(8, 120, 7), replace(circle(160, 60, 10), is_sure=False))
    (donor,) = donor_follicles(sample(readings={"r1": marks}))
    assert donor.inside.sum() == pytest.approx(np.pi * 400, rel=0.06)
    assert donor.patch.shape == donor.alpha.shape == donor.inside.shape
    assert 0.0 <= donor.alpha.min() <= donor.alpha.max() <= 1.0 + 1e-6


def test_pasted_follicles_lie_in_free_stroma_and_are_marked() -> None:
    target = np.zeros((4, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
    cv2.circle(target[OVARY], (128, 128), 90, 1.0, cv2.FILLED)
    cv2.circle(target[FOLLICLE], (128, 128), 25, 1.0, cv2.FILLED)
    before = target[FOLLICLE].copy()
    picture = np.full((INPUT_SIDE_PX, INPUT_SIDE_PX), 150, np.uint8)
    inside = np.zeros((40, 40), np.uint8)
    cv2.circle(inside, (20, 20), 15, 1, cv2.FILLED)
    donor = DonorFollicle(
        patch=np.where(inside > 0, 5, 150).astype(np.uint8),
        alpha=inside.astype(np.float32),
        inside=inside,
    )
    drawn = pasted(picture, target, (donor,), np.random.default_rng(4))
    added = (target[FOLLICLE] > 0) & (before == 0)
    assert added.sum() > 100
    assert (target[OVARY][added] > 0.5).all()
    assert drawn[added].mean() < 60
    assert (target[CORE][added] > 0).mean() > 0.95


def test_noise_is_never_the_same_and_holds_nothing_known() -> None:
    rng = np.random.default_rng(5)
    one, other = noise_picture(rng), noise_picture(rng)
    assert one.shape == (INPUT_SIDE_PX, INPUT_SIDE_PX)
    assert not np.array_equal(one, other)


def lesion_sample() -> Sample:
    """A mass of grey 90 on tissue of 60, with nothing else."""
    grey = np.full((200, 260), 60, np.uint8)
    cv2.ellipse(grey, (120, 100), (50, 36), 0, 0, 360, 90, cv2.FILLED)
    lesion = grey == 90
    return sample(
        grey=grey, raw_grey=grey, kind="lesion", ovary=None, lesion=lesion, readings={}, name="s/2"
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_pasted_mass_lies_beside_the_ovary_and_is_marked(seed: int) -> None:
    shape = (INPUT_SIDE_PX, INPUT_SIDE_PX)
    ovary = np.zeros(shape, np.uint8)
    cv2.circle(ovary, (80, 80), 40, 1, cv2.FILLED)
    target = np.zeros((4, *shape), np.float32)
    target[OVARY] = ovary
    weight = np.ones((4, *shape), np.float32)
    weight[LESION] = 0.0
    before = np.full(shape, 60, np.uint8)
    after = with_mass(before, target, weight, lesion_sample(), np.random.default_rng(seed))
    mass = target[LESION] > 0.5
    assert mass.sum() > 500
    assert not (mass & (ovary > 0)).any()
    assert (after[ovary > 0] == 60).all()
    assert after[mass].mean() > before[mass].mean() + 10
    assert (weight[LESION][mass] == 1).all()
    assert weight[LESION].min() == 0, "what nobody looked at stays without weight"


def test_a_mass_that_fits_nowhere_changes_nothing() -> None:
    shape = (INPUT_SIDE_PX, INPUT_SIDE_PX)
    target = np.ones((4, *shape), np.float32)
    target[LESION] = 0.0
    weight = np.ones((4, *shape), np.float32)
    picture = np.full(shape, 60, np.uint8)
    after = with_mass(picture, target, weight, lesion_sample(), np.random.default_rng(1))
    assert (after == picture).all()
    assert not target[LESION].any()


def test_another_look_may_narrow_or_widen_the_dynamic_range_and_keeps_black_black() -> None:
    picture = np.tile(np.linspace(0, 255, INPUT_SIDE_PX).astype(np.uint8), (INPUT_SIDE_PX, 1))
    spreads = []
    for seed in range(40):
        lit = relit(picture, np.random.default_rng(seed), varies_contrast=True)
        assert lit[:, 0].mean() < 25
        spreads.append(float(lit[:, 60:200].std()))
    assert max(spreads) > 1.6 * min(spreads)
