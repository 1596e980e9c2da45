"""Follicles painted with known areas, alone, touching and at the border, come out whole."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.vision.follicles import FollicleRule, flooded, separate_follicles

SIDE = 96
Floats = npt.NDArray[np.float32]
Circle = tuple[float, float, float]
EVERYWHERE = np.ones((SIDE, SIDE), bool)


def disc(x: float, y: float, radius: float) -> npt.NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)


def maps_of(*circles: Circle, height: float = 1.0) -> tuple[Floats, Floats]:
    """The maps a perfect network answers: interior, and one hill a follicle."""
    follicle = np.zeros((SIDE, SIDE), np.float32)
    core = np.zeros((SIDE, SIDE), np.float32)
    for circle in circles:
        inside = disc(*circle)
        depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
        follicle = np.maximum(follicle, inside.astype(np.float32))
        core = np.maximum(core, height * depth / depth.max()).astype(np.float32)
    return follicle, core


def areas_found(*circles: Circle) -> list[int]:
    follicle, core = maps_of(*circles)
    found = separate_follicles(follicle=follicle, core=core, ovary=EVERYWHERE, rule=FollicleRule())
    return sorted(int(instance.mask.sum()) for instance in found)


@pytest.mark.parametrize("radius", [3.0, 5.0, 10.0, 20.0, 40.0])
def test_a_lone_follicle_keeps_its_whole_area(radius: float) -> None:
    assert areas_found((48, 48, radius)) == [int(disc(48, 48, radius).sum())]


def test_a_follicle_cut_by_the_border_of_the_picture_keeps_its_area() -> None:
    assert areas_found((2, 48, 12)) == [int(disc(2, 48, 12).sum())]


def test_touching_follicles_come_out_as_two_of_their_own_size() -> None:
    one = int(disc(36, 48, 12).sum())
    assert areas_found((36, 48, 12), (59, 48, 12)) == pytest.approx([one, one], rel=0.06)


def test_a_small_follicle_beside_a_large_one_stays_a_follicle() -> None:
    small, large = areas_found((36, 48, 22), (67, 48, 9))
    assert small == pytest.approx(disc(67, 48, 9).sum(), rel=0.2)
    assert large == pytest.approx(disc(36, 48, 22).sum(), rel=0.06)


def test_a_cluster_of_seven_is_counted_as_seven() -> None:
    ring = [(48 + 21 * np.cos(a), 48 + 21 * np.sin(a), 10.0) for a in np.arange(6) * np.pi / 3]
    assert len(areas_found((48, 48, 10.0), *ring)) == 7


def test_a_hill_too_low_for_a_top_is_still_one_follicle() -> None:
    follicle, core = maps_of((48, 48, 10), height=0.3)
    labels = flooded(follicle > 0.5, core, top=0.5)
    assert (labels == 1).sum() == disc(48, 48, 10).sum()


def test_an_empty_map_has_no_follicle() -> None:
    nothing = np.zeros((SIDE, SIDE), np.float32)
    assert (
        separate_follicles(follicle=nothing, core=nothing, ovary=EVERYWHERE, rule=FollicleRule())
        == []
    )


def test_only_what_lies_mostly_in_the_ovary_is_a_follicle() -> None:
    follicle, core = maps_of((30, 48, 10), (70, 48, 10))
    left_half = EVERYWHERE.copy()
    left_half[:, 68:] = False
    found = separate_follicles(follicle=follicle, core=core, ovary=left_half, rule=FollicleRule())
    assert [bool(f.mask[48, 30]) for f in found] == [True]


def test_specks_and_faint_shadows_are_left_out() -> None:
    follicle, core = maps_of((30, 48, 10), (70, 48, 10), (48, 10, 1.5))
    follicle[:, 50:] *= 0.48
    rule = FollicleRule(interior=0.45, least_score=0.5, least_area_px=14)
    found = separate_follicles(follicle=follicle, core=core, ovary=EVERYWHERE, rule=rule)
    assert [f.score for f in found] == [1.0]


def test_the_surest_follicle_comes_first() -> None:
    follicle, core = maps_of((20, 48, 8), (48, 48, 8), (76, 48, 8))
    follicle[:, :34] *= 0.7
    follicle[:, 62:] *= 0.9
    found = separate_follicles(follicle=follicle, core=core, ovary=EVERYWHERE, rule=FollicleRule())
    assert [round(f.score, 3) for f in found] == [1.0, 0.9, 0.7]


circles = st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1), st.integers(2, 18))


@settings(max_examples=40, deadline=None)
@given(st.lists(circles, min_size=1, max_size=6))
def test_flooding_labels_all_of_the_inside_and_nothing_else(
    placed: list[tuple[int, int, int]],
) -> None:
    follicle, core = maps_of(*placed)
    inside = follicle > 0.5
    assert np.array_equal(flooded(inside, core, top=0.5) > 0, inside)


@settings(max_examples=25, deadline=None)
@given(st.lists(circles, min_size=1, max_size=6))
def test_no_pixel_belongs_to_two_follicles(placed: list[tuple[int, int, int]]) -> None:
    follicle, core = maps_of(*placed)
    found = separate_follicles(follicle=follicle, core=core, ovary=EVERYWHERE, rule=FollicleRule())
    covered = sum((f.mask.astype(int) for f in found), np.zeros((SIDE, SIDE), int))
    assert covered.max(initial=0) <= 1
