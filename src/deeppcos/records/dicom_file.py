"""Where the pixel data of a DICOM file begins, how long it is, and what it should hold.

Owns reading the header, inflating the deflated syntax under a limit, and the Image Pixel
attributes checked against each other. Decoding is the business of ``dicom_frames``.
"""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_header import number_of, text_of
from deeppcos.records.dicom_items import HEADER_BYTES, MOST_OF_PICTURES, refuse_many_items
from deeppcos.vision.decoder_guard import guarded
from deeppcos.vision.stills import MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE_PX

MAX_INFLATED_BYTES = 512 * 1024**2
MAX_FRAMES = 20_000
UNDEFINED_LENGTH = 0xFFFFFFFF
EXPORT_AGAIN = "export the file again from the scanner or archive"

_PIXEL_DATA_TAG = (0x7FE0, 0x0010)
_PIXEL_VRS = (b"OB", b"OW", b"UN")
_DEFERRED_BYTES = 16 * 1024**2
_SAMPLES = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_RCT": 3,
    "YBR_ICT": 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomFile:
    """A DICOM file, read up to its pixel data.

    Attributes:
        source: The file, as the user named it.
        header: Every element before the pixel data.
        syntax: Transfer syntax of the stream.
        open_stream: Opens the (inflated) file.
        stream_length: Bytes in the stream.
        pixel_offset: Where the value of Pixel Data begins, or None when there is none.
        pixel_length: Stated length of Pixel Data, bytes, or ``UNDEFINED_LENGTH``.
        pixel_vr: Value representation of Pixel Data, ``OB`` or ``OW``.
    """

    source: str
    header: Dataset
    syntax: UID
    open_stream: Callable[[], BinaryIO]
    stream_length: int
    pixel_offset: int | None
    pixel_length: int
    pixel_vr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelLayout:
    """The Image Pixel module, checked.

    Attributes:
        rows: Picture height, pixels.
        columns: Picture width, pixels.
        samples: Samples per pixel, 1 or 3.
        bits_allocated: 8, 16 or 32.
        bits_stored: 1 to ``bits_allocated``.
        is_signed: Whether samples are two's complement.
        photometric: Photometric Interpretation.
        planar: Planar Configuration, 0 or 1.
        frames: Number of Frames.
    """

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    photometric: str
    planar: int
    frames: int


def open_dicom(path: Path, source: str) -> DicomFile:
    """Read a DICOM file up to its pixel data.

    Args:
        path: The file.
        source: The file, as the user named it.

    Returns:
        The header and where the pixel data is.

    Raises:
        InvalidInput: If the file is empty, too large or not readable as DICOM.
    """
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{source}: the file is too large",
            value=f"{size} bytes",
            accepted=f"up to {MAX_FILE_BYTES} bytes",
            remedy="export a shorter sweep",
        )
    with guarded(source, problem="cannot be read as DICOM", remedy=EXPORT_AGAIN):
        inflated = _inflated(path, source)
        if inflated is not None:
            return _read_header(source, lambda: io.BytesIO(inflated), len(inflated))
        return _read_header(source, lambda: path.open("rb"), size)


def read_object(path: Path, source: str, *, most_items: int) -> Dataset:
    """Read a whole report or segmentation, under limits to its size and its items.

    Args:
        path: The file.
        source: The file, as the user named it.
        most_items: Items its sequences may have together.

    Returns:
        The data set; values are decoded when they are asked for.

    Raises:
        InvalidInput: If it is beyond a limit. Damage shows as whatever pydicom raises.
    """
    inflated = _inflated(path, source)
    with path.open("rb") if inflated is None else io.BytesIO(inflated) as stream:
        refuse_many_items(stream, source, most=most_items)
        return dcmread(stream)


def _read_header(source: str, open_stream: Callable[[], BinaryIO], length: int) -> DicomFile:
    with open_stream() as stream:
        refuse_many_items(stream, source, most=MOST_OF_PICTURES, within_bytes=HEADER_BYTES)
        header = dcmread(stream, stop_before_pixels=True, force=True, defer_size=_DEFERRED_BYTES)
        is_implicit, is_little = header.original_encoding
        offset, pixel_length, vr = _pixel_element(stream, is_little=bool(is_little))
    stated = getattr(header.file_meta, "TransferSyntaxUID", None)
    assumed = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
    if not is_little:
        assumed = ExplicitVRBigEndian
    return DicomFile(
        source=source,
        header=header,
        syntax=UID(stated) if stated else assumed,
        open_stream=open_stream,
        stream_length=length,
        pixel_offset=offset,
        pixel_length=pixel_length,
        pixel_vr=vr,
    )


def _pixel_element(stream: BinaryIO, *, is_little: bool) -> tuple[int | None, int, str]:
    """Read the head of Pixel Data, before which pydicom has stopped.

    Whether it names its value representation is seen from the element: some files do not keep
    to their own transfer syntax.
    """
    order = "<" if is_little else ">"
    head = stream.read(8)
    if len(head) < 8 or struct.unpack(f"{order}HH", head[:4]) != _PIXEL_DATA_TAG:
        return None, 0, ""
    if head[4:6] not in _PIXEL_VRS:
        (length,) = struct.unpack(f"{order}L", head[4:])
        return stream.tell(), length, "OW"
    (length,) = struct.unpack(f"{order}L", stream.read(4))
    return stream.tell(), length, head[4:6].decode("ascii")


def _inflated(path: Path, source: str) -> bytes | None:
    """A deflated file as an explicit little endian one, or None when it is not deflated.

    pydicom would inflate without a limit: a megabyte of zeros becomes a gigabyte.
    """
    with path.open("rb") as stream:
        if stream.read(132)[128:] != b"DICM":
            return None
    meta = read_file_meta_info(path)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return None
    group_length = meta.get("FileMetaInformationGroupLength")
    if not isinstance(group_length, int):
        raise InvalidInput(
            f"{source}: a deflated file does not say where its header ends", remedy=EXPORT_AGAIN
        )
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    # Preamble 128, prefix 4, and the 12 bytes of the group length element itself.
    deflated = path.read_bytes()[128 + 4 + 12 + group_length :]
    body = inflater.decompress(deflated, MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise InvalidInput(
            f"{source}: inflates to more than {MAX_INFLATED_BYTES} bytes",
            remedy="export the file uncompressed or as JPEG",
        )
    if not inflater.eof:
        raise InvalidInput(f"{source}: the deflated data ends early", remedy=EXPORT_AGAIN)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    start = DicomBytesIO()
    start.is_little_endian, start.is_implicit_VR = True, False
    start.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(start, meta, enforce_standard=False)
    return start.getvalue() + body


def pixel_layout(header: Dataset, source: str) -> PixelLayout:
    """Check the Image Pixel attributes.

    Args:
        header: The data set.
        source: The file, as the user named it.

    Returns:
        The attributes, consistent with each other and within the limits.

    Raises:
        InvalidInput: If one is absent, malformed, beyond a limit or contradicts another.
    """
    photometric = text_of(header, "PhotometricInterpretation") or "absent"
    if photometric not in _SAMPLES:
        raise InvalidInput(
            f"{source}: the colour encoding is not read",
            value=f"Photometric Interpretation {photometric}",
            accepted=", ".join(_SAMPLES),
            remedy=EXPORT_AGAIN,
        )
    layout = PixelLayout(
        rows=_whole(header, "Rows", source, accepted=range(1, MAX_SIDE_PX + 1)),
        columns=_whole(header, "Columns", source, accepted=range(1, MAX_SIDE_PX + 1)),
        samples=_whole(header, "SamplesPerPixel", source, accepted=range(1, 4)),
        bits_allocated=_whole(header, "BitsAllocated", source, accepted=range(8, 33, 8)),
        bits_stored=_whole(header, "BitsStored", source, accepted=range(1, 33)),
        is_signed=number_of(header, "PixelRepresentation") == 1,
        photometric=photometric,
        planar=int(number_of(header, "PlanarConfiguration") == 1),
        frames=_whole(
            header, "NumberOfFrames", source, accepted=range(1, MAX_FRAMES + 1), absent=1
        ),
    )
    _refuse_contradictions(layout, source)
    return layout


def _refuse_contradictions(layout: PixelLayout, source: str) -> None:
    if layout.rows * layout.columns > MAX_PIXELS:
        raise InvalidInput(
            f"{source}: the picture is too large",
            value=f"{layout.columns} x {layout.rows} pixels",
            accepted=f"up to {MAX_PIXELS // 10**6} megapixels",
            remedy="export it at its original size",
        )
    if layout.samples != _SAMPLES[layout.photometric]:
        raise InvalidInput(
            f"{source}: the header contradicts itself",
            value=f"{layout.samples} samples per pixel in {layout.photometric}",
            remedy=EXPORT_AGAIN,
        )
    if layout.bits_allocated == 24 or layout.bits_stored > layout.bits_allocated:
        raise InvalidInput(
            f"{source}: the header contradicts itself",
            value=f"{layout.bits_stored} bits stored in {layout.bits_allocated} allocated",
            remedy=EXPORT_AGAIN,
        )


def _whole(
    header: Dataset, keyword: str, source: str, *, accepted: range, absent: int | None = None
) -> int:
    """A whole number within a range."""
    if absent is not None and keyword not in header:
        return absent
    value = number_of(header, keyword)
    if value is None or int(value) != value or int(value) not in accepted:
        raise InvalidInput(
            f"{source}: {keyword} is missing or out of range",
            value="nothing readable" if value is None else f"{value:g}",
            accepted=f"{accepted.start} to {accepted.stop - 1}",
            remedy=EXPORT_AGAIN,
        )
    return int(value)
