"""Frames as they are played: small, grey where they are grey, packed whole."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from deeppcos.app.desk.playing import (
    LONGEST_SIDE,
    REEL_FRAMES,
    ReelWriter,
    packed,
    reel_path,
    small_picture,
)


def decoded(picture: bytes) -> np.typing.NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def test_a_large_frame_is_played_smaller_in_its_own_proportions() -> None:
    shown = decoded(small_picture(np.full((1080, 1920), 90, np.uint8)))
    assert shown.shape == (720, LONGEST_SIDE)
    assert np.abs(shown.astype(int) - 90).max() <= 2


def test_a_frame_of_three_equal_colours_is_played_in_grey() -> None:
    grey = np.random.default_rng(1).integers(0, 255, (60, 80), dtype=np.uint8)
    assert decoded(small_picture(np.dstack([grey] * 3))).ndim == 2


def test_doppler_keeps_its_colours() -> None:
    coloured = np.zeros((60, 80, 3), np.uint8)
    coloured[..., 2] = 200
    blue, _, red = decoded(small_picture(coloured)).mean(axis=(0, 1))
    assert red > 180
    assert blue < 20


@pytest.mark.parametrize(
    ("frames", "reels"), [(1, []), (2, [2]), (REEL_FRAMES, [32]), (REEL_FRAMES + 3, [32, 3])]
)
def test_a_sweep_is_packed_in_order_and_a_still_is_not(
    tmp_path: Path, frames: int, reels: list[int]
) -> None:
    writer = ReelWriter(tmp_path)
    for number in range(frames):
        writer.add(np.full((30, 40), 5 * number, np.uint8))
    writer.close()
    written = sorted(tmp_path.iterdir())
    assert written == [reel_path(tmp_path, number) for number in range(len(reels))]
    assert [struct.unpack(">I", one.read_bytes()[:4])[0] for one in written] == reels


def test_a_reel_from_before_a_restart_stays(tmp_path: Path) -> None:
    reel_path(tmp_path, 0).write_bytes(packed([b"kept"] * REEL_FRAMES))
    writer = ReelWriter(tmp_path)
    for _ in range(REEL_FRAMES + 2):
        writer.add(np.zeros((30, 40), np.uint8))
    writer.close()
    assert reel_path(tmp_path, 0).read_bytes() == packed([b"kept"] * REEL_FRAMES)
    assert struct.unpack(">I", reel_path(tmp_path, 1).read_bytes()[:4]) == (2,)
