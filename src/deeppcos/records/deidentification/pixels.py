"""The frames that were looked at, blanked, as the only pixels of a new file.

Owns the Image Pixel module of a de-identified file and how its frames are packed. What is written
is what a viewer shows of the original, 8 bits a sample: nothing can hide in unused bits, behind a
window or in a palette. Compressed originals come back as JPEG 2000 lossless, others uncompressed.
"""

import io
from collections.abc import Iterable, Iterator
from typing import IO, Any, cast

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless

from deeppcos.records.deidentification.blanking import Mask
from deeppcos.records.deidentification.text_finding import Picture

BLACK = 0


def blanked_frames(frames: Iterable[Picture], mask: Mask, *, is_grey: bool) -> Iterator[Picture]:
    """Frames with their mask applied.

    Args:
        frames: ``(H, W, 3) uint8`` as shown.
        mask: ``(H, W) bool``, true where black is written.
        is_grey: Whether the original has one sample a pixel.

    Yields:
        ``(H, W) uint8`` of grey originals, else ``(H, W, 3) uint8``.
    """
    for frame in frames:
        pixels = (frame[..., 0] if is_grey else frame).copy()
        pixels[mask] = BLACK
        yield pixels


def set_pixels(
    header: Dataset, frames: Iterable[Picture], *, is_compressed: bool, store: IO[bytes]
) -> UID:
    """Give a header its pixels.

    Args:
        header: The cleaned header; changed in place.
        frames: From ``blanked_frames``.
        is_compressed: Whether the original was compressed.
        store: An empty file that uncompressed frames wait in, open until the header is written:
            an uncompressed cine has hundreds of megabytes.

    Returns:
        The transfer syntax the file has to be written in.
    """
    header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
    header.PixelRepresentation = 0
    if is_compressed:
        return _set_compressed(header, frames)
    return _set_native(header, frames, store)


def _set_compressed(header: Dataset, frames: Iterable[Picture]) -> UID:
    encoded, is_grey = [], True
    for frame in frames:
        is_grey = frame.ndim == 2
        encoded.append(_jpeg_2000(frame))
    _describe(header, is_grey=is_grey, colour="YBR_RCT")
    header.PixelData = encapsulate(encoded)
    header["PixelData"].is_undefined_length = True
    header["PixelData"].VR = "OB"
    return JPEG2000Lossless


def _set_native(header: Dataset, frames: Iterable[Picture], store: IO[bytes]) -> UID:
    is_grey = True
    for frame in frames:
        is_grey = frame.ndim == 2
        store.write(frame.tobytes())
    if store.tell() % 2:
        store.write(b"\0")
    store.seek(0)
    _describe(header, is_grey=is_grey, colour="RGB")
    header.PixelData = cast(Any, store)
    header["PixelData"].VR = "OB"
    return ExplicitVRLittleEndian


def _describe(header: Dataset, *, is_grey: bool, colour: str) -> None:
    header.SamplesPerPixel = 1 if is_grey else 3
    header.PhotometricInterpretation = "MONOCHROME2" if is_grey else colour
    if is_grey:
        header.pop("PlanarConfiguration", None)
    else:
        header.PlanarConfiguration = 0


def _jpeg_2000(frame: Picture) -> bytes:
    stream = io.BytesIO()
    options: dict[str, Any] = {} if frame.ndim == 2 else {"mct": 1}
    Image.fromarray(np.ascontiguousarray(frame)).save(
        stream, format="JPEG2000", no_jp2=True, irreversible=False, **options
    )
    return stream.getvalue()
