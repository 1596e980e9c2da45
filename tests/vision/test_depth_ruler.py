"""Pictures drawn here, with and without a ruler whose unit is certain."""

import csv
import os
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.vision.depth_ruler import DepthRuler, read_depth_ruler

Pixels = npt.NDArray[np.uint8]
HALF_ONE_FIVE_CM = {1: 1, 2: 3, 10: 8}
ONE_FIVE_CM = {1: 3, 5: 8}
ONE_FIVE_TEN_MM = {1: 2, 5: 4, 10: 8}


def _tissue(height: int = 480, width: int = 640, *, level: int = 40) -> Pixels:
    speckle = np.random.default_rng(0).normal(level, 12, (height, width)).astype(np.float32)
    grey = np.clip(cv2.GaussianBlur(speckle, (5, 3), 0), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _with_ruler(
    picture: Pixels,
    *,
    step_px: float,
    tiers: dict[int, int],
    x: int = 20,
    top: float = 30.0,
    hidden: tuple[int, ...] = (),
) -> Pixels:
    drawn = picture.copy()
    for number in range(int((picture.shape[0] - 6 - top) / step_px) + 1):
        if number not in hidden:
            row = round(top + number * step_px)
            width = next(px for every, px in sorted(tiers.items())[::-1] if number % every == 0)
            drawn[row : row + 2, x : x + width] = 235
    return drawn


def _found(picture: Pixels) -> DepthRuler:
    ruler = read_depth_ruler(picture)
    assert isinstance(ruler, DepthRuler), ruler
    return ruler


@pytest.mark.parametrize("step_px", [16.5, 20.4, 25.3, 39.0])
@pytest.mark.parametrize("x", [20, 610])
def test_half_one_and_five_centimetre_ticks_give_the_scale(step_px: float, x: int) -> None:
    ruler = _found(_with_ruler(_tissue(), step_px=step_px, tiers=HALF_ONE_FIVE_CM, x=x))
    assert ruler.mm_per_pixel == pytest.approx(5 / step_px, rel=0.01)
    assert ruler.ticks_seen >= 0.8 * ruler.ticks_expected


@settings(max_examples=25, deadline=None)
@given(step_px=st.floats(16.5, 40), top=st.floats(5, 60))
def test_whatever_the_zoom_the_scale_is_within_one_per_cent(step_px: float, top: float) -> None:
    picture = _with_ruler(_tissue(), step_px=step_px, tiers=HALF_ONE_FIVE_CM, top=top)
    assert _found(picture).mm_per_pixel == pytest.approx(5 / step_px, rel=0.01)


def test_enlarging_the_picture_shrinks_the_pixel_alike() -> None:
    small = _with_ruler(_tissue(), step_px=24, tiers=HALF_ONE_FIVE_CM)
    large = cv2.resize(small, None, fx=1.6, fy=1.6, interpolation=cv2.INTER_CUBIC)
    ratio = _found(small).mm_per_pixel / _found(np.asarray(large, np.uint8)).mm_per_pixel
    assert ratio == pytest.approx(1.6, rel=0.01)


def test_a_ruler_with_a_few_ticks_hidden_is_still_read() -> None:
    picture = _with_ruler(_tissue(), step_px=24, tiers=HALF_ONE_FIVE_CM, hidden=(4, 11))
    assert _found(picture).mm_per_pixel == pytest.approx(5 / 24, rel=0.01)


def test_a_ruler_mostly_hidden_gives_no_scale() -> None:
    hidden = tuple(range(3, 10)) + tuple(range(12, 18))
    picture = _with_ruler(_tissue(), step_px=24, tiers=HALF_ONE_FIVE_CM, hidden=hidden)
    assert isinstance(read_depth_ruler(picture), str)


def test_less_than_one_long_interval_gives_no_scale() -> None:
    picture = _with_ruler(_tissue(300), step_px=39, tiers=HALF_ONE_FIVE_CM)
    assert isinstance(read_depth_ruler(picture), str)


@pytest.mark.parametrize("tiers", [ONE_FIVE_CM, ONE_FIVE_TEN_MM, {1: 3}, {1: 6}, {1: 2, 2: 6}])
@pytest.mark.parametrize("step_px", [10.0, 24.0, 40.0])
def test_ticks_of_unknown_unit_give_no_scale(tiers: dict[int, int], step_px: float) -> None:
    reason = read_depth_ruler(_with_ruler(_tissue(), step_px=step_px, tiers=tiers))
    assert isinstance(reason, str)
    assert reason


def test_uneven_ticks_give_no_scale() -> None:
    picture = _tissue()
    rows = np.random.default_rng(3).choice(np.arange(10, 470, 6), 22, replace=False)
    for number, row in enumerate(sorted(rows)):
        picture[
            row : row + 2, 20 : 20 + (8 if number % 10 == 0 else 3 if number % 2 == 0 else 1)
        ] = 235
    assert isinstance(read_depth_ruler(picture), str)


def test_a_depth_at_which_the_unit_is_not_certain_gives_no_scale() -> None:
    picture = _with_ruler(_tissue(1600, 300), step_px=200, tiers=HALF_ONE_FIVE_CM)
    shallow = read_depth_ruler(picture)
    deep = read_depth_ruler(_with_ruler(_tissue(900), step_px=24, tiers=HALF_ONE_FIVE_CM))
    assert isinstance(shallow, str)
    assert isinstance(deep, str)


def test_two_rulers_that_disagree_give_no_scale() -> None:
    left = _with_ruler(_tissue(), step_px=24, tiers=HALF_ONE_FIVE_CM)
    both = _with_ruler(left, step_px=20, tiers=HALF_ONE_FIVE_CM, x=600)
    reason = read_depth_ruler(both)
    assert isinstance(reason, str)
    assert "disagree" in reason


def test_two_rulers_that_agree_give_their_scale() -> None:
    left = _with_ruler(_tissue(), step_px=24, tiers=HALF_ONE_FIVE_CM)
    both = _with_ruler(left, step_px=24, tiers=HALF_ONE_FIVE_CM, x=600, top=40)
    assert _found(both).mm_per_pixel == pytest.approx(5 / 24, rel=0.01)


def _grid() -> Pixels:
    picture = _tissue()
    picture[::24] = picture[:, ::24] = 220
    return picture


def _dotted_grid() -> Pixels:
    picture = _tissue()
    for dx in range(3):
        picture[10::24, 10 + dx :: 24] = 230
    return picture


def _text_column() -> Pixels:
    picture = _tissue()
    for row, text in enumerate(["GYN", "10.00-3.20", "97", "Gn -9", "C5/M4", "FF3/E2"] * 5):
        origin = (500, 15 + 15 * row)
        cv2.putText(picture, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1)
    return picture


def _grey_bar() -> Pixels:
    picture = _tissue()
    picture[20:148, 0:12] = np.linspace(255, 0, 128)[:, None, None].astype(np.uint8)
    picture[20:148:8, 0:12] = 255
    return picture


def _noise() -> Pixels:
    return np.random.default_rng(5).integers(0, 256, (480, 640, 3)).astype(np.uint8)


@pytest.mark.parametrize("draw", [_tissue, _grid, _dotted_grid, _text_column, _grey_bar, _noise])
def test_what_is_not_a_ruler_is_not_taken_for_one(draw: object) -> None:
    assert callable(draw)
    assert isinstance(read_depth_ruler(draw()), str)


@pytest.mark.parametrize("shape", [(1, 1), (5, 640), (480, 2)])
@pytest.mark.parametrize("level", [0, 255])
def test_tiny_and_flat_pictures_are_refused_in_words(shape: tuple[int, int], level: int) -> None:
    reason = read_depth_ruler(np.full((*shape, 3), level, np.uint8))
    assert reason == "no depth ruler was found in the picture"


def test_noise_never_looks_like_a_ruler() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        smooth = cv2.GaussianBlur(rng.normal(0, 60, (240, 320)).astype(np.float32), (3, 1), 0)
        grey = np.clip(90 + smooth, 0, 255).astype(np.uint8)
        assert isinstance(read_depth_ruler(np.repeat(grey[..., None], 3, axis=2)), str)


def test_a_frame_is_read_within_thirty_milliseconds_of_processor_time() -> None:
    picture = _with_ruler(_tissue(), step_px=24, tiers=HALF_ONE_FIVE_CM)
    read_depth_ruler(picture)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        spent = []
        for _ in range(9):
            start = time.process_time()
            read_depth_ruler(picture)
            spent.append(time.process_time() - start)
    finally:
        cv2.setNumThreads(threads)
    assert np.median(spent) < 0.03


def _mmotu() -> Path:
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("DEEPPCOS_DATA", default)) / "mmotu"
    if not (folder / "index.csv").is_file():
        pytest.skip("the public MMOTU stills are not on this machine (set DEEPPCOS_DATA)")
    return folder


@pytest.mark.slow
def test_on_public_stills_a_ruler_is_found_in_most_and_its_depth_is_believable() -> None:
    folder = _mmotu()
    with (folder / "index.csv").open(newline="") as rows:
        names = [row["id"] for row in csv.DictReader(rows) if row["class"] == "Ovary_Normal"]
    pictures = [cv2.imread(str(folder / "images" / f"{name}.webp")) for name in names]
    present = [np.ascontiguousarray(p[..., ::-1], np.uint8) for p in pictures if p is not None]
    found = [(p, r) for p in present if isinstance(r := read_depth_ruler(p), DepthRuler)]
    assert len(found) >= 0.65 * len(present)
    depths_mm = [picture.shape[0] * ruler.mm_per_pixel for picture, ruler in found]
    assert min(depths_mm) > 50
    assert max(depths_mm) <= 150
