"""What is skipped for speed changes no pixel: each shortcut against the long way round."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.vision.depth_ruler import find_bars
from deeppcos.vision.graphics import CHROMA_LIMIT, SURELY_GREY, coloured_pixels

Pixels = npt.NDArray[np.uint8]


def the_long_way(pixels: Pixels) -> npt.NDArray[np.bool_]:
    """Coloured pixels with the tint worked out for every picture, in floats."""
    planes = [plane.astype(np.float32) for plane in np.moveaxis(pixels, 2, 0)]
    level = np.max(planes, axis=0)
    lit = level > 60
    if lit.sum() > 100:
        mean = sum(plane[lit] for plane in planes) / np.float32(3)
        tint = [np.float32(np.percentile(plane[lit] - mean, 50)) for plane in planes]
        planes = [
            plane - offset * np.minimum(level / 128, 1)
            for plane, offset in zip(planes, tint, strict=True)
        ]
    drawn = np.max(planes, axis=0) - np.min(planes, axis=0) > CHROMA_LIMIT
    return cv2.dilate(drawn.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def picture(*, coloured_share: float, tint: tuple[int, int, int], noise: int) -> Pixels:
    draw = np.random.default_rng([round(100 * coloured_share), *np.abs(tint), noise])
    grey = draw.integers(0, 256, (60, 70, 1)) + np.array(tint)
    grey = grey + draw.integers(-noise, noise + 1, (60, 70, 3))
    marks = draw.random((60, 70, 1)) < coloured_share
    colour = draw.integers(0, 256, (60, 70, 3))
    return np.clip(np.where(marks, colour, grey), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("coloured_share", [0.0, 0.02, 0.45, 0.55, 1.0])
@pytest.mark.parametrize("tint", [(0, 0, 0), (10, 2, -8), (40, 5, -30)])
@pytest.mark.parametrize("noise", [0, 3, 7, 20])
def test_a_shortcut_marks_the_same_pixels_as_the_long_way(
    coloured_share: float, tint: tuple[int, int, int], noise: int
) -> None:
    pixels = picture(coloured_share=coloured_share, tint=tint, noise=noise)
    assert (coloured_pixels(pixels) == the_long_way(pixels)).all()


def test_no_tint_can_lift_a_surely_grey_picture_over_the_limit() -> None:
    assert SURELY_GREY * 7 / 3 < CHROMA_LIMIT


def test_the_centre_of_every_bar_is_the_mean_row_of_its_ink() -> None:
    pixels = np.zeros((280, 200, 3), np.uint8)
    pixels[100:102, 40:48] = 200
    pixels[101, 40:48] = 100
    pixels[150, 90:94] = 255
    left, row, width = find_bars(pixels)[0]
    assert (left, width) == (40, 8)
    assert row == pytest.approx((100 * 200 + 101 * 100) / 300)
    assert find_bars(pixels)[1].tolist() == [90, 150, 4]


def test_an_empty_screen_has_no_bars() -> None:
    assert find_bars(np.zeros((280, 200, 3), np.uint8)).shape == (0, 3)
