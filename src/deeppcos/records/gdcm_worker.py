"""Decodes compressed frames with GDCM in a process of its own.

Owns the child's side of a pipe: a request is a fixed header and one encoded frame, the answer a
status, a length and the decoded samples. Run as a script, it imports nothing of DeepPCOS. The
parent's side, and why there is a child at all, is in ``isolated_gdcm``.
"""

import os
import struct
import sys
from typing import BinaryIO

REQUEST = struct.Struct("<64sHHHHHI")
"""Transfer syntax UID, rows, columns, samples, precision, is signed, length of the frame."""

ANSWER = struct.Struct("<BI")
"""1 for success and 0 for failure, then the length of the samples or of the message."""

MEMORY_LIMIT_BYTES = 4 * 1024**3


def decode(
    frame: bytes,
    *,
    syntax: str,
    rows: int,
    columns: int,
    samples: int,
    precision: int,
    is_signed: bool,
) -> bytes:
    """Decode one frame.

    Args:
        frame: One encoded frame.
        syntax: Transfer syntax UID.
        rows: Picture height, pixels.
        columns: Picture width, pixels.
        samples: Samples per pixel, 1 or 3.
        precision: Bits per sample of the encoded frame.
        is_signed: Whether samples are two's complement.

    Returns:
        Samples row by row, interleaved, 8 bits each up to a precision of 8, else 16.
    """
    import gdcm  # the child alone pays for the import, after its output is closed

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())

    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    colors = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2" if samples == 1 else "RGB")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(colors))
    if samples > 1:
        image.SetPlanarConfiguration(0)
    kind = gdcm.TransferSyntax.GetTSType(syntax)
    image.SetTransferSyntax(gdcm.TransferSyntax(kind))
    allocated = 8 if precision <= 8 else 16
    image.SetPixelFormat(
        gdcm.PixelFormat(samples, allocated, precision, precision - 1, int(is_signed))
    )
    # GDCM hands out its buffer as text: this is how it becomes bytes again.
    buffer = image.GetBuffer()
    if buffer is None:
        raise ValueError("a frame is damaged")
    decoded: bytes = buffer.encode("utf-8", "surrogateescape")
    expected = rows * columns * samples * allocated // 8
    if len(decoded) != expected:
        raise ValueError(f"the decoder returned {len(decoded)} of {expected} bytes")
    return decoded


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the pipe closes.

    Args:
        requests: Pipe from the parent.
        answers: Pipe to the parent.
    """
    while len(header := requests.read(REQUEST.size)) == REQUEST.size:
        syntax, rows, columns, samples, precision, is_signed, length = REQUEST.unpack(header)
        frame = requests.read(length)
        try:
            payload = decode(
                frame,
                syntax=syntax.rstrip(b"\0").decode("ascii"),
                rows=rows,
                columns=columns,
                samples=samples,
                precision=precision,
                is_signed=bool(is_signed),
            )
            status = 1
        # The parent turns whatever went wrong into a refusal that names the file.
        except Exception as error:
            status, payload = 0, str(error).encode("utf-8", "replace")
        answers.write(ANSWER.pack(status, len(payload)))
        answers.write(payload)
        answers.flush()


def main() -> None:
    """Close the child's output to everything but answers, then serve."""
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    _limit_memory()
    serve(sys.stdin.buffer, answers)


def _limit_memory() -> None:
    """Cap the child's memory where the system can."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
