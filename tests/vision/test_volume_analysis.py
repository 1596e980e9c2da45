"""Volumes in three dimensions, with answers that err nowhere; and where the looks go."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.vision import solid_maps, volume_analysis
from deeppcos.vision.findings import FollicleKind
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.preprocess import View, warp
from deeppcos.vision.release import Release, load_release
from deeppcos.vision.solid_bodies import separate_solids, solids_of
from deeppcos.vision.solid_maps import EvenGrid, SolidMaps, even_grid, look_through
from deeppcos.vision.volume_analysis import analyse_volume

Floats = npt.NDArray[np.float32]
BACKGROUND, STROMA, FLUID = 20, 110, 200
SEMI_MM = (12.0, 10.0, 16.0)
BALLS = (  # slice, row, column of the centre from the ovary's middle, diameter, mm
    (0.0, 0.0, -8.0, 7.0),
    (-5.0, 2.0, 2.0, 5.0),
    (5.0, -2.0, 2.0, 5.0),
    (0.0, 4.0, 8.0, 4.0),
    (1.0, -4.0, 9.0, 4.0),
)


def maps_of(grid: EvenGrid, *_: object, **__: object) -> SolidMaps | None:
    """What a network that errs nowhere would answer."""
    fluid, ovary = grid.levels > 155, grid.levels > 65
    if not ovary.any():
        return None
    follicle = fluid.astype(np.float32)
    return SolidMaps(
        ovary=ovary.astype(np.float32),
        follicle=follicle,
        core=follicle,
        ovary_answer=0.98,
        place_score=0.95,
    )


@pytest.fixture(scope="module")
def shipped() -> Release:
    return load_release(threads=1)


@pytest.fixture
def release(shipped: Release, monkeypatch: pytest.MonkeyPatch) -> Release:
    monkeypatch.setattr(volume_analysis, "look_through", maps_of)
    return shipped


def slices(
    *,
    spacing: float = 0.6,
    pixel: tuple[float, float] = (0.5, 0.5),
    balls: tuple[tuple[float, float, float, float], ...] = BALLS,
    room: float = 6.0,
) -> list[UltrasoundFrame]:
    """An ellipsoid with balls of fluid; ``room`` mm of tissue around it, or cut when negative."""
    axes = [
        np.arange(-half - room, half + room, size)
        for half, size in zip(SEMI_MM, (spacing, *pixel), strict=True)
    ]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    inside = (z / SEMI_MM[0]) ** 2 + (y / SEMI_MM[1]) ** 2 + (x / SEMI_MM[2]) ** 2 <= 1
    levels = np.where(inside, STROMA, BACKGROUND).astype(np.uint8)
    for cz, cy, cx, diameter in balls:
        levels[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= diameter**2 / 4] = FLUID
    scale = MmPerPixel(x=pixel[1], y=pixel[0], source=ScaleSource.VOLUME_SPACING)
    return [
        UltrasoundFrame(
            source="volume.nii",
            index=index,
            pixels=np.repeat(level[:, :, None], 3, axis=2),
            mm_per_pixel=scale,
        )
        for index, level in enumerate(levels)
    ]


@pytest.mark.parametrize(("spacing", "pixel"), [(0.6, (0.5, 0.5)), (1.0, (0.4, 0.6))])
def test_a_volume_gives_count_volume_and_three_diameters(
    release: Release, spacing: float, pixel: tuple[float, float]
) -> None:
    frames = slices(spacing=spacing, pixel=pixel)
    read = analyse_volume(frames, release, slice_spacing_mm=spacing)
    assert read.followed.not_counted_because == ()
    assert read.followed.fnpo is not None
    assert read.followed.fnpo.value == len(BALLS)
    true_ml = 4 / 3 * math.pi * math.prod(SEMI_MM) / 1000
    assert read.followed.ovary_volume_ml == pytest.approx(true_ml, rel=0.06)
    assert read.followed.ovary_diameters_mm == pytest.approx((32, 24, 20), rel=0.05)
    sizes = sorted(f.mean_diameter_mm or 0 for f in read.followed.follicles)
    assert sizes == pytest.approx([4, 4, 5, 5, 7], abs=0.5)


def test_every_slice_has_the_outlines_of_the_solids_it_cuts(release: Release) -> None:
    frames = slices()
    read = analyse_volume(frames, release, slice_spacing_mm=0.6)
    assert [one.frame for one in read.findings] == list(range(len(frames)))
    middle = read.findings[len(frames) // 2]
    assert middle.is_assessable
    assert len(middle.ovaries[0].follicles) == 3
    assert not read.findings[0].ovaries
    largest = max(read.followed.follicles, key=lambda one: one.volume_ml or 0)
    assert len(largest.frames) == len(largest.outlines) == pytest.approx(7 / 0.6, abs=1)
    assert largest.probability > 0.5


def test_a_volume_that_cuts_the_ovary_gives_no_whole_ovary_count(release: Release) -> None:
    frames = slices(balls=BALLS[:1])
    read = analyse_volume(frames[len(frames) // 2 :], release, slice_spacing_mm=0.6)
    assert read.followed.fnpo is None
    assert read.followed.ovary_volume_ml is None
    assert any("of the ovary" in why for why in read.followed.not_counted_because)


def test_a_dominant_follicle_is_kept_and_not_counted(release: Release) -> None:
    frames = slices(balls=((0.0, 0.0, -4.0, 12.0), (0.0, 0.0, 8.0, 5.0)))
    read = analyse_volume(frames, release, slice_spacing_mm=0.6)
    assert [f.kind for f in read.followed.dominant] == [FollicleKind.DOMINANT]
    assert read.followed.count is not None
    assert read.followed.count.value == 1


def test_a_volume_without_an_ovary_says_so(release: Release) -> None:
    plain = [replace(one, pixels=np.full_like(one.pixels, BACKGROUND)) for one in slices()[:12]]
    read = analyse_volume(plain, release, slice_spacing_mm=0.6)
    assert read.followed.not_counted_because == ("no ovary was seen in the volume",)
    assert not any(one.ovaries for one in read.findings)


def test_slices_without_a_scale_are_no_volume(release: Release) -> None:
    frames = [replace(one, mm_per_pixel=None) for one in slices()[:4]]
    with pytest.raises(InvalidInput, match="no volume"):
        analyse_volume(frames, release, slice_spacing_mm=0.6)
    with pytest.raises(InvalidInput, match="no volume"):
        analyse_volume(slices()[:4], release, slice_spacing_mm=0.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_is_seen_along_each_axis_lands_where_it_is(
    shipped: Release, axis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(grey: npt.NDArray[np.uint8], view: View) -> Floats:
        seen = warp(grey, view.matrix()).astype(np.float32) / 255
        return np.asarray(seen[None, None], np.float32)

    def shows_itself(pictures: Floats) -> tuple[Floats, Floats]:
        maps = np.repeat(pictures, 4, axis=1)
        return maps, np.tile(np.array([0.95, 0.02], np.float32), (len(pictures), 1))

    monkeypatch.setattr(solid_maps, "to_tensor", plain)
    levels = np.full((20, 48, 60), 20, np.uint8)
    levels[8:13, 20:27, 30:40] = 220
    grid = even_grid(levels, size_mm=(1.0, 0.5, 0.5))
    seen = look_through(grid, replace(shipped, network=shows_itself), axes=(axis,))
    assert seen is not None
    bright = np.argwhere(seen.follicle > 0.5) * grid.mm
    assert bright.mean(axis=0) == pytest.approx((10.0, 11.5, 17.25), abs=0.6)
    assert np.ptp(bright, axis=0) == pytest.approx((4.0, 3.0, 4.5), abs=1.1)


@pytest.mark.parametrize("apart", [4.3, 4.8])
def test_touching_balls_are_two_solids_and_one_ball_is_one(apart: float) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(-6, 10, 0.5)] * 3, indexing="ij"))
    first = (grid**2).sum(axis=0) <= 2.5**2
    second = ((grid - np.array([apart, 0, 0])[:, None, None, None]) ** 2).sum(axis=0) <= 2.5**2
    flat = np.ones(first.shape, np.float32)
    assert len(solids_of(separate_solids(first | second, flat, mm=0.5), flat, mm=0.5)) == 2
    [ball] = solids_of(separate_solids(first, flat, mm=0.5), flat, mm=0.5)
    assert ball.mean_diameter_mm == pytest.approx(5.0, abs=0.25)
    assert ball.volume_ml == pytest.approx(math.pi / 6 * 0.125, rel=0.08)


def test_a_long_ellipsoid_stays_one_solid() -> None:
    z, y, x = np.meshgrid(*[np.arange(-8, 8, 0.5)] * 3, indexing="ij")
    inside = (z / 6) ** 2 + (y / 3) ** 2 + (x / 3) ** 2 <= 1
    flat = np.ones(inside.shape, np.float32)
    [solid] = solids_of(separate_solids(inside, flat, mm=0.5), flat, mm=0.5)
    assert solid.diameters_mm == pytest.approx((12, 6, 6), abs=0.3)
