"""Pictures without a header: PNG and JPEG, or pixels at hand.

Owns blanking a picture that declares no regions, and writing it as PNG without metadata. Exports
of the application that draw or crop pictures come through here.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.blanking import Blanking, blanking_of
from deeppcos.records.deidentification.text_finding import Picture, TextFinder, find_text
from deeppcos.vision.frame import PixelBox
from deeppcos.vision.stills import open_still


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedPicture:
    """A picture without readable text.

    Attributes:
        pixels: ``(H, W, 3) uint8`` RGB, blanked.
        blanking: What was blanked.
    """

    pixels: Picture
    blanking: Blanking


def clean_picture(
    pixels: Picture,
    *,
    regions: tuple[PixelBox, ...] = (),
    find: TextFinder = find_text,
    source: str = "picture",
) -> CleanedPicture:
    """Blank every text of a picture, and everything outside its scan regions where they are known.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB; not changed.
        regions: Scan regions, if any are known.
        find: Finds text.
        source: The picture, as the user named it.

    Raises:
        InvalidInput: If the OCR engine is not installed, or text is still found after blanking.
    """
    blanking = blanking_of(lambda: iter((pixels,)), regions=regions, find=find, source=source)
    cleaned = pixels.copy()
    cleaned[blanking.mask] = 0
    return CleanedPicture(pixels=cleaned, blanking=blanking)


def read_picture(path: Path, *, source: str) -> Picture:
    """The pixels of a still, read by the same road as for analysis.

    Raises:
        InvalidInput: If it is no still picture.
    """
    still = open_still(path, source=source)
    if still.page_count != 1:
        raise InvalidInput(
            f"{source}: several pages in one file are not de-identified",
            value=f"{still.page_count} pages",
            accepted="DICOM ultrasound, or PNG and JPEG pictures",
            remedy="give the DICOM original, or one page a file",
        )
    return next(iter(still.frames())).pixels


def write_png(pixels: Picture, path: Path) -> None:
    """Write pixels as PNG, with no other chunk than the picture itself.

    Args:
        pixels: ``(H, W, 3) uint8`` RGB.
        path: File to write; replaced when there.

    Raises:
        InvalidInput: If what was written is not what was meant.
    """
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG")
    read = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if read is None or not np.array_equal(read[..., ::-1], pixels):
        path.unlink(missing_ok=True)
        raise InvalidInput("the picture written is not the blanked one", remedy="report this")
