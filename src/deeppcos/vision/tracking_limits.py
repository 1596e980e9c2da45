"""When a followed ovary may be counted, and how sure the count is.

Owns the evidence a follicle needs, the reasons that forbid a count, and the interval around one.
Following them is the business of ``tracking``.
"""

import math
from collections.abc import Sequence
from statistics import median

from deeppcos.clinical.plausibility import LIMITS
from deeppcos.vision.findings import FollicleKind, Interval
from deeppcos.vision.followed_ovary import WHOLE_OVARY_SHARE, FollowedOvary, OvaryCoverage
from deeppcos.vision.frame import MmPerPixel
from deeppcos.vision.sections import Chain
from deeppcos.vision.tracked_follicle import TrackedFollicle

FEWEST_OVARY_FRAMES = 6
"""Fewer sections than this are stills, not a sweep."""

LARGEST_LOST_SHARE = 0.3
"""An ovary lost in more of the frames between its margins was not followed."""

LARGEST_STEP_MM = 1.2
"""At wider steps follicles of 2 mm fall between frames, and neighbours cannot be told apart."""

FEWEST_FRAMES_A_FOLLICLE = 3.0
"""The same limit as frames in which a middling follicle is seen: holds without a scale too."""

LEAST_AREA_RATIO = 0.64
"""Smaller over larger area of a follicle's neighbouring sections: less is another sign of haste.

It shows most in crowded ovaries, where sections of different follicles begin to be linked.
"""

MOST_FLICKERS_A_FRAME = 0.4
"""Outlines that come and go, a frame of the ovary: more of them fall onto each other by chance.

The overcount this brings grows with their square, and no evidence in the outlines undoes it.
"""

FEWEST_OUTLINES = 20
LEAST_ROUNDNESS = 0.6
MOST_RAGGED_SHARE = 0.17
"""Share of outlines less round than that: fluid has smooth walls, speckle has not."""

LEAST_PASSED_SHARE = 0.5
"""Of less than half an ovary nothing is extrapolated."""

SMALLEST_COUNTED_MM = 2.0
COUNTED = (FollicleKind.ANTRAL, FollicleKind.UNSIZED)
SURE_ALONE = 0.75
"""Probability from which one frame is evidence enough, where one is all there can be."""

FRAMES_OF_ONE = 1.6
"""Frames in which a follicle may at most be expected when one is all the evidence."""

LEAST_SEEN_SHARE = 0.45
"""Share of the frames in which a follicle of its size should be seen, and must be."""


def frames_needed(step_mm: float | None) -> int:
    """Frames a track must be seen in: two fifths of what the smallest counted follicle fills."""
    return 2 if step_mm is None else max(2, round(0.4 * SMALLEST_COUNTED_MM / step_mm))


def has_evidence(track: TrackedFollicle, needed: int) -> bool:
    """Whether a track is a follicle rather than a flicker.

    A follicle shows in most frames between its ends, and in about as many frames as a body of
    its width is deep.
    """
    seen = len(track.frames)
    if seen == 1:
        return track.frames_expected <= FRAMES_OF_ONE and track.probability >= SURE_ALONE
    if seen < needed or seen * track.probability < 0.5 * needed or 2 * seen <= track.span:
        return False
    return seen >= LEAST_SEEN_SHARE * track.frames_expected


def problems_of(
    sequence: FollowedOvary,
    chains: Sequence[Chain],
    kept: Sequence[TrackedFollicle],
    *,
    coverage: OvaryCoverage,
    step_mm: float | None,
    others: Sequence[Chain],
) -> tuple[str, ...]:
    """Every reason that forbids a count.

    Args:
        sequence: The followed ovary.
        chains: Sections of all that was followed in it.
        kept: Follicles with enough evidence.
        coverage: How much of the ovary was shown.
        step_mm: Distance between frames, mm, or None.
        others: Other ovaries of the sequence, the best seen first.

    Returns:
        Reasons in words; empty where a count may be given. A missing scale comes last.
    """
    number = sum(one.kind in COUNTED for one in kept)
    most = LIMITS["ovary.fnpo"].high
    return (
        *_ovary_problems(sequence, coverage, others),
        *_speed_problems(sequence, chains, kept, step_mm),
        *_noise_problems(sequence, len(chains) - len(kept), coverage),
        *((f"{number} follicles are more than an ovary holds",) if number > most else ()),
        *_scale_problems(sequence, kept),
    )


def _ovary_problems(
    sequence: FollowedOvary, coverage: OvaryCoverage, others: Sequence[Chain]
) -> tuple[str, ...]:
    """Why the ovary was not followed well enough."""
    problems = []
    if coverage.ovary_frames < FEWEST_OVARY_FRAMES:
        problems.append(
            f"the ovary was judged in {coverage.ovary_frames} frames; a sweep needs at least "
            f"{FEWEST_OVARY_FRAMES}"
        )
    if 1 - coverage.seen_share > LARGEST_LOST_SHARE:
        problems.append(
            f"the ovary was lost in {1 - coverage.seen_share:.0%} of the frames between its margins"
        )
    if others and others[0].weight >= 0.4 * sequence.ovary.weight:
        problems.append("more than one ovary, or one lost and found elsewhere, in the sequence")
    return (*problems, *_coverage_problems(sequence, coverage))


def _coverage_problems(sequence: FollowedOvary, coverage: OvaryCoverage) -> tuple[str, ...]:
    """Why too little of the ovary was shown: a volume must hold it whole."""
    passed = f"{coverage.passed_share:.0%}"
    if sequence.spacing_mm is None:
        if coverage.passed_share < LEAST_PASSED_SHARE:
            return (f"only about {passed} of the ovary was passed",)
        return ()
    if coverage.passed_share < WHOLE_OVARY_SHARE or not coverage.is_margin_to_margin:
        return (f"the volume holds about {passed} of the ovary: no count of the whole ovary",)
    if coverage.edge_share > 0.1:
        return ("the ovary reaches the edge of the volume: no count of the whole ovary",)
    return ()


def _speed_problems(
    sequence: FollowedOvary,
    chains: Sequence[Chain],
    kept: Sequence[TrackedFollicle],
    step_mm: float | None,
) -> tuple[str, ...]:
    """Why neighbouring frames lie too far apart."""
    if step_mm is not None and step_mm > LARGEST_STEP_MM:
        return (f"too fast: about {step_mm:.1f} mm from frame to frame",)
    if sequence.spacing_mm is not None or not kept:
        return ()
    usual = median(track.span for track in kept)
    if usual < FEWEST_FRAMES_A_FOLLICLE:
        return (f"too fast: a follicle is seen in only about {usual:g} frames",)
    ratio = _area_ratio(chains)
    if ratio is not None and ratio < LEAST_AREA_RATIO:
        return ("too fast: neighbouring frames show follicles of too different size",)
    return ()


def _noise_problems(
    sequence: FollowedOvary, flickers: int, coverage: OvaryCoverage
) -> tuple[str, ...]:
    """Why outlines cannot be trusted to be of something."""
    rate = flickers / coverage.ovary_frames
    if rate > MOST_FLICKERS_A_FRAME:
        return (f"too noisy: {rate:.1f} outlines a frame come and go",)
    round_ = [s.roundness >= LEAST_ROUNDNESS for frame in sequence.follicles for s in frame]
    ragged = 1 - sum(round_) / len(round_) if len(round_) >= FEWEST_OUTLINES else 0.0
    if ragged > MOST_RAGGED_SHARE:
        return (f"too noisy: {ragged:.0%} of the outlines are ragged",)
    return ()


def _area_ratio(chains: Sequence[Chain]) -> float | None:
    """Mean ratio of the areas of neighbouring sections, 0 to 1; None with too few of them."""
    ratios = [
        min(one.area, other.area) / max(one.area, other.area, 1e-9)
        for chain in chains
        for one, other in zip(chain.sections, chain.sections[1:], strict=False)
    ]
    return sum(ratios) / len(ratios) if len(ratios) >= 10 else None


def _scale_problems(sequence: FollowedOvary, kept: Sequence[TrackedFollicle]) -> tuple[str, ...]:
    """Why follicles cannot be sized."""
    scales = [frame.mm_per_pixel for frame in sequence.frames if frame.mm_per_pixel]
    if not scales:
        why = sequence.frames[0].scale_problem or "no pixel size"
        return (f"no millimetres, so no follicle can be sized: {why}",)
    if not _agree(scales):
        return ("the scale changes within the sequence",)
    unsized = sum(track.kind is FollicleKind.UNSIZED for track in kept)
    if unsized > 0.2 * len(kept):
        return (f"{unsized} of {len(kept)} follicles lie only in frames without a scale",)
    return ()


def _agree(scales: Sequence[MmPerPixel]) -> bool:
    """Whether all frames have the same pixel size, to 1 %."""
    return all(
        max(sizes) <= 1.01 * min(sizes)
        for sizes in ([scale.x for scale in scales], [scale.y for scale in scales])
    )


def count_of(
    kept: Sequence[TrackedFollicle],
    tracks: Sequence[TrackedFollicle],
    *,
    coverage: OvaryCoverage,
    step_mm: float | None,
) -> Interval:
    """Follicles of countable size, with the interval of linking, sizing and coverage.

    The interval was set on phantoms whose outlines are right but for stated slips, see
    ``docs/evidence/tracking.md``; it does not cover what a network fails to see.

    Args:
        kept: Follicles with enough evidence.
        tracks: All that was followed.
        coverage: How much of the ovary was shown.
        step_mm: Distance between frames, mm, or None: the wider, the more slips through.

    Returns:
        The count with its interval.
    """
    value = sum(one.kind in COUNTED for one in kept)
    doubts = sum(f.probability for f in tracks) - sum(f.probability for f in kept)
    at_edge = sum(_is_at_edge(f.mean_diameter_mm) for f in kept)
    slack = 1 + 0.1 * value + 0.5 * at_edge
    slipped = 0.1 * value * min(step_mm or 1.0, LARGEST_STEP_MM)
    unpassed = value * (1 / max(coverage.passed_share, LEAST_PASSED_SHARE) - 1)
    return Interval(
        value=value,
        low=max(0, math.floor(value - slack - 0.15 * doubts)),
        high=math.ceil(value + slack + 0.25 * doubts + slipped + unpassed),
    )


def _is_at_edge(mean_diameter_mm: float | None) -> bool:
    """Whether a size lies so near a limit that the count hangs on the outline."""
    if mean_diameter_mm is None:
        return True
    return abs(mean_diameter_mm - SMALLEST_COUNTED_MM) < 0.3 or abs(mean_diameter_mm - 10) < 0.5
