"""A sweep as fast as it is scanned: frames in, findings out, in order, one at a time.

Owns the order of work: which frames are looked at whole, what runs side by side, how far
reading may run ahead, progress and cancelling. The looks themselves are ``guided_looking``.

At most three groups of frames are held at any time, so memory does not grow with the sweep.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from deeppcos.vision.analyse import PreparedFrame, judge_frame, prepare_frame, scaled_frame
from deeppcos.vision.findings import FrameFindings
from deeppcos.vision.frame import MmPerPixel, UltrasoundFrame
from deeppcos.vision.guided_looking import NOTHING, WholeLook, between, look_at_whole, look_closely
from deeppcos.vision.looking import Look
from deeppcos.vision.release import Release

WHOLE_LOOK_EVERY = 4
"""Frames from one whole look to the next: about 1 mm at the usual pace of a sweep."""

WORKERS = 2

Progress = Callable[[int], None]
"""Called with the number of frames done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """The last frame of a group, looked at whole."""

    prepared: PreparedFrame
    look: WholeLook


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """A few consecutive frames being worked on; the last one is the key."""

    prepared: tuple[Future[PreparedFrame], ...]
    key: Future[_Key]


def analyse_sweep(
    frames: Iterable[UltrasoundFrame],
    release: Release,
    *,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    workers: int = WORKERS,
    whole_look_every: int = WHOLE_LOOK_EVERY,
) -> Generator[FrameFindings, None, None]:
    """Analyse the frames of one sweep.

    Args:
        frames: Frames of one file, in order; read only as fast as they are worked on.
        release: The release to look with. Load it with ``threads=1``: frames run side by side,
            so more threads a frame only wait for each other.
        progress: Told after every frame.
        is_cancelled: Asked before every frame; when it says True no more is read and the
            findings end with the frames read so far.
        workers: Frames worked on side by side.
        whole_look_every: Frames from one whole look to the next, at least 1.

    Yields:
        One record a frame, in order.

    Raises:
        InvalidInput: If a frame cannot be decoded; the findings of the frames before it have
            been given by then.
    """
    # A pool of threads suffices: decoding, filtering and the network all leave the lock.
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="sweep")
    asked = _until(iter(frames), is_cancelled)
    try:
        found = _findings(_groups(asked, release, pool, whole_look_every), release, pool)
        for done, finding in enumerate(found, start=1):
            if progress is not None:
                progress(done)
            yield finding
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _until(
    frames: Iterator[UltrasoundFrame], is_cancelled: Callable[[], bool] | None
) -> Iterator[UltrasoundFrame]:
    """Frames until somebody cancels."""
    for frame in frames:
        if is_cancelled is not None and is_cancelled():
            return
        yield frame


def _findings(
    groups: Iterator[_Group | Exception], release: Release, pool: ThreadPoolExecutor
) -> Iterator[FrameFindings]:
    """Groups looked at closely and handed out in order, each while the next is worked on."""
    before: _Key | None = None
    waiting: list[Future[FrameFindings]] = []
    for group in _read_ahead(groups):
        if isinstance(group, Exception):
            # What was read before the file broke is not lost with it.
            yield from (one.result() for one in waiting)
            raise group
        key = group.key.result()
        following = _close_looks(group, before or key, key, release, pool)
        yield from (one.result() for one in waiting)
        before, waiting = key, following
    yield from (one.result() for one in waiting)


def _read_ahead(groups: Iterator[_Group | Exception]) -> Iterator[_Group | Exception]:
    """The same groups, the next one read while one is worked on."""
    ahead = next(groups, None)
    while ahead is not None:
        now, ahead = ahead, next(groups, None)
        yield now


def _groups(
    frames: Iterator[UltrasoundFrame], release: Release, pool: ThreadPoolExecutor, every: int
) -> Iterator[_Group | Exception]:
    """Read a few frames at a time and set to work on them; last, what broke the reading."""
    size = 1  # the very first frame is a key, so that every other one lies between two
    problem: Exception | None = None
    while problem is None:
        group, problem = _read(frames, size)
        if group:
            yield _Group(
                prepared=tuple(pool.submit(prepare_frame, frame) for frame in group[:-1]),
                key=pool.submit(_key, group[-1], release),
            )
        elif problem is None:
            return
        size = every
    yield problem


def _read(
    frames: Iterator[UltrasoundFrame], count: int
) -> tuple[list[UltrasoundFrame], Exception | None]:
    """Up to so many frames, and what broke the reading."""
    read: list[UltrasoundFrame] = []
    try:
        read.extend(islice(frames, count))
    except Exception as broken:  # given back: frames read before it must not be lost
        return read, broken
    return read, None


def _key(frame: UltrasoundFrame, release: Release) -> _Key:
    """Read the ruler of a key frame and look at it whole."""
    prepared = prepare_frame(scaled_frame(frame))
    look = NOTHING if prepared.problems else look_at_whole(prepared.grey, release)
    return _Key(prepared=prepared, look=look)


def _close_looks(
    group: _Group, before: _Key, after: _Key, release: Release, pool: ThreadPoolExecutor
) -> list[Future[FrameFindings]]:
    """Set to look closely at every frame of a group."""
    count = len(group.prepared) + 1
    shared = _shared_scale(before.prepared.frame, after.prepared.frame)
    futures = [
        pool.submit(_close_look, prepared, before, after, place / count, shared, release)
        for place, prepared in enumerate(group.prepared, start=1)
    ]
    futures.append(pool.submit(_judged, after.prepared, before, after, 1.0, release))
    return futures


def _shared_scale(before: UltrasoundFrame, after: UltrasoundFrame) -> MmPerPixel | None:
    """The scale of all frames between two whose rulers agree; None where they do not."""
    one, other = before.mm_per_pixel, after.mm_per_pixel
    return one if one is not None and one == other else None


def _close_look(
    waiting: Future[PreparedFrame],
    before: _Key,
    after: _Key,
    share: float,
    scale: MmPerPixel | None,
    release: Release,
) -> FrameFindings:
    """A frame between two keys."""
    prepared = waiting.result()
    frame = prepared.frame
    if scale is not None and frame.mm_per_pixel in (None, scale):
        # The same ruler before and after: reading it in between would cost as much as all else.
        frame = replace(frame, mm_per_pixel=scale, scale_problem="")
    else:
        frame = scaled_frame(frame)
    return _judged(replace(prepared, frame=frame), before, after, share, release)


def _judged(
    prepared: PreparedFrame, before: _Key, after: _Key, share: float, release: Release
) -> FrameFindings:
    """Findings of one frame, looked at closely where an ovary may be."""
    if prepared.problems:
        return judge_frame(prepared, None, release)
    place = between(before.look, after.look, share=share)
    if place is None:
        whole = after.look if share >= 0.5 else before.look
        return judge_frame(prepared, _nothing_close(whole), release)
    guide, whole = place
    return judge_frame(prepared, look_closely(prepared.grey, guide, whole, release), release)


def _nothing_close(whole: WholeLook) -> Look:
    """A frame in which no place was worth a close look."""
    return Look(
        ovary_answer=whole.ovary_answer,
        lesion_answer=whole.lesion_answer,
        ovaries=(),
        lesions=whole.lesions,
    )
