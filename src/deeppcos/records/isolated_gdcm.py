"""GDCM at arm's length: JPEG lossless, JPEG-LS and 12-bit JPEG.

Owns the parent's side of the pipe to ``gdcm_worker``. GDCM is the only decoder without a
copyleft licence for these encodings, and a few flipped bits in a frame make it abort or read
outside its memory, which would end the whole program. So it works in a child process: when the
child dies or hangs, one file is refused and the batch goes on. Everything else is decoded by
pydicom and Pillow in the program itself.
"""

import contextlib
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from deeppcos.records.gdcm_worker import ANSWER, REQUEST

SECONDS_PER_FRAME = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFormat:
    """What the decoder must know of a frame.

    Attributes:
        syntax: Transfer syntax UID.
        rows: Picture height, pixels.
        columns: Picture width, pixels.
        samples: Samples per pixel, 1 or 3.
        precision: Bits per sample of the encoded frame, 2 to 16.
        is_signed: Whether samples are two's complement.
    """

    syntax: str
    rows: int
    columns: int
    samples: int
    precision: int
    is_signed: bool


class IsolatedGdcm:
    """One child process that decodes the frames of one file, started at the first frame."""

    def __init__(self, *, seconds_per_frame: float = SECONDS_PER_FRAME) -> None:
        self._seconds = seconds_per_frame
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "IsolatedGdcm":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def decode(self, frame: bytes, *, layout: FrameFormat) -> bytes:
        """Decode one frame in the child.

        Args:
            frame: One encoded frame.
            layout: What the DICOM header and the frame's own header agree on.

        Returns:
            Samples row by row, interleaved, 8 bits each up to a precision of 8, else 16.

        Raises:
            ValueError: If the frame cannot be decoded, or the child died or hung over it.
        """
        child = self._running_child()
        watchdog = threading.Timer(self._seconds, child.kill)
        watchdog.start()
        try:
            return _ask(child, frame, layout)
        except (OSError, struct.error) as error:
            self.close()
            raise ValueError("the decoder gave up on a damaged frame") from error
        finally:
            watchdog.cancel()

    def close(self) -> None:
        """End the child, if one runs."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                _close_quietly(pipe)

    def _running_child(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            worker = Path(__file__).with_name("gdcm_worker.py")
            self._child = subprocess.Popen(
                [sys.executable, "-I", str(worker)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._child


def _ask(child: subprocess.Popen[bytes], frame: bytes, layout: FrameFormat) -> bytes:
    """Send a request and read the answer: a dead child makes a short read or a broken pipe."""
    if child.stdin is None or child.stdout is None:
        raise OSError("the decoder's pipes are closed")
    child.stdin.write(
        REQUEST.pack(
            layout.syntax.encode("ascii"),
            layout.rows,
            layout.columns,
            layout.samples,
            layout.precision,
            layout.is_signed,
            len(frame),
        )
    )
    child.stdin.write(frame)
    child.stdin.flush()
    status, length = ANSWER.unpack(child.stdout.read(ANSWER.size))
    payload = child.stdout.read(length)
    if len(payload) != length:
        raise OSError("the decoder's answer ended early")
    if not status:
        raise ValueError(payload.decode("utf-8", "replace"))
    return payload


def _close_quietly(pipe: IO[bytes]) -> None:
    """Close a pipe whose other end may be gone with bytes still to be sent."""
    with contextlib.suppress(BrokenPipeError):
        pipe.close()
