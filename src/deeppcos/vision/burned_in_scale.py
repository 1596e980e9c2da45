"""A scale from what is burned into the picture, as a stated, lower-confidence source.

Owns the choice: a scale stated by the file always stands, then the depth ruler, then the
calipers; two that contradict each other give none. The reading itself is in ``depth_ruler``
and ``caliper_readout``.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.burned_in_text import TextReader
from deeppcos.vision.caliper_readout import parse_readouts, scale_from_caliper
from deeppcos.vision.depth_ruler import read_depth_ruler
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame

MAX_CONTRADICTION = 0.05


def scale_from_ruler(pixels: npt.NDArray[np.uint8]) -> MmPerPixel | str:
    """Millimetres per pixel from a burned-in depth ruler whose unit is certain.

    The ruler measures down the picture. The same is taken across it, because a screen shot has
    square pixels; a picture stretched afterwards in one direction would be wrong across.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.

    Returns:
        The scale, or in words why there is none that can be trusted.
    """
    ruler = read_depth_ruler(pixels)
    if isinstance(ruler, str):
        return ruler
    try:
        return MmPerPixel(
            x=ruler.mm_per_pixel, y=ruler.mm_per_pixel, source=ScaleSource.BURNED_IN_RULER
        )
    except InvalidInput as implausible:
        return str(implausible)


def read_burned_in_scale(
    frame: UltrasoundFrame, *, read_text: TextReader | None = None
) -> UltrasoundFrame:
    """The same frame with a burned-in scale, or with the reason why it has none.

    Never replaces a scale that the file states. A ruler that contradicts the file's scale by
    more than 5 % is reported in ``scale_problem``; the file's scale stays in place for the
    caller to judge.

    Args:
        frame: One picture.
        read_text: Reads the texts of a picture, which the caliper road needs; without it only
            the ruler is read.

    Returns:
        A frame of the same pixels.
    """
    ruler = scale_from_ruler(frame.pixels)
    if frame.mm_per_pixel is not None:
        return _checked(frame, stated=frame.mm_per_pixel, burned_in=ruler)
    if read_text is None:
        return _with_scale(frame, ruler)
    readouts = parse_readouts(read_text(frame.pixels))
    calipers = scale_from_caliper(frame.pixels, readouts, read_text=read_text)
    if isinstance(ruler, str) and isinstance(calipers, str):
        return replace(frame, scale_problem=f"{ruler}; {calipers}")
    if isinstance(ruler, MmPerPixel) and isinstance(calipers, MmPerPixel):
        apart = abs(calipers.y / ruler.y - 1)
        if apart > MAX_CONTRADICTION:
            return replace(frame, scale_problem=f"depth ruler and calipers disagree by {apart:.0%}")
    return _with_scale(frame, calipers if isinstance(ruler, str) else ruler)


def _with_scale(frame: UltrasoundFrame, scale: MmPerPixel | str) -> UltrasoundFrame:
    """The frame with its scale, or with the reason."""
    if isinstance(scale, str):
        return replace(frame, scale_problem=scale)
    return replace(frame, mm_per_pixel=scale, scale_problem="")


def _checked(
    frame: UltrasoundFrame, *, stated: MmPerPixel, burned_in: MmPerPixel | str
) -> UltrasoundFrame:
    """The frame with its stated scale, and a problem where the ruler contradicts it."""
    if isinstance(burned_in, str):
        return frame
    apart = abs(burned_in.y / stated.y - 1)
    if apart <= MAX_CONTRADICTION:
        return frame
    return replace(
        frame,
        scale_problem=f"the file states {stated.y:.4f} mm per pixel and the burned-in ruler "
        f"{burned_in.y:.4f}: {apart:.0%} apart",
    )
