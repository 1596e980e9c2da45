"""The outline around a click: the fluid space a reader points at, found in the pixels.

Owns finding one closed edge from dark to bright around a point. Where the edge lies is decided
by the pixels alone, not by the network: what the network missed is what readers click on.

The picture is unrolled around the point, and the cheapest closed path through the unrolled
picture is found by dynamic programming: it follows the strongest rise from dark to bright,
prefers not to cross tissue on the way, and may not jump. The search is repeated around the
middle of what was found, so that it matters little where in the space the reader clicked.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput, NotAssessable
from deeppcos.vision.findings import Polygon
from deeppcos.vision.frame import MmPerPixel
from deeppcos.vision.geometry import area_px, centroid, polygon_of, simplified

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

FARTHEST_MM = 18.0
"""Farthest an edge is looked for from the point, mm: the largest follicle before it bursts."""

FARTHEST_SHARE = 0.14
"""The same where there is no scale, as a share of the picture's shorter side."""

RAYS = 72
"""Directions in which the edge is looked for."""

STEPS = 48
"""Places along each ray."""

ROUNDS = 3
"""How often the search starts again from the middle of what was found."""

REACHES = (0.22, 0.45, 1.0)
"""Parts of the farthest distance that are searched: small spaces need a fine search."""

JUMP = 2
"""Steps by which the edge may move from one ray to the next."""

CROSSED = 6.4
"""Price of crossing tissue on the way to the edge, against the gain of a strong edge."""

TISSUE_FROM = 0.35
"""From how far between the dark inside and the bright outside a place counts as tissue."""

WITHIN = 3
"""Steps on either side of an edge that are compared."""

LEAST_CONTRAST = 9.0
"""Grey levels by which the rim must be brighter than the inside."""

LEAST_DARKER_SHARE = 0.4
"""Share by which the inside must be darker than its rim; less is speckle.

In 36 close-ups of ovaries 95 % of readers' follicles were darker by 0.50 and more, 90 % of what is
found around points between follicles by less than 0.42.
"""

LEAST_RISE_SHARE = 0.6
"""Share of the directions in which the picture must grow brighter at the edge."""

LEAST_RADIUS_PX = 2.0

_ANGLES = np.arange(RAYS) * (2 * np.pi / RAYS)
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_ALONG = (np.arange(STEPS) + 1) / STEPS
ACROSS, DOWN = _DIRECTIONS[:, :1] * _ALONG, _DIRECTIONS[:, 1:] * _ALONG
_SHIFTS = 0.02 * np.arange(-JUMP, JUMP + 1) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOutline:
    """An outline found around a point.

    Attributes:
        polygon: Outline in frame pixels.
        contrast: Grey levels by which its rim is brighter than its inside.
    """

    polygon: Polygon
    contrast: float


def outline_at(grey: Grey, *, x: float, y: float, scale: MmPerPixel | None) -> EdgeOutline:
    """The closed edge around a point in a dark space.

    Args:
        grey: ``(H, W) uint8``, the frame as stored.
        x: Column of the point, pixels.
        y: Row of the point, pixels.
        scale: Millimetres per pixel, or None.

    Returns:
        The outline with the clearest edge of those found at three sizes.

    Raises:
        InvalidInput: If the point does not lie in the picture.
        NotAssessable: If no dark space with an edge lies there.
    """
    height, width = grey.shape
    if not (0 <= x < width and 0 <= y < height):
        raise InvalidInput(
            "the point does not lie in the picture",
            value=f"({x:.0f}, {y:.0f})",
            accepted=f"0 to {width - 1} across, 0 to {height - 1} down",
        )
    farthest = _farthest_px(grey, scale)
    reaches = np.array([max(6.0, farthest * share) for share in REACHES])
    found = [one for one in _searched(grey, clicked=(x, y), reaches=reaches) if one is not None]
    if not found:
        raise NotAssessable(
            "no edge is found around this point",
            accepted="a point in a dark space with a brighter rim",
            remedy="click nearer to its middle, or draw the outline",
        )
    return max(found, key=lambda one: one.contrast)


def _farthest_px(grey: Grey, scale: MmPerPixel | None) -> float:
    shorter = float(min(grey.shape))
    if scale is None:
        return FARTHEST_SHARE * shorter
    return min(FARTHEST_MM / math.sqrt(scale.x * scale.y), shorter / 2)


def _searched(
    grey: Grey, *, clicked: tuple[float, float], reaches: npt.NDArray[np.float64]
) -> list[EdgeOutline | None]:
    """What each reach finds; all are searched side by side, because a step costs the same."""
    windows = [_smoothed_window(grey, at=clicked, reach_px=float(reach)) for reach in reaches]
    middles = np.tile(np.asarray(clicked, dtype=np.float64), (len(reaches), 1))
    for _ in range(ROUNDS):
        unrolled = _unrolled(windows, middles=middles, reaches=reaches)
        steps = _cheapest_rings(unrolled)
        rings = [
            _polygon(middle, ring * (reach / STEPS))
            for middle, ring, reach in zip(middles, steps, reaches, strict=True)
        ]
        moved = np.array([centroid(ring) for ring in rings])
        if np.abs(moved - middles).max() < 0.5:
            break
        middles = moved
    return [
        _judged(ring, levels, own, clicked=clicked)
        for ring, levels, own in zip(rings, unrolled, steps, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """A smoothed part of the picture and where it begins."""

    levels: Floats
    x0: int
    y0: int


def _smoothed_window(grey: Grey, *, at: tuple[float, float], reach_px: float) -> _Window:
    """As much smoothing as a step along the ray is wide: speckle is not an edge."""
    margin = math.ceil(2 * reach_px) + 3
    column, row = round(at[0]), round(at[1])
    x0, y0 = max(0, column - margin), max(0, row - margin)
    part = grey[y0 : row + margin + 1, x0 : column + margin + 1]
    blur = max(0.8, 2 * reach_px / STEPS * 0.6)
    levels = np.asarray(cv2.GaussianBlur(part.astype(np.float32), (0, 0), blur), np.float32)
    return _Window(levels=levels, x0=x0, y0=y0)


def _unrolled(
    windows: list[_Window],
    *,
    middles: npt.NDArray[np.float64],
    reaches: npt.NDArray[np.float64],
) -> Floats:
    """``(reaches, RAYS, STEPS) float32``: grey levels along each ray from each middle."""
    return np.stack(
        [
            np.asarray(
                cv2.remap(
                    window.levels,
                    (x - window.x0 + ACROSS * reach).astype(np.float32),
                    (y - window.y0 + DOWN * reach).astype(np.float32),
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                ),
                np.float32,
            )
            for window, (x, y), reach in zip(windows, middles, reaches, strict=True)
        ]
    )


def _cheapest_rings(unrolled: Floats) -> npt.NDArray[np.float64]:
    """Step of the edge on every ray of the cheapest closed paths, ``(reaches, RAYS) float64``."""
    cost = _cost(unrolled)
    # Twice round, and the middle turn is kept: a ring has no beginning.
    doubled = np.concatenate([cost, cost], axis=1)
    searches, rays, _ = doubled.shape
    came = np.zeros(doubled.shape, dtype=np.int64)
    padded = np.full((searches, STEPS + 2 * JUMP), np.inf)
    best = doubled[:, 0].copy()
    for ray in range(1, rays):
        padded[:, JUMP:-JUMP] = best
        options = np.lib.stride_tricks.sliding_window_view(padded, 2 * JUMP + 1, axis=1) + _SHIFTS
        came[:, ray] = options.argmin(axis=2)
        best = options.min(axis=2) + doubled[:, ray]
    path = np.empty((searches, rays), dtype=np.int64)
    path[:, -1] = best.argmin(axis=1)
    every = np.arange(searches)
    for ray in range(rays - 1, 0, -1):
        path[:, ray - 1] = path[:, ray] + came[every, ray, path[:, ray]] - JUMP
    half = RAYS // 2
    turn = path[:, half : half + RAYS].astype(np.float64) + 1.0
    ring = np.roll(turn, half, axis=1)
    smooth = (np.roll(ring, 1, axis=1) + 2 * ring + np.roll(ring, -1, axis=1)) / 4
    return np.asarray(smooth, dtype=np.float64)


def _cost(unrolled: Floats) -> npt.NDArray[np.float64]:
    """Price of an edge at every place: low where dark turns bright with only dark before it."""
    levels = unrolled.astype(np.float64)
    padded = np.pad(levels, ((0, 0), (0, 0), (WITHIN, WITHIN)), mode="edge")
    totals = np.cumsum(np.pad(padded, ((0, 0), (0, 0), (1, 0))), axis=2)
    means = (totals[..., WITHIN:] - totals[..., :-WITHIN]) / WITHIN
    inner, outer = means[..., :STEPS], means[..., WITHIN + 1 : WITHIN + 1 + STEPS]
    inside = np.median(levels[..., : STEPS // 12], axis=(1, 2), keepdims=True)
    bright = np.percentile(levels, 85, axis=(1, 2), keepdims=True)
    spread = np.maximum(12.0, bright - inside)
    rise = np.clip((outer - inner) / spread, -1.0, 1.0)
    tissue = np.clip((levels - inside) / spread - TISSUE_FROM, 0.0, 1.0)
    crossed = np.cumsum(tissue, axis=2) / STEPS
    return np.asarray(CROSSED * crossed - rise, dtype=np.float64)


def _polygon(middle: npt.NDArray[np.float64], radii: npt.NDArray[np.float64]) -> Polygon:
    return polygon_of(middle + radii[:, None] * _DIRECTIONS)


def _judged(
    polygon: Polygon,
    unrolled: Floats,
    steps: npt.NDArray[np.float64],
    *,
    clicked: tuple[float, float],
) -> EdgeOutline | None:
    """The outline if it is an edge around the click, else None."""
    rays = np.arange(RAYS)
    place = np.clip(np.round(steps).astype(int) - 1, 0, STEPS - 1)
    inner = unrolled[rays, np.clip(place - 3, 0, None)]
    outer = unrolled[rays, np.clip(place + 3, None, STEPS - 1)]
    rises = outer - inner
    inside = np.concatenate([unrolled[ray, : max(1, place[ray] - 1)] for ray in rays])
    # The median of the rim and the mean of the inside: one bright spot is no rim.
    contrast = float(np.median(outer) - np.mean(inside))
    at_the_end = float((place >= STEPS - 2).mean())
    is_dark = contrast >= max(LEAST_CONTRAST, LEAST_DARKER_SHARE * float(np.median(outer)))
    is_small = math.sqrt(area_px(polygon) / math.pi) < LEAST_RADIUS_PX
    if is_small or at_the_end > 0.25 or not is_dark:
        return None
    if float((rises > 0).mean()) < LEAST_RISE_SHARE:
        return None
    outline = np.asarray(polygon, np.float32)[:, None, :]
    if cv2.pointPolygonTest(outline, clicked, measureDist=False) < 0:
        return None
    return EdgeOutline(polygon=simplified(polygon, within_px=0.25), contrast=contrast)
