"""Numbered outlines of one frame, ready to be drawn by any renderer.

Owns the numbering, the places of the numbers and the scale bar, all in pixels of the frame.
Colours and line styles stand in ``design``; drawing is the business of the renderers.
"""

from dataclasses import dataclass, replace
from math import hypot, sqrt

from deeppcos.app.report.design import MARK_REFERENCE_WIDTH
from deeppcos.app.report.wording import KIND_WORDS
from deeppcos.records.assessment_document import FollicleRecord, FrameRecord, OvaryRecord

Point = tuple[float, float]
LABEL_SIZE = 11.0
"""Height of the numbers in pixels of a picture ``MARK_REFERENCE_WIDTH`` wide."""
RING_GAP = 0.45
"""Way from an outline to the ring of a flag, in heights of a number."""
LUTEAL_WORDS = "corpus-luteum-like, research flag; no finding by itself"
_BAR_LENGTHS_MM = (20, 10, 5, 2, 1)
_LONGEST_BAR = 0.3  # of the picture's width


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One outline.

    Attributes:
        kind: Key into ``design.MARKS``.
        number: Number of a counted follicle in this frame, from 1; None for anything else.
        points: Outline, frame pixels.
        label_at: Centre of the label, frame pixels.
        description: What a reader of the mark is told.
    """

    kind: str
    number: int | None
    points: tuple[Point, ...]
    label_at: Point
    description: str

    @property
    def label(self) -> str:
        """What is written at the outline; empty for most."""
        if self.kind == "doubtful":
            return "doubtful"
        return "" if self.number is None else str(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleBar:
    """A bar of known length along a row of the picture."""

    length_mm: int
    length_px: float


def numbered_follicles(frame: FrameRecord) -> tuple[tuple[int, FollicleRecord], ...]:
    """Every follicle of a sure ovary with its number, from 1, in the order of the document."""
    follicles = (follicle for ovary in sure_ovaries(frame) for follicle in ovary.follicles)
    return tuple(enumerate(follicles, start=1))


def sure_ovaries(frame: FrameRecord) -> tuple[OvaryRecord, ...]:
    """The ovaries of a frame that are not doubtful."""
    return tuple(o for place, o in enumerate(frame.ovaries) if not _is_doubtful(frame, place))


def doubtful_ovaries(frame: FrameRecord) -> tuple[OvaryRecord, ...]:
    """Outlines that resemble an ovary too little to measure or count anything in them.

    All of a frame that cannot be assessed, and beside the most probable ovary of another frame
    those that are less likely an ovary than not.
    """
    return tuple(o for place, o in enumerate(frame.ovaries) if _is_doubtful(frame, place))


def _is_doubtful(frame: FrameRecord, place: int) -> bool:
    if not frame.assessable:
        return True
    return place > 0 and frame.ovaries[place].probability < 0.5


def frame_marks(frame: FrameRecord) -> tuple[Mark, ...]:
    """Every outline of a frame: ovaries, lesions, rings of research flags, follicles on top."""
    ovaries = [
        _plain_mark("ovary", ovary.polygon, f"Ovary, probability {ovary.probability:.2f}")
        for ovary in sure_ovaries(frame)
    ]
    height = label_size(frame)
    doubtful = [
        mark for ovary in doubtful_ovaries(frame) for mark in _doubtful_marks(ovary, height=height)
    ]
    lesions = [
        _plain_mark("lesion", lesion.polygon, _lesion_words(lesion.largest_diameter_mm))
        for lesion in frame.lesions
    ]
    return (*doubtful, *ovaries, *lesions, *_luteal_rings(frame), *_follicle_marks(frame))


def label_size(frame: FrameRecord) -> float:
    """Height of the numbers in pixels of this frame."""
    return LABEL_SIZE * frame.width / MARK_REFERENCE_WIDTH


def scale_bar(frame: FrameRecord) -> ScaleBar | None:
    """The longest round bar that fits a third of the picture; None without a scale."""
    if frame.mm_per_pixel is None:
        return None
    for length_mm in _BAR_LENGTHS_MM:
        length_px = length_mm / frame.mm_per_pixel.x
        if length_px <= _LONGEST_BAR * frame.width:
            return ScaleBar(length_mm=length_mm, length_px=length_px)
    return None


def follicle_words(number: int, follicle: FollicleRecord) -> str:
    """One follicle in words, for captions and alternative text."""
    size = (
        "size unknown"
        if follicle.mean_diameter_mm is None
        else f"{follicle.mean_diameter_mm:.1f} mm, {KIND_WORDS[follicle.kind]}"
    )
    return f"Follicle {number}: {size}, probability {follicle.probability:.2f}"


def _lesion_words(largest_diameter_mm: float | None) -> str:
    size = "" if largest_diameter_mm is None else f", {largest_diameter_mm:.1f} mm"
    return f"Other structure, not a follicle{size}"


def _doubtful_marks(ovary: OvaryRecord, *, height: float) -> list[Mark]:
    """A doubtful ovary, its label clear of it, and, unnumbered, what may be follicles in it."""
    top, bottom = (pick(y for _, y in ovary.polygon) for pick in (min, max))
    above = top - height if top > 2 * height else bottom + height
    words = f"Doubtful: resembles an ovary, probability {ovary.probability:.2f}"
    inside = "In a doubtful ovary: not counted"
    outline = _plain_mark("doubtful", ovary.polygon, words)
    return [
        replace(outline, label_at=(outline.label_at[0], above)),
        *(_plain_mark("uncounted", follicle.polygon, inside) for follicle in ovary.follicles),
    ]


def _plain_mark(kind: str, polygon: list[Point], description: str) -> Mark:
    return Mark(
        kind=kind,
        number=None,
        points=tuple(polygon),
        label_at=_centre(polygon),
        description=description,
    )


def _follicle_marks(frame: FrameRecord) -> list[Mark]:
    text_height = label_size(frame)
    marks: list[Mark] = []
    number = 0
    for ovary in sure_ovaries(frame):
        middle = _centre(ovary.polygon)
        for follicle in ovary.follicles:
            number += 1
            marks.append(
                Mark(
                    kind=follicle.kind,
                    number=number,
                    points=tuple(follicle.polygon),
                    label_at=_label_place(follicle.polygon, away_from=middle, height=text_height),
                    description=follicle_words(number, follicle),
                )
            )
    return marks


def _luteal_rings(frame: FrameRecord) -> list[Mark]:
    """A ring around each follicle outline that looks like a corpus luteum; its own line stays."""
    rings: list[Mark] = []
    first = 1
    for ovary in sure_ovaries(frame):
        for place in ovary.luteal_like:
            polygon = ovary.follicles[place].polygon
            words = f"Follicle {first + place}: {LUTEAL_WORDS}"
            ring = _grown(polygon, by=label_size(frame) * RING_GAP)
            rings.append(_plain_mark("luteal_like", ring, words))
        first += len(ovary.follicles)
    return rings


def _grown(polygon: list[Point], *, by: float) -> list[Point]:
    """The outline, every corner moved away from its middle by a length in pixels."""
    x0, y0 = _centre(polygon)
    grown = []
    for x, y in polygon:
        distance = hypot(x - x0, y - y0) or 1.0
        reach = 1 + by / distance
        grown.append((x0 + (x - x0) * reach, y0 + (y - y0) * reach))
    return grown


def _label_place(polygon: list[Point], *, away_from: Point, height: float) -> Point:
    """Inside the outline where the number fits, else just outside, away from the ovary's middle."""
    x, y = _centre(polygon)
    radius = sqrt(_area(polygon) / 3.1416)
    if radius > 1.1 * height:
        return (x, y)
    dx, dy = x - away_from[0], y - away_from[1]
    distance = hypot(dx, dy) or 1.0
    reach = radius + 0.75 * height
    return (x + dx / distance * reach, y + dy / distance * reach)


def _centre(polygon: list[Point]) -> Point:
    return (
        sum(x for x, _ in polygon) / len(polygon),
        sum(y for _, y in polygon) / len(polygon),
    )


def _area(polygon: list[Point]) -> float:
    pairs = zip(polygon, [*polygon[1:], polygon[0]], strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2
