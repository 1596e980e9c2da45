"""What a compressed frame says of itself, read before any decoder sees it.

Owns the headers of JPEG (all processes), JPEG-LS and JPEG 2000 codestreams and the check that
they agree with the DICOM header. Decoders trust the frame, readers trust the header: where the
two disagree, memory is overrun. It decodes nothing.
"""

import struct
from dataclasses import dataclass

_JPEG_START = b"\xff\xd8"
_JPEG_2000_START = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\0\0\0\x0cjP  "
_END_OF_CODESTREAM = b"\xff\xd9"
_LONGEST_PADDING = 64
# SOF0-SOF15 without DHT (C4), JPG (C8) and DAC (CC); SOF55 (F7) is JPEG-LS.
_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestream:
    """Size and depth of a compressed frame.

    Attributes:
        rows: Picture height, pixels.
        columns: Picture width, pixels.
        samples: Components.
        precision: Bits per sample.
    """

    rows: int
    columns: int
    samples: int
    precision: int


def starts_codestream(first_bytes: bytes) -> bool:
    """Whether a fragment begins a frame rather than continuing one.

    Args:
        first_bytes: The fragment's first 4 bytes or more.

    Returns:
        True for the start of a JPEG, JPEG-LS or JPEG 2000 codestream.
    """
    return first_bytes.startswith((_JPEG_START, _JPEG_2000_START, _JP2_SIGNATURE[:4]))


def read_codestream(frame: bytes) -> Codestream:
    """Read a frame's own header.

    Args:
        frame: One encoded frame.

    Returns:
        Its size and depth.

    Raises:
        ValueError: If the frame is not a complete codestream.
    """
    if _END_OF_CODESTREAM not in frame[-_LONGEST_PADDING:]:
        raise ValueError("a frame ends before its end marker")
    try:
        if frame.startswith(_JPEG_START):
            return _read_jpeg(frame)
        return _read_jpeg_2000(frame)
    except (struct.error, IndexError) as error:
        raise ValueError("a frame ends within its header") from error


def _read_jpeg(frame: bytes) -> Codestream:
    position = 2
    while frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        (length,) = struct.unpack_from(">H", frame, position + 2)
        if marker in _FRAME_MARKERS:
            precision, rows, columns, samples = struct.unpack_from(">BHHB", frame, position + 4)
            return Codestream(rows=rows, columns=columns, samples=samples, precision=precision)
        position += 2 + length
    raise ValueError("a frame has no JPEG frame header")


def _read_jpeg_2000(frame: bytes) -> Codestream:
    start = frame.find(_JPEG_2000_START)
    if start < 0 or (start > 0 and not frame.startswith(_JP2_SIGNATURE)):
        raise ValueError("a frame is neither JPEG nor JPEG 2000")
    right, bottom, left, top = struct.unpack_from(">4L", frame, start + 8)
    samples, depth = struct.unpack_from(">HB", frame, start + 40)
    return Codestream(
        rows=bottom - top,
        columns=right - left,
        samples=samples,
        precision=(depth & 0x7F) + 1,
    )
