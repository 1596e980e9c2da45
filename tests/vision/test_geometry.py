"""Outlines measured against shapes whose answers are known on paper."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput
from deeppcos.vision.findings import Polygon
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.geometry import (
    area_mm2,
    area_px,
    centroid,
    diameters_mm,
    mean_diameter_mm,
    moved,
    outline_of,
    overlap_px,
    points_of,
    polygon_iou,
    polygon_mask,
    polygon_of,
    simplified,
)

ANISOTROPIES = [(0.1, 0.1), (0.1, 0.2), (0.3, 0.1), (0.05, 0.4)]


def scale(x: float, y: float) -> MmPerPixel:
    return MmPerPixel(x=x, y=y, source=ScaleSource.DICOM_REGIONS)


def ellipse(
    *,
    centre: tuple[float, float] = (200.0, 150.0),
    semi_mm: tuple[float, float] = (15.0, 10.0),
    turn: float = 0.0,
    pixel_mm: tuple[float, float] = (0.1, 0.1),
    corners: int = 720,
) -> Polygon:
    """An ellipse that is one in millimetres, whatever the shape of the pixels."""
    at = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    x, y = semi_mm[0] * np.cos(at), semi_mm[1] * np.sin(at)
    along = x * math.cos(turn) - y * math.sin(turn)
    down = x * math.sin(turn) + y * math.cos(turn)
    return polygon_of(
        np.stack([along / pixel_mm[0] + centre[0], down / pixel_mm[1] + centre[1]], axis=1)
    )


def disc(radius: float, *, size: int = 60, x: float = 30.2, y: float = 29.7) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)


@pytest.mark.parametrize("pixel_mm", ANISOTROPIES)
@pytest.mark.parametrize("turn", [0.0, 0.4, 1.2, math.pi / 2])
def test_an_ellipse_has_its_two_axes_as_diameters(
    pixel_mm: tuple[float, float], turn: float
) -> None:
    outline = ellipse(turn=turn, pixel_mm=pixel_mm)
    longest, across = diameters_mm(outline, scale(*pixel_mm))
    assert longest == pytest.approx(30.0, rel=1e-3)
    assert across == pytest.approx(20.0, rel=1e-3)
    assert mean_diameter_mm(outline, scale(*pixel_mm)) == pytest.approx(25.0, rel=1e-3)


@pytest.mark.parametrize("pixel_mm", ANISOTROPIES)
def test_an_ellipse_has_its_area_and_centre(pixel_mm: tuple[float, float]) -> None:
    outline = ellipse(turn=0.7, pixel_mm=pixel_mm)
    assert area_mm2(outline, scale(*pixel_mm)) == pytest.approx(math.pi * 150, rel=1e-3)
    assert centroid(outline) == pytest.approx((200.0, 150.0), abs=1e-6)


def test_the_direction_an_outline_is_drawn_in_does_not_matter() -> None:
    outline = ellipse()
    backwards = tuple(reversed(outline))
    assert area_px(backwards) == pytest.approx(area_px(outline))
    assert centroid(backwards) == pytest.approx(centroid(outline))
    assert polygon_iou(outline, backwards) == pytest.approx(1.0, abs=0.02)


def test_a_bent_outline_is_measured_between_calipers() -> None:
    crescent = ((0, 0), (30, 0), (30, 20), (20, 20), (20, 5), (10, 5), (10, 20), (0, 20))
    longest, across = diameters_mm(crescent, scale(1, 1))
    assert longest == pytest.approx(math.hypot(30, 20))
    assert across == pytest.approx(2 * 30 * 20 / math.hypot(30, 20))


def test_a_line_has_no_area_and_no_width() -> None:
    line = ((0, 0), (10, 0), (20, 0))
    assert area_px(line) == 0
    assert diameters_mm(line, scale(1, 1)) == (20.0, 0.0)
    assert centroid(line) == (10.0, 0.0)


@pytest.mark.parametrize("outline", [(), ((0, 0), (1, 1)), ((0, 0), (1, math.nan), (2, 2))])
def test_what_is_no_polygon_is_refused(outline: Polygon) -> None:
    with pytest.raises(InvalidInput):
        points_of(outline)


def test_a_mask_holds_the_pixels_whose_centre_is_inside() -> None:
    mask = polygon_mask(((1.6, 0.6), (4.4, 0.6), (4.4, 3.4), (1.6, 3.4)), width=6, height=5)
    expected = np.zeros((5, 6), dtype=bool)
    expected[1:4, 2:5] = True
    assert (mask == expected).all()


def test_a_mask_of_an_outline_partly_outside_the_picture_is_cut_off() -> None:
    mask = polygon_mask(((-5, -5), (2.5, -5), (2.5, 2.5), (-5, 2.5)), width=6, height=5)
    assert mask[:3, :3].all()
    assert mask.sum() == 9


def test_neighbouring_outlines_share_no_pixel_and_leave_none_out() -> None:
    left = polygon_mask(((0, 0), (4, 0), (4, 8), (0, 8)), width=8, height=8)
    right = polygon_mask(((4, 0), (8, 0), (8, 8), (4, 8)), width=8, height=8)
    assert not (left & right).any()
    assert (left | right).all()


@pytest.mark.parametrize("radius", [3.0, 6.5, 12.0, 25.0])
def test_the_outline_of_a_disc_has_its_area_and_diameters(radius: float) -> None:
    mask = disc(radius)
    outline = outline_of(mask)
    assert outline is not None
    assert area_px(outline) == pytest.approx(mask.sum() - 1.5, abs=1.0)
    longest, across = diameters_mm(outline, scale(1, 1))
    assert longest == pytest.approx(2 * radius, abs=0.8)
    assert across == pytest.approx(2 * radius, abs=0.8)


def test_diameters_taken_from_masks_are_right_on_average() -> None:
    rng = np.random.default_rng(4)
    errors = []
    for _ in range(200):
        radius = float(rng.uniform(4, 20))
        x, y = rng.uniform(28, 32, 2)
        outline = outline_of(disc(radius, x=x, y=y))
        assert outline is not None
        errors.append(mean_diameter_mm(outline, scale(1, 1)) - 2 * radius)
    assert abs(float(np.mean(errors))) < 0.2
    assert float(np.abs(errors).max()) < 0.8


def test_outline_and_mask_are_each_others_inverse() -> None:
    mask = disc(11.0) & ~disc(6.0, x=42.0, y=30.0)
    outline = outline_of(mask)
    assert outline is not None
    assert (polygon_mask(outline, width=60, height=60) == mask).all()


def test_the_largest_part_of_a_mask_is_outlined() -> None:
    mask = disc(8.0) | disc(3.0, x=8.0, y=8.0)
    outline = outline_of(mask)
    assert outline is not None
    assert centroid(outline) == pytest.approx((30.2, 29.7), abs=0.5)


def test_an_outline_reaching_the_picture_border_is_closed() -> None:
    outline = outline_of(np.ones((10, 12), dtype=bool))
    assert outline is not None
    assert area_px(outline) == pytest.approx(117.5, abs=0.3)
    assert outline_of(np.zeros((10, 12), dtype=bool)) is None


@settings(max_examples=40, deadline=None)
@given(
    radius=st.floats(4, 25),
    squeeze=st.floats(0.4, 1.0),
    within=st.sampled_from([0.25, 0.5, 1.0]),
)
def test_a_simplified_outline_stays_within_its_stated_error(
    radius: float, squeeze: float, within: float
) -> None:
    rows, columns = np.mgrid[:60, :60]
    mask = ((columns - 30) ** 2 + ((rows - 30) / squeeze) ** 2) <= radius**2
    outline = outline_of(np.asarray(mask))
    assert outline is not None
    few = simplified(outline, within_px=within)
    assert 3 <= len(few) <= len(outline)
    assert max(_distance(corner, few) for corner in outline) <= within + 1e-4


def _distance(point: tuple[float, float], polygon: Polygon) -> float:
    start = np.asarray(polygon)
    edge = np.roll(start, -1, axis=0) - start
    along = ((point - start) * edge).sum(axis=1) / np.maximum((edge**2).sum(axis=1), 1e-12)
    nearest = start + np.clip(along, 0, 1)[:, None] * edge
    return float(np.sqrt(((point - nearest) ** 2).sum(axis=1)).min())


@pytest.mark.parametrize(("radius", "shift"), [(2.0, 1.0), (8.0, 5.0), (40.0, 30.0), (40.0, 79.0)])
def test_overlap_of_two_discs_is_the_lens_between_them(radius: float, shift: float) -> None:
    one = ellipse(semi_mm=(radius, radius), pixel_mm=(1, 1))
    half = shift / 2
    lens = 2 * radius**2 * math.acos(half / radius) - shift / 2 * math.sqrt(
        4 * radius**2 - shift**2
    )
    whole = math.pi * radius**2
    shared, first, second = overlap_px(one, moved(one, x_px=shift, y_px=0))
    assert shared == pytest.approx(lens, rel=0.04)
    assert first == pytest.approx(whole, rel=1e-3)
    assert second == pytest.approx(whole, rel=1e-3)
    assert polygon_iou(one, moved(one, x_px=shift, y_px=0)) == pytest.approx(
        lens / (2 * whole - lens), abs=0.01
    )


def test_an_outline_inside_another_shares_all_its_area() -> None:
    large, small = (ellipse(semi_mm=(r, r), pixel_mm=(1, 1)) for r in (20.0, 2.0))
    shared, _, area = overlap_px(large, small)
    assert shared == pytest.approx(area, rel=0.02)


def test_a_disc_drawn_small_keeps_its_size_through_mask_and_outline() -> None:
    small = disc(2.2)
    outline = outline_of(small)
    assert outline is not None
    assert area_px(outline) == pytest.approx(int(small.sum()) - 1.5, abs=1.0)
