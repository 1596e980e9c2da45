"""The frames of a DICOM file as arrays, one at a time.

Owns finding the frames in Pixel Data, checking that all of them are there, and choosing the
decoder. How grey levels and palettes become a picture is the business of ``dicom_display``.

Decoders: pydicom for uncompressed and RLE, Pillow for 8-bit JPEG and for JPEG 2000, GDCM in a
process of its own for JPEG lossless, JPEG-LS, 12-bit JPEG and deep colour JPEG 2000.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    JPEG2000,
    UID,
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
from deeppcos.records.codestream import Codestream, read_codestream, starts_codestream
from deeppcos.records.dicom_file import (
    EXPORT_AGAIN,
    UNDEFINED_LENGTH,
    DicomFile,
    PixelLayout,
)
from deeppcos.records.isolated_gdcm import FrameFormat, IsolatedGdcm

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
_DCT_SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit)
_DCT_PRECISIONS = (8, 12)
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
            value=file.syntax.name,
            accepted=_ACCEPTED,
            remedy="export the file uncompressed or as JPEG",
        )


def decoded_frames(file: DicomFile, layout: PixelLayout) -> Iterator[tuple[npt.NDArray[Any], str]]:
    """Decode the frames lazily.

    Args:
        file: The file, checked by ``check_frames``.
        layout: Its Image Pixel module.

    Yields:
        Stored values, ``(rows, columns)`` or ``(rows, columns, 3)`` of an integer type, with
        the photometric interpretation they are in after decoding: never YBR.

    Raises:
        Exception: Whatever a decoder raises; the caller stands behind ``decoder_guard``.
    """
    with file.open_stream() as stream:
        stream.seek(file.pixel_offset or 0)
        if file.syntax in NATIVE_SYNTAXES:
            yield from _native_frames(stream, file, layout)
        else:
            yield from _encapsulated_frames(stream, file, layout)


def _native_frames(
    stream: BinaryIO, file: DicomFile, layout: PixelLayout
) -> Iterator[tuple[npt.NDArray[Any], str]]:
    # The file's deflated stream was inflated when it was opened.
    options = _decoder_options(layout, frames=layout.frames, pixel_vr=file.pixel_vr)
    if layout.photometric == "YBR_FULL_422" and not _is_subsampled(file, layout):
        options["photometric_interpretation"] = "YBR_FULL"
    for values, properties in get_decoder(file.syntax).iter_array(stream, **options):
        yield values, str(properties["photometric_interpretation"])


def _encapsulated_frames(
    stream: BinaryIO, file: DicomFile, layout: PixelLayout
) -> Iterator[tuple[npt.NDArray[Any], str]]:
    with IsolatedGdcm() as gdcm:
        for frame in _encoded_frames(stream, file):
            yield _decoded_frame(frame, file, layout, gdcm)


def _encoded_frames(stream: BinaryIO, file: DicomFile) -> Iterator[bytes]:
    """Join fragments into frames: a frame begins where a codestream does.

    Offset tables are optional and sometimes wrong; the codestreams are neither.
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


def _decoded_frame(
    frame: bytes, file: DicomFile, layout: PixelLayout, gdcm: IsolatedGdcm
) -> tuple[npt.NDArray[Any], str]:
    if file.syntax == RLELossless:
        return _decoded_by_pydicom(frame, file.syntax, layout, plugin="pydicom")
    stated = read_codestream(frame)
    _refuse_disagreement(stated, file.syntax, layout)
    if _is_for_pillow(file.syntax, stated):
        return _decoded_by_pydicom(frame, file.syntax, layout, plugin="pillow")
    return _decoded_by_gdcm(frame, file.syntax, layout, stated, gdcm)


def _is_for_pillow(syntax: UID, stated: Codestream) -> bool:
    if syntax in JPEG_2000_SYNTAXES:
        return stated.precision <= 8 or stated.samples == 1
    return syntax in _DCT_SYNTAXES and stated.precision == 8


def _refuse_disagreement(stated: Codestream, syntax: UID, layout: PixelLayout) -> None:
    size = (stated.columns, stated.rows, stated.samples)
    declared = (layout.columns, layout.rows, layout.samples)
    if size != declared:
        raise ValueError(f"a frame is {size} where the header declares {declared}")
    if not 2 <= stated.precision <= min(16, layout.bits_allocated):
        raise ValueError(
            f"a frame has {stated.precision} bits in {layout.bits_allocated} allocated"
        )
    # GDCM's own encoder writes 16 for 12 here, and its decoder then shifts every value.
    if syntax in _DCT_SYNTAXES and stated.precision not in _DCT_PRECISIONS:
        raise ValueError(f"a lossy JPEG frame has {stated.precision} bits")


def _decoded_by_pydicom(
    frame: bytes, syntax: UID, layout: PixelLayout, *, plugin: str
) -> tuple[npt.NDArray[Any], str]:
    values, properties = get_decoder(syntax).as_array(
        encapsulate([frame], has_bot=False),
        index=0,
        decoding_plugin=plugin,
        **_decoder_options(layout, frames=1, pixel_vr="OB"),
    )
    return values, str(properties["photometric_interpretation"])


def _decoded_by_gdcm(
    frame: bytes, syntax: UID, layout: PixelLayout, stated: Codestream, gdcm: IsolatedGdcm
) -> tuple[npt.NDArray[Any], str]:
    decoded = gdcm.decode(
        frame,
        layout=FrameFormat(
            syntax=str(syntax),
            rows=layout.rows,
            columns=layout.columns,
            samples=layout.samples,
            precision=stated.precision,
            is_signed=layout.is_signed,
        ),
    )
    kind = f"{'i' if layout.is_signed else 'u'}{1 if stated.precision <= 8 else 2}"
    shape = (layout.rows, layout.columns, layout.samples)[: 2 if layout.samples == 1 else 3]
    values = np.frombuffer(decoded, dtype=np.dtype(kind).newbyteorder("<")).reshape(shape)
    if layout.photometric in ("YBR_FULL", "YBR_FULL_422"):
        return convert_color_space(values, "YBR_FULL", "RGB"), "RGB"
    if not layout.is_signed and int(values.max()) >= 2**layout.bits_stored:
        raise ValueError(f"a frame has values beyond {layout.bits_stored} bits")
    return values, "RGB" if layout.samples == 3 else layout.photometric


def _decoder_options(layout: PixelLayout, *, frames: int, pixel_vr: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.is_signed),
        "photometric_interpretation": layout.photometric,
        "number_of_frames": frames,
        "pixel_keyword": "PixelData",
        "pixel_vr": pixel_vr,
    }
    if layout.samples > 1:
        options["planar_configuration"] = layout.planar
    return options


def _full_frame_bytes(layout: PixelLayout) -> int:
    return layout.rows * layout.columns * layout.samples * layout.bits_allocated // 8


def _is_subsampled(file: DicomFile, layout: PixelLayout) -> bool:
    """Whether YBR_FULL_422 is stored with its chroma halved: some writers do not halve it."""
    return file.pixel_length < _full_frame_bytes(layout) * layout.frames


def _check_native(file: DicomFile, layout: PixelLayout) -> None:
    frame = _full_frame_bytes(layout)
    if layout.photometric == "YBR_FULL_422" and _is_subsampled(file, layout):
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
