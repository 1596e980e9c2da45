"""Sweeps recorded as video: MP4, QuickTime and AVI.

Owns decoding video into frames with their times. A video states no pixel size, so its frames
have no scale until a ruler in the picture gives one. DICOM cines are the business of
``deeppcos.records.dicom_images``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.vision.decoder_guard import guarded, guarded_items
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.stills import refuse_dimensions, refuse_size

MAX_VIDEO_FRAMES = 5_000
MISSING_FRAMES_TOLERANCE = 0.02
"""Containers without an index estimate their length from duration and rate, and round it."""

NO_SCALE = "a video states no pixel size"
_REMEDY = "export the sweep again, as MP4, AVI or DICOM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A video all of whose frames were found to be there.

    Attributes:
        path: The file.
        source: The file, as the user named it.
        frame_count: Frames in the video, at least 1.
        frames_per_second: Nominal rate, or None when the file states none.
    """

    path: Path
    source: str
    frame_count: int
    frames_per_second: float | None

    def frames(self) -> Iterator[UltrasoundFrame]:
        """Decode the frames, one at a time.

        Yields:
            Frames without scale, with their time from the start of the video.

        Raises:
            InvalidInput: If a frame cannot be decoded.
        """
        return guarded_items(
            _decoded_frames(self), self.source, problem="cannot be decoded", remedy=_REMEDY
        )


def open_sweep(path: str | Path, *, source: str = "") -> Sweep:
    """Open a video and run through it once.

    Video headers promise frames that a cut file no longer has, and decoders stop there without
    a word. Counting is the only way to know.

    Args:
        path: The file.
        source: The file, as the user named it; the path when empty.

    Returns:
        The sweep, ready to be read.

    Raises:
        InvalidInput: If it is empty, damaged, cut short or beyond the limits.
    """
    path, source = Path(path), source or str(path)
    refuse_size(path, source)
    with guarded(source, problem="cannot be read as a video", remedy=_REMEDY):
        video = _opened(path, source)
        try:
            return _checked(video, path, source)
        finally:
            video.release()


def _opened(path: Path, source: str) -> cv2.VideoCapture:
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not video.isOpened():
        video.release()
        raise InvalidInput(
            f"{source}: cannot be read as a video",
            accepted="a complete MP4, QuickTime or AVI file",
            remedy=_REMEDY,
        )
    return video


def _checked(video: cv2.VideoCapture, path: Path, source: str) -> Sweep:
    refuse_dimensions(
        source,
        width=int(video.get(cv2.CAP_PROP_FRAME_WIDTH)),
        height=int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)),
    )
    declared = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    _refuse_long(declared, source)
    present = 0
    while video.grab():
        present += 1
        _refuse_long(present, source)
    if present == 0 or declared - present > max(1, MISSING_FRAMES_TOLERANCE * declared):
        raise InvalidInput(
            f"{source}: the video is cut short",
            value=f"{present} frames",
            accepted=f"the {declared} frames it declares",
            remedy=_REMEDY,
        )
    rate = float(video.get(cv2.CAP_PROP_FPS))
    return Sweep(
        path=path,
        source=source,
        frame_count=present,
        frames_per_second=rate if np.isfinite(rate) and 0 < rate <= 1000 else None,
    )


def _refuse_long(frames: int, source: str) -> None:
    if frames > MAX_VIDEO_FRAMES:
        raise InvalidInput(
            f"{source}: the video is too long",
            value=f"{frames} frames",
            accepted=f"up to {MAX_VIDEO_FRAMES} frames",
            remedy="cut out the sweep over the ovary",
        )


def _decoded_frames(sweep: Sweep) -> Iterator[UltrasoundFrame]:
    video = _opened(sweep.path, sweep.source)
    start_s = 0.0
    try:
        for index in range(sweep.frame_count):
            was_read, bgr = video.read()
            if not was_read:
                raise InvalidInput(
                    f"{sweep.source}: frame {index} cannot be decoded", remedy=_REMEDY
                )
            position_s = float(video.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
            start_s = position_s if index == 0 else start_s
            yield UltrasoundFrame(
                source=sweep.source,
                index=index,
                pixels=np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8, copy=False),
                scale_problem=NO_SCALE,
                time_s=_time_s(index, position_s - start_s, sweep),
            )
    finally:
        video.release()


def _time_s(index: int, elapsed_s: float, sweep: Sweep) -> float | None:
    """The frame's own time stamp; without one, its place at the nominal rate."""
    if index == 0 or elapsed_s > 0:
        return elapsed_s
    return None if sweep.frames_per_second is None else index / sweep.frames_per_second
