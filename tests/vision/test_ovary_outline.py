"""Regions cut from painted probability maps."""

import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.vision.ovary_outline import Region, regions

SIDE = 96
Floats = npt.NDArray[np.float32]


def disc(x: float, y: float, radius: float) -> npt.NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)


def painted(*parts: tuple[npt.NDArray[np.bool_], float]) -> Floats:
    picture = np.zeros((SIDE, SIDE), np.float32)
    for mask, value in parts:
        picture[mask] = value
    return picture


def cut(probability: Floats, *, least_area_px: int = 30, at_most: int = 5) -> list[Region]:
    return regions(probability, threshold=0.5, least_area_px=least_area_px, at_most=at_most)


def test_follicles_the_map_leaves_out_belong_to_the_ovary() -> None:
    (found,) = cut(painted((disc(48, 48, 25), 0.9), (disc(50, 48, 8), 0.1)))
    assert found.mask[48, 50]
    assert found.mask.sum() == pytest.approx(disc(48, 48, 25).sum(), rel=0.02)


def test_the_score_is_the_mean_over_the_filled_region() -> None:
    whole, hole = disc(48, 48, 25), disc(48, 48, 8)
    (found,) = cut(painted((whole, 0.9), (hole, 0.1)))
    share = hole.sum() / whole.sum()
    assert found.score == pytest.approx(0.9 - 0.8 * share, abs=0.005)


def test_a_thin_bridge_does_not_join_two_regions() -> None:
    bridge = np.zeros((SIDE, SIDE), bool)
    bridge[47:49, 20:76] = True
    found = cut(painted((disc(22, 48, 14), 0.9), (disc(74, 48, 14), 0.9), (bridge, 0.9)))
    assert len(found) == 2


def test_the_region_with_most_probability_comes_first_and_the_rest_is_cut_off() -> None:
    picture = painted((disc(20, 20, 12), 0.99), (disc(65, 60, 22), 0.7), (disc(85, 10, 6), 0.8))
    found = cut(picture, at_most=2)
    assert [bool(r.mask[60, 65]) for r in found] == [True, False]
    assert found[1].mask[20, 20]


def test_regions_below_the_least_area_are_dropped() -> None:
    picture = painted((disc(20, 20, 5), 0.9), (disc(65, 60, 15), 0.9))
    assert len(cut(picture, least_area_px=30)) == 2
    assert len(cut(picture, least_area_px=120)) == 1


def test_a_map_without_anything_above_the_threshold_has_no_region() -> None:
    assert cut(np.full((SIDE, SIDE), 0.5, np.float32)) == []


def test_the_box_is_half_open() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[10:20, 30:50] = True
    assert Region(mask=mask, score=1.0).box == (30, 10, 50, 20)
