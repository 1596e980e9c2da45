"""Reading the pictures and outlines every source needs, on the serving road."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Mask
from deeppcos.vision.decoder_guard import guarded
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.graphics import neutralise_graphics
from deeppcos.vision.stills import open_still

Greys = npt.NDArray[np.uint8]

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})
_TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap height and width."""

INSIDE = 127
"""Grey level above which a stored mask is inside."""


def read_grey(path: Path) -> tuple[Greys, Greys]:
    """A picture as the network is trained on it, and as it was.

    Args:
        path: Picture file.

    Returns:
        ``(H, W) uint8`` with graphics filled in, and ``(H, W) uint8`` with them left in.

    Raises:
        InvalidInput: If the file is not a readable picture, or is cut short.
    """
    pixels = _decoded(path)
    clean = neutralise_graphics(UltrasoundFrame(source=path.name, index=0, pixels=pixels))
    return clean.grey, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def read_labels(path: Path, *, height: int, width: int) -> npt.NDArray[np.int32]:
    """A stored mask or label map of a picture.

    Args:
        path: Mask file.
        height: Height of its picture, pixels.
        width: Width of its picture, pixels.

    Returns:
        ``(height, width) int32``; palettes give their numbers, colours 0 where black and 255
        elsewhere.

    Raises:
        InvalidInput: If it is missing, unreadable or of another size.
    """
    if not path.is_file():
        raise InvalidInput(f"{path.name}: mask missing", remedy="add it, or leave the picture out")
    open_still(path, source=path.name)
    # Pillow, because it gives the numbers of a palette and not its colours.
    with (
        guarded(path.name, problem="not a readable mask", remedy="export it again"),
        Image.open(path) as picture,
    ):
        stored = np.asarray(picture)
    labels = stored if stored.ndim == 2 else (stored[..., :3].max(axis=2) > 0) * np.int32(255)
    if labels.shape != (height, width):
        raise InvalidInput(
            f"{path.name}: mask of another size than its picture",
            value=f"{labels.shape[1]} x {labels.shape[0]}",
            accepted=f"{width} x {height} pixels",
            remedy="export it at the picture's size",
        )
    return np.asarray(labels, np.int32)


def read_mask(path: Path, *, height: int, width: int) -> Mask:
    """A stored mask of a picture, white inside.

    Args:
        path: Mask file, black and white, or 0 and 1.
        height: Height of its picture, pixels.
        width: Width of its picture, pixels.

    Returns:
        ``(height, width) bool``.

    Raises:
        InvalidInput: If it is missing, unreadable or of another size.
    """
    labels = read_labels(path, height=height, width=width)
    return labels > (INSIDE if int(labels.max()) > 1 else 0)


def filled(polygon: npt.NDArray[np.float32], *, height: int, width: int) -> Mask:
    """Mask of a polygon.

    Args:
        polygon: ``(N, 2)`` corners (x, y) in picture pixels.
        height: Picture height, pixels.
        width: Picture width, pixels.

    Returns:
        ``(height, width) bool``, the border included.
    """
    canvas = np.zeros((height, width), np.uint8)
    cv2.fillPoly(canvas, [np.round(polygon).astype(np.int32)], 1)
    return canvas.astype(bool)


def picture_size(path: Path) -> tuple[int, int]:
    """Size of a picture as it is read: upright.

    Args:
        path: The picture.

    Returns:
        Height and width, pixels.

    Raises:
        InvalidInput: If it is not a readable picture.
    """
    with (
        guarded(path.name, problem="not a readable picture", remedy="leave it out"),
        Image.open(path) as picture,
    ):
        width, height = picture.size
        is_turned = picture.getexif().get(ExifTags.Base.Orientation, 1) in _TURNED
    return (width, height) if is_turned else (height, width)


def picture_named(folder: Path, stem: str) -> Path:
    """The picture of a name, whatever its ending.

    Args:
        folder: Folder of pictures.
        stem: Name without ending.

    Returns:
        Its path.

    Raises:
        InvalidInput: If there is none, or several.
    """
    found = [
        path
        for path in folder.glob(f"{stem}.*")
        if path.suffix.lower() in PICTURE_ENDINGS and path.stem == stem
    ]
    if len(found) != 1:
        raise InvalidInput(
            f"{folder.name}/{stem}: {'several pictures' if found else 'no picture'} of this name",
            accepted="one file of " + ", ".join(sorted(PICTURE_ENDINGS)),
            remedy="check the folder",
        )
    return found[0]


def _decoded(path: Path) -> Greys:
    """Pixels of a picture that is whole."""
    problem, remedy = "not a readable picture", "leave it out or export it again"
    open_still(path, source=path.name)
    with guarded(path.name, problem=problem, remedy=remedy):
        # OpenCV fills a file that is cut short with grey; Pillow says so.
        with Image.open(path) as picture:
            picture.load()
        stored = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if stored is None:
        raise InvalidInput(f"{path.name}: {problem}", remedy=remedy)
    return np.asarray(stored[..., ::-1], np.uint8).copy()
