"""The one road from frame to tensor: where pixels go, and that nothing changes unnoticed."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.errors import NotAssessable
from deeppcos.vision import preprocess
from deeppcos.vision.preprocess import (
    INPUT_SIDE_PX,
    View,
    close_view,
    content_view,
    normalise,
    preprocessing_hash,
    to_frame,
    to_tensor,
)

Greys = npt.NDArray[np.uint8]

GOLDEN_CONTRACT = "7d167691c49bd16b55f5bd106d311c5c675e21468f0f6331e9e0c9e165d2f65d"
GOLDEN_BLOCKS = [
    [2, 6, 4, 2, 4, 5, 3, 6],
    [43, 44, 42, 46, 59, 55, 38, 52],
    [44, 35, 49, 67, 53, 50, 52, 28],
    [60, 50, 55, 58, 37, 51, 51, 49],
    [33, 51, 55, 54, 53, 69, 54, 38],
    [34, 40, 61, 55, 68, 50, 32, 63],
    [52, 48, 66, 62, 41, 45, 55, 66],
    [3, 3, 4, 5, 3, 1, 7, 8],
]
"""Block means of the tensor of ``seeded_picture`` under that contract, in hundredths.

Where these change and the contract does not, releases in use would silently see other pictures:
raise ``CONTRACT["version"]`` together with them.
"""


def seeded_picture() -> Greys:
    rng = np.random.default_rng(20)
    field = cv2.GaussianBlur(rng.normal(0, 1, (410, 530)).astype(np.float32), (0, 0), 14)
    picture = np.zeros((480, 640), np.uint8)
    picture[30:440, 60:590] = np.clip(110 + 1600 * np.asarray(field), 15, 240).astype(np.uint8)
    return picture


def block_means(grey: Greys) -> list[list[int]]:
    tensor = to_tensor(grey, content_view(grey))[0, 0]
    blocks = tensor.reshape(8, INPUT_SIDE_PX // 8, 8, INPUT_SIDE_PX // 8).mean(axis=(1, 3))
    return [[round(100 * float(value)) for value in row] for row in blocks]


def test_a_picture_gives_the_tensor_it_always_gave() -> None:
    assert preprocessing_hash() == GOLDEN_CONTRACT
    assert np.abs(np.array(block_means(seeded_picture())) - np.array(GOLDEN_BLOCKS)).max() <= 1


def test_another_contract_has_another_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = preprocessing_hash()
    monkeypatch.setitem(preprocess.CONTRACT, "version", 99)
    assert preprocessing_hash() != before


def test_the_tensor_is_a_batch_of_one_between_zero_and_one() -> None:
    grey = seeded_picture()
    tensor = to_tensor(grey, content_view(grey))
    assert tensor.shape == (1, 1, INPUT_SIDE_PX, INPUT_SIDE_PX)
    assert tensor.dtype == np.float32
    assert (tensor.min(), tensor.max()) == (0.0, 1.0)


def test_looking_changes_nothing_about_the_frame() -> None:
    grey = seeded_picture()
    before = grey.copy()
    to_tensor(grey, content_view(grey))
    assert np.array_equal(grey, before)


def test_the_content_view_is_the_smallest_centred_square_around_the_picture() -> None:
    assert content_view(seeded_picture()) == View(x=60.0, y=-30.0, side=530.0)


def test_a_speck_on_the_empty_screen_does_not_widen_the_view() -> None:
    grey = seeded_picture()
    grey[470:474, 4:8] = 255
    assert content_view(grey) == content_view(seeded_picture())


def test_a_black_frame_is_not_assessable() -> None:
    with pytest.raises(NotAssessable, match="black"):
        content_view(np.zeros((200, 300), np.uint8))


def test_a_close_view_is_centred_on_its_box_with_margin_on_every_side() -> None:
    assert close_view(x0=100, y0=50, x1=180, y1=90, margin=0.25) == View(x=80.0, y=10.0, side=120.0)


def test_outside_the_frame_the_tensor_is_zero() -> None:
    grey = np.full((100, 100), 120, np.uint8)
    grey[::2] = 180
    tensor = to_tensor(grey, View(x=-100.0, y=0.0, side=200.0))[0, 0]
    assert tensor[:, :124].max() == tensor[132:].max() == 0.0
    assert tensor[:124, 132:].max() > 0.9


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.3])
def test_gain_hardly_changes_what_the_network_sees(gain: float) -> None:
    grey = np.clip(seeded_picture(), 0, 190)
    brighter = np.asarray(np.round(grey * gain), np.uint8)
    view = content_view(grey)
    difference = np.abs(to_tensor(grey, view) - to_tensor(brighter, view))
    assert difference.mean() < 0.02


def test_a_flat_view_is_not_stretched_into_noise() -> None:
    rng = np.random.default_rng(3)
    nearly_flat = rng.integers(100, 104, (256, 256)).astype(np.uint8)
    assert normalise(nearly_flat).max() <= 3 / preprocess.MIN_RANGE + 1e-6


def test_a_view_with_hardly_a_lit_pixel_is_empty() -> None:
    dark = np.zeros((256, 256), np.uint8)
    dark[:7, :9] = 200
    assert normalise(dark).max() == 0.0


views = st.builds(
    View,
    x=st.floats(-200, 400),
    y=st.floats(-200, 400),
    side=st.floats(40, 900),
)


@settings(max_examples=50, deadline=None)
@given(views, st.floats(0, 255), st.floats(0, 255))
def test_the_matrix_keeps_pixel_edges_on_pixel_edges(view: View, x: float, y: float) -> None:
    """The view's corners are the corners of the first and the last tensor pixel."""
    matrix = view.matrix()
    corner = matrix @ [view.x - 0.5, view.y - 0.5, 1.0]
    opposite = matrix @ [view.x + view.side - 0.5, view.y + view.side - 0.5, 1.0]
    assert corner == pytest.approx([-0.5, -0.5], abs=1e-6)
    assert opposite == pytest.approx([INPUT_SIDE_PX - 0.5] * 2, abs=1e-6)
    there = matrix @ [x, y, 1.0]
    back = cv2.invertAffineTransform(matrix) @ [*there, 1.0]
    assert back == pytest.approx([x, y], abs=1e-6)


@pytest.mark.parametrize("side", [180.0, 256.0, 400.0, 700.0])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (-37.3, 21.8)])
def test_what_goes_to_the_tensor_comes_back_to_its_place(
    side: float, offset: tuple[float, float]
) -> None:
    rows, columns = np.mgrid[:480, :640]
    x, y, spread = 90.0 + offset[0], 85.0 + offset[1], 14.0
    hill = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
    grey = np.asarray(np.round(20 + 200 * hill), np.uint8)
    view = View(x=x - 0.45 * side, y=y - 0.55 * side, side=side)
    back = to_frame(to_tensor(grey, view)[0, 0], view, height=480, width=640)
    weight = np.where(back > 0.3, back, 0)
    centre = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    assert centre == pytest.approx([x, y], abs=0.3)


def test_outside_the_view_the_frame_map_is_zero() -> None:
    everywhere = np.ones((INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
    back = to_frame(everywhere, View(x=100.0, y=50.0, side=80.0), height=300, width=400)
    assert back[:48].max() == back[:, :98].max() == back[132:].max() == back[:, 182:].max() == 0
    assert back[52:128, 102:178].min() == pytest.approx(1.0)
