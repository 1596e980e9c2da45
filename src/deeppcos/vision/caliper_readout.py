"""Caliper crosses on a screen shot, and the distances printed for them.

Owns finding the crosses and the rule by which two printed distances and two pairs of crosses
give a scale. Reading text is not done here: the texts come from whoever can read them
(``burned_in_text`` with the optional OCR engine).

A read-out counts only for the crosses that carry its number. On the pictures this was measured
on, the legible line mostly belongs to another pair, outside the crop; even two read-outs agreed
with two foreign pairs once. So two pairs must agree, and both numbers beside them be read.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.burned_in_text import BurnedInText, TextReader
from deeppcos.vision.frame import MmPerPixel, PixelBox, ScaleSource

Pixels = npt.NDArray[np.uint8]
Image = npt.NDArray[np.float32]
Point = tuple[float, float]

MIN_YELLOW = 16
MIN_MATCH = 45.0
CROSS_ARMS_PX = (3, 4, 5, 6, 7)
MIN_PAIR_PX = 25.0
MAX_DISAGREEMENT = 0.02
MIN_MM_PER_PIXEL, MAX_MM_PER_PIXEL = 0.02, 1.0
PATCH_PX = 30
MIN_DISTANCE_MM, MAX_DISTANCE_MM = 0.5, 400.0
_MM_PER_UNIT = {"cm": 10.0, "mm": 1.0}
_READ_OUT = re.compile(r"^\s*(\d)\s*D\s*(\d{1,2}\.\d{1,2})\s*(cm|mm)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaliperReadout:
    """One printed distance, such as ``1 D 3.29cm``.

    Attributes:
        number: Which caliper it belongs to, as printed.
        distance_mm: The printed distance, mm.
        box: Where it is printed; letters there are not taken for crosses.
    """

    number: int
    distance_mm: float
    box: PixelBox

    def __post_init__(self) -> None:
        if not MIN_DISTANCE_MM <= self.distance_mm <= MAX_DISTANCE_MM:
            raise InvalidInput(
                f"caliper {self.number}: implausible distance",
                value=f"{self.distance_mm} mm",
                accepted="0.5 to 400 mm",
                remedy="leave the read-out out",
            )


def parse_readouts(texts: Sequence[BurnedInText]) -> tuple[CaliperReadout, ...]:
    """The caliper read-outs among the texts of a picture; anything else is passed over.

    Args:
        texts: Texts as read, one a line of the screen.

    Returns:
        Read-outs whose number, distance and unit are all legible.

    Examples:
        >>> box = PixelBox(x0=570, y0=400, x1=640, y1=415)
        >>> texts = [BurnedInText(text=t, box=box) for t in ("Voluson", "1D3.29cm", "D 2.41cm")]
        >>> [(r.number, r.distance_mm) for r in parse_readouts(texts)]
        [(1, 32.9)]
    """
    readouts: list[CaliperReadout] = []
    for text in texts:
        match = _READ_OUT.match(text.text)
        if match:
            distance_mm = round(float(match[2]) * _MM_PER_UNIT[match[3].lower()], 3)
            if MIN_DISTANCE_MM <= distance_mm <= MAX_DISTANCE_MM:
                readouts.append(
                    CaliperReadout(number=int(match[1]), distance_mm=distance_mm, box=text.box)
                )
    return tuple(readouts)


def find_caliper_crosses(pixels: Pixels) -> tuple[Point, ...]:
    """Yellow crosses with an open centre, as calipers are drawn.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.

    Returns:
        ``(x, y)`` of each cross's centre, pixels, from the top down.
    """
    red, green, blue = cv2.split(pixels)
    light = cv2.min(red, green)
    yellow = cv2.blur(cv2.subtract(light, blue), (5, 5)) >= MIN_YELLOW
    near_yellow = cv2.dilate(yellow.astype(np.uint8), np.ones((15, 15), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(near_yellow, connectivity=8)
    best = np.zeros(light.shape, np.float32)
    for left, top, width, height, _ in boxes[1:].tolist():
        part = np.s_[max(0, top - 9) : top + height + 9, max(0, left - 9) : left + width + 9]
        scores = [_cross_score(light[part].astype(np.float32), arm) for arm in CROSS_ARMS_PX]
        np.maximum(best[part], np.max(scores, axis=0), out=best[part])
    best[near_yellow == 0] = 0
    return _peaks(best)


def scale_from_caliper(
    pixels: Pixels, readouts: Sequence[CaliperReadout], *, read_text: TextReader
) -> MmPerPixel | str:
    """Millimetres per pixel from two pairs of crosses and their two printed distances.

    Assumes square pixels, as a screen shot has them.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.
        readouts: The printed distances of this picture.
        read_text: Reads the numbers beside the crosses.

    Returns:
        The scale, or in words why there is none that can be trusted.
    """
    if len(readouts) != 2:
        return f"{len(readouts)} caliper read-outs are legible; two are needed to agree"
    crosses = [
        p for p in find_caliper_crosses(pixels) if not any(_is_near(p, r.box) for r in readouts)
    ]
    if len(crosses) != 4:
        return f"{len(crosses)} caliper crosses were found; two pairs are needed to agree"
    scales = _agreeing_scales(crosses, readouts)
    if not scales:
        return "the caliper distances do not fit the crosses in the picture"
    numbered = _numbered(crosses, pixels, read_text)
    if set(numbered) != {readout.number for readout in readouts}:
        return "the numbers beside the calipers do not show that the printed distances are theirs"
    scales = _agreeing_scales(crosses, readouts, numbered=numbered)
    if not scales:
        return "the caliper distances do not fit the crosses that carry their numbers"
    if max(scales) / min(scales) - 1 > MAX_DISAGREEMENT:
        return "the caliper distances fit the crosses in more than one way"
    scale = float(np.mean(scales))
    if not MIN_MM_PER_PIXEL <= scale <= MAX_MM_PER_PIXEL:
        return f"the calipers would make a pixel {scale:.3f} mm, not believable"
    return MmPerPixel(x=scale, y=scale, source=ScaleSource.BURNED_IN_CALIPER)


def _numbered(crosses: Sequence[Point], pixels: Pixels, read_text: TextReader) -> dict[int, Point]:
    """Which cross carries which number; a number read twice belongs to none."""
    read = [(n, point) for point in crosses for n in _numbers_beside(point, pixels, read_text)]
    times = Counter(number for number, _ in read)
    return {number: point for number, point in read if times[number] == 1}


def _numbers_beside(point: Point, pixels: Pixels, read_text: TextReader) -> set[int]:
    """Numbers that stand beside a cross, read from an enlarged patch."""
    x, y = (round(v) for v in point)
    patch = pixels[max(0, y - PATCH_PX) : y + PATCH_PX, max(0, x - PATCH_PX) : x + PATCH_PX]
    enlarged = cv2.resize(patch, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    texts = (found.text.strip() for found in read_text(np.asarray(enlarged, dtype=np.uint8)))
    return {int(text) for text in texts if text.isdecimal() and len(text) == 1}


def _is_near(point: Point, box: PixelBox) -> bool:
    """Whether the point is on a printed line, or on its neighbour above or below."""
    margin = 1.5 * box.height
    return (
        box.x0 - margin <= point[0] <= box.x1 + margin
        and box.y0 - margin <= point[1] <= box.y1 + margin
    )


def _agreeing_scales(
    crosses: Sequence[Point],
    readouts: Sequence[CaliperReadout],
    *,
    numbered: Mapping[int, Point] | None = None,
) -> list[float]:
    """Scale of every pairing whose two distances agree and whose numbers, if known, fit."""
    scales: list[float] = []
    for a, b in combinations(range(4), 2):
        pair = (crosses[a], crosses[b])
        rest = tuple(crosses[i] for i in range(4) if i not in (a, b))
        pairs = (pair, (rest[0], rest[1]))
        if numbered and any(
            numbered[r.number] not in p for r, p in zip(readouts, pairs, strict=True)
        ):
            continue
        lengths = [_distance(*p) for p in pairs]
        if min(lengths) < MIN_PAIR_PX:
            continue
        first, second = (r.distance_mm / px for r, px in zip(readouts, lengths, strict=True))
        if abs(first / second - 1) <= MAX_DISAGREEMENT:
            scales.append((first * second) ** 0.5)
    return scales


def _distance(a: Point, b: Point) -> float:
    """Distance of two points, pixels."""
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))


def _cross_score(light: Image, arm_px: int) -> Image:
    """How much four arms at ``arm_px`` outshine the open centre and the gaps between them."""
    length, thick = round(0.8 * arm_px), max(1, arm_px // 2)
    upright = cv2.blur(light, (thick, length))
    level = cv2.blur(light, (length, thick))
    spot = cv2.blur(light, (2, 2) if arm_px > 4 else (1, 1))
    arms = np.minimum(
        np.minimum(_moved(upright, 0, arm_px), _moved(upright, 0, -arm_px)),
        np.minimum(_moved(level, arm_px, 0), _moved(level, -arm_px, 0)),
    )
    corner = round(0.7 * arm_px)
    gaps = np.sort(
        [_moved(spot, dx, dy) for dx in (-corner, corner) for dy in (-corner, corner)], axis=0
    )
    return np.asarray(arms - np.maximum(spot, gaps[2]), dtype=np.float32)


def _moved(image: cv2.typing.MatLike, dx: int, dy: int) -> Image:
    """The picture seen from ``(dx, dy)`` away; black comes in at the edge."""
    shift = np.array([[1, 0, -dx], [0, 1, -dy]], np.float32)
    moved = cv2.warpAffine(image, shift, image.shape[::-1], flags=cv2.INTER_NEAREST)
    return np.asarray(moved, dtype=np.float32)


def _peaks(score: Image) -> tuple[Point, ...]:
    """Best matches, no two closer than a cross is wide."""
    found: list[Point] = []
    rows, columns = np.nonzero(score >= MIN_MATCH)
    for at in np.argsort(-score[rows, columns]):
        point = (float(columns[at]), float(rows[at]))
        if all(_distance(point, other) >= MIN_PAIR_PX / 2 for other in found):
            found.append(point)
    return tuple(sorted(found, key=lambda p: p[1]))
