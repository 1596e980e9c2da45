"""The HTML report: one file, nothing outside it, for screen, keyboard and paper.

Owns what the template is given. Layout stands in ``templates``; content and its order in
``view``. The page carries a content policy that forbids every request.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from deeppcos.app.report import wording
from deeppcos.app.report.design import DARK, LIGHT, MARKS
from deeppcos.app.report.field_names import listed, readable
from deeppcos.app.report.figures import (
    ALERT_SYMBOL,
    Box,
    Figure,
    severity_bar,
    size_histogram,
    state_symbol,
    svg,
)
from deeppcos.app.report.marks import (
    Mark,
    Point,
    ScaleBar,
    frame_marks,
    label_size,
    numbered_follicles,
    scale_bar,
)
from deeppcos.app.report.sentences import spelled
from deeppcos.app.report.view import AxisRow, ReportView, frame_summary, ovary_lines, report_view
from deeppcos.records.assessment_document import AssessmentDocument, FollicleRecord, FrameRecord

Pictures = Mapping[tuple[str, int], npt.NDArray[np.uint8]]
"""Pixels by (source, frame), each ``(H, W, 3) uint8`` RGB as stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _FrameItem:
    """One key frame as the template draws it."""

    frame: FrameRecord
    anchor: str
    number: str
    alternative: str
    summary: str
    picture: str | None
    marks: tuple[Mark, ...]
    kinds: tuple[str, ...]
    label_size: str
    bar: ScaleBar | None
    bar_path: str
    notes: tuple[str, ...]
    ovary_lines: tuple[str, ...]
    follicles: tuple[tuple[int, FollicleRecord], ...]
    histogram: Markup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _AxisItem:
    row: AxisRow
    bar: Markup


def render_html(document: AssessmentDocument, pictures: Pictures) -> str:
    """The whole report as one HTML file.

    Args:
        document: The assessment.
        pictures: Pixels of the frames to show; a frame without pixels shows outlines alone.
    """
    view = report_view(document)
    style, script = _style(), _template_text("report.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            view=view,
            document=document,
            conclusion=document.conclusion,
            release=wording.release_facts(document),
            words=wording,
            kinds=wording.KIND_WORDS,
            styles=MARKS,
            style=Markup(style),
            script=Markup(script),
            style_hash=_content_hash(style),
            script_hash=_content_hash(script),
            symbols=_symbols(),
            samples=_samples(),
            axes=[_AxisItem(row=row, bar=Markup(svg(severity_bar(row)))) for row in view.severity],
            frames=_frame_items(view, pictures),
        )
    )


def picture_data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """The pixels as a lossless PNG data URI, grey where all three channels agree.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.
    """
    is_grey = bool((pixels == pixels[:, :, :1]).all())
    stream = BytesIO()
    Image.fromarray(pixels[:, :, 0] if is_grey else pixels).save(stream, format="PNG")
    return f"data:image/png;base64,{b64encode(stream.getvalue()).decode('ascii')}"


def _frame_items(view: ReportView, pictures: Pictures) -> list[_FrameItem]:
    return [
        _frame_item(
            frame, anchor=f"picture-{place}", pixels=pictures.get((frame.source, frame.frame))
        )
        for place, frame in enumerate(view.key_frames, start=1)
    ]


def _frame_item(
    frame: FrameRecord, *, anchor: str, pixels: npt.NDArray[np.uint8] | None
) -> _FrameItem:
    marks = frame_marks(frame)
    bar = scale_bar(frame)
    follicles = numbered_follicles(frame)
    histogram = size_histogram([follicle for _, follicle in follicles])
    number = wording.frame_number(frame.frame)
    summary = frame_summary(frame)
    return _FrameItem(
        frame=frame,
        anchor=anchor,
        number=number,
        alternative=f"Ultrasound picture, {frame.source}, {number}. {summary}",
        summary=summary,
        picture=None if pixels is None else picture_data_uri(pixels),
        marks=marks,
        kinds=tuple(dict.fromkeys(mark.kind for mark in marks)),
        label_size=f"{label_size(frame):.1f}",
        bar=bar,
        bar_path=_bar_path(bar, tick=label_size(frame) / 3),
        notes=wording.frame_notes(frame, has_picture=pixels is not None),
        ovary_lines=ovary_lines(frame),
        follicles=follicles,
        histogram=None if histogram is None else Markup(svg(histogram)),
    )


def _bar_path(bar: ScaleBar | None, *, tick: float) -> str:
    if bar is None:
        return ""
    end = f"{bar.length_px:.1f}"
    return f"M0 {-tick:.1f}V{tick:.1f}M0 0H{end}M{end} {-tick:.1f}V{tick:.1f}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("deeppcos.app.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        words=readable,
        listed=listed,
        spelled=spelled,
        polygon=_polygon,
    )
    return environment


def _polygon(points: tuple[Point, ...]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _content_hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}"


def _template_text(name: str) -> str:
    return files("deeppcos.app.report").joinpath("templates", name).read_text(encoding="utf-8")


def _style() -> str:
    """The style sheet with the design's colours and line styles before it."""
    lines = [
        f".line-{kind}{{stroke:{style.colour};stroke-width:{style.width:g};fill:none;"
        f"stroke-dasharray:{' '.join(f'{dash:g}' for dash in style.dashes) or 'none'}}}"
        for kind, style in MARKS.items()
    ]
    dark = f"@media screen and (prefers-color-scheme: dark){{:root{{{_variables(DARK)}}}}}"
    return "\n".join([f":root{{{_variables(LIGHT)}}}", dark, *lines, _template_text("report.css")])


def _variables(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


def _symbols() -> dict[str, Markup]:
    states = {
        state: Markup(svg(state_symbol(state), decorative=True)) for state in wording.STATE_WORDS
    }
    return states | {"alert": Markup(svg(ALERT_SYMBOL, decorative=True))}


def _samples() -> dict[str, Markup]:
    """Small swatches for the key of the severity figure."""
    boxes = {
        "filled": Box(x=0, y=0, width=22, height=13, fill="ramp-3", radius=3),
        "hatched": Box(x=0.5, y=0.5, width=21, height=12, stroke="line", radius=3, hatched=True),
        "strip": Box(x=0, y=4, width=22, height=5, fill="accent"),
    }
    return {
        name: Markup(
            svg(Figure(width=22, height=13, alternative=name, shapes=(box,)), decorative=True)
        )
        for name, box in boxes.items()
    }
