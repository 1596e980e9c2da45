"""Burned-in graphics: found and neutralised before any network looks.

Calipers mark the ovary in most public images, so a network trained on raw pixels learns to
find crosses. Everything that is drawn in colour (calipers, dotted lines, labels, colour bars,
Doppler boxes) is told from tissue by its chroma and filled in from its surroundings. White and
grey lettering cannot be told from bright tissue by colour: thin, isolated, saturated strokes
are filled too, and training draws such strokes at random so that they carry no meaning.

Reading a scale from graphics is the business of ``burned_in_scale``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.vision.frame import UltrasoundFrame

CHROMA_LIMIT = 36
"""Max minus min of R, G, B beyond the picture's own tint, above which a pixel is drawn."""

SURELY_GREY = 15
"""Chroma up to which no pixel can be drawn, whatever the tint.

The tint is a median of offsets from the mean of three planes, each within two thirds of the
chroma, so taking it away adds at most four thirds: 7/3 of this stays under ``CHROMA_LIMIT``.
"""

LIT_LEVEL = 60
FEWEST_LIT = 100
"""The tint is taken from pixels above this level, where there are more than so many."""

TINT_PERCENTILE = 50.0
DOPPLER_MIN_FRACTION = 0.004
"""Solid coloured areas above this share of the frame are colour Doppler or a colour bar."""

Level = TypeVar("Level", np.uint8, np.float32)

_SOLID = np.ones((13, 13), np.uint8)

STROKE_TOP_HAT = 90
"""Brightness above the local background, of 255, that only drawn strokes reach."""

STROKE_MIN_LEVEL = 215
STROKE_MAX_SIDE_FRACTION = 0.06
"""A white glyph is smaller than this share of the longest side."""

FILL_RADIUS_PX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanFrame:
    """A frame's grey picture with the graphics filled in.

    Attributes:
        grey: ``(H, W) uint8`` luminance without burned-in graphics.
        graphics_mask: ``(H, W) bool``, True where something was drawn.
        kinds: What was found: ``coloured_marks``, ``colour_doppler``, ``white_marks``.
    """

    grey: npt.NDArray[np.uint8]
    graphics_mask: npt.NDArray[np.bool_]
    kinds: tuple[str, ...]


def neutralise_graphics(frame: UltrasoundFrame) -> CleanFrame:
    """Find what was drawn over the picture and fill it from its surroundings.

    Args:
        frame: The frame as stored.

    Returns:
        The grey picture, where graphics were, and of which kinds.
    """
    coloured = coloured_pixels(frame.pixels)
    grey = np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    white = white_strokes(grey)
    kinds = _kinds(coloured, white)
    drawn = coloured | white
    if drawn.any():
        grey = _fill(grey, drawn)
    return CleanFrame(grey=grey, graphics_mask=drawn, kinds=kinds)


def coloured_pixels(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Pixels whose colour differs from the picture's own tint.

    Some machines show tissue in sepia or blue; the tint is taken from the median chroma of
    bright tissue and allowed for.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.

    Returns:
        ``(H, W) bool``, widened by two pixels for the blur of lossy chroma.
    """
    planes = [np.asarray(plane, np.uint8) for plane in cv2.split(pixels)]
    chroma: npt.NDArray[Any] = _chroma(planes)
    if chroma.max(initial=0) <= SURELY_GREY:
        return np.zeros(chroma.shape, bool)
    lit = np.maximum(np.maximum(planes[0], planes[1]), planes[2]) > LIT_LEVEL
    if not _is_grey_throughout(lit, chroma):
        chroma = _chroma(_without_tint(planes, lit))
    mask = (chroma > CHROMA_LIMIT).astype(np.uint8)
    return np.asarray(cv2.dilate(mask, np.ones((5, 5), np.uint8)), bool)


def _chroma(planes: Sequence[npt.NDArray[Level]]) -> npt.NDArray[Level]:
    """Largest minus smallest of the three planes."""
    red, green, blue = planes
    highest = np.maximum(np.maximum(red, green), blue)
    return np.asarray(highest - np.minimum(np.minimum(red, green), blue))


def _is_grey_throughout(lit: npt.NDArray[np.bool_], chroma: npt.NDArray[np.uint8]) -> bool:
    """Whether the tint is surely none: the median of most bright pixels is that of grey ones."""
    bright = int(np.count_nonzero(lit))
    grey = int(np.count_nonzero(lit & (chroma == 0)))
    return bright <= FEWEST_LIT or 2 * grey > bright + 2


def _without_tint(
    planes: Sequence[npt.NDArray[np.uint8]], lit: npt.NDArray[np.bool_]
) -> list[npt.NDArray[np.float32]]:
    """The planes, the picture's own tint taken away."""
    red, green, blue = (plane.astype(np.float32) for plane in planes)
    mean = (red[lit] + green[lit] + blue[lit]) / 3
    strength = np.minimum(np.maximum(np.maximum(red, green), blue) / 128.0, 1.0)
    for plane in (red, green, blue):
        plane -= np.float32(np.percentile(plane[lit] - mean, TINT_PERCENTILE)) * strength
    return [red, green, blue]


def white_strokes(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Thin, saturated, small strokes: white calipers, ticks and lettering.

    Args:
        grey: ``(H, W) uint8`` luminance.

    Returns:
        ``(H, W) bool`` mask of strokes.
    """
    top_hat = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, np.ones((7, 7), np.uint8))
    strokes = ((top_hat > STROKE_TOP_HAT) & (grey > STROKE_MIN_LEVEL)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    limit = max(6, round(STROKE_MAX_SIDE_FRACTION * max(grey.shape)))
    sides = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    keep = (sides <= limit) & (stats[:, cv2.CC_STAT_AREA] >= 4)
    keep[0] = False
    kept = keep[labels] if count > 1 else np.zeros(grey.shape, bool)
    return np.asarray(cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8)), bool)


def _kinds(coloured: npt.NDArray[np.bool_], white: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Name what was found, in a stable order: flow fills areas, marks are thin."""
    found = []
    if coloured.any():
        solid = cv2.morphologyEx(coloured.astype(np.uint8), cv2.MORPH_OPEN, _SOLID)
        is_flow = bool(solid.sum() >= DOPPLER_MIN_FRACTION * coloured.size)
        found += ["coloured_marks"] if bool((coloured & (solid == 0)).any()) else []
        found += ["colour_doppler"] if is_flow else []
    if (white & ~coloured).any():
        found.append("white_marks")
    return tuple(found)


def _fill(grey: npt.NDArray[np.uint8], drawn: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Fill the drawn pixels from their rim."""
    filled = cv2.inpaint(grey, drawn.astype(np.uint8), FILL_RADIUS_PX, cv2.INPAINT_TELEA)
    return np.asarray(filled, np.uint8)
