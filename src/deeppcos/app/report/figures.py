"""The small figures of the report, drawn once for screen and paper.

Owns what each figure contains, as plain shapes with colours named as in ``design``. Turning
shapes into SVG stands here too; turning them into PDF vectors stands in ``pdf_figures``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from deeppcos.app.report.view import AxisRow
from deeppcos.records.assessment_document import FollicleRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle; y runs down. ``hatched`` draws diagonal lines instead of a fill."""

    x: float
    y: float
    width: float
    height: float
    fill: str = "none"
    stroke: str = "none"
    radius: float = 0
    hatched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """An open line through points."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 1
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """A circle."""

    x: float
    y: float
    radius: float
    fill: str = "none"
    stroke: str = "none"
    width: float = 1
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Text with its baseline at y."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


Shape = Box | Stroke | Disc | Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Shapes on a canvas, with the words that stand for them."""

    width: float
    height: float
    alternative: str
    shapes: tuple[Shape, ...]


_CELL, _GAP, _BAR_HEIGHT = 46.0, 3.0, 24.0


def severity_bar(axis: AxisRow) -> Figure:
    """One axis as four cells, 0 to 3.

    Cells up to the certain grade are filled. Grades that are not ruled out are hatched; where
    missing inputs leave the bar open, a chevron says so. The strip below shows the share of the
    inputs that are known; its missing part is hatched.
    """
    reach = -1 if axis.reach is None else axis.reach
    shapes: list[Shape] = []
    for grade in range(4):
        shapes += _cell(grade, filled=grade <= reach, possible=grade <= axis.possible)
    if axis.is_open:
        shapes += _open_end((reach + 1) * (_CELL + _GAP))
    width = 4 * _CELL + 3 * _GAP
    shapes += _coverage_strip(axis.coverage, width=width, y=_BAR_HEIGHT + 4)
    return Figure(
        width=width,
        height=_BAR_HEIGHT + 10,
        alternative=f"{axis.title}: {axis.words}; {axis.coverage:.0%} of the inputs are known",
        shapes=tuple(shapes),
    )


def _cell(grade: int, *, filled: bool, possible: bool) -> list[Shape]:
    x = grade * (_CELL + _GAP)
    if filled:
        box = Box(x=x, y=0, width=_CELL, height=_BAR_HEIGHT, fill=f"ramp-{grade}", radius=3)
        colour = f"on-ramp-{grade}"
    else:
        box = Box(
            x=x + 0.5,
            y=0.5,
            width=_CELL - 1,
            height=_BAR_HEIGHT - 1,
            stroke="line",
            radius=3,
            hatched=possible,
        )
        colour = "muted"
    shapes: list[Shape] = [box]
    if not filled and possible:
        shapes.append(Disc(x=x + _CELL / 2, y=_BAR_HEIGHT / 2, radius=8, fill="card"))
    label = Words(
        x=x + _CELL / 2,
        y=_BAR_HEIGHT / 2 + 4.2,
        text=str(grade),
        size=12,
        colour=colour,
        anchor="middle",
        bold=filled,
    )
    return [*shapes, label]


def _open_end(x: float) -> list[Shape]:
    middle = _BAR_HEIGHT / 2
    chevron = ((x - 1, 3.0), (x + 7, middle), (x - 1, _BAR_HEIGHT - 3))
    return [Stroke(points=chevron, colour="accent", width=2.4)]


def _coverage_strip(coverage: float, *, width: float, y: float) -> list[Shape]:
    known = round(width * coverage, 1)
    strip: list[Shape] = []
    if known > 0:
        strip.append(Box(x=0, y=y, width=known, height=5, fill="accent"))
    if known < width:
        strip.append(Box(x=known, y=y, width=width - known, height=5, stroke="line", hatched=True))
    return strip


_BIN_LABELS = ("<2", "2", "3", "4", "5", "6", "7", "8", "9", "≥10")


def size_bins(follicles: Sequence[FollicleRecord]) -> tuple[int, ...]:
    """Follicles by mean diameter: under 2 mm, eight bins of 1 mm, 10 mm and over."""
    bins = [0] * len(_BIN_LABELS)
    for follicle in follicles:
        if follicle.mean_diameter_mm is not None:
            bins[min(max(int(follicle.mean_diameter_mm) - 1, 0), len(bins) - 1)] += 1
    return tuple(bins)


def size_histogram(follicles: Sequence[FollicleRecord]) -> Figure | None:
    """Follicle sizes in one section; None where no follicle has a size."""
    bins = size_bins(follicles)
    if not any(bins):
        return None
    pitch, plot, top = 27.0, 72.0, 18.0
    width, base = pitch * len(bins), top + plot
    shapes: list[Shape] = [
        Box(x=pitch, y=top - 4, width=pitch * 8, height=plot + 4, fill="sunken", radius=3),
        Words(x=pitch + 1, y=10, text="counted: 2–9.9 mm", size=8.5, colour="muted"),
    ]
    for place, (label, number) in enumerate(zip(_BIN_LABELS, bins, strict=True)):
        shapes += _column(place * pitch, label, number, most=max(bins), base=base, pitch=pitch)
    shapes.append(Stroke(points=((0, base), (width, base)), colour="muted"))
    caption = Words(
        x=width / 2, y=base + 26, text="mean diameter, mm", size=9, colour="muted", anchor="middle"
    )
    counted = ", ".join(
        f"{label} mm: {number}" for label, number in zip(_BIN_LABELS, bins, strict=True) if number
    )
    return Figure(
        width=width,
        height=base + 30,
        alternative=f"Follicles by mean diameter. {counted}",
        shapes=(*shapes, caption),
    )


def _column(
    x: float, label: str, number: int, *, most: int, base: float, pitch: float
) -> list[Shape]:
    height = 56.0 * number / most
    middle = x + pitch / 2
    fill = "ramp-1" if label in ("<2", "≥10") else "ramp-3"
    column: list[Shape] = [
        Words(x=middle, y=base + 13, text=label, size=9, colour="muted", anchor="middle")
    ]
    if number:
        column += [
            Box(x=x + 4, y=base - height, width=pitch - 8, height=height, fill=fill),
            Words(
                x=middle,
                y=base - height - 3,
                text=str(number),
                size=9,
                colour="ink",
                anchor="middle",
                bold=True,
            ),
        ]
    return column


def state_symbol(state: str) -> Figure:
    """The shape of a state: filled, hollow, dashed with a question mark, or barred."""
    words = {"present": "filled disc", "absent": "hollow ring", "unknown": "dashed ring"}
    return Figure(
        width=22,
        height=22,
        alternative=words.get(state, "barred ring"),
        shapes=_SYMBOLS[state],
    )


_SYMBOLS: dict[str, tuple[Shape, ...]] = {
    "present": (Disc(x=11, y=11, radius=9, fill="present", stroke="present", width=2),),
    "absent": (Disc(x=11, y=11, radius=9, stroke="absent", width=2),),
    "unknown": (
        Disc(x=11, y=11, radius=9, stroke="unknown", width=2, dashes=(3.2, 2.4)),
        Words(x=11, y=15.4, text="?", size=12, colour="unknown", anchor="middle", bold=True),
    ),
    "not_assessable": (
        Disc(x=11, y=11, radius=9, stroke="not-assessable", width=2),
        Stroke(points=((5, 17), (17, 5)), colour="not-assessable", width=2),
    ),
}


ALERT_SYMBOL = Figure(
    width=22,
    height=22,
    alternative="warning triangle",
    shapes=(
        Stroke(points=((11, 2.5), (20.5, 19.5), (1.5, 19.5), (11, 2.5)), colour="alert", width=2),
        Stroke(points=((11, 8), (11, 14)), colour="alert", width=2.4),
        Disc(x=11, y=16.8, radius=1.2, fill="alert"),
    ),
)
"""Stands beside red flags."""


def svg(figure: Figure, *, decorative: bool = False) -> str:
    """The figure as an SVG element, colours as CSS variables.

    Args:
        figure: What to draw.
        decorative: Hide it from assistive technology, where the words stand beside it.
    """
    role = (
        'aria-hidden="true"'
        if decorative
        else f'role="img" aria-label="{escape(figure.alternative)}"'
    )
    inside = "".join(_svg_shape(shape) for shape in figure.shapes)
    return (
        f'<svg class="figure" viewBox="0 0 {figure.width:g} {figure.height:g}" '
        f'width="{figure.width:g}" height="{figure.height:g}" {role}>{inside}</svg>'
    )


def _svg_shape(shape: Shape) -> str:
    match shape:
        case Box():
            fill = "url(#hatch)" if shape.hatched else _paint(shape.fill)
            return (
                f'<rect x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" '
                f'height="{shape.height:g}" rx="{shape.radius:g}" fill="{fill}" '
                f'stroke="{_paint(shape.stroke)}"/>'
            )
        case Stroke():
            points = " ".join(f"{x:g},{y:g}" for x, y in shape.points)
            return (
                f'<polyline points="{points}" fill="none" stroke="{_paint(shape.colour)}" '
                f'stroke-width="{shape.width:g}"{_dashes(shape.dashes)}/>'
            )
        case Disc():
            return (
                f'<circle cx="{shape.x:g}" cy="{shape.y:g}" r="{shape.radius:g}" '
                f'fill="{_paint(shape.fill)}" stroke="{_paint(shape.stroke)}" '
                f'stroke-width="{shape.width:g}"{_dashes(shape.dashes)}/>'
            )
        case Words():
            weight = ' font-weight="700"' if shape.bold else ""
            return (
                f'<text x="{shape.x:g}" y="{shape.y:g}" font-size="{shape.size:g}" '
                f'text-anchor="{shape.anchor}" fill="{_paint(shape.colour)}"{weight}>'
                f"{escape(shape.text)}</text>"
            )


def _paint(colour: str) -> str:
    return colour if colour == "none" else f"var(--{colour})"


def _dashes(dashes: tuple[float, ...]) -> str:
    return f' stroke-dasharray="{" ".join(f"{dash:g}" for dash in dashes)}"' if dashes else ""
