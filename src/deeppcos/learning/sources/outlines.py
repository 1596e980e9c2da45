"""Outlines checked, and outlines of masks: the one road from marks and label maps to polygons.

Owns what an acceptable outline is: three corners or more, finite, inside its picture. Nothing is
repaired beyond a rounding of one pixel at the border, because an outline that leaves its picture
usually belongs to another one.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import FollicleMark, Mask

Polygon = npt.NDArray[np.float32]

BORDER_TOLERANCE_PX = 1.0
"""Exports put a corner on the outer edge of the last pixel; more is another picture's outline."""

SMALLEST_CORNERS = 3


def checked_polygon(
    corners: Sequence[Sequence[float]] | npt.NDArray[np.float64],
    *,
    height: int,
    width: int,
    name: str,
) -> Polygon:
    """A polygon that lies in its picture.

    Args:
        corners: Corners (x, y) in picture pixels.
        height: Picture height, pixels.
        width: Picture width, pixels.
        name: What the outline is of, for the message.

    Returns:
        ``(N, 2) float32``; corners within a pixel outside are moved onto the border.

    Raises:
        InvalidInput: If it has fewer than three corners, is not finite or leaves the picture.

    Examples:
        >>> checked_polygon([[0, 0], [9, 0], [10, 5]], height=6, width=10, name="ovary").tolist()
        [[0.0, 0.0], [9.0, 0.0], [9.0, 5.0]]
    """
    try:
        points = np.asarray(corners, np.float64)
    except (TypeError, ValueError):
        points = np.zeros((0, 2))
    if points.ndim != 2 or points.shape[1:] != (2,) or len(points) < SMALLEST_CORNERS:
        raise InvalidInput(
            f"{name}: not an outline",
            value=f"{len(points)} corners",
            accepted="three corners (x, y) or more",
            remedy="outline it again",
        )
    last = np.array([width - 1, height - 1], np.float64)
    if not np.isfinite(points).all():
        raise InvalidInput(f"{name}: a corner is not a number", remedy="outline it again")
    if (points < -BORDER_TOLERANCE_PX).any() or (points > last + BORDER_TOLERANCE_PX).any():
        x, y = points[int(np.argmax((np.maximum(-points, points - last)).max(axis=1)))]
        raise InvalidInput(
            f"{name}: the outline leaves the picture",
            value=f"corner ({x:.0f}, {y:.0f})",
            accepted=f"inside {width} x {height} pixels",
            remedy="check that the outline belongs to this picture and to this size of it",
        )
    return np.clip(points, 0.0, last).astype(np.float32)


def marks_of_labels(
    labels: npt.NDArray[np.integer], *, smallest_px: int = 1
) -> tuple[FollicleMark, ...]:
    """Outlines of a label map, one an object, all of them sure.

    Args:
        labels: ``(H, W)``, 0 outside and another number for each object.
        smallest_px: Objects of fewer pixels are left out.

    Returns:
        One mark an object: the outer border of its largest piece.
    """
    marks = []
    for label in np.unique(labels):
        mask = (labels == label).astype(np.uint8)
        if label == 0 or int(mask.sum()) < smallest_px:
            continue
        marks.append(FollicleMark(polygon=outer_border(mask.astype(bool)), is_sure=True))
    return tuple(marks)


def outer_border(mask: Mask) -> Polygon:
    """Outer border of the largest piece of a mask that is not empty; filled, it gives it back.

    Args:
        mask: ``(H, W) bool``, not empty.

    Returns:
        ``(N, 2) float32`` corners (x, y).
    """
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(outlines, key=cv2.contourArea)
    return np.asarray(largest[:, 0, :], np.float32)


def separate_pieces(mask: Mask) -> npt.NDArray[np.int32]:
    """Number the pieces of a mask.

    Args:
        mask: ``(H, W) bool``.

    Returns:
        ``(H, W) int32``, 0 outside; pieces touching by a corner are one.
    """
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32)
