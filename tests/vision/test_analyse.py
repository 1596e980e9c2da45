"""Frames through the whole pipeline with a network that reads the picture it is shown.

The pictures are plain: follicles white, the ovary grey, the rest dark. The network answers by
brightness, so it sees exactly what the preprocessing shows it, and nothing else.
"""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.vision import burned_in_scale, quality
from deeppcos.vision.analyse import analyse_frame, analyse_frames, follicle_kind
from deeppcos.vision.findings import FollicleKind, Polygon
from deeppcos.vision.frame import MmPerPixel, PixelBox, ScaleSource, UltrasoundFrame
from deeppcos.vision.geometry import polygon_iou
from deeppcos.vision.preprocess import CONTRACT, preprocessing_hash
from deeppcos.vision.release import MAP_NAMES, SCHEMA, Manifest, Network, Release

Floats = npt.NDArray[np.float32]
Circle = tuple[float, float, float]

BACKGROUND, STROMA, FLUID = 20, 110, 200
TENTH = MmPerPixel(x=0.1, y=0.1, source=ScaleSource.DICOM_REGIONS)
OVARY: Circle = (320.0, 250.0, 150.0)
SIX = tuple((320 + 85 * np.cos(a), 250 + 85 * np.sin(a), 30.0) for a in np.arange(6) * np.pi / 3)
"""Six follicles of 6 mm at a tenth of a millimetre a pixel."""


def circle(shape: Circle, corners: int = 180) -> Polygon:
    at = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    x, y, radius = shape
    return tuple((float(x + radius * np.cos(a)), float(y + radius * np.sin(a))) for a in at)


def brightness_network(
    *, sureness: float = 1.0, answers: tuple[float, float] = (0.95, 0.05), lesion: float = 0.0
) -> Network:
    """Stroma and fluid are ovary, fluid is follicle; a hill where fluid is deep."""

    def network(pictures: Floats) -> tuple[Floats, Floats]:
        level = pictures[0, 0]
        ovary = np.clip(2 * level, 0, 1)
        follicle = np.clip(2 * level - 1, 0, 1)
        _, labels = cv2.connectedComponents((follicle > 0.5).astype(np.uint8))
        core = np.zeros_like(follicle)
        for label in range(1, int(labels.max()) + 1):
            inside = labels == label
            depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
            core[inside] = (depth / depth.max())[inside]
        maps = np.stack([ovary * sureness, ovary * lesion, follicle, core])[None]
        return maps.astype(np.float32), np.array([answers], np.float32)

    return network


def release_with(network: Network) -> Release:
    identity = {"slope": 1.0, "intercept": 0.0}
    return Release(
        network=network,
        manifest=Manifest.model_validate(
            {
                "release_schema": SCHEMA,
                "name": "painted",
                "created": "2026-01-02",
                "weights_file": "none.onnx",
                "weights_sha256": "",
                "preprocessing_sha256": preprocessing_hash(),
                "input": str(CONTRACT["input"]),
                "map_names": MAP_NAMES,
                "operating_points": {
                    "ovary_map": 0.5,
                    "lesion_map": 0.5,
                    "close_margin": 0.25,
                    "asks_mirror_image": False,
                    "ovary_probability": 0.5,
                    "lesion_probability": 0.3,
                    "follicle_interior": 0.45,
                    "follicle_top": 0.5,
                    "follicle_least_area_px": 14,
                    "follicle_least_score": 0.5,
                },
                "calibrations": dict.fromkeys(("ovary", "lesion", "follicle"), identity),
                "count_interval": {"below": 0.5, "above": 1.0, "coverage": 0.9},
                "training": {},
                "metrics": {},
                "intended_use": "Tests.",
                "not_for": (),
                "licence_notes": (),
            }
        ),
    )


def never(pictures: Floats) -> tuple[Floats, Floats]:
    raise AssertionError("nothing was to be looked at")


def painted(
    *follicles: Circle,
    ovary: Circle = OVARY,
    scale: MmPerPixel | None = TENTH,
    size: tuple[int, int] = (640, 480),
) -> UltrasoundFrame:
    """A frame of an ovary with follicles, drawn four times as fine and averaged."""
    fine = 4
    canvas = np.full((size[1] * fine, size[0] * fine), BACKGROUND, np.uint8)
    for level, (x, y, radius) in ((STROMA, ovary), *((FLUID, f) for f in follicles)):
        centre = (round((x + 0.5) * fine), round((y + 0.5) * fine))
        cv2.circle(canvas, centre, round(radius * fine), level, cv2.FILLED)
    grey = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)
    return frame_of(np.repeat(grey[..., None], 3, axis=2).copy(), scale=scale)


def frame_of(pixels: npt.NDArray[np.uint8], *, scale: MmPerPixel | None = None) -> UltrasoundFrame:
    return UltrasoundFrame(source="a.png", index=3, pixels=pixels, mm_per_pixel=scale)


SURE = release_with(brightness_network())


def test_the_ovary_and_its_follicles_are_found_where_they_are() -> None:
    found = analyse_frame(painted(*SIX), SURE)
    assert found.is_assessable
    assert found.not_assessable_because == ()
    (ovary,) = found.ovaries
    assert polygon_iou(ovary.polygon, circle(OVARY)) > 0.97
    assert ovary.follicle_count_section.value == 6
    for follicle in SIX:
        assert max(polygon_iou(f.polygon, circle(follicle)) for f in ovary.follicles) > 0.9


def test_lengths_are_in_millimetres_of_the_frame() -> None:
    (ovary,) = analyse_frame(painted(*SIX), SURE).ovaries
    assert ovary.length_mm == pytest.approx(30.0, rel=0.02)
    assert ovary.width_mm == pytest.approx(30.0, rel=0.02)
    assert ovary.area_mm2 == pytest.approx(np.pi * 15**2, rel=0.03)
    for follicle in ovary.follicles:
        assert follicle.mean_diameter_mm == pytest.approx(6.0, abs=0.25)
        assert follicle.kind is FollicleKind.ANTRAL


def test_pixels_need_not_be_square() -> None:
    oblong = MmPerPixel(x=0.1, y=0.2, source=ScaleSource.DICOM_REGIONS)
    (ovary,) = analyse_frame(painted(*SIX, scale=oblong), SURE).ovaries
    assert ovary.length_mm == pytest.approx(60.0, rel=0.02)
    assert ovary.width_mm == pytest.approx(30.0, rel=0.02)


def test_without_a_scale_there_are_no_millimetres_and_no_sizes() -> None:
    found = analyse_frame(painted(*SIX, scale=None), SURE)
    (ovary,) = found.ovaries
    assert found.mm_per_pixel is None
    assert found.scale_problem
    assert (ovary.length_mm, ovary.width_mm, ovary.area_mm2) == (None, None, None)
    assert {f.kind for f in ovary.follicles} == {FollicleKind.UNSIZED}
    assert {f.mean_diameter_mm for f in ovary.follicles} == {None}
    assert ovary.follicle_count_section.value == 6


def test_dominant_follicles_and_those_below_range_are_marked_but_not_counted() -> None:
    follicles = ((270.0, 250.0, 60.0), (390.0, 250.0, 30.0), (380.0, 320.0, 8.0))
    (ovary,) = analyse_frame(painted(*follicles), SURE).ovaries
    kinds = sorted(f.kind.value for f in ovary.follicles)
    assert kinds == ["antral", "below_range", "dominant"]
    assert ovary.follicle_count_section.value == 1


def test_touching_follicles_are_counted_as_two() -> None:
    pair = ((280.0, 250.0, 30.0), (338.0, 250.0, 30.0))
    (ovary,) = analyse_frame(painted(*pair), SURE).ovaries
    assert ovary.follicle_count_section.value == 2


def test_the_count_has_the_interval_of_the_release() -> None:
    (ovary,) = analyse_frame(painted(*SIX), SURE).ovaries
    assert ovary.follicle_count_section == SURE.count_interval.around(6)


@pytest.mark.parametrize(
    ("diameter_mm", "kind"),
    [
        (None, FollicleKind.UNSIZED),
        (1.99, FollicleKind.BELOW_RANGE),
        (2.0, FollicleKind.ANTRAL),
        (9.99, FollicleKind.ANTRAL),
        (10.0, FollicleKind.DOMINANT),
    ],
)
def test_follicles_of_two_to_nine_millimetres_are_counted(
    diameter_mm: float | None, kind: FollicleKind
) -> None:
    """Balen 2003: "follicles measuring 2-9 mm in diameter"."""
    assert follicle_kind(diameter_mm) is kind


def test_a_doubtful_ovary_is_shown_but_not_assessable() -> None:
    doubtful = release_with(brightness_network(sureness=0.3, answers=(0.2, 0.1)))
    found = analyse_frame(painted(*SIX), doubtful)
    assert not found.is_assessable
    assert found.not_assessable_because == (quality.DOUBTFUL_OVARY,)
    assert 0.08 <= found.ovaries[0].probability < 0.5
    assert polygon_iou(found.ovaries[0].polygon, circle(OVARY)) > 0.9


def test_where_nothing_resembles_an_ovary_that_is_the_reason() -> None:
    blind = release_with(brightness_network(sureness=0.0, answers=(0.02, 0.02)))
    found = analyse_frame(painted(*SIX), blind)
    assert found.not_assessable_because == (quality.NO_OVARY,)
    assert found.ovaries == ()


def test_a_lesion_is_outlined_and_given_as_a_reason() -> None:
    seen = release_with(brightness_network(sureness=0.0, answers=(0.02, 0.97), lesion=1.0))
    found = analyse_frame(painted(), seen)
    assert found.not_assessable_because[0] == quality.NO_OVARY
    assert "lesion" in found.not_assessable_because[1]
    (lesion,) = found.lesions
    assert lesion.probability > 0.9
    assert lesion.largest_diameter_mm == pytest.approx(30.0, rel=0.04)


def photograph() -> npt.NDArray[np.uint8]:
    hues = np.random.default_rng(1).integers(0, 256, (12, 16, 3))
    return np.kron(hues, np.ones((40, 40, 1))).astype(np.uint8)


@pytest.mark.parametrize(
    ("pixels", "word"),
    [
        pytest.param(np.zeros((480, 640, 3), np.uint8), "black", id="black"),
        pytest.param(np.full((40, 80, 3), 90, np.uint8), "80 x 40", id="tiny"),
        pytest.param(np.full((480, 640, 3), 90, np.uint8), "flat", id="flat"),
        pytest.param(photograph(), "photograph", id="photograph"),
    ],
)
def test_what_cannot_be_an_ultrasound_picture_is_refused_before_looking(
    pixels: npt.NDArray[np.uint8], word: str
) -> None:
    found = analyse_frame(frame_of(pixels), release_with(never))
    assert not found.is_assessable
    assert word in found.not_assessable_because[0]
    assert found.ovaries == ()


def test_only_the_tissue_region_is_looked_at() -> None:
    bright_border = painted(*SIX)
    bright_border.pixels[:, 560:] = FLUID
    region = PixelBox(x0=0, y0=0, x1=540, y1=480)
    found = analyse_frame(replace(bright_border, tissue_region=region), SURE)
    assert len(found.ovaries) == 1
    assert polygon_iou(found.ovaries[0].polygon, circle(OVARY)) > 0.95


def test_looking_leaves_the_frame_as_it_was() -> None:
    frame = painted(*SIX)
    before = frame.pixels.copy()
    analyse_frame(frame, SURE)
    assert np.array_equal(frame.pixels, before)


def test_frames_are_analysed_one_at_a_time_in_order() -> None:
    given: list[int] = []

    def frames() -> "list[UltrasoundFrame]":
        return [replace(painted(*SIX[:n]), index=n) for n in range(1, 4)]

    for found in analyse_frames(frames(), SURE):
        given.append(found.frame)
        assert found.ovaries[0].follicle_count_section.value == found.frame
    assert given == [1, 2, 3]
    assert (found.source, found.width, found.height) == ("a.png", 640, 480)


@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.6])
def test_a_zoomed_picture_of_the_same_ovary_measures_the_same(zoom: float) -> None:
    def grown(shape: Circle) -> Circle:
        return (shape[0] * zoom, shape[1] * zoom, shape[2] * zoom)

    scale = MmPerPixel(x=0.1 / zoom, y=0.1 / zoom, source=ScaleSource.DICOM_REGIONS)
    frame = painted(
        *map(grown, SIX),
        ovary=grown(OVARY),
        scale=scale,
        size=(round(640 * zoom), round(480 * zoom)),
    )
    (ovary,) = analyse_frame(frame, SURE).ovaries
    assert ovary.follicle_count_section.value == 6
    assert ovary.length_mm == pytest.approx(30.0, rel=0.03)
    assert [f.mean_diameter_mm for f in ovary.follicles] == pytest.approx([6.0] * 6, abs=0.35)


@pytest.mark.parametrize("diameter_mm", [2.5, 4.0])
def test_a_small_follicle_is_measured_within_a_pixel(diameter_mm: float) -> None:
    frame = painted((330.0, 240.0, 5 * diameter_mm), SIX[0])
    (ovary,) = analyse_frame(frame, SURE).ovaries
    smallest = min(f.mean_diameter_mm or 0.0 for f in ovary.follicles)
    drawn_mm = diameter_mm + 0.025  # a circle drawn on whole pixels holds its rim
    assert smallest == pytest.approx(drawn_mm, abs=0.1)


def test_a_scale_the_ruler_contradicts_gives_no_millimetres(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ruler = MmPerPixel(x=0.13, y=0.13, source=ScaleSource.BURNED_IN_RULER)
    monkeypatch.setattr(burned_in_scale, "scale_from_ruler", lambda pixels: ruler)
    found = analyse_frame(painted(*SIX, scale=TENTH), SURE)
    assert "apart" in found.scale_problem
    assert found.mm_per_pixel is None


def test_outlines_stay_on_the_frame() -> None:
    inside = ((80.0, 80.0, 30.0), (150.0, 110.0, 30.0))
    (ovary,) = analyse_frame(painted(*inside, ovary=(90.0, 80.0, 150.0)), SURE).ovaries
    assert np.array(ovary.polygon).min() >= -1.0
    assert ovary.follicle_count_section.value == 2
