"""Texts burned into a picture, and the optional engine that reads them.

Owns the record of one text and the door to the OCR engine, which is not part of the default
install. What a text means is the business of whoever asked for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.frame import PixelBox

MIN_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnedInText:
    """One line of text on the screen.

    Attributes:
        text: The characters as read.
        box: Where they stand, pixels.
    """

    text: str
    box: PixelBox


TextReader = Callable[[npt.NDArray[np.uint8]], tuple[BurnedInText, ...]]


def read_burned_in_text(pixels: npt.NDArray[np.uint8]) -> tuple[BurnedInText, ...]:
    """Read the texts of a picture with the optional OCR engine (about a second a picture).

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.

    Returns:
        The texts read with a confidence of 0.9 or more.

    Raises:
        InvalidInput: If the OCR engine is not installed.
    """
    read = _engine()(np.ascontiguousarray(pixels[..., ::-1]))
    if read.boxes is None:
        return ()
    return tuple(
        BurnedInText(text=str(text), box=_box_around(corners.tolist(), shape=pixels.shape))
        for corners, text, confidence in zip(read.boxes, read.txts, read.scores, strict=True)
        if float(confidence) >= MIN_CONFIDENCE
    )


@cache
def _engine() -> Any:
    """The OCR engine, loaded when first needed."""
    try:
        return import_module("rapidocr").RapidOCR()
    except ImportError as missing:
        raise InvalidInput(
            "reading burned-in text needs the OCR engine",
            accepted="an installed rapidocr",
            remedy="install it with: pip install 'deeppcos[deidentify]'",
        ) from missing


def _box_around(corners: list[list[float]], *, shape: tuple[int, ...]) -> PixelBox:
    """Upright box around a slanted one, inside the picture."""
    columns, rows = zip(*corners, strict=True)
    x0 = int(np.clip(min(columns), 0, shape[1] - 1))
    y0 = int(np.clip(min(rows), 0, shape[0] - 1))
    x1 = int(np.clip(np.ceil(max(columns)), x0 + 1, shape[1]))
    y1 = int(np.clip(np.ceil(max(rows)), y0 + 1, shape[0]))
    return PixelBox(x0=x0, y0=y0, x1=x1, y1=y1)
