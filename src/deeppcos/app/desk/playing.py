"""Frames as they are played: small, compressed, and packed so that few requests bring a sweep.

Owns the pictures and the packing. The exact frames stay beside them and are what is read and
measured; when a sweep stands, the viewer shows those. The viewer unpacks in
``static/viewer/reels.js``.

A reel holds up to ``REEL_FRAMES`` frames: their number and the length of each as 32 bit big-endian
integers, then the pictures as JPEG.
"""

import os
import struct
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import TemporaryFailure

Pixels = npt.NDArray[np.uint8]

REEL_FRAMES = 32
"""Frames in a reel: a second of most sweeps, some 4 MB."""
LONGEST_SIDE = 1280
"""Larger frames are played at this many pixels: a browser without a graphics card spends 47 ms of
processor time to show one of 1920 x 1080, and 20 ms for one of 1280 x 720."""
QUALITY = 85
"""JPEG quality. As WebP a frame takes 30 times as long to write and three times to read."""


def small_picture(pixels: Pixels) -> bytes:
    """One frame as it is played.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3)`` as OpenCV orders colours, uint8.

    Returns:
        A JPEG file, grey where the frame is grey.

    Raises:
        TemporaryFailure: If it could not be compressed.
    """
    grey = _grey(pixels)
    height, width = grey.shape[:2]
    share = LONGEST_SIDE / max(height, width)
    if share < 1:
        size = (round(width * share), round(height * share))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, content = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise TemporaryFailure("the frame could not be compressed", remedy="try again")
    return content.tobytes()


def _grey(pixels: Pixels) -> Pixels:
    """One channel where all say the same: smaller, and sooner decoded."""
    if pixels.ndim == 2:
        return pixels
    first = pixels[..., 0]
    same = np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2])
    return np.ascontiguousarray(first) if same else pixels


def reel_path(frames: Path, number: int) -> Path:
    """Where a reel lies.

    Args:
        frames: Folder of the exact frames.
        number: Number of the reel, from 0.
    """
    return frames / f"reel-{number:04d}.bin"


def packed(pictures: Sequence[bytes]) -> bytes:
    """Pictures as a reel.

    >>> packed([b"ab", b"c"])[:12].hex(" ", 4)
    '00000002 00000002 00000001'
    """
    lengths = [len(one) for one in pictures]
    return struct.pack(f">I{len(lengths)}I", len(lengths), *lengths) + b"".join(pictures)


def write_reel(frames: Path, number: int, pictures: Sequence[bytes]) -> Path:
    """Write a reel, whole or not at all.

    Args:
        frames: Folder of the exact frames.
        number: Number of the reel, from 0.
        pictures: Its frames, as ``small_picture`` gives them.
    """
    path = reel_path(frames, number)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.write_bytes(packed(pictures))
    fresh.replace(path)
    return path


class ReelWriter:
    """Packs the frames of one file while they are read, in order.

    Nothing is written for a still. A reel that is there from before a restart stays.
    """

    def __init__(self, frames: Path) -> None:
        """Begin.

        Args:
            frames: Folder of the exact frames; it exists.
        """
        self._frames = frames
        self._number = 0
        self._waiting: list[bytes] = []
        self._count = 0

    def add(self, pixels: Pixels) -> None:
        """Take the next frame, coloured as OpenCV orders colours."""
        is_there = reel_path(self._frames, self._count // REEL_FRAMES).exists()
        self._count += 1
        self._waiting.append(b"" if is_there else small_picture(pixels))
        if len(self._waiting) == REEL_FRAMES:
            self._write()

    def close(self) -> None:
        """Write what is left."""
        if self._waiting and self._count > 1:
            self._write()

    def _write(self) -> None:
        if not reel_path(self._frames, self._number).exists():
            write_reel(self._frames, self._number, self._waiting)
        self._number += 1
        self._waiting = []
