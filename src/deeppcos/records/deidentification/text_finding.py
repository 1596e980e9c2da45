"""Text in a picture, found by an engine that works without a network.

Owns the door to the OCR engine of the ``deidentify`` extra and the ways it looks. What is
done about a text is the business of ``blanking``.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.frame import PixelBox

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundText:
    """One line of text, or something that looks like one.

    Attributes:
        text: The characters as read; may be wrong or empty.
        confidence: Of the reading, 0 to 1. A line that cannot be read is still a line.
        box: Where it stands, pixels.
    """

    text: str
    confidence: float
    box: PixelBox


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """How one look is taken."""

    enlarged: float
    prepared: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]


def _as_it_is(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return image


def _equalised(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Local contrast raised: grey letters on grey tissue come forward."""
    light, *colour = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2LAB))
    raised = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(light)
    return cv2.cvtColor(cv2.merge([raised, *colour]), cv2.COLOR_LAB2BGR).astype(np.uint8)


def _smoothed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Speckle averaged: it breaks up the strokes of faint letters."""
    return cv2.GaussianBlur(image, (0, 0), 0.8).astype(np.uint8)


class Look(Enum):
    """Looks that fail on different texts: the later ones check what the first one left."""

    FIRST = _Settings(enlarged=2.0, prepared=_as_it_is)
    EQUALISED = _Settings(enlarged=2.0, prepared=_equalised)
    SMOOTHED = _Settings(enlarged=1.0, prepared=_smoothed)


CHECKS = (Look.EQUALISED, Look.SMOOTHED)
"""The second look, in its two parts."""

MOST_SIDE_PX = 3000
"""Longest side a picture is enlarged to."""

PIXEL_THRESHOLD, BOX_THRESHOLD = 0.12, 0.2
"""Of the engine's detector; its own are 0.3 and 0.5. Lower ones find fainter lines; what is no
text among them is sorted out by what was read."""

TextFinder = Callable[[Picture, Look], tuple[FoundText, ...]]
"""Finds the texts of a picture ``(H, W, 3) uint8`` RGB."""


READ_SCRIPTS = ("LATIN", "GREEK", "CJK", "HIRAGANA", "KATAKANA")
"""Scripts that are found well enough to go on (docs/evidence/deidentification.md): Cyrillic and
Arabic are not, others were not measured."""


def unread_script(text: str) -> str:
    """The first script in a text that the engine does not find well, or nothing.

    Examples:
        >>> unread_script("Müller^Zoë"), unread_script("山田^花子"), unread_script("ليلى")
        ('', '', 'ARABIC')
    """
    for character in filter(str.isalpha, text):
        script = unicodedata.name(character, "UNKNOWN").split()[0]
        if script not in READ_SCRIPTS and not script.startswith("KATAKANA"):
            return script
    return ""


def is_text_finding_installed() -> bool:
    """Whether the OCR engine is there, without loading it."""
    return find_spec("rapidocr") is not None


def find_text(pixels: Picture, look: Look) -> tuple[FoundText, ...]:
    """Find everything that looks like text (about 0.8 s on one core, 0.5 s when smoothed).

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.
        look: Which look is taken.

    Returns:
        The lines, unreadable ones with their poor confidence included.

    Raises:
        InvalidInput: If the OCR engine is not installed.
    """
    settings: _Settings = look.value
    scale = max(1.0, min(settings.enlarged, MOST_SIDE_PX / max(pixels.shape[:2])))
    image = np.ascontiguousarray(pixels[..., ::-1])
    if scale > 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).astype(
            np.uint8
        )
    found = _engine()(settings.prepared(image), use_det=True, use_rec=True, use_cls=False)
    if found.boxes is None:
        return ()
    return tuple(
        FoundText(
            text=str(text),
            confidence=float(confidence),
            box=_upright(np.asarray(corners) / scale, shape=pixels.shape),
        )
        for corners, text, confidence in zip(
            found.boxes, found.txts or (), found.scores or (), strict=False
        )
    )


@cache
def _engine() -> Any:
    """The OCR engine, loaded when first needed."""
    try:
        engine = import_module("rapidocr").RapidOCR
    except ImportError as missing:
        raise InvalidInput(
            "looking for burned-in text needs the OCR engine",
            accepted="an installed rapidocr",
            remedy="install it with: pip install 'deeppcos[deidentify]'",
        ) from missing
    return engine(
        params={
            "Global.log_level": "critical",
            "Global.text_score": 0.0,  # unreadable lines are blanked, too
            "Global.max_side_len": 2 * MOST_SIDE_PX,
            "Global.min_height": 1,  # below it the engine reads without looking for lines
            "Global.width_height_ratio": -1,
            "Det.thresh": PIXEL_THRESHOLD,
            "Det.box_thresh": BOX_THRESHOLD,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )


def _upright(corners: npt.NDArray[np.float64], *, shape: tuple[int, ...]) -> PixelBox:
    """Upright box around a slanted one, inside the picture."""
    (x0, y0), (x1, y1) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    left, top = int(np.clip(x0, 0, shape[1] - 1)), int(np.clip(y0, 0, shape[0] - 1))
    return PixelBox(
        x0=left,
        y0=top,
        x1=int(np.clip(x1, left + 1, shape[1])),
        y1=int(np.clip(y1, top + 1, shape[0])),
    )
