"""Outlines as polygons: areas, diameters, overlap, and the way to and from masks.

Owns plane geometry only. What an outline is of, and what its size means, is the business of
its callers.

Pixel ``(column, row)`` is centred on ``(x, y) = (column, row)`` and reaches half a pixel to
each side. An outline taken from a mask runs half-way between the last pixel inside and the
first one outside, not through the centres of the outermost pixels: that would take a whole
pixel from every diameter, a tenth of a small follicle.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.findings import Polygon
from deeppcos.vision.frame import MmPerPixel

BoolMask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]

ROUNDS_OF_SMOOTHING = 2
"""How often a traced border is averaged with its neighbours.

A border on the pixel grid wavers by a third of a pixel, and calipers find the farthest points:
untreated, random ellipses measure 0.56 px too much on average; after two rounds 0.14 px.
"""

SIMPLIFIED_WITHIN_PX = 0.5
"""Farthest a simplified outline may lie from the traced one, pixels."""


def points_of(polygon: Polygon) -> Points:
    """The corners as an array, ``(n, 2) float64``, x before y.

    Raises:
        InvalidInput: If there are fewer than three corners or one is not finite.
    """
    points = np.asarray(polygon, dtype=np.float64)
    if points.ndim != 2 or points.shape[0] < 3 or points.shape[1] != 2:
        raise InvalidInput(
            "an outline is no polygon",
            value=f"shape {points.shape}",
            accepted="at least 3 (x, y) pairs",
        )
    if not np.isfinite(points).all():
        raise InvalidInput("an outline has a corner that is not a number", accepted="pixels")
    return points


def polygon_of(points: npt.ArrayLike) -> Polygon:
    """An array of corners, ``(n, 2)``, as the polygon the findings hold."""
    return tuple((float(x), float(y)) for x, y in np.asarray(points, dtype=np.float64))


def area_px(polygon: Polygon) -> float:
    """Area enclosed, square pixels.

    Examples:
        >>> area_px(((0, 0), (4, 0), (4, 3), (0, 3)))
        12.0
    """
    return abs(_signed_area(points_of(polygon)))


def area_mm2(polygon: Polygon, scale: MmPerPixel) -> float:
    """Area enclosed, mm2."""
    return area_px(polygon) * scale.x * scale.y


def centroid(polygon: Polygon) -> tuple[float, float]:
    """Centre of gravity of the area enclosed, pixels.

    Examples:
        >>> centroid(((0, 0), (4, 0), (4, 2), (0, 2)))
        (2.0, 1.0)
    """
    points = points_of(polygon)
    # About the mean of the corners: large frame coordinates would eat the digits of thin shapes.
    middle = points.mean(axis=0)
    near = points - middle
    following = np.roll(near, -1, axis=0)
    cross = near[:, 0] * following[:, 1] - following[:, 0] * near[:, 1]
    if abs(cross.sum()) < 1e-9:
        return float(middle[0]), float(middle[1])
    shift = ((near + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
    return float(middle[0] + shift[0]), float(middle[1] + shift[1])


def diameters_mm(polygon: Polygon, scale: MmPerPixel) -> tuple[float, float]:
    """Longest diameter, and the widest extent at right angles to it.

    Both are measured between parallel calipers in millimetres, so pixels need not be square.

    Args:
        polygon: Outline in pixels.
        scale: Size of a pixel.

    Returns:
        Longest and perpendicular diameter, mm.

    Examples:
        >>> from deeppcos.vision.frame import ScaleSource
        >>> scale = MmPerPixel(x=0.1, y=0.2, source=ScaleSource.DICOM_REGIONS)
        >>> tuple(round(d, 6) for d in diameters_mm(((0, 5), (50, 0), (100, 5), (50, 10)), scale))
        (10.0, 2.0)
    """
    outline = points_of(polygon) * (scale.x, scale.y)
    hull = cv2.convexHull(outline.astype(np.float32))[:, 0].astype(np.float64)
    between = hull[:, None, :] - hull[None, :, :]
    squared = (between**2).sum(axis=2)
    longest = math.sqrt(float(squared.max()))
    if longest == 0:
        return 0.0, 0.0
    one, other = np.unravel_index(int(squared.argmax()), squared.shape)
    along = between[one, other] / longest
    across = hull @ np.array((-along[1], along[0]))
    return longest, float(across.max() - across.min())


def mean_diameter_mm(polygon: Polygon, scale: MmPerPixel) -> float:
    """Mean of the two orthogonal diameters, mm: the size a follicle is counted by."""
    return sum(diameters_mm(polygon, scale)) / 2


def polygon_mask(polygon: Polygon, *, width: int, height: int) -> BoolMask:
    """The pixels whose centre lies inside the outline.

    Args:
        polygon: Outline in pixels; parts outside the picture are cut off.
        width: Width of the picture, pixels.
        height: Height of the picture, pixels.

    Returns:
        ``(H, W) bool``.

    Examples:
        >>> int(polygon_mask(((0.5, 0.5), (3.5, 0.5), (3.5, 2.5), (0.5, 2.5)),
        ...                  width=5, height=4).sum())
        6
    """
    start = points_of(polygon)
    end = np.roll(start, -1, axis=0)
    rows = np.arange(height)[None, :]
    # An edge owns its upper end, not its lower one: a corner is then crossed once.
    crossed = (start[:, 1:] <= rows) != (end[:, 1:] <= rows)
    edge, row = np.nonzero(crossed)
    rise = end[edge, 1] - start[edge, 1]
    at = start[edge, 0] + (row - start[edge, 1]) / rise * (end[edge, 0] - start[edge, 0])
    column = np.clip(np.ceil(at), 0, width).astype(int)
    turns = np.zeros((height, width + 1), dtype=np.int32)
    np.add.at(turns, (row, column), 1)
    return np.asarray(np.cumsum(turns, axis=1)[:, :width] % 2 == 1)


def polygon_iou(one: Polygon, other: Polygon) -> float:
    """Overlap of two outlines: shared area over joint area, 0 to 1.

    Counted in pixels, as finely as the smaller outline needs.

    Examples:
        >>> square = ((0, 0), (10, 0), (10, 10), (0, 10))
        >>> polygon_iou(square, tuple((x + 5, y) for x, y in square))
        0.3333333333333333
        >>> polygon_iou(square, tuple((x + 50, y) for x, y in square))
        0.0
    """
    shared, first, second = overlap_px(one, other)
    joint = first + second - shared
    return shared / joint if joint > 0 else 0.0


def overlap_px(one: Polygon, other: Polygon) -> tuple[float, float, float]:
    """Shared area of two outlines and the area of each, in one measure, square pixels.

    Args:
        one: First outline.
        other: Second outline.

    Returns:
        Shared area, area of the first, area of the second.
    """
    first, second = points_of(one), points_of(other)
    low = np.maximum(first.min(axis=0), second.min(axis=0))
    high = np.minimum(first.max(axis=0), second.max(axis=0))
    areas = abs(_signed_area(first)), abs(_signed_area(second))
    if (low >= high).any():
        return 0.0, *areas
    # Forty samples along the shorter side of the shared box: areas are then right to about 1 %.
    finer = max(1.0, 40.0 / float((high - low).min()))
    finer = min(finer, 40.0)
    size = np.minimum(np.ceil((high - low) * finer), 2000).astype(int)
    step = (high - low) / size
    inside = [
        polygon_mask(
            polygon_of((points - low) / step - 0.5), width=int(size[0]), height=int(size[1])
        )
        for points in (first, second)
    ]
    shared = float((inside[0] & inside[1]).sum()) * float(step[0] * step[1])
    return min(shared, *areas), *areas


def outline_of(mask: BoolMask) -> Polygon | None:
    """Trace the outer border of the largest connected part of a mask.

    The outline passes half-way between pixels inside and outside and is lightly smoothed, which
    rounds corners by less than half a pixel; holes are ignored.

    Args:
        mask: ``(H, W) bool``.

    Returns:
        The outline, or None if the mask is empty.

    Examples:
        >>> mask = np.zeros((20, 20), dtype=bool)
        >>> mask[5:15, 4:16] = True
        >>> round(area_px(outline_of(mask)))
        118
    """
    # On a grid of twice the resolution pixels are closed squares, and the border that OpenCV
    # follows runs along their edges. Edge middles stay, corners go: no staircase is measured.
    doubled = np.zeros((2 * mask.shape[0] + 1, 2 * mask.shape[1] + 1), dtype=np.uint8)
    doubled[1::2, 1::2] = mask
    doubled = np.asarray(cv2.dilate(doubled, np.ones((3, 3), np.uint8)), dtype=np.uint8)
    borders, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not borders:
        return None
    border = max(borders, key=cv2.contourArea)[:, 0]
    middles = (border[(border.sum(axis=1) % 2) == 1] - 1) / 2
    for _ in range(ROUNDS_OF_SMOOTHING):
        middles = (np.roll(middles, 1, axis=0) + 2 * middles + np.roll(middles, -1, axis=0)) / 4
    return polygon_of(middles)


def simplified(polygon: Polygon, *, within_px: float = SIMPLIFIED_WITHIN_PX) -> Polygon:
    """The same outline with as few corners as a stated error allows.

    Chords cut corners, so measure before simplifying: a small circle loses up to twice the
    error from its diameter.

    Args:
        polygon: Outline in pixels.
        within_px: Farthest any corner left out may lie from the result, pixels.

    Returns:
        An outline whose corners are corners of the given one, at least 3.

    Examples:
        >>> simplified(((0, 0), (5, 0.1), (10, 0), (10, 10), (0, 10)))
        ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
    """
    points = points_of(polygon).astype(np.float32)
    # OpenCV's last pass drops corners without measuring those it dropped before.
    for tolerance in (within_px, 0.75 * within_px, 0.5 * within_px, 0.25 * within_px):
        found = cv2.approxPolyDP(points[:, None, :], tolerance, closed=True)
        kept = np.asarray(found, np.float32)
        if len(kept) >= 3 and _farthest(points, kept) <= within_px:
            return polygon_of(kept[:, 0])
    return polygon_of(points)


def _farthest(points: npt.NDArray[np.float32], outline: npt.NDArray[np.float32]) -> float:
    """How far the farthest of some points lies from an outline, pixels."""
    return max(abs(cv2.pointPolygonTest(outline, (float(x), float(y)), True)) for x, y in points)


def moved(polygon: Polygon, *, x_px: float, y_px: float) -> Polygon:
    """The outline shifted by so many pixels."""
    return tuple((x + x_px, y + y_px) for x, y in polygon)


def _signed_area(points: Points) -> float:
    """Shoelace formula, about the first corner."""
    near = points - points[0]
    following = np.roll(near, -1, axis=0)
    return 0.5 * float((near[:, 0] * following[:, 1] - following[:, 0] * near[:, 1]).sum())
