"""Can this picture be judged at all? Reasons, in words, when it cannot.

Owns what is decided before and after the network looks. Thresholds that come from data are
carried by the release; those here are facts of pictures.
"""

import numpy as np
import numpy.typing as npt

from deeppcos.vision.frame import UltrasoundFrame

LEAST_SIDE_PX = 48
"""Below this an ovary that fills the picture leaves a small follicle under four pixels."""

BLACK_LEVEL = 12
LEAST_LIT_SHARE = 0.02
LEAST_SPREAD = 6.0
"""Standard deviation of grey levels, of 255, under which a picture is flat."""

COLOURED_SHARE = 0.35
"""Share of coloured pixels above which a picture is a photograph, not B-mode with marks."""

NO_OVARY = "no ovary is recognised in this picture: give one that shows the whole ovary"
DOUBTFUL_OVARY = (
    "a region resembles an ovary, but not surely enough to measure it: give a clearer picture"
)


def problems_before_looking(
    frame: UltrasoundFrame,
    grey: npt.NDArray[np.uint8],
    graphics: npt.NDArray[np.bool_],
) -> tuple[str, ...]:
    """Reasons why no network need look.

    Args:
        frame: The frame.
        grey: ``(H, W) uint8`` without graphics.
        graphics: ``(H, W) bool`` where something was drawn.

    Returns:
        Reasons; empty when the picture may be judged.
    """
    if min(frame.width, frame.height) < LEAST_SIDE_PX:
        return (
            f"the picture is {frame.width} x {frame.height} pixels, "
            f"at least {LEAST_SIDE_PX} are needed on each side: export it at full size",
        )
    if (grey > BLACK_LEVEL).mean() < LEAST_LIT_SHARE and not graphics.any():
        return ("the picture is black: export it again with its content",)
    if graphics.mean() > COLOURED_SHARE:
        return (
            "the picture is mostly coloured, a photograph or a page: give the B-mode ultrasound",
        )
    if (grey > BLACK_LEVEL).mean() < LEAST_LIT_SHARE:
        return ("the picture is black behind its graphics: export it again with its content",)
    # The black around a picture is no structure of the picture.
    if float(grey[grey > BLACK_LEVEL].std()) < LEAST_SPREAD:
        return ("the picture is flat, without structure: export it again with its content",)
    return ()
