import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeppcos.vision.frame import PixelBox, ScaleSource
from deeppcos.vision.scale import FrameScale, UltrasoundRegion, scale_from_regions

WIDTH, HEIGHT = 640, 480


def region(**changes: Any) -> UltrasoundRegion:
    values: dict[str, Any] = {
        "x0": 100,
        "y0": 20,
        "x1": 539,
        "y1": 459,
        "is_2d_tissue": True,
        "is_in_cm": True,
        "delta_x": 0.012,
        "delta_y": 0.011,
    }
    return UltrasoundRegion(**(values | changes))


def scale_of(*regions: UltrasoundRegion, spacing: tuple[float, float] | None = None) -> FrameScale:
    return scale_from_regions(regions, width=WIDTH, height=HEIGHT, pixel_spacing_mm=spacing)


def test_one_region_gives_millimetres_along_both_axes() -> None:
    found = scale_of(region())
    assert found.mm_per_pixel is not None
    assert found.mm_per_pixel.x == pytest.approx(0.12)
    assert found.mm_per_pixel.y == pytest.approx(0.11)
    assert found.mm_per_pixel.source is ScaleSource.DICOM_REGIONS
    assert found.tissue_region == PixelBox(x0=100, y0=20, x1=540, y1=460)
    assert found.problem == ""


def test_the_largest_tissue_region_is_taken() -> None:
    thumbnail = region(x0=0, y0=0, x1=80, y1=80, delta_x=0.05, delta_y=0.05)
    found = scale_of(thumbnail, region())
    assert found.mm_per_pixel is not None
    assert found.mm_per_pixel.x == pytest.approx(0.12)


def test_larger_spectral_and_colour_regions_do_not_count_as_tissue() -> None:
    spectrum = region(x0=0, y0=0, x1=639, y1=479, is_2d_tissue=False, is_in_cm=False, delta_x=3.0)
    found = scale_of(spectrum, region())
    assert found.mm_per_pixel is not None
    assert found.tissue_region == PixelBox(x0=100, y0=20, x1=540, y1=460)


def test_dual_view_with_one_scale_keeps_it_for_the_first_view() -> None:
    found = scale_of(region(x0=0, x1=319), region(x0=320, x1=639))
    assert found.mm_per_pixel is not None
    assert found.tissue_region == PixelBox(x0=0, y0=20, x1=320, y1=460)


@pytest.mark.parametrize(
    ("regions", "reason"),
    [
        ([], "declares no ultrasound regions"),
        ([region(is_2d_tissue=False)], "none of the 1 declared"),
        ([region(is_in_cm=False)], "not in centimetres"),
        ([region(delta_x=None)], "no pixel size along x"),
        ([region(delta_y=0.0)], "pixel size of 0 cm along y"),
        ([region(delta_y=-0.011)], "pixel size of -0.011 cm along y"),
        ([region(delta_x=math.nan)], "pixel size of nan cm along x"),
        ([region(delta_x=5.0)], "implausible pixel size along x"),
        ([region(x1=800)], "probably resized"),
        ([region(x0=-1)], "does not lie in the 640 x 480 picture"),
        ([region(x0=539, x1=100)], "does not lie in"),
        ([region(), region(x0=300, x1=400, delta_x=0.02)], "two overlapping B-mode regions"),
        (
            [region(x0=0, x1=319), region(x0=320, x1=639, delta_x=0.02)],
            "about one size state different",
        ),
        ([region(), region(x0=300, x1=400, delta_x=-0.012)], "two overlapping B-mode regions"),
        ([region(), region(x0=300, x1=400, is_in_cm=False)], "two overlapping B-mode regions"),
    ],
)
def test_absence_and_contradiction_leave_no_millimetres(
    regions: list[UltrasoundRegion], reason: str
) -> None:
    found = scale_of(*regions)
    assert found.mm_per_pixel is None
    assert reason in found.problem


def test_an_inclusive_or_exclusive_last_column_is_the_same_region() -> None:
    inclusive, exclusive = scale_of(region(x1=WIDTH - 1)), scale_of(region(x1=WIDTH))
    assert inclusive.tissue_region == exclusive.tissue_region
    assert scale_of(region(x1=WIDTH + 1)).mm_per_pixel is None


def test_pixel_spacing_that_agrees_changes_nothing() -> None:
    assert scale_of(region(), spacing=(0.121, 0.109)) == scale_of(region())


def test_pixel_spacing_that_disagrees_takes_the_scale_away() -> None:
    found = scale_of(region(), spacing=(0.12, 0.2))
    assert found.mm_per_pixel is None
    assert "Pixel Spacing (0.2 mm) contradicts the B-mode region (0.11 mm) along y" in found.problem


def test_pixel_spacing_alone_is_not_trusted() -> None:
    found = scale_of(spacing=(0.12, 0.12))
    assert found.mm_per_pixel is None
    assert "Pixel Spacing alone is not trusted" in found.problem


corners = st.integers(-50, 700)
deltas = st.none() | st.floats(-1, 1) | st.sampled_from([0.0, math.inf, math.nan])
any_region = st.builds(
    UltrasoundRegion,
    x0=corners,
    y0=corners,
    x1=corners,
    y1=corners,
    is_2d_tissue=st.booleans(),
    is_in_cm=st.booleans(),
    delta_x=deltas,
    delta_y=deltas,
)


@given(st.lists(any_region, max_size=4))
def test_there_is_always_a_scale_or_a_reason_and_never_both(
    regions: list[UltrasoundRegion],
) -> None:
    found = scale_of(*regions)
    assert (found.mm_per_pixel is None) == bool(found.problem)
    if found.mm_per_pixel is not None:
        assert found.tissue_region is not None


@given(st.lists(any_region, max_size=3), st.floats(0.01, 0.1), st.floats(1.05, 4))
def test_a_second_opinion_on_the_same_tissue_never_yields_a_scale(
    others: list[UltrasoundRegion], delta: float, factor: float
) -> None:
    whole = {"x0": 0, "y0": 0, "x1": WIDTH - 1, "y1": HEIGHT - 1}
    one = region(**whole, delta_x=delta, delta_y=delta)
    other = region(**whole, delta_x=delta * factor, delta_y=delta)
    assert scale_of(one, other, *others).mm_per_pixel is None
