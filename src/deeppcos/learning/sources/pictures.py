"""Reading the pictures and outlines every source needs, on the serving road."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.graphics import neutralise_graphics


def read_grey(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """A picture as the network is trained on it, and as it was.

    Args:
        path: Picture file.

    Returns:
        ``(H, W) uint8`` with graphics filled in, and ``(H, W) uint8`` with them left in.

    Raises:
        InvalidInput: If the file is not a readable picture.
    """
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if stored is None:
        raise InvalidInput(f"{path.name}: not a readable picture", remedy="leave it out")
    pixels = np.asarray(stored[..., ::-1], np.uint8).copy()
    clean = neutralise_graphics(UltrasoundFrame(source=path.name, index=0, pixels=pixels))
    return clean.grey, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def filled(polygon: npt.NDArray[np.float32], *, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Mask of a polygon given in (x, y) picture pixels."""
    canvas = np.zeros((height, width), np.uint8)
    cv2.fillPoly(canvas, [np.round(polygon).astype(np.int32)], 1)
    return canvas.astype(bool)
