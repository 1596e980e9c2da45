"""Her own picture: the frame with the ovary and its follicles, without numbers or letters.

Owns the drawing. Burned-in names stand outside the ovary, so the picture is cut close around it.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.records.assessment_document import FrameRecord

Pixels = npt.NDArray[np.uint8]

MARGIN_SHARE = 0.18
"""Room around the ovary, as a share of its longer side."""

SHOWN_SIDE_PX = 720
OVARY_COLOUR = (86, 180, 233)
FOLLICLE_COLOUR = (244, 220, 78)
LINE_SHARE = 0.006


def patient_picture(frame: FrameRecord, pixels: Pixels) -> Pixels:
    """Cut the picture around its ovary and mark what was found.

    Args:
        frame: What was seen; its first ovary is shown.
        pixels: ``(H, W, 3) uint8`` RGB, the frame as stored.

    Returns:
        ``(h, w, 3) uint8`` RGB, its longer side ``SHOWN_SIDE_PX``.
    """
    ovary = frame.ovaries[0]
    outline = np.asarray(ovary.polygon, np.float64)
    x0, y0, x1, y1 = _box(outline, width=frame.width, height=frame.height)
    scale = SHOWN_SIDE_PX / max(x1 - x0, y1 - y0)
    size = (round((x1 - x0) * scale), round((y1 - y0) * scale))
    cut = cv2.resize(pixels[y0:y1, x0:x1], size, interpolation=cv2.INTER_CUBIC)
    canvas: Pixels = np.ascontiguousarray(cut, np.uint8)
    line = max(2, round(LINE_SHARE * SHOWN_SIDE_PX))
    place = np.array([x0, y0])
    _draw(canvas, (outline - place) * scale, OVARY_COLOUR, line)
    for follicle in ovary.follicles:
        ring = (np.asarray(follicle.polygon, np.float64) - place) * scale
        _draw(canvas, ring, FOLLICLE_COLOUR, line)
    return canvas


def read_picture(path: Path) -> Pixels | None:
    """A stored frame, ``(H, W, 3) uint8`` RGB; None if it is not there."""
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if stored is None:
        return None
    return np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB), np.uint8)


def _box(outline: npt.NDArray[np.float64], *, width: int, height: int) -> tuple[int, int, int, int]:
    """The ovary with room around it, inside the frame."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    room = MARGIN_SHARE * float((high - low).max())
    x0, y0 = (max(0, int(v)) for v in low - room)
    return x0, y0, min(width, int(high[0] + room) + 1), min(height, int(high[1] + room) + 1)


def _draw(
    canvas: Pixels, outline: npt.NDArray[np.float64], colour: tuple[int, int, int], line: int
) -> None:
    """One outline with a dark edge, so that it shows on bright and dark tissue."""
    points = [np.round(outline).astype(np.int32)]
    cv2.polylines(canvas, points, True, (16, 21, 29), line + 3, cv2.LINE_AA)
    cv2.polylines(canvas, points, True, colour, line, cv2.LINE_AA)
