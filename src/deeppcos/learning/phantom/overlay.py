"""Burned-in graphics of which every pixel is known: calipers, depth ruler, text, grey bar.

Owns drawing them and saying where they are. Finding and removing them in real pictures is the
business of ``deeppcos.vision``; this is what that is tested against.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.phantom.section import PhantomSection

Colour = tuple[int, int, int]
PixelPoint = tuple[float, float]

YELLOW: Colour = (255, 255, 0)
GREEN: Colour = (0, 255, 60)
WHITE: Colour = (240, 240, 240)
BLUE: Colour = (96, 96, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caliper:
    """One measured distance: two crosses and a dotted line.

    Attributes:
        start_px: Column and row of the first cross.
        end_px: Column and row of the second cross.
        length_mm: Distance between them, mm.
        readout: The text shown for it, such as ``1 D 3.29cm``.
    """

    start_px: PixelPoint
    end_px: PixelPoint
    length_mm: float
    readout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler:
    """A depth ruler.

    Attributes:
        column_px: Column of the ticks' left ends.
        major_rows_px: Rows of the long ticks, 10 mm apart.
        minor_rows_px: Rows of the short ticks, 5 mm apart, without the long ones.
    """

    column_px: int
    major_rows_px: tuple[float, ...]
    minor_rows_px: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnedIn:
    """A section with graphics, and what they say.

    Attributes:
        section: The section; ``graphics_mask`` holds exactly the pixels drawn on.
        calipers: Distances measured.
        ruler: The depth ruler, or None.
        texts: Every other text shown.
    """

    section: PhantomSection
    calipers: tuple[Caliper, ...] = ()
    ruler: Ruler | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Colour and cover of the graphics being drawn.

    Attributes:
        colour: ``(H, W, 3) uint8`` RGB.
        cover: ``(H, W) uint8``: 0 where nothing was drawn.
    """

    colour: npt.NDArray[np.uint8]
    cover: npt.NDArray[np.uint8]

    def line(self, start: PixelPoint, end: PixelPoint, colour: Colour) -> None:
        """A line one pixel wide."""
        first, second = _whole(start), _whole(end)
        cv2.line(self.colour, first, second, colour, 1)
        cv2.line(self.cover, first, second, (255,), 1)

    def dot(self, at: PixelPoint, colour: Colour) -> None:
        """One pixel."""
        self.line(at, at, colour)

    def text(self, words: str, at: PixelPoint, colour: Colour, *, size: float = 0.4) -> None:
        """Words whose first letter's foot stands at a point."""
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(self.colour, words, _whole(at), font, size, colour, 1)
        cv2.putText(self.cover, words, _whole(at), font, size, (255,), 1)

    def block(self, x: int, y: int, patch: npt.NDArray[np.uint8]) -> None:
        """A small picture; its top left corner at column x and row y."""
        height = max(0, min(patch.shape[0], self.cover.shape[0] - y))
        width = max(0, min(patch.shape[1], self.cover.shape[1] - x))
        self.colour[y : y + height, x : x + width] = patch[:height, :width]
        self.cover[y : y + height, x : x + width] = 255


def burn_in(
    section: PhantomSection,
    *,
    calipers: tuple[tuple[PixelPoint, PixelPoint], ...] = (),
    ruler_column_px: int | None = None,
    texts: tuple[tuple[str, PixelPoint], ...] = (),
    grey_bar: bool = False,
    body_mark: bool = False,
    colour: Colour = YELLOW,
) -> BurnedIn:
    """Draw graphics over a section.

    Args:
        section: The section.
        calipers: Pairs of (column, row) points to measure between.
        ruler_column_px: Column of the depth ruler, or None for no ruler.
        texts: Words and the (column, row) where each starts.
        grey_bar: Whether to show the grey scale at the top left.
        body_mark: Whether to show a body mark at the bottom left.
        colour: Colour of calipers and texts.

    Returns:
        The section with graphics, and their truth.
    """
    shape = section.pixels.shape
    layer = Layer(colour=np.zeros(shape, np.uint8), cover=np.zeros(shape[:2], np.uint8))
    measured = tuple(
        _measure(layer, section, number, pair, colour)
        for number, pair in enumerate(calipers, start=1)
    )
    ruler = None if ruler_column_px is None else _rule(layer, section, ruler_column_px)
    for words, place in texts:
        layer.text(words, place, colour)
    if grey_bar:
        ramp = np.linspace(255, 0, shape[0] // 4).astype(np.uint8)
        layer.block(6, 8, np.repeat(np.repeat(ramp[:, None, None], 8, axis=1), 3, axis=2))
    if body_mark:
        _body_mark(layer, shape[0], shape[1])
    mask = layer.cover > 0
    pixels = np.where(mask[:, :, None], layer.colour, section.pixels)
    shown = replace(section, pixels=pixels, graphics_mask=mask, clean_pixels=section.pixels)
    return BurnedIn(
        section=shown, calipers=measured, ruler=ruler, texts=tuple(words for words, _ in texts)
    )


def ovary_calipers(section: PhantomSection) -> tuple[tuple[PixelPoint, PixelPoint], ...]:
    """Longest diameter of the ovary in the section and the one across it, as a reader would set.

    Returns:
        Two pairs of points, or none where the section shows no ovary.
    """
    rows, columns = np.nonzero(section.ovary_mask)
    if rows.size < 50:
        return ()
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    middle = points.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((points - middle).T))
    pairs = []
    for direction in (directions[:, 1], directions[:, 0]):
        along = (points - middle) @ direction
        start, end = middle + along.min() * direction, middle + along.max() * direction
        pairs.append(((float(start[0]), float(start[1])), (float(end[0]), float(end[1]))))
    return tuple(pairs)


def _measure(
    layer: Layer,
    section: PhantomSection,
    number: int,
    pair: tuple[PixelPoint, PixelPoint],
    colour: Colour,
) -> Caliper:
    """Draw one caliper with its number and its read-out in the corner."""
    start, end = np.asarray(pair[0]), np.asarray(pair[1])
    length_px = float(np.linalg.norm(end - start))
    for point in (start, end):
        x, y = float(point[0]), float(point[1])
        layer.line((x - 4, y), (x + 4, y), colour)
        layer.line((x, y - 4), (x, y + 4), colour)
    for share in np.arange(0, 1, 4 / max(length_px, 4.0)):
        at = start + share * (end - start)
        layer.dot((float(at[0]), float(at[1])), colour)
    layer.text(str(number), (float(end[0]) + 4, float(end[1]) - 5), colour, size=0.35)
    length_mm = length_px * section.mm_per_pixel
    readout = f"{number} D {length_mm / 10:.2f}cm"
    height, width = section.pixels.shape[:2]
    layer.text(readout, (max(2, width - 110), height - 30 + 14 * (number - 1)), colour)
    return Caliper(start_px=pair[0], end_px=pair[1], length_mm=length_mm, readout=readout)


def _rule(layer: Layer, section: PhantomSection, column: int) -> Ruler:
    """Draw ticks every 5 mm of depth, long ones every 10 mm, as far as the sector reaches."""
    rows_shown = np.flatnonzero(section.sector_mask.any(axis=1))
    last = int(rows_shown[-1]) if rows_shown.size else section.pixels.shape[0] - 1
    major: list[float] = []
    minor: list[float] = []
    step = 0
    while (row := section.viewport.to_pixel(0.0, 5.0 * step)[1]) <= last:
        if row >= 0:
            is_major = step % 2 == 0
            layer.line((column, row), (column + (7 if is_major else 2), row), WHITE)
            (major if is_major else minor).append(row)
        step += 1
    return Ruler(column_px=column, major_rows_px=tuple(major), minor_rows_px=tuple(minor))


def _body_mark(layer: Layer, height: int, width: int) -> None:
    """A small pelvis with the probe's place."""
    x, y = width // 12, height - height // 8
    for target, colour in ((layer.colour, WHITE), (layer.cover, (255,))):
        cv2.ellipse(target, (x, y), (16, 12), 0, 0, 360, colour, 1)
        cv2.line(target, (x, y + 4), (x + 6, y + 12), colour, 2)


def _whole(point: PixelPoint) -> tuple[int, int]:
    """Nearest pixel."""
    return round(point[0]), round(point[1])
