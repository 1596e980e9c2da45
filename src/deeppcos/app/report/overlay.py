"""The overlay picture: the frame as it was, and beside it the same frame with its outlines.

Owns the PNG. Drawn at twice the frame's size so that thin lines stay thin; the left half
holds the untouched pixels, each repeated two by two.
"""

from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from deeppcos.app.report.design import MARK_REFERENCE_WIDTH, MARKS, MarkStyle, font_file
from deeppcos.app.report.marks import Mark, ScaleBar, frame_marks, label_size, scale_bar
from deeppcos.app.report.wording import BANNER, frame_number
from deeppcos.errors import ContractBroken
from deeppcos.records.assessment_document import FrameRecord

Pixels = npt.NDArray[np.uint8]
ENLARGEMENT = 2
_GUTTER = 16
_GROUND = (16, 21, 29)
_SUBPIXEL_BITS = 4


def overlay_png(frame: FrameRecord, pixels: Pixels) -> bytes:
    """The frame beside its marked copy, with legend and scale bar, as PNG.

    Args:
        frame: What was seen in the frame.
        pixels: The frame as stored, ``(H, W, 3) uint8`` RGB.

    Returns:
        A PNG file, ``2 * (2 W) + 16`` pixels wide.

    Raises:
        ContractBroken: If the pixels are not those of the frame.
    """
    plain = _enlarged(frame, pixels)
    marked = marked_picture(frame, pixels)
    height, width = plain.shape[:2]
    canvas = np.full((height + _legend_height(frame), 2 * width + _GUTTER, 3), _GROUND, np.uint8)
    canvas[:height, :width] = plain
    canvas[:height, width + _GUTTER :] = marked
    picture = Image.fromarray(canvas)
    _draw_legend(picture, frame, top=height)
    stream = BytesIO()
    picture.save(stream, format="PNG", optimize=False)
    return stream.getvalue()


def marked_picture(frame: FrameRecord, pixels: Pixels) -> Pixels:
    """The frame at twice its size with outlines, numbers and scale bar.

    Args:
        frame: What was seen in the frame.
        pixels: The frame as stored, ``(H, W, 3) uint8`` RGB.

    Returns:
        ``(2 H, 2 W, 3) uint8`` RGB.

    Raises:
        ContractBroken: If the pixels are not those of the frame.
    """
    canvas = _enlarged(frame, pixels)
    marks = frame_marks(frame)
    for mark in marks:
        _draw_outline(canvas, mark, frame_width=frame.width)
    picture = Image.fromarray(canvas)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(font_file(bold=True), ENLARGEMENT * label_size(frame))
    for mark in marks:
        if mark.label:
            place = (ENLARGEMENT * mark.label_at[0], ENLARGEMENT * mark.label_at[1])
            _draw_words(draw, place, mark.label, font, anchor="mm")
    bar = scale_bar(frame)
    if bar is not None:
        _draw_scale_bar(draw, bar, frame, font)
    return np.asarray(picture, dtype=np.uint8)


def _enlarged(frame: FrameRecord, pixels: Pixels) -> Pixels:
    if pixels.shape != (frame.height, frame.width, 3) or pixels.dtype != np.uint8:
        raise ContractBroken(
            f"{frame.source}: the pixels are not those of {frame_number(frame.frame)}",
            value=f"shape {pixels.shape}, {pixels.dtype}",
            accepted=f"({frame.height}, {frame.width}, 3) uint8",
            remedy="pass the frame as it was analysed",
        )
    return np.ascontiguousarray(pixels.repeat(ENLARGEMENT, axis=0).repeat(ENLARGEMENT, axis=1))


def _draw_outline(canvas: Pixels, mark: Mark, *, frame_width: int) -> None:
    style = MARKS[mark.kind]
    unit = ENLARGEMENT * frame_width / MARK_REFERENCE_WIDTH
    closed = np.array([*mark.points, mark.points[0]], dtype=np.float64) * ENLARGEMENT
    thickness = max(1, round(style.width * unit * 0.75))
    for run in _dashed(closed, tuple(dash * unit for dash in style.dashes)):
        fixed_point = np.round(run * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.polylines(
            canvas, [fixed_point], False, _rgb(style), thickness, cv2.LINE_AA, _SUBPIXEL_BITS
        )


def _dashed(
    line: npt.NDArray[np.float64], dashes: tuple[float, ...]
) -> list[npt.NDArray[np.float64]]:
    """The line itself, or the drawn pieces of it under an (on, off) dash pattern."""
    if not dashes:
        return [line]
    on, off = dashes
    steps = np.hypot(*np.diff(line, axis=0).T)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    pieces = []
    for start in np.arange(0.0, travelled[-1], on + off):
        along = np.linspace(start, min(start + on, travelled[-1]), 4)
        pieces.append(
            np.stack([np.interp(along, travelled, line[:, axis]) for axis in (0, 1)], axis=1)
        )
    return pieces


def _rgb(style: MarkStyle) -> tuple[int, int, int]:
    red, green, blue = (int(style.colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def _draw_words(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    words: str,
    font: ImageFont.FreeTypeFont,
    *,
    anchor: str,
) -> None:
    draw.text(
        place,
        words,
        font=font,
        anchor=anchor,
        fill="white",
        stroke_width=max(1, round(font.size / 9)),
        stroke_fill="black",
    )


def _draw_scale_bar(
    draw: ImageDraw.ImageDraw, bar: ScaleBar, frame: FrameRecord, font: ImageFont.FreeTypeFont
) -> None:
    margin = ENLARGEMENT * frame.width * 0.03
    left, base = margin, ENLARGEMENT * frame.height - margin
    right = left + ENLARGEMENT * bar.length_px
    tick = font.size / 3
    for width, colour in ((5, "black"), (2, "white")):
        draw.line([(left, base), (right, base)], fill=colour, width=width)
        for x in (left, right):
            draw.line([(x, base - tick), (x, base + tick)], fill=colour, width=width)
    middle = ((left + right) / 2, base - tick - 2)
    _draw_words(draw, middle, f"{bar.length_mm} mm", font, anchor="mb")


def _legend_unit(frame: FrameRecord) -> float:
    return max(11.0, ENLARGEMENT * frame.width / 46)


def _legend_height(frame: FrameRecord) -> int:
    return round(4.6 * _legend_unit(frame))


def _draw_legend(picture: Image.Image, frame: FrameRecord, *, top: int) -> None:
    """Two rows: what the lines mean, then what the picture is."""
    draw = ImageDraw.Draw(picture)
    unit = _legend_unit(frame)
    font = ImageFont.truetype(font_file(), unit)
    kinds = dict.fromkeys(mark.kind for mark in frame_marks(frame))
    x, y = unit, top + 1.4 * unit
    for kind in kinds:
        style = MARKS[kind]
        _draw_sample(draw, style, x=x, y=y, unit=unit)
        draw.text((x + 3 * unit, y), style.meaning, font=font, anchor="lm", fill="#e8ecf2")
        x += 4.4 * unit + draw.textlength(style.meaning, font=font)
    scale = "" if frame.mm_per_pixel else "no scale, no millimetres  ·  "
    words = f"{frame.source}, {frame_number(frame.frame)}  ·  {scale}{BANNER}"
    draw.text((unit, top + 3.3 * unit), words, font=font, anchor="lm", fill="#a9b4c3")


def _draw_sample(
    draw: ImageDraw.ImageDraw, style: MarkStyle, *, x: float, y: float, unit: float
) -> None:
    line = np.array([[x, y], [x + 2.4 * unit, y]], dtype=np.float64)
    dashes = tuple(dash * unit / 6 for dash in style.dashes)
    for (x0, y0), *_, (x1, y1) in _dashed(line, dashes):
        draw.line([(x0, y0), (x1, y1)], fill=style.colour, width=max(2, round(style.width * 2)))
