"""The depth ruler burned into a screen shot: find it, and say what one pixel measures.

Owns the search for ticks and the rule by which their unit is certain. Does not read text and
does not decide which of several scales a frame gets: see ``burned_in_scale``.

A ruler by itself states no unit. One layout does: dots, short dashes and long dashes whose
spacings stand as 1:2:10. Over a scan of some centimetres that ladder of round lengths is 5 mm,
10 mm and 50 mm. A 1:5 ladder fits 2 mm and 10 mm as well as 10 mm and 50 mm, and 1:5:10 is in
millimetres: both are refused. Evidence: ``docs/evidence/burned-in-scale.md``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]

MM_PER_STEP = 5.0
"""What the finest tick of a 1:2:10 ladder stands for."""

STEPS_PER_LONG_DASH = 10
MIN_CONTRAST = 45
MIN_LONG_DASH_PX = 5
MIN_STEP_PX = 6.0
MAX_SKEW_PX = 1.0
MAX_OFFSET_PX = 1.25
MAX_FIT_ERROR_PX = 0.75
MIN_TICKS = 10
MIN_SHARE_SEEN = 0.8
MIN_SHARE_TIERED = 0.85
MAX_CHANCE_HIT = 0.25
MIN_SHOWN_DEPTH_MM, MAX_SHOWN_DEPTH_MM = 40.0, 150.0
"""Depths at which the ladder can only be 5:10:50 mm: as 1:2:10 mm it would show 30 mm at most."""
MAX_DISAGREEMENT = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthRuler:
    """A ladder of ticks whose unit is certain.

    Attributes:
        x: Column of the ticks' left edge, pixels.
        top: Row of the first tick seen, pixels.
        bottom: Row of the last tick seen, pixels.
        pixels_per_step: Distance of neighbouring ticks (5 mm), pixels.
        ticks_seen: How many ticks were found.
        ticks_expected: How many the ladder has from ``top`` to ``bottom``.
        fit_error_px: Root mean square distance of the ticks from the even ladder, pixels.
    """

    x: float
    top: float
    bottom: float
    pixels_per_step: float
    ticks_seen: int
    ticks_expected: int
    fit_error_px: float

    @property
    def mm_per_pixel(self) -> float:
        """Millimetres per pixel down a column."""
        return MM_PER_STEP / self.pixels_per_step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ladder:
    """Ticks of one column numbered along an even ladder; step 0 is a long dash."""

    x: float
    origin: float
    step_px: float
    steps: Steps
    rows: Floats
    widths: Floats
    strays: int

    def widths_at(self, remainders: tuple[int, ...]) -> Floats:
        return self.widths[np.isin(self.steps % STEPS_PER_LONG_DASH, remainders)]


def read_depth_ruler(pixels: Pixels) -> DepthRuler | str:
    """Find a depth ruler and, where its unit is certain, its tick distance.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB, ``H`` the depth direction.

    Returns:
        The ruler, or in words why there is none that can be trusted.
    """
    bars = find_bars(pixels)
    rulers: list[DepthRuler] = []
    refusals: list[tuple[int, str]] = []
    for ladder in _ladders(bars):
        problem = _problem_with(ladder, height=pixels.shape[0])
        if problem:
            refusals.append((len(ladder.steps), problem))
        else:
            rulers.append(_ruler_of(ladder))
    if not rulers:
        best = max(refusals, default=(0, ""))
        return best[1] if best[0] >= MIN_TICKS // 2 else "no depth ruler was found in the picture"
    best_ruler = max(rulers, key=lambda ruler: ruler.ticks_seen)
    worst = max(abs(r.pixels_per_step / best_ruler.pixels_per_step - 1) for r in rulers)
    if worst > MAX_DISAGREEMENT:
        return f"two depth rulers in the picture disagree by {worst:.0%}"
    return best_ruler


def find_bars(pixels: Pixels) -> Floats:
    """Thin bright horizontal bars, darker above and below: what dots and dashes look like.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.

    Returns:
        ``(n, 3) float64``, sorted by row: left edge, centre row to a fraction of a pixel, width.
    """
    green = np.ascontiguousarray(pixels[..., 1])
    height, width = green.shape
    reach = max(4, round(height / 140))
    if height <= 2 * reach:
        return np.empty((0, 3))
    contrast = np.zeros_like(green)
    neighbours = cv2.max(green[: -2 * reach], green[2 * reach :])
    contrast[reach:-reach] = cv2.subtract(green[reach:-reach], neighbours)
    bright = (contrast >= MIN_CONTRAST).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
    _, _, wide, tall, area = boxes.T
    is_bar = (tall <= reach) & (wide <= max(12, width // 30)) & (area >= 0.7 * wide * tall)
    is_bar[0] = False
    bars = boxes[is_bar]
    found = np.stack([bars[:, 0], _centre_rows(contrast, bars), bars[:, 2]], axis=1)
    return np.asarray(found[np.argsort(found[:, 1], kind="stable")], dtype=float)


def _centre_rows(contrast: Pixels, boxes: npt.NDArray[np.int32]) -> Floats:
    """Row of each bar's centre, weighted by contrast, the rows above and below included.

    Every sum is of whole numbers, so the order of adding changes nothing.
    """
    left, top, width, tall = boxes[:, :4].astype(np.int64).T
    first, last = np.maximum(0, top - 1), np.minimum(top + tall + 1, contrast.shape[0])
    before = cv2.integral(contrast, sdepth=cv2.CV_64F)
    mass, moment = np.zeros(len(boxes)), np.zeros(len(boxes))
    for step in range(int((last - first).max(initial=0))):
        row = np.minimum(first + step, last - 1)
        ink = (
            before[row + 1, left + width]
            - before[row + 1, left]
            - before[row, left + width]
            + before[row, left]
        )
        ink[first + step >= last] = 0.0
        mass += ink
        moment += step * ink
    return np.asarray(first + moment / mass)


def _ladders(bars: Floats) -> Iterator[_Ladder]:
    """Every ladder that a long dash and one neighbour in its column propose."""
    for x, row, width in bars[bars[:, 2] >= MIN_LONG_DASH_PX]:
        column = bars[np.abs(bars[:, 0] - x) <= MAX_SKEW_PX]
        if len(column) < MIN_TICKS // 2:
            continue
        steps_px = np.abs(column[:, 1] - row) / 2
        is_seed = (steps_px >= MIN_STEP_PX) & (column[:, 2] < width) & (column[:, 2] > 1)
        for step_px in steps_px[is_seed]:
            ladder = _grown(column, x=x, origin=row, step_px=step_px)
            if ladder is not None:
                yield ladder


def _grown(column: Floats, *, x: float, origin: float, step_px: float) -> _Ladder | None:
    """Fit the even ladder to its nearest ticks first, then to all of the column."""
    for reach in (3, 6, 12, 10_000):
        numbers = np.rint((column[:, 1] - origin) / step_px).astype(np.int64)
        offsets = np.abs(column[:, 1] - origin - numbers * step_px)
        on = (offsets <= MAX_OFFSET_PX) & (np.abs(numbers) <= reach)
        if len(np.unique(numbers[on])) < 3:
            return None
        slope, origin = np.polyfit(numbers[on], column[on, 1], 1)
        step_px = float(slope)
        if step_px < MIN_STEP_PX:
            return None
    order = np.lexsort((offsets[on], numbers[on]))
    steps, first = np.unique(numbers[on][order], return_index=True)
    chosen = column[on][order][first]
    return _Ladder(
        x=x,
        origin=float(origin),
        step_px=step_px,
        steps=steps,
        rows=chosen[:, 1],
        widths=chosen[:, 2],
        strays=len(column) - len(steps),
    )


def _problem_with(ladder: _Ladder, *, height: int) -> str:
    """Why a ladder's unit is not certain; empty when it is."""
    if len(ladder.steps) < MIN_TICKS:
        return f"a ruler shows {len(ladder.steps)} ticks, too few to tell its unit"
    span = int(ladder.steps[-1] - ladder.steps[0]) + 1
    if len(ladder.steps) < MIN_SHARE_SEEN * span:
        return "the ticks of the ruler do not form an unbroken 1:2:10 ladder"
    tiers = _tier_problem(ladder)
    if tiers:
        return tiers
    if ladder.strays > len(ladder.steps):
        return "the ruler's column holds more other marks than ticks: unit unknown"
    if _chance_of_a_hit(ladder) > MAX_CHANCE_HIT or _fit_error_px(ladder) > MAX_FIT_ERROR_PX:
        return "the ticks of the ruler are not evenly spaced"
    shown_depth_mm = height * MM_PER_STEP / ladder.step_px
    if not MIN_SHOWN_DEPTH_MM <= shown_depth_mm <= MAX_SHOWN_DEPTH_MM:
        return f"the ruler would make the picture {shown_depth_mm:.0f} mm deep, not certain"
    return ""


def _tier_problem(ladder: _Ladder) -> str:
    """Why dots, short and long dashes do not stand as 1:2:10; empty when they do."""
    dots = ladder.widths_at((1, 3, 5, 7, 9))
    short = ladder.widths_at((2, 4, 6, 8))
    long = ladder.widths_at((0,))
    if min(len(dots), len(short)) < 4:
        return "the ruler lacks the half-way dots that would tell its unit"
    dot_px, short_px, long_px = (float(np.median(tier)) for tier in (dots, short, long))
    if not (dot_px < short_px < long_px):
        return "the ruler's ticks do not alternate between dots and dashes: unit unknown"
    in_tier = (
        np.count_nonzero(dots < (dot_px + short_px) / 2)
        + np.count_nonzero((short > (dot_px + short_px) / 2) & (short < (short_px + long_px) / 2))
        + np.count_nonzero(long > (short_px + long_px) / 2)
    )
    if in_tier < MIN_SHARE_TIERED * len(ladder.steps):
        return "the ruler's ticks do not alternate between dots and dashes: unit unknown"
    if not _one_decade_is_seen(ladder):
        return "the ruler shows less than one long interval: unit unknown"
    return ""


def _one_decade_is_seen(ladder: _Ladder) -> bool:
    """Nine steps beside a long dash hold no other, so the ladder is 1:2:10 and not finer."""
    return bool(ladder.steps[-1] >= STEPS_PER_LONG_DASH - 1) or bool(
        ladder.steps[0] <= 1 - STEPS_PER_LONG_DASH
    )


def _chance_of_a_hit(ladder: _Ladder) -> float:
    """How likely the column's stray bars alone would fill any one place of the ladder."""
    span_px = max(ladder.step_px, float(ladder.rows[-1] - ladder.rows[0]))
    return ladder.strays * 2 * MAX_OFFSET_PX / span_px


def _fit_error_px(ladder: _Ladder) -> float:
    """Root mean square distance of the ticks from the even ladder."""
    misses = ladder.rows - ladder.origin - ladder.steps * ladder.step_px
    return float(np.sqrt(np.mean(misses**2)))


def _ruler_of(ladder: _Ladder) -> DepthRuler:
    """The public record of a ladder that passed every check."""
    return DepthRuler(
        x=ladder.x,
        top=float(ladder.rows[0]),
        bottom=float(ladder.rows[-1]),
        pixels_per_step=ladder.step_px,
        ticks_seen=len(ladder.steps),
        ticks_expected=int(ladder.steps[-1] - ladder.steps[0]) + 1,
        fit_error_px=_fit_error_px(ladder),
    )
