"""Follicles across frames, against balls in an ellipsoid whose every section is known."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from deeppcos.clinical.ovary import FollicleNumberPerOvary, TrackedEstimate
from deeppcos.errors import InvalidInput
from deeppcos.vision.analyse import follicle_kind
from deeppcos.vision.findings import (
    Follicle,
    FollicleKind,
    FrameFindings,
    Interval,
    Ovary,
    Polygon,
)
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.geometry import centroid, mean_diameter_mm
from deeppcos.vision.tracking import track_follicles

SCALE = MmPerPixel(x=0.1, y=0.2, source=ScaleSource.DICOM_REGIONS)
SEMI_MM = (18.0, 11.0, 12.0)
MIDDLE = (300.0, 200.0)


@dataclass(frozen=True)
class Ball:
    x: float
    y: float
    z: float
    diameter: float


SEVEN = (
    Ball(-12, 0, 0, 5.0),
    Ball(-5, 6, -4, 3.0),
    Ball(-5, -6, 3, 4.0),
    Ball(2, 5, 5, 6.0),
    Ball(3, -6, -3, 2.6),
    Ball(9, 3, -2, 4.4),
    Ball(10, -3, 4, 3.4),
)


def ellipse(x_mm: float, y_mm: float, half_x: float, half_y: float) -> Polygon:
    at = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    return tuple(
        (
            MIDDLE[0] + (x_mm + half_x * math.cos(a)) / SCALE.x,
            MIDDLE[1] + (y_mm + half_y * math.sin(a)) / SCALE.y,
        )
        for a in at
    )


def frame(index: int, z: float, balls: tuple[Ball, ...], scale: MmPerPixel | None) -> FrameFindings:
    height = 1 - (z / SEMI_MM[2]) ** 2
    ovaries: tuple[Ovary, ...] = ()
    if height > 0.01:
        follicles = []
        for ball in balls:
            squared = (ball.diameter / 2) ** 2 - (z - ball.z) ** 2
            if squared < 0.3:
                continue
            outline = ellipse(ball.x, ball.y, math.sqrt(squared), math.sqrt(squared))
            width = None if scale is None else mean_diameter_mm(outline, scale)
            follicles.append(
                Follicle(
                    polygon=outline,
                    probability=0.9,
                    mean_diameter_mm=width,
                    kind=follicle_kind(width),
                )
            )
        reach = math.sqrt(height)
        count = len(follicles)
        ovaries = (
            Ovary(
                polygon=ellipse(0, 0, SEMI_MM[0] * reach, SEMI_MM[1] * reach),
                probability=0.95,
                follicles=tuple(follicles),
                follicle_count_section=Interval(value=count, low=count, high=count),
                length_mm=None,
                width_mm=None,
                area_mm2=None,
            ),
        )
    return FrameFindings(
        source="sweep.mp4",
        frame=index,
        width=600,
        height=400,
        mm_per_pixel=scale,
        scale_problem="" if scale else "the file states no pixel size",
        is_assessable=bool(ovaries),
        not_assessable_because=() if ovaries else ("no ovary",),
        ovaries=ovaries,
        lesions=(),
        burned_in_graphics=(),
    )


def sweep(
    balls: tuple[Ball, ...] = SEVEN,
    *,
    step: float = 0.5,
    start: float = -14.0,
    stop: float = 14.0,
    scale: MmPerPixel | None = SCALE,
) -> list[FrameFindings]:
    places = np.arange(start, stop, step)
    return [frame(index, float(z), balls, scale) for index, z in enumerate(places)]


def without_ovary(one: FrameFindings) -> FrameFindings:
    return replace(one, is_assessable=False, not_assessable_because=("shadow",), ovaries=())


def test_a_volume_counts_every_follicle_once() -> None:
    read = track_follicles(sweep(), slice_spacing_mm=0.5)
    assert isinstance(read.fnpo, FollicleNumberPerOvary)
    assert read.fnpo.value == 7
    assert read.estimate is None
    assert read.not_counted_because == ()


def test_a_sweep_gives_an_estimate_and_never_a_whole_ovary_count() -> None:
    read = track_follicles(sweep(), slice_spacing_mm=None)
    assert isinstance(read.estimate, TrackedEstimate)
    assert read.estimate.value == 7
    assert read.estimate.coverage == pytest.approx(1.0, abs=0.02)
    assert read.fnpo is None
    assert read.ovary_volume_ml is None


def test_volume_and_diameters_of_the_ovary_are_those_of_the_ellipsoid() -> None:
    read = track_follicles(sweep(step=0.4), slice_spacing_mm=0.4)
    true_ml = 4 / 3 * math.pi * math.prod(SEMI_MM) / 1000
    assert read.ovary_volume_ml == pytest.approx(true_ml, rel=0.01)
    assert read.ovary_diameters_mm == pytest.approx((36, 22, 24), abs=0.5)


def test_a_follicle_in_a_volume_has_three_diameters_and_a_volume() -> None:
    read = track_follicles(sweep((Ball(0, 0, 0, 8.0),), step=0.25), slice_spacing_mm=0.25)
    [follicle] = read.follicles
    assert follicle.diameters_mm == pytest.approx((8.0, 8.0, 8.0), abs=0.3)
    assert follicle.volume_ml == pytest.approx(math.pi / 6 * 0.512, rel=0.03)
    assert follicle.kind is FollicleKind.ANTRAL
    assert -14 + 0.25 * follicle.largest_in == pytest.approx(0.0, abs=0.5)


def test_a_follicle_in_a_sweep_has_the_two_diameters_of_its_largest_section() -> None:
    read = track_follicles(sweep((*SEVEN, Ball(-2, 0, -8, 6.0)), step=0.4), slice_spacing_mm=None)
    largest = [f for f in read.follicles if f.mean_diameter_mm and f.mean_diameter_mm > 5.5]
    assert [f.mean_diameter_mm for f in largest] == pytest.approx([6.0, 6.0], abs=0.15)
    assert all(f.diameters_mm and len(f.diameters_mm) == 2 for f in largest)


def test_a_followed_follicle_has_its_outline_in_every_frame_that_shows_it() -> None:
    ball = SEVEN[0]
    tracked = track_follicles(sweep(SEVEN, step=0.4), slice_spacing_mm=None)
    middle = (MIDDLE[0] + ball.x / SCALE.x, MIDDLE[1] + ball.y / SCALE.y)
    [own] = [one for one in tracked.follicles if math.dist(centroid(one.outline), middle) < 2]
    assert len(own.outlines) == len(own.frames)
    assert own.outlines[own.frames.index(own.largest_in)] == own.outline
    for outline in own.outlines:
        assert math.dist(centroid(outline), middle) < 2


def test_the_followed_ovary_has_its_outline_in_every_frame_that_shows_it() -> None:
    frames = sweep(SEVEN, step=0.4)
    ovary = track_follicles(frames, slice_spacing_mm=None).ovary
    assert ovary is not None
    seen = {one.frame: one.ovaries[0].polygon for one in frames if one.ovaries}
    assert dict(zip(ovary.frames, ovary.outlines, strict=True)) == seen
    assert ovary.largest_in in ovary.frames
    assert ovary.probability == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("diameter", "kind", "counted"),
    [
        (1.7, FollicleKind.BELOW_RANGE, 7),
        (2.3, FollicleKind.ANTRAL, 8),
        (9.6, FollicleKind.ANTRAL, 8),
        (10.4, FollicleKind.DOMINANT, 7),
    ],
)
def test_only_follicles_from_2_to_under_10_mm_count(
    diameter: float, kind: FollicleKind, counted: int
) -> None:
    extra = Ball(0.0, 0.0, -6.0 if diameter > 5 else 0.0, diameter)
    balls = (*(b for b in SEVEN if b.z > -5), extra)
    read = track_follicles(sweep(balls, step=0.2), slice_spacing_mm=0.2)
    assert [f.kind for f in read.follicles].count(kind) >= 1
    assert read.fnpo is not None
    assert read.fnpo.value == counted
    assert len(read.dominant) == (kind is FollicleKind.DOMINANT)


def test_without_a_scale_there_is_no_count_only_an_unsized_number() -> None:
    for spacing in (None, 0.5):
        read = track_follicles(sweep(scale=None), slice_spacing_mm=spacing)
        assert read.count is None
        assert read.estimate is None
        assert read.fnpo is None
        assert read.unsized_count is not None
        assert read.unsized_count.value == 7
        assert "no millimetres" in read.not_counted_because[0]
        assert all(f.kind is FollicleKind.UNSIZED for f in read.follicles)


def test_a_zoom_within_the_sweep_forbids_a_count() -> None:
    frames = sweep()
    other = MmPerPixel(x=0.15, y=0.3, source=ScaleSource.DICOM_REGIONS)
    frames[30:] = [replace(one, mm_per_pixel=other) for one in frames[30:]]
    read = track_follicles(frames, slice_spacing_mm=None)
    assert read.count is None
    assert "the scale changes within the sequence" in read.not_counted_because


def test_a_sweep_that_begins_in_the_middle_says_so_and_widens_its_interval() -> None:
    whole = track_follicles(sweep(), slice_spacing_mm=None)
    part = track_follicles(sweep(start=-3.0), slice_spacing_mm=None)
    assert part.coverage is not None
    assert part.estimate is not None
    assert whole.estimate is not None
    assert not part.coverage.begins_outside
    assert part.coverage.ends_outside
    # The cap beyond a quarter of the half-height from the middle holds 31.6 % of an ellipsoid.
    assert part.estimate.coverage == pytest.approx(1 - 0.316, abs=0.03)
    assert part.estimate.high - part.estimate.value > whole.estimate.high - whole.estimate.value


def test_a_volume_that_cuts_the_ovary_gives_no_whole_ovary_count() -> None:
    read = track_follicles(sweep(start=-3.0), slice_spacing_mm=0.5)
    assert read.fnpo is None
    assert read.ovary_volume_ml is None
    assert "no count of the whole ovary" in read.not_counted_because[0]


def test_an_ovary_reaching_the_edge_of_a_volume_gives_no_whole_ovary_count() -> None:
    frames = [replace(one, width=460) for one in sweep()]
    read = track_follicles(frames, slice_spacing_mm=0.5)
    assert read.fnpo is None
    assert "edge" in read.not_counted_because[0]


def test_an_ovary_lost_in_the_middle_gives_no_count() -> None:
    frames = [
        without_ovary(one) if index % 5 in (1, 3) else one for index, one in enumerate(sweep())
    ]
    read = track_follicles(frames, slice_spacing_mm=None)
    assert read.count is None
    assert any("lost in" in reason for reason in read.not_counted_because)


def test_an_ovary_missed_now_and_then_is_still_followed() -> None:
    frames = [without_ovary(one) if index % 7 == 3 else one for index, one in enumerate(sweep())]
    read = track_follicles(frames, slice_spacing_mm=None)
    assert read.estimate is not None
    assert read.estimate.value == 7
    assert read.coverage is not None
    assert 0.8 < read.coverage.seen_share < 0.9


def test_a_handful_of_frames_is_no_sweep() -> None:
    read = track_follicles(sweep(step=6.0), slice_spacing_mm=None)
    assert read.count is None
    assert any("needs at least" in reason for reason in read.not_counted_because)


@pytest.mark.parametrize("spacing", [None, 2.0])
def test_frames_too_far_apart_give_no_count(spacing: float | None) -> None:
    read = track_follicles(sweep(step=2.0), slice_spacing_mm=spacing)
    assert read.count is None
    assert any("too fast" in reason for reason in read.not_counted_because)


def test_haste_is_noticed_in_an_ovary_without_follicles_too() -> None:
    slow = track_follicles(sweep((), step=0.8), slice_spacing_mm=None)
    assert slow.estimate is not None
    assert slow.estimate.value == 0
    hasty = track_follicles(sweep((), step=2.0), slice_spacing_mm=None)
    assert hasty.estimate is None
    assert any("too fast" in reason for reason in hasty.not_counted_because)


def test_two_ovaries_in_one_sweep_give_no_count() -> None:
    frames = sweep()
    second = [
        replace(
            one,
            frame=one.frame + len(frames),
            ovaries=tuple(
                replace(o, polygon=tuple((x + 900, y) for x, y in o.polygon)) for o in one.ovaries
            ),
        )
        for one in frames
    ]
    read = track_follicles([*frames, *second], slice_spacing_mm=None)
    assert read.count is None
    assert any("more than one ovary" in reason for reason in read.not_counted_because)


def test_flickers_seen_once_are_not_counted() -> None:
    frames = sweep()
    rng = np.random.default_rng(3)
    for index in range(8, 48, 3):
        one = frames[index]
        x, y = float(rng.uniform(-8, 8)), float(rng.uniform(-4, 4))
        outline = ellipse(x, y, 1.4, 1.4)
        ghost = Follicle(
            polygon=outline, probability=0.5, mean_diameter_mm=2.8, kind=FollicleKind.ANTRAL
        )
        ovary = replace(one.ovaries[0], follicles=(*one.ovaries[0].follicles, ghost))
        frames[index] = replace(one, ovaries=(ovary,))
    read = track_follicles(frames, slice_spacing_mm=0.5)
    assert read.count is not None
    assert read.count.value == 7
    assert read.doubtful >= 5


def test_outlines_that_come_and_go_in_every_frame_give_no_count() -> None:
    frames = sweep()
    rng = np.random.default_rng(4)
    for index, one in enumerate(frames):
        if one.ovaries:
            x, y = float(rng.uniform(-12, 12)), float(rng.uniform(-8, 8))
            ghost = Follicle(
                polygon=ellipse(x, y, 1.2, 1.2),
                probability=0.5,
                mean_diameter_mm=2.4,
                kind=FollicleKind.ANTRAL,
            )
            ovary = replace(one.ovaries[0], follicles=(*one.ovaries[0].follicles, ghost))
            frames[index] = replace(one, ovaries=(ovary,))
    read = track_follicles(frames, slice_spacing_mm=0.5)
    assert read.count is None
    assert any("come and go" in reason for reason in read.not_counted_because)


def test_ragged_outlines_give_no_count() -> None:
    def ragged(follicle: Follicle) -> Follicle:
        middle = np.asarray(centroid(follicle.polygon))
        corners = np.asarray(follicle.polygon)
        star = (
            middle
            + (corners - middle) * np.where(np.arange(len(corners)) % 4 < 2, 1, 0.45)[:, None]
        )
        return replace(follicle, polygon=tuple((float(x), float(y)) for x, y in star))

    frames = [
        replace(
            one,
            ovaries=tuple(
                replace(o, follicles=tuple(ragged(f) for f in o.follicles)) for o in one.ovaries
            ),
        )
        for one in sweep()
    ]
    read = track_follicles(frames, slice_spacing_mm=0.5)
    assert read.count is None
    assert any("ragged" in reason for reason in read.not_counted_because)


def test_the_steps_of_a_sweep_are_told_from_the_follicles() -> None:
    for step in (0.3, 0.6):
        read = track_follicles(sweep(step=step), slice_spacing_mm=None)
        assert read.step_mm == pytest.approx(step, rel=0.25)


def test_nothing_seen_gives_no_count_and_a_reason() -> None:
    for frames in ([], [without_ovary(one) for one in sweep()]):
        read = track_follicles(frames, slice_spacing_mm=None)
        assert read.coverage is None
        assert read.count is None
        assert read.not_counted_because == ("no ovary could be judged in any frame",)


def test_an_ovary_without_follicles_counts_none() -> None:
    read = track_follicles(sweep(()), slice_spacing_mm=0.5)
    assert read.fnpo is not None
    assert read.fnpo.value == 0


@pytest.mark.parametrize("spacing", [0.0, -1.0, math.nan, math.inf])
def test_a_spacing_that_is_not_positive_is_refused(spacing: float) -> None:
    with pytest.raises(InvalidInput, match="slice spacing"):
        track_follicles(sweep(), slice_spacing_mm=spacing)
