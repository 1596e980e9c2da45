"""Which scale a frame gets, drawn pictures and texts given by the tests."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.vision import burned_in_text
from deeppcos.vision.burned_in_scale import read_burned_in_scale, scale_from_ruler
from deeppcos.vision.burned_in_text import BurnedInText, TextReader, read_burned_in_text
from deeppcos.vision.caliper_readout import (
    CaliperReadout,
    find_caliper_crosses,
    parse_readouts,
    scale_from_caliper,
)
from deeppcos.vision.frame import MmPerPixel, PixelBox, ScaleSource, UltrasoundFrame

Pixels = npt.NDArray[np.uint8]
Point = tuple[int, int]
YELLOW = (235, 235, 40)
TEXT_BOX = PixelBox(x0=560, y0=450, x1=640, y1=462)
PAIRS: tuple[Point, ...] = ((200, 120), (360, 210), (330, 100), (250, 250))
LENGTHS_PX = (float(np.hypot(160, 90)), float(np.hypot(80, 150)))
MM = 0.2


def _tissue() -> Pixels:
    speckle = np.random.default_rng(1).normal(50, 10, (480, 640)).astype(np.float32)
    grey = np.clip(cv2.GaussianBlur(speckle, (5, 3), 0), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _ruled(picture: Pixels, *, step_px: float = 25.0) -> Pixels:
    drawn = picture.copy()
    for number in range(18):
        row = round(25 + number * step_px)
        width = 8 if number % 10 == 0 else 3 if number % 2 == 0 else 1
        drawn[row : row + 2, 20 : 20 + width] = 235
    return drawn


def _with_crosses(picture: Pixels, points: tuple[Point, ...] = PAIRS) -> Pixels:
    drawn = picture.copy()
    for x, y in points:
        drawn[y - 7 : y + 8, x - 7 : x + 8] = 20
        for near, far in ((-6, -2), (3, 7)):
            drawn[y : y + 2, x + near : x + far] = YELLOW
            drawn[y + near : y + far, x : x + 2] = YELLOW
    return drawn


def _frame(pixels: Pixels, scale: MmPerPixel | None = None) -> UltrasoundFrame:
    return UltrasoundFrame(source="still.png", index=0, pixels=pixels, mm_per_pixel=scale)


def _texts(*distances_mm: float) -> tuple[BurnedInText, ...]:
    return tuple(
        BurnedInText(text=f"{n} D {mm / 10:.2f}cm", box=TEXT_BOX)
        for n, mm in enumerate(distances_mm, start=1)
    )


def _reader(*distances_mm: float, beside: tuple[str, ...] = ("2", "1", "", "")) -> TextReader:
    """Texts of the whole picture, then what stands beside each cross from the top down."""
    patches = iter(beside)

    def read(pixels: Pixels) -> tuple[BurnedInText, ...]:
        if pixels.shape[:2] == (480, 640):
            return _texts(*distances_mm)
        return (BurnedInText(text=next(patches), box=PixelBox(x0=0, y0=0, x1=9, y1=9)),)

    return read


TRUE_MM = tuple(px * MM for px in LENGTHS_PX)


def test_the_ruler_gives_both_axes_and_says_where_the_scale_comes_from() -> None:
    scale = scale_from_ruler(_ruled(_tissue()))
    assert isinstance(scale, MmPerPixel)
    assert scale.y == pytest.approx(MM, rel=0.01)
    assert scale.x == scale.y
    assert scale.source is ScaleSource.BURNED_IN_RULER


def test_a_frame_without_a_scale_gets_the_rulers() -> None:
    frame = read_burned_in_scale(_frame(_ruled(_tissue())))
    assert frame.mm_per_pixel is not None
    assert frame.mm_per_pixel.source is ScaleSource.BURNED_IN_RULER
    assert frame.scale_problem == ""


def test_a_frame_without_a_ruler_says_why_it_has_no_scale() -> None:
    frame = read_burned_in_scale(_frame(_tissue()))
    assert frame.mm_per_pixel is None
    assert frame.scale_problem == "no depth ruler was found in the picture"


def test_the_rest_of_the_frame_stays_as_it_was() -> None:
    before = replace(_frame(_ruled(_tissue())), time_s=1.5)
    after = read_burned_in_scale(before)
    assert after.pixels is before.pixels
    assert (after.source, after.index, after.time_s) == ("still.png", 0, 1.5)


@pytest.mark.parametrize("factor", [1.0, 0.96, 1.04])
def test_the_files_own_scale_is_never_replaced(factor: float) -> None:
    stated = MmPerPixel(x=MM * factor, y=MM * factor, source=ScaleSource.DICOM_REGIONS)
    frame = read_burned_in_scale(_frame(_ruled(_tissue()), stated))
    assert frame.mm_per_pixel is stated
    assert frame.scale_problem == ""


@pytest.mark.parametrize("factor", [0.5, 0.93, 1.07, 2.0])
def test_a_ruler_that_contradicts_the_file_is_reported(factor: float) -> None:
    stated = MmPerPixel(x=MM * factor, y=MM * factor, source=ScaleSource.DICOM_REGIONS)
    frame = read_burned_in_scale(_frame(_ruled(_tissue()), stated))
    assert frame.mm_per_pixel is stated
    assert "ruler" in frame.scale_problem


def test_crosses_are_found_where_they_are_drawn() -> None:
    found = find_caliper_crosses(_with_crosses(_tissue()))
    assert len(found) == len(PAIRS)
    for x, y in PAIRS:
        assert min(np.hypot(x - fx, y - fy) for fx, fy in found) <= 2


def test_grey_crosses_and_plain_tissue_hold_no_calipers() -> None:
    grey = np.repeat(_with_crosses(_tissue())[..., :1], 3, axis=2)
    assert find_caliper_crosses(_tissue()) == ()
    assert find_caliper_crosses(np.ascontiguousarray(grey)) == ()


@pytest.mark.parametrize(
    ("text", "distance_mm"),
    [("1 D 3.29cm", 32.9), ("2D2.41cm", 24.1), ("1 D 8.5mm", 8.5), ("3D 10.02CM", 100.2)],
)
def test_a_legible_readout_is_parsed(text: str, distance_mm: float) -> None:
    (readout,) = parse_readouts([BurnedInText(text=text, box=TEXT_BOX)])
    assert readout.distance_mm == pytest.approx(distance_mm)


@pytest.mark.parametrize(
    "text", ["D 3.44cm", "1D3.29c", "1D329cm", "1 D 0.00cm", "-4cm/s", "1 D 99.99cm", "10.00-3.20"]
)
def test_a_half_legible_readout_is_passed_over(text: str) -> None:
    assert parse_readouts([BurnedInText(text=text, box=TEXT_BOX)]) == ()


def test_an_implausible_distance_is_refused() -> None:
    with pytest.raises(InvalidInput, match="implausible distance"):
        CaliperReadout(number=1, distance_mm=0.0, box=TEXT_BOX)


def test_two_pairs_that_agree_give_the_scale() -> None:
    readouts = parse_readouts(_texts(*TRUE_MM))
    scale = scale_from_caliper(_with_crosses(_tissue()), readouts, read_text=_reader())
    assert isinstance(scale, MmPerPixel)
    assert scale.y == pytest.approx(MM, rel=0.01)
    assert scale.source is ScaleSource.BURNED_IN_CALIPER


@pytest.mark.parametrize(
    "beside",
    [
        ("4", "3", "", ""),
        ("", "", "", ""),
        ("2", "", "", ""),
        ("2", "1", "1", ""),
        ("x", "12", "", ""),
    ],
)
def test_calipers_whose_numbers_are_not_the_readouts_give_no_scale(beside: tuple[str, ...]) -> None:
    readouts = parse_readouts(_texts(*TRUE_MM))
    picture = _with_crosses(_tissue())
    reason = scale_from_caliper(picture, readouts, read_text=_reader(beside=beside))
    assert isinstance(reason, str)
    assert "numbers beside" in reason


@pytest.mark.parametrize("distances_mm", [(), TRUE_MM[:1], (TRUE_MM[0], 1.3 * TRUE_MM[1])])
def test_calipers_that_cannot_be_checked_give_no_scale(distances_mm: tuple[float, ...]) -> None:
    readouts = parse_readouts(_texts(*distances_mm))
    picture = _with_crosses(_tissue())
    assert isinstance(scale_from_caliper(picture, readouts, read_text=_reader()), str)


def test_distances_that_fit_only_the_other_calipers_crosses_give_no_scale() -> None:
    readouts = parse_readouts(_texts(*TRUE_MM[::-1]))
    picture = _with_crosses(_tissue())
    reason = scale_from_caliper(picture, readouts, read_text=_reader())
    assert reason == "the caliper distances do not fit the crosses that carry their numbers"


def test_one_pair_alone_gives_no_scale() -> None:
    readouts = parse_readouts(_texts(*TRUE_MM))
    picture = _with_crosses(_tissue(), PAIRS[:2])
    assert isinstance(scale_from_caliper(picture, readouts, read_text=_reader()), str)


def test_pairs_of_like_length_that_fit_in_two_ways_give_no_scale() -> None:
    corners: tuple[Point, ...] = ((200, 100), (320, 100), (200, 260), (320, 260))
    readouts = parse_readouts(_texts(20.0, 20.0))
    reason = scale_from_caliper(_with_crosses(_tissue(), corners), readouts, read_text=_reader())
    assert reason == "the caliper distances fit the crosses in more than one way"


def test_calipers_stand_in_where_there_is_no_ruler() -> None:
    frame = _frame(_with_crosses(_tissue()))
    scale = read_burned_in_scale(frame, read_text=_reader(*TRUE_MM)).mm_per_pixel
    assert scale is not None
    assert scale.source is ScaleSource.BURNED_IN_CALIPER


def test_the_ruler_is_preferred_where_both_agree() -> None:
    frame = _frame(_with_crosses(_ruled(_tissue())))
    scale = read_burned_in_scale(frame, read_text=_reader(*TRUE_MM)).mm_per_pixel
    assert scale is not None
    assert scale.source is ScaleSource.BURNED_IN_RULER


def test_ruler_and_calipers_that_contradict_each_other_give_no_scale() -> None:
    frame = _frame(_with_crosses(_ruled(_tissue())))
    doubled = tuple(2 * mm for mm in TRUE_MM)
    read = read_burned_in_scale(frame, read_text=_reader(*doubled))
    assert read.mm_per_pixel is None
    assert "disagree" in read.scale_problem


def test_both_reasons_are_given_where_neither_answers() -> None:
    problem = read_burned_in_scale(_frame(_tissue()), read_text=_reader()).scale_problem
    assert "no depth ruler" in problem
    assert "caliper" in problem


def test_without_the_ocr_engine_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(burned_in_text, "import_module", absent)
    burned_in_text._engine.cache_clear()
    with pytest.raises(InvalidInput, match=r"deeppcos\[deidentify\]"):
        read_burned_in_text(_tissue())


def test_uncertain_texts_are_left_out_and_boxes_stay_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corners = np.array([[600.2, 470.0], [660.0, 471.0], [660.0, 490.0], [600.0, 489.0]])
    read = SimpleNamespace(
        boxes=np.stack([corners, corners]), txts=("1 D 3.29cm", "1 D 3.29cn"), scores=(0.99, 0.5)
    )
    monkeypatch.setattr(burned_in_text, "_engine", lambda: lambda _: read)
    (text,) = read_burned_in_text(_tissue())
    assert text.text == "1 D 3.29cm"
    assert text.box == PixelBox(x0=600, y0=470, x1=640, y1=480)
