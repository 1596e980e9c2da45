"""Figures and pictures as PDF vectors.

Owns the painting of the shapes of ``figures`` and of outlines over embedded pixels. What they
show stands in ``figures`` and ``marks``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from reportlab.graphics import shapes as rl
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable

from deeppcos.app.report.design import LIGHT, MARK_REFERENCE_WIDTH, MARKS
from deeppcos.app.report.figures import Box, Disc, Figure, Shape, Stroke, Words
from deeppcos.app.report.marks import Mark, frame_marks, label_size, scale_bar
from deeppcos.app.report.pdf_type import BOLD, REGULAR
from deeppcos.records.assessment_document import FrameRecord

_HATCH_PITCH = 4.5


def colour(name: str) -> Color | None:
    """A named colour of the design on paper; None for ``none``."""
    return None if name == "none" else HexColor(LIGHT[name])


def drawing(figure: Figure, *, scale: float = 1.0) -> rl.Drawing:
    """The figure as a reportlab drawing.

    Args:
        figure: What to draw, y running down.
        scale: Points for one unit of the figure.
    """
    group = rl.Group(transform=(scale, 0, 0, scale, 0, 0))
    for shape in figure.shapes:
        for painted in _painted(shape, figure.height):
            group.add(painted)
    canvas = rl.Drawing(figure.width * scale, figure.height * scale)
    canvas.add(group)
    return canvas


def _painted(shape: Shape, height: float) -> list[Any]:
    match shape:
        case Box():
            return _painted_box(shape, height)
        case Stroke():
            points = [value for x, y in shape.points for value in (x, height - y)]
            return [
                rl.PolyLine(
                    points,
                    strokeColor=colour(shape.colour),
                    strokeWidth=shape.width,
                    strokeDashArray=list(shape.dashes) or None,
                )
            ]
        case Disc():
            return [
                rl.Circle(
                    shape.x,
                    height - shape.y,
                    shape.radius,
                    fillColor=colour(shape.fill),
                    strokeColor=colour(shape.stroke),
                    strokeWidth=shape.width,
                    strokeDashArray=list(shape.dashes) or None,
                )
            ]
        case Words():
            return [
                rl.String(
                    shape.x,
                    height - shape.y,
                    shape.text,
                    fontName=BOLD if shape.bold else REGULAR,
                    fontSize=shape.size * 0.92,
                    textAnchor=shape.anchor,
                    fillColor=colour(shape.colour),
                )
            ]


def _painted_box(box: Box, height: float) -> list[Any]:
    bottom = height - box.y - box.height
    outline = rl.Rect(
        box.x,
        bottom,
        box.width,
        box.height,
        rx=box.radius,
        ry=box.radius,
        fillColor=colour(box.fill),
        strokeColor=colour(box.stroke),
        strokeWidth=0.8,
    )
    return [*(_hatching(box, bottom) if box.hatched else []), outline]


def _hatching(box: Box, bottom: float) -> list[rl.Line]:
    """Diagonal lines across the box, cut at its edges."""
    lines = []
    start = -box.height + _HATCH_PITCH
    while start < box.width:
        x0, x1 = max(start, 0.0), min(start + box.height, box.width)
        lines.append(
            rl.Line(
                box.x + x0,
                bottom + x0 - start,
                box.x + x1,
                bottom + x1 - start,
                strokeColor=colour("hatch"),
                strokeWidth=0.5,
            )
        )
        start += _HATCH_PITCH
    return lines


class FramePicture(Flowable):  # type: ignore[misc]
    """One frame at a given width: its pixels as stored, and its outlines as vectors.

    Args:
        frame: What was seen in the frame.
        pixels: ``(H, W, 3) uint8`` RGB; None draws a dark ground.
        width: Width on paper, points.
        is_marked: Whether to draw outlines, numbers and the scale bar.
    """

    def __init__(
        self,
        frame: FrameRecord,
        pixels: npt.NDArray[np.uint8] | None,
        *,
        width: float,
        is_marked: bool,
    ) -> None:
        super().__init__()
        self.frame = frame
        self.pixels = pixels
        self.is_marked = is_marked
        self.scale = width / frame.width
        self.width = width
        self.height = frame.height * self.scale

    def draw(self) -> None:
        """Paint on the canvas at the origin."""
        canvas = self.canv
        if self.pixels is None:
            canvas.setFillColor(HexColor("#10151d"))
            canvas.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        else:
            is_grey = bool((self.pixels == self.pixels[:, :, :1]).all())
            shown = Image.fromarray(self.pixels[:, :, 0] if is_grey else self.pixels)
            canvas.drawImage(ImageReader(shown), 0, 0, self.width, self.height)
        if self.is_marked:
            clip = canvas.beginPath()
            clip.rect(0, 0, self.width, self.height)
            canvas.saveState()
            canvas.clipPath(clip, stroke=0, fill=0)
            self._draw_marks()
            canvas.restoreState()

    def _draw_marks(self) -> None:
        marks = frame_marks(self.frame)
        for mark in marks:
            self._draw_outline(mark)
        size = label_size(self.frame) * self.scale
        for mark in marks:
            if mark.label:
                x, y = self._place(*mark.label_at)
                self._draw_words(mark.label, x, y - 0.36 * size, size)
        self._draw_scale_bar(size)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale, self.height - y * self.scale

    def _draw_outline(self, mark: Mark) -> None:
        style = MARKS[mark.kind]
        unit = self.frame.width / MARK_REFERENCE_WIDTH * self.scale
        path = self.canv.beginPath()
        path.moveTo(*self._place(*mark.points[0]))
        for point in mark.points[1:]:
            path.lineTo(*self._place(*point))
        path.close()
        self.canv.setStrokeColor(HexColor(style.colour))
        self.canv.setLineWidth(max(style.width * unit, 0.4))
        self.canv.setDash([dash * unit for dash in style.dashes])
        self.canv.drawPath(path, stroke=1, fill=0)
        self.canv.setDash([])

    def _draw_words(self, words: str, x: float, y: float, size: float) -> None:
        """White figures with a black edge, readable on any tissue."""
        canvas = self.canv
        canvas.setFont(BOLD, size)
        canvas.setStrokeColor(HexColor("#000000"))
        canvas.setFillColor(HexColor("#ffffff"))
        canvas.setLineWidth(size / 5)
        canvas.setLineJoin(1)
        canvas.drawCentredString(x, y, words, mode=1)
        canvas.drawCentredString(x, y, words, mode=0)

    def _draw_scale_bar(self, size: float) -> None:
        bar = scale_bar(self.frame)
        if bar is None:
            return
        canvas = self.canv
        margin = 0.03 * self.width
        right = margin + bar.length_px * self.scale
        for width, ink in ((1.8, "#000000"), (0.8, "#ffffff")):
            canvas.setStrokeColor(HexColor(ink))
            canvas.setLineWidth(width)
            canvas.line(margin, margin, right, margin)
            for x in (margin, right):
                canvas.line(x, margin - size / 3, x, margin + size / 3)
        self._draw_words(f"{bar.length_mm} mm", (margin + right) / 2, margin + 0.6 * size, size)
