"""Which frames a report shows, and how the others are told.

Owns the choice of key frames and the grouping of frames that say nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

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
    """The frames worth a picture, in document order, and how many more were assessable.

    Frames cited by a measurement come first, then every still and the frames of each sweep
    that show the most.
    """
    speaking = [frame for frame in document.frames if _has_something_to_show(frame)]
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


def silent_frames(frames: Iterable[FrameRecord]) -> tuple[SilentFrames, ...]:
    """Frames that cannot be assessed, neighbours with the same reasons together."""
    silent = [frame for frame in frames if not frame.assessable]
    grouped = groupby(silent, key=lambda frame: (frame.source, tuple(frame.not_assessable_because)))
    return tuple(
        SilentFrames(
            source=source,
            frames=frame_ranges([frame.frame for frame in group]),
            reasons=reasons or ("no reason was recorded",),
        )
        for (source, reasons), group in grouped
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


def _has_something_to_show(frame: FrameRecord) -> bool:
    return frame.assessable or bool(frame.ovaries) or bool(frame.lesions)


def _shown(frame: FrameRecord) -> float:
    follicles = sum(len(ovary.follicles) for ovary in frame.ovaries)
    sureness = sum(ovary.probability for ovary in frame.ovaries)
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
