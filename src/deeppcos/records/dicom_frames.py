"""The frames of a DICOM file as arrays, one at a time.

Owns choosing the decoder and holding its result against the header. Finding the frames is the
business of ``dicom_pixel_data``; how grey levels and palettes become a picture, of
``dicom_display``.

Decoders: pydicom for uncompressed and RLE, Pillow for 8-bit JPEG and for JPEG 2000, GDCM in a
process of its own for JPEG lossless, JPEG-LS, 12-bit JPEG and deep colour JPEG 2000.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit, RLELossless

from deeppcos.records.codestream import Codestream, read_codestream
from deeppcos.records.dicom_file import DicomFile, PixelLayout
from deeppcos.records.dicom_pixel_data import (
    JPEG_2000_SYNTAXES,
    NATIVE_SYNTAXES,
    encoded_frames,
    is_subsampled,
)
from deeppcos.records.isolated_gdcm import FrameFormat, IsolatedGdcm

_DCT_SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit)
_DCT_PRECISIONS = (8, 12)


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
    if layout.photometric == "YBR_FULL_422" and not is_subsampled(file, layout):
        options["photometric_interpretation"] = "YBR_FULL"
    for values, properties in get_decoder(file.syntax).iter_array(stream, **options):
        yield values, str(properties["photometric_interpretation"])


def _encapsulated_frames(
    stream: BinaryIO, file: DicomFile, layout: PixelLayout
) -> Iterator[tuple[npt.NDArray[Any], str]]:
    with IsolatedGdcm() as gdcm:
        for frame in encoded_frames(stream, file):
            yield _decoded_frame(frame, file, layout, gdcm)


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
    try:
        values, properties = get_decoder(syntax).as_array(
            encapsulate([frame], has_bot=False),
            index=0,
            decoding_plugin=plugin,
            **_decoder_options(layout, frames=1, pixel_vr="OB"),
        )
    except RuntimeError as error:
        # pydicom lists what each of its plug-ins said: only one was asked.
        raise ValueError(str(error).splitlines()[-1].strip()) from error
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
