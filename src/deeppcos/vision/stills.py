"""Ordinary pictures: PNG, JPEG, WebP and TIFF, with one or several pages.

Owns decoding and the limits on size that all readers share. Nothing here yields a scale: the
dots per inch of a picture describe a printer, not a patient.

A picture is shown upright (EXIF orientation is applied, so pixels of the frame are those of the
upright picture), transparency over black, palettes and CMYK as RGB, and deep grey levels by the
rule of ``grey_levels``, over all pages of the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from deeppcos.errors import InvalidInput
from deeppcos.vision.decoder_guard import guarded, guarded_items
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.grey_levels import GreyWindow, window_of

MAX_SIDE_PX = 16_384
MAX_PIXELS = 40_000_000
MAX_FILE_BYTES = 2 * 1000**3
MAX_PAGES = 5_000

NO_SCALE = "an ordinary picture states no pixel size in the patient"
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_ACCEPTED = "PNG, JPEG, WebP or TIFF"
_REMEDY = "export the picture again"
_DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A picture file whose header was found sound.

    Attributes:
        path: The file.
        source: The file, as the user named it.
        page_count: Pages in the file, at least 1.
    """

    path: Path
    source: str
    page_count: int

    def frames(self) -> Iterator[UltrasoundFrame]:
        """Decode the pages, one at a time.

        Yields:
            One frame a page, without scale.

        Raises:
            InvalidInput: If a page is damaged or too large.
        """
        return guarded_items(
            _decoded_pages(self), self.source, problem="cannot be decoded", remedy=_REMEDY
        )


def open_still(path: str | Path, *, source: str = "") -> Still:
    """Read a picture's header.

    Args:
        path: The file.
        source: The file, as the user named it; the path when empty.

    Returns:
        The picture, not decoded yet.

    Raises:
        InvalidInput: If it is empty, damaged, of another kind, or beyond the limits.
    """
    path, source = Path(path), source or str(path)
    refuse_size(path, source)
    with (
        guarded(source, problem="cannot be read as a picture", remedy=_REMEDY),
        _opened(path, source) as picture,
    ):
        pages = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
        _refuse_large(picture, source)
    if pages > MAX_PAGES:
        raise InvalidInput(
            f"{source}: too many pages",
            value=str(pages),
            accepted=f"up to {MAX_PAGES}",
            remedy="split the file",
        )
    return Still(path=path, source=source, page_count=pages)


def read_still(path: str | Path) -> UltrasoundFrame:
    """Decode a picture of one page.

    Args:
        path: A PNG, JPEG, WebP or TIFF file.

    Returns:
        The frame, without scale.

    Raises:
        InvalidInput: If it cannot be read, is beyond the limits or has several pages.
    """
    still = open_still(path)
    if still.page_count != 1:
        raise InvalidInput(
            f"{still.source}: has {still.page_count} pages",
            accepted="one page",
            remedy="read its pages with open_still(path).frames()",
        )
    return next(still.frames())


def refuse_size(path: Path, source: str) -> None:
    """Refuse a file by its length alone.

    Args:
        path: The file.
        source: The file, as the user named it.

    Raises:
        InvalidInput: If it is missing, empty or over 2 GB.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidInput(
            f"{source}: cannot be opened",
            value=error.strerror or type(error).__name__,
            remedy="check the name and the permissions",
        ) from error
    if size == 0:
        raise InvalidInput(f"{source}: the file is empty (0 bytes)", remedy="copy it again")
    if size > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{source}: the file is too large",
            value=f"{size / 1000**3:.1f} GB",
            accepted=f"up to {MAX_FILE_BYTES // 1000**3} GB",
            remedy="export a shorter sweep or a smaller volume",
        )


def refuse_dimensions(source: str, *, width: int, height: int) -> None:
    """Refuse a picture by the size its header states, before anything is decoded.

    Args:
        source: The file, as the user named it.
        width: Pixels.
        height: Pixels.

    Raises:
        InvalidInput: If a side is over 16,384 pixels or the area over 40 megapixels.
    """
    if 0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX and width * height <= MAX_PIXELS:
        return
    raise InvalidInput(
        f"{source}: the picture is too large",
        value=f"{width} x {height} pixels",
        accepted=f"sides up to {MAX_SIDE_PX} pixels and {MAX_PIXELS // 10**6} megapixels",
        remedy="export it at its original size",
    )


def _opened(path: Path, source: str) -> Image.Image:
    """Open by content; Pillow reads the header only."""
    try:
        return Image.open(path, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise InvalidInput(
            f"{source}: the picture is too large",
            accepted=f"sides up to {MAX_SIDE_PX} pixels and {MAX_PIXELS // 10**6} megapixels",
            remedy="export it at its original size",
        ) from error
    except UnidentifiedImageError as error:
        raise InvalidInput(
            f"{source}: is not a picture or its header is damaged",
            accepted=_ACCEPTED,
            remedy=_REMEDY,
        ) from error


def _refuse_large(picture: Image.Image, source: str) -> None:
    refuse_dimensions(source, width=picture.width, height=picture.height)


def _decoded_pages(still: Still) -> Iterator[UltrasoundFrame]:
    window = _deep_window(still)
    with _opened(still.path, still.source) as picture:
        for page in range(still.page_count):
            _turn_to(picture, page, still)
            upright = ImageOps.exif_transpose(picture)
            yield UltrasoundFrame(
                source=still.source,
                index=page,
                pixels=_as_rgb(upright, window),
                scale_problem=NO_SCALE,
            )


def _turn_to(picture: Image.Image, page: int, still: Still) -> None:
    if still.page_count > 1:
        picture.seek(page)
        _refuse_large(picture, still.source)


def _deep_window(still: Still) -> GreyWindow | None:
    """The window over all deep pages, or None when every page has 8 bits."""
    with _opened(still.path, still.source) as picture:
        if still.page_count == 1 and picture.mode not in _DEEP_MODES:
            return None
        return window_of(_deep_pages(picture, still))


def _deep_pages(picture: Image.Image, still: Still) -> Iterator[npt.NDArray[Any]]:
    for page in range(still.page_count):
        _turn_to(picture, page, still)
        if picture.mode in _DEEP_MODES:
            yield np.asarray(picture)


def _as_rgb(picture: Image.Image, window: GreyWindow | None) -> npt.NDArray[np.uint8]:
    """``(H, W, 3) uint8`` as a viewer shows the page."""
    if picture.mode in _DEEP_MODES and window is not None:
        grey = window.apply(np.asarray(picture))
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        black = Image.new("RGBA", clear.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, clear)
    return np.array(picture.convert("RGB"), dtype=np.uint8)
