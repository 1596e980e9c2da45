"""The only road from frame to tensor, used by training and serving alike.

Owns the geometry (which rectangle of the frame is shown to the network, at what size), the
grey scale, and the way back from tensor to frame pixels. It changes nothing about a frame: a
view is a copy. ``CONTRACT`` is hashed into every release; change it and old weights refuse.
"""

import hashlib
import json
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import NotAssessable

INPUT_SIDE_PX = 256
"""Side of the square the network sees. A multiple of 32, its deepest stride."""

CONTENT_LEVEL = 12
"""Luminance of 255 at and below which a border is taken for empty screen."""

CONTENT_MIN_SHARE = 0.02
"""Share of lit pixels a row or column needs to belong to the picture."""

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.5
"""Grey levels mapped to 0 and 1, taken over lit pixels of the view."""

MIN_RANGE = 20.0
"""Least distance of the two levels, of 255: flatter views are noise, not tissue."""

CONTRACT = {
    "version": 1,
    "input": "(N, 1, 256, 256) float32 in [0, 1]",
    "side_px": INPUT_SIDE_PX,
    "content_level": CONTENT_LEVEL,
    "content_min_share": CONTENT_MIN_SHARE,
    "percentiles": [LOW_PERCENTILE, HIGH_PERCENTILE],
    "min_range": MIN_RANGE,
    "geometry": "centred letterbox, bilinear, area when shrinking",
    "graphics": "vision.graphics version 1",
}


def preprocessing_hash() -> str:
    """SHA-256 of the contract, hex. A release carries the one it was trained under."""
    return hashlib.sha256(json.dumps(CONTRACT, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A square window on a frame, in frame pixels; may reach over the border.

    Attributes:
        x: Left edge.
        y: Top edge.
        side: Side of the square.
    """

    x: float
    y: float
    side: float

    @property
    def scale(self) -> float:
        """Tensor pixels per frame pixel."""
        return INPUT_SIDE_PX / self.side

    def matrix(self) -> npt.NDArray[np.float64]:
        """``(2, 3)`` affine from frame pixels to tensor pixels, pixel centres respected."""
        scale = self.scale
        return np.array(
            [
                [scale, 0.0, (0.5 - self.x) * scale - 0.5],
                [0.0, scale, (0.5 - self.y) * scale - 0.5],
            ]
        )


def content_view(grey: npt.NDArray[np.uint8]) -> View:
    """The smallest square around the picture, without empty screen borders.

    Args:
        grey: ``(H, W) uint8`` luminance without graphics.

    Returns:
        The view.

    Raises:
        NotAssessable: If the frame is black.
    """
    lit = grey > CONTENT_LEVEL
    columns = np.flatnonzero(lit.mean(axis=0) > CONTENT_MIN_SHARE)
    rows = np.flatnonzero(lit.mean(axis=1) > CONTENT_MIN_SHARE)
    if columns.size == 0 or rows.size == 0:
        raise NotAssessable("the frame is black", remedy="export it again with its picture")
    x0, x1 = int(columns[0]), int(columns[-1]) + 1
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    side = float(max(x1 - x0, y1 - y0))
    return View(x=(x0 + x1 - side) / 2, y=(y0 + y1 - side) / 2, side=side)


def close_view(*, x0: float, y0: float, x1: float, y1: float, margin: float) -> View:
    """A square around a box, widened by a share of its longest side on every side.

    Args:
        x0: Left of the box, frame pixels.
        y0: Top of the box.
        x1: Right of the box.
        y1: Bottom of the box.
        margin: Share of the longest side added around, 0 for none.

    Returns:
        The view.
    """
    side = max(x1 - x0, y1 - y0) * (1 + 2 * margin)
    return View(x=(x0 + x1 - side) / 2, y=(y0 + y1 - side) / 2, side=side)


def to_tensor(grey: npt.NDArray[np.uint8], view: View) -> npt.NDArray[np.float32]:
    """What the network sees of a frame through a view.

    Args:
        grey: ``(H, W) uint8`` luminance without graphics.
        view: Which square to show.

    Returns:
        ``(1, 1, INPUT_SIDE_PX, INPUT_SIDE_PX) float32`` in [0, 1], zero outside the frame.
    """
    return normalise(warp(grey, view.matrix()))[None, None]


def warp(picture: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Resample to the input square, averaging when shrinking so that speckle does not alias.

    Args:
        picture: ``(H, W) uint8``.
        matrix: ``(2, 3)`` affine from picture pixels to input pixels.

    Returns:
        ``(INPUT_SIDE_PX, INPUT_SIDE_PX) uint8``.
    """
    shrink = 1.0 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-6)
    if shrink > 1.2:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 * shrink), np.uint8)
    side = (INPUT_SIDE_PX, INPUT_SIDE_PX)
    return np.asarray(cv2.warpAffine(picture, matrix, side, flags=cv2.INTER_LINEAR), np.uint8)


def normalise(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Map the view's own dark and bright levels to 0 and 1, so that gain matters less.

    Args:
        picture: ``(H, W) uint8``.

    Returns:
        ``(H, W) float32`` in [0, 1].
    """
    lit = picture[picture > 2]
    if lit.size < 64:
        return np.zeros(picture.shape, np.float32)
    low, high = np.percentile(lit, [LOW_PERCENTILE, HIGH_PERCENTILE])
    span = max(float(high - low), MIN_RANGE)
    level = (picture.astype(np.float32) - float(low)) / span
    return np.asarray(np.clip(level, 0.0, 1.0), np.float32)


def to_frame(
    tensor_map: npt.NDArray[np.float32], view: View, *, height: int, width: int
) -> npt.NDArray[np.float32]:
    """Carry a network map back onto the frame.

    Args:
        tensor_map: ``(INPUT_SIDE_PX, INPUT_SIDE_PX) float32``.
        view: The view it was seen through.
        height: Frame height, pixels.
        width: Frame width, pixels.

    Returns:
        ``(height, width) float32``, zero outside the view.
    """
    inverse = cv2.invertAffineTransform(view.matrix())
    return np.asarray(
        cv2.warpAffine(tensor_map, inverse, (width, height), flags=cv2.INTER_LINEAR), np.float32
    )
