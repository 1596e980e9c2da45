"""Which frames a report shows, and how the others are told.

Owns the choice of key frames and the grouping of frames that say nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deeppcos.app.report.marks import sure_ovaries
from deeppcos.records.assessment_document import AssessmentDocument, FrameRecord, FrameReference

MOST_PICTURES = 12
"""Pictures shown at most; the rest is counted and stays in the document."""
FRAMES_PER_SWEEP = 3
"""Key frames shown of a file with several frames, unless a measurement cites more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentFrames:
    """Frames of one file that say nothing, for the same reasons."""

    source: str
    frames: str
    reasons: tuple[str, ...]


def key_frames_of(document: AssessmentDocument) -> tuple[tuple[FrameRecord, ...], int]:
    """The frames worth a picture, in document order, and how many more were assessed.

    Frames cited by a measurement come first, then every still and the frames of each sweep
    that show the most. A doubtful outline is shown only of a file that shows nothing surer.
    """
    speaking = _speaking(document.frames)
    cited = {(ref.source, ref.frame) for ref in _cited(document)}
    ranked = sorted(speaking, key=lambda frame: (_name(frame) not in cited, -_shown(frame)))
    chosen: set[tuple[str, int]] = set()
    per_source: dict[str, int] = {}
    for frame in ranked:
        taken = per_source.get(frame.source, 0)
        if len(chosen) < MOST_PICTURES and (taken < FRAMES_PER_SWEEP or _name(frame) in cited):
            chosen.add(_name(frame))
            per_source[frame.source] = taken + 1
    shown = tuple(frame for frame in speaking if _name(frame) in chosen)
    return shown, len(speaking) - len(shown)


def unshown_frames(document: AssessmentDocument) -> tuple[str, ...]:
    """How many assessed frames have no picture here: of each sweep, and of the other files."""
    shown = {_name(frame) for frame in key_frames_of(document)[0]}
    by_source: dict[str, list[bool]] = {}
    for frame in _speaking(document.frames):
        by_source.setdefault(frame.source, []).append(_name(frame) in shown)
    told = [
        f"{source}: {sum(seen) or 'none'} of {len(seen)} assessed frames "
        f"{'is' if sum(seen) == 1 else 'are'} shown"
        for source, seen in by_source.items()
        if len(seen) > 1 and not all(seen)
    ]
    stills = sum(seen == [False] for seen in by_source.values())
    if stills:
        told.append(
            f"{stills} more assessed {'picture is' if stills == 1 else 'pictures are'} not shown"
        )
    return tuple(told)


def silent_frames(frames: Iterable[FrameRecord]) -> tuple[SilentFrames, ...]:
    """Frames that cannot be assessed; those of a file with the same reasons together."""
    grouped: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for frame in frames:
        if not frame.assessable:
            key = (frame.source, tuple(frame.not_assessable_because))
            grouped.setdefault(key, []).append(frame.frame)
    return tuple(
        SilentFrames(
            source=source,
            frames=frame_ranges(numbers),
            reasons=reasons or ("no reason was recorded",),
        )
        for (source, reasons), numbers in grouped.items()
    )


def frame_ranges(frames: Sequence[int]) -> str:
    """Frame numbers from 1, neighbours as ranges.

    Examples:
        >>> frame_ranges([0, 1, 2, 6])
        'frames 1–3, 7'
        >>> frame_ranges([0])
        'frame 1'
    """
    runs: list[list[int]] = []
    for frame in sorted(frames):
        if runs and frame == runs[-1][-1] + 1:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    words = [f"{run[0] + 1}–{run[-1] + 1}" if len(run) > 1 else f"{run[0] + 1}" for run in runs]
    return f"{'frame' if len(frames) == 1 else 'frames'} {', '.join(words)}"


def _name(frame: FrameRecord) -> tuple[str, int]:
    return frame.source, frame.frame


def _speaking(frames: Iterable[FrameRecord]) -> list[FrameRecord]:
    """Assessed frames, and of a file without any the doubtful frame that shows the most."""
    every = list(frames)
    assessed = {frame.source for frame in every if frame.assessable}
    best: dict[str, FrameRecord] = {}
    for frame in every:
        if frame.source not in assessed and (frame.ovaries or frame.lesions):
            before = best.get(frame.source)
            if before is None or _sureness(frame) > _sureness(before):
                best[frame.source] = frame
    return [f for f in every if f.assessable or f is best.get(f.source)]


def _sureness(frame: FrameRecord) -> float:
    found = [*(o.probability for o in frame.ovaries), *(x.probability for x in frame.lesions)]
    return max(found)


def _shown(frame: FrameRecord) -> float:
    ovaries = sure_ovaries(frame)
    follicles = sum(len(ovary.follicles) for ovary in ovaries)
    sureness = sum(ovary.probability for ovary in ovaries)
    return follicles + sureness + len(frame.lesions)


def _cited(document: AssessmentDocument) -> list[FrameReference]:
    measured = document.measurements
    sides = [side for side in (measured.left, measured.right, measured.side_unknown) if side]
    return [
        reference
        for side in sides
        for quantity in (side.fnps, side.volume_ml)
        for reference in quantity.sources
    ]
