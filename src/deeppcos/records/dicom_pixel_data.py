"""What lies in Pixel Data, before anything is decoded.

Owns the transfer syntaxes that are read, the check that every declared frame is there, and
cutting encapsulated data into encoded frames. Decoding is the business of ``dicom_frames``.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from deeppcos.errors import InvalidInput
from deeppcos.records.codestream import starts_codestream
from deeppcos.records.dicom_file import EXPORT_AGAIN, UNDEFINED_LENGTH, DicomFile, PixelLayout
from deeppcos.records.dicom_header import printable

NATIVE_SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
JPEG_2000_SYNTAXES = (JPEG2000Lossless, JPEG2000)
COMPRESSED_SYNTAXES = (
    RLELossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    *JPEG_2000_SYNTAXES,
)
_ACCEPTED = "uncompressed, deflated, RLE, JPEG, JPEG lossless, JPEG-LS or JPEG 2000"
_ITEM, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fragments:
    """What lies in encapsulated Pixel Data."""

    offsets: int  # entries of the Basic Offset Table
    fragments: int
    starts: int  # fragments that begin a codestream


def check_frames(file: DicomFile, layout: PixelLayout) -> None:
    """Refuse pixel data that cannot hold the frames the header declares.

    Args:
        file: The file.
        layout: Its Image Pixel module.

    Raises:
        InvalidInput: If the syntax is not read, data is missing or Number of Frames is wrong.
    """
    if file.syntax in NATIVE_SYNTAXES:
        _check_native(file, layout)
    elif file.syntax in COMPRESSED_SYNTAXES:
        _check_encapsulated(file, layout)
    else:
        raise InvalidInput(
            f"{file.source}: its compression is not read",
            value=printable(file.syntax.name),
            accepted=_ACCEPTED,
            remedy="export the file uncompressed or as JPEG",
        )


def encoded_frames(stream: BinaryIO, file: DicomFile) -> Iterator[bytes]:
    """Join fragments into frames: a frame begins where a codestream does.

    Offset tables are optional and sometimes wrong; the codestreams are neither.

    Args:
        stream: At the value of Pixel Data.
        file: The file, checked by ``check_frames``.

    Yields:
        Encoded frames.
    """
    parts: list[bytes] = []
    for number, (offset, length) in enumerate(_items(stream, file)):
        stream.seek(offset)
        if number == 0:  # the Basic Offset Table
            continue
        fragment = stream.read(length)
        begins = file.syntax == RLELossless or starts_codestream(fragment)
        if begins and parts:
            yield b"".join(parts)
            parts = []
        parts.append(fragment)
    if parts:
        yield b"".join(parts)


def _full_frame_bytes(layout: PixelLayout) -> int:
    return layout.rows * layout.columns * layout.samples * layout.bits_allocated // 8


def is_subsampled(file: DicomFile, layout: PixelLayout) -> bool:
    """Whether uncompressed YBR_FULL_422 is stored with its chroma halved, as it should be.

    Args:
        file: The file.
        layout: Its Image Pixel module.

    Returns:
        False where there are three full samples a pixel, as some writers leave them.
    """
    return file.pixel_length < _full_frame_bytes(layout) * layout.frames


def _check_native(file: DicomFile, layout: PixelLayout) -> None:
    frame = _full_frame_bytes(layout)
    if layout.photometric == "YBR_FULL_422" and is_subsampled(file, layout):
        frame = frame * 2 // 3
    expected = frame * layout.frames
    present = file.stream_length - (file.pixel_offset or 0)
    if file.pixel_length == UNDEFINED_LENGTH:
        raise InvalidInput(
            f"{file.source}: declares uncompressed pixels and carries compressed ones",
            remedy=EXPORT_AGAIN,
        )
    if min(file.pixel_length, present) < expected:
        raise InvalidInput(
            f"{file.source}: the pixel data is truncated",
            value=f"{min(file.pixel_length, present)} bytes",
            accepted=f"{expected} bytes for {layout.frames} frames",
            remedy=EXPORT_AGAIN,
        )
    if file.pixel_length >= expected + frame:
        raise InvalidInput(
            f"{file.source}: declares {layout.frames} frames and carries "
            f"{file.pixel_length // frame}",
            remedy=EXPORT_AGAIN,
        )


def _check_encapsulated(file: DicomFile, layout: PixelLayout) -> None:
    if file.pixel_length != UNDEFINED_LENGTH:
        raise InvalidInput(
            f"{file.source}: declares compressed pixels and carries uncompressed ones",
            remedy=EXPORT_AGAIN,
        )
    found = _count_fragments(file)
    carried = found.fragments if file.syntax == RLELossless else found.starts
    if found.offsets and carried == layout.frames:
        carried = found.offsets
    if carried != layout.frames:
        raise InvalidInput(
            f"{file.source}: declares {layout.frames} frames and carries {carried}",
            remedy=EXPORT_AGAIN,
        )


def _count_fragments(file: DicomFile) -> _Fragments:
    """Walk encapsulated Pixel Data once, without decoding."""
    fragments, starts, offsets = 0, 0, 0
    with file.open_stream() as stream:
        stream.seek(file.pixel_offset or 0)
        for number, (offset, length) in enumerate(_items(stream, file)):
            if number == 0:
                offsets = length // 4
                continue
            fragments += 1
            stream.seek(offset)
            starts += starts_codestream(stream.read(min(4, length)))
    return _Fragments(offsets=offsets, fragments=fragments, starts=starts)


def _items(stream: BinaryIO, file: DicomFile) -> Iterator[tuple[int, int]]:
    """Offset and length of each item of encapsulated Pixel Data; none may leave the file.

    The first is the Basic Offset Table, which may be empty.
    """
    position = stream.tell()
    while True:
        stream.seek(position)
        head = stream.read(8)
        group, element, length = struct.unpack("<HHL", head) if len(head) == 8 else (0, 0, 0)
        if (group, element) == _SEQUENCE_END:
            return
        position += 8
        if (group, element) != _ITEM or position + length > file.stream_length:
            raise InvalidInput(
                f"{file.source}: the compressed pixel data is truncated", remedy=EXPORT_AGAIN
            )
        yield position, length
        position += length
