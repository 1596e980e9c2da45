"""Pictures that no network need look at, each with its reason."""

import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.graphics import neutralise_graphics
from deeppcos.vision.quality import LEAST_SIDE_PX, problems_before_looking

Greys = npt.NDArray[np.uint8]


def textured(height: int = 200, width: int = 260) -> Greys:
    rng = np.random.default_rng(0)
    return rng.integers(20, 160, (height, width)).astype(np.uint8)


def problems(grey: Greys, graphics: npt.NDArray[np.bool_] | None = None) -> tuple[str, ...]:
    frame = UltrasoundFrame(
        source="a.png", index=0, pixels=np.repeat(grey[..., None], 3, axis=2).copy()
    )
    drawn = np.zeros(grey.shape, bool) if graphics is None else graphics
    return problems_before_looking(frame, grey, drawn)


def test_an_ordinary_picture_has_no_problem() -> None:
    assert problems(textured()) == ()


@pytest.mark.parametrize(
    ("height", "width", "is_refused"),
    [
        (LEAST_SIDE_PX, LEAST_SIDE_PX, False),
        (LEAST_SIDE_PX - 1, 300, True),
        (300, LEAST_SIDE_PX - 1, True),
    ],
)
def test_the_shorter_side_decides_what_is_too_small(
    height: int, width: int, is_refused: bool
) -> None:
    found = problems(textured(height, width))
    assert bool(found) == is_refused
    if is_refused:
        assert f"{width} x {height} pixels" in found[0]
        assert str(LEAST_SIDE_PX) in found[0]


def test_a_black_picture_is_called_black() -> None:
    assert problems(np.zeros((200, 200), np.uint8)) == (
        "the picture is black: export it again with its content",
    )


def test_a_picture_black_but_for_its_graphics_is_told_apart() -> None:
    drawn = np.zeros((200, 200), bool)
    drawn[:20, :40] = True
    assert problems(np.zeros((200, 200), np.uint8), drawn) == (
        "the picture is black behind its graphics: export it again with its content",
    )


def test_a_flat_grey_picture_is_called_flat() -> None:
    assert problems(np.full((200, 200), 90, np.uint8)) == (
        "the picture is flat, without structure: export it again with its content",
    )


def test_a_flat_picture_on_a_black_screen_is_still_flat() -> None:
    grey = np.zeros((300, 300), np.uint8)
    grey[60:240, 60:240] = 90
    assert problems(grey) == (
        "the picture is flat, without structure: export it again with its content",
    )


def test_a_dark_picture_with_structure_is_looked_at() -> None:
    grey = np.zeros((200, 200), np.uint8)
    grey[50:150, 50:150] = textured(100, 100) // 2
    assert problems(grey) == ()


def test_a_mostly_coloured_picture_is_called_a_photograph() -> None:
    drawn = np.zeros((200, 260), bool)
    drawn[:100] = True
    (reason,) = problems(textured(), drawn)
    assert "photograph" in reason


def test_a_colour_photograph_is_recognised_by_its_pixels() -> None:
    rng = np.random.default_rng(1)
    hues = rng.integers(0, 256, (10, 13, 3)).astype(np.uint8)
    pixels = np.kron(hues, np.ones((20, 20, 1), np.uint8)).astype(np.uint8)
    frame = UltrasoundFrame(source="holiday.jpg", index=0, pixels=pixels)
    clean = neutralise_graphics(frame)
    (reason,) = problems_before_looking(frame, clean.grey, clean.graphics_mask)
    assert "photograph" in reason
