"""When a followed ovary may be counted, and how sure the count is.

Owns the record of one followed follicle and of the ovary's coverage, the evidence a follicle
needs, the reasons that forbid a count, and the interval around one. Following them is the
business of ``tracking``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from deeppcos.clinical.plausibility import LIMITS
from deeppcos.vision.findings import FollicleKind, FrameFindings, Interval, Polygon
from deeppcos.vision.frame import MmPerPixel
from deeppcos.vision.geometry import diameters_mm, polygon_of
from deeppcos.vision.section_linking import Chain, Section

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

LEAST_PASSED_SHARE = 0.5
"""Of less than half an ovary nothing is extrapolated."""

WHOLE_OVARY_SHARE = 0.97
"""Share of the ovary that must lie in a volume for a count of the whole ovary."""

SMALLEST_COUNTED_MM = 2.0
COUNTED = (FollicleKind.ANTRAL, FollicleKind.UNSIZED)
WIDE_STEP_MM = 0.8
SURE_ALONE = 0.75
"""Probability from which one frame is evidence enough, where steps are wide."""

LEAST_DEPTH = 0.42
"""Least extent of a follicle across frames, as a share of its width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFollicle:
    """One follicle, followed through the frames that show it.

    Attributes:
        frames: Numbers of the frames that show it.
        outlines: Convex outline in each of these frames, frame pixels. Where two follicles are
            drawn as one, the outline is carried on from the frame before.
        largest_in: Number of the frame with its largest section.
        outline: Convex outline of that section, frame pixels.
        probability: Mean probability over its frames, 0 to 1.
        diameters_mm: Longest and perpendicular diameter of the largest section and, in a
            volume, the extent across slices, mm; None without scale.
        mean_diameter_mm: Their mean, mm; None without scale.
        volume_ml: Volume by counting, mL; None outside volumes and without scale.
        kind: Taken from the mean diameter.
    """

    frames: tuple[int, ...]
    outlines: tuple[Polygon, ...]
    largest_in: int
    outline: Polygon
    probability: float
    diameters_mm: tuple[float, ...] | None
    mean_diameter_mm: float | None
    volume_ml: float | None
    kind: FollicleKind

    @property
    def span(self) -> int:
        """Frames from the first to the last that show it, both included."""
        return max(self.frames) - min(self.frames) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OvaryCoverage:
    """How much of the ovary the sequence shows.

    Attributes:
        frames: Frames of the sequence.
        ovary_frames: Frames in which the ovary could be judged.
        seen_share: The same as a share of the frames between its first and last, 0 to 1.
        passed_share: Share of the ovary's volume between the first and the last section, 0 to
            1, from how large these sections are against the largest.
        begins_outside: Whether the sequence begins beyond the ovary or at its very margin.
        ends_outside: Whether it ends there.
        edge_share: Share of its frames in which the ovary touches the picture's edge, 0 to 1.
    """

    frames: int
    ovary_frames: int
    seen_share: float
    passed_share: float
    begins_outside: bool
    ends_outside: bool
    edge_share: float

    @property
    def is_margin_to_margin(self) -> bool:
        """Whether the ovary was passed from one margin to the other."""
        return self.begins_outside and self.ends_outside


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedOvary:
    """The one ovary of a sequence, ready to be judged.

    Attributes:
        frames: Findings of all frames of the file.
        spacing_mm: Distance between slices, mm; None for a sweep.
        ovary: Its sections.
        follicles: Sections of its follicles in each frame.
    """

    frames: Sequence[FrameFindings]
    spacing_mm: float | None
    ovary: Chain
    follicles: tuple[tuple[Section, ...], ...]


def coverage_of(sequence: FollowedOvary) -> OvaryCoverage:
    """How much of the ovary lies between its first and last section."""
    sections, count = sequence.ovary.sections, len(sequence.frames)
    areas = np.array([section.area for section in sections])
    largest = float(np.sort(areas)[-min(3, len(areas))])
    first, last = sections[0], sections[-1]
    ends = (
        _end_missing(first.area / largest, has_outside=first.frame > 0),
        _end_missing(last.area / largest, has_outside=last.frame < count - 1),
    )
    edges = [_touches_edge(sequence.frames[s.frame], s) for s in sections]
    return OvaryCoverage(
        frames=count,
        ovary_frames=len(sections),
        seen_share=len(sections) / (last.frame - first.frame + 1),
        passed_share=float(np.clip(1 - sum(ends), 0, 1)),
        begins_outside=ends[0] < 1 - WHOLE_OVARY_SHARE,
        ends_outside=ends[1] < 1 - WHOLE_OVARY_SHARE,
        edge_share=sum(edges) / len(edges),
    )


def _end_missing(area_share: float, *, has_outside: bool) -> float:
    """Share of an ovary's volume beyond a section of this share of the largest area.

    In an ellipsoid a section at the height u (0 middle, 1 pole) has the area share 1 - u², and
    the cap beyond it the volume share (1 - u)² (2 + u) / 4. Where frames beyond show no ovary
    and the last section is small, the margin was passed.
    """
    if has_outside and area_share <= 0.5:
        return 0.0
    height = math.sqrt(max(0.0, 1 - min(area_share, 1.0)))
    return (1 - height) ** 2 * (2 + height) / 4


def _touches_edge(frame: FrameFindings, section: Section) -> bool:
    """Whether an outline reaches the border of the picture."""
    low, high = section.hull.min(axis=(0, 1)), section.hull.max(axis=(0, 1))
    return bool((low <= 0.5).any() or high[0] >= frame.width - 1.5 or high[1] >= frame.height - 1.5)


def step_between_frames_mm(
    tracks: Sequence[TrackedFollicle], sequence: FollowedOvary, coverage: OvaryCoverage
) -> float | None:
    """Distance between the frames of a sweep, as follicles and ovary themselves suggest.

    Both are about as deep as they are wide. Of the two answers the wider is taken: in a crowded
    ovary swept in haste different follicles are linked and look deep.

    Args:
        tracks: All that was followed.
        sequence: The followed ovary.
        coverage: How much of it was shown.

    Returns:
        Step, mm; None where neither can tell.
    """
    steps = (_step_by_follicles_mm(tracks), _step_by_ovary_mm(sequence, coverage))
    return max((step for step in steps if step is not None), default=None)


def _step_by_follicles_mm(tracks: Sequence[TrackedFollicle]) -> float | None:
    """Width of follicles over the frames they fill."""
    sized = sorted(
        (track.span, track.mean_diameter_mm)
        for track in tracks
        if track.mean_diameter_mm is not None and len(track.frames) >= 2
    )
    if len(sized) < 3:
        return None
    # The longer half: flickers are short, and would make the steps look wide.
    sized = sized[len(sized) // 2 :]
    return sum(width for _, width in sized) / sum(span for span, _ in sized)


def _step_by_ovary_mm(sequence: FollowedOvary, coverage: OvaryCoverage) -> float | None:
    """Shorter diameter of the ovary's largest section over the frames the ovary fills.

    Swept along its length an ovary is deeper than that: the answer is then too small, and
    seldom too large. Only of an ovary passed from margin to margin.
    """
    ovary = sequence.ovary
    largest = max(ovary.sections, key=lambda section: section.area)
    scale = sequence.frames[largest.frame].mm_per_pixel
    if scale is None or not coverage.is_margin_to_margin:
        return None
    return diameters_mm(polygon_of(largest.hull[:, 0]), scale)[1] / (ovary.last - ovary.first + 1)


def frames_needed(step_mm: float | None) -> int:
    """Frames a track must be seen in: two fifths of what the smallest counted follicle fills."""
    return 2 if step_mm is None else max(2, round(0.4 * SMALLEST_COUNTED_MM / step_mm))


def has_evidence(track: TrackedFollicle, needed: int, step_mm: float | None) -> bool:
    """Whether a track is a follicle rather than a flicker.

    A follicle shows in most frames between its ends, and is not a coin: it goes at least
    two fifths as deep as it is wide.
    """
    seen = len(track.frames)
    if seen == 1:
        is_wide = step_mm is not None and step_mm >= WIDE_STEP_MM
        return is_wide and track.probability >= SURE_ALONE
    if seen < needed or seen * track.probability < 0.5 * needed or 2 * seen <= track.span:
        return False
    if step_mm is None or track.mean_diameter_mm is None:
        return True
    return seen * step_mm >= LEAST_DEPTH * track.mean_diameter_mm


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
