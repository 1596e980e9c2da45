"""One follicle across the frames of a sweep or the slices of a volume, counted once.

Owns what a sequence of findings adds up to: the ovary followed, tracks and their sizes, count
and volume. Linking outlines from frame to frame is the business of ``section_linking``, when no
count may be given that of ``tracking_limits``; finding outlines that of ``analyse``.

A sweep in two dimensions gives an estimate; slices at a known spacing give the count of the
whole ovary (FNPO). Without millimetres follicles cannot be told from what is too small or too
large to count, so there is neither. Works on outlines only: memory does not grow with pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deeppcos.clinical.ovary import FollicleNumberPerOvary, MeasurementSource, TrackedEstimate
from deeppcos.errors import InvalidInput
from deeppcos.vision.analyse import follicle_kind
from deeppcos.vision.findings import FollicleKind, FrameFindings, Interval, Polygon
from deeppcos.vision.geometry import centroid, diameters_mm, polygon_of
from deeppcos.vision.section_linking import (
    Chain,
    LinkRules,
    Section,
    link_sections,
    section_of,
)
from deeppcos.vision.tracking_limits import (
    FollowedOvary,
    OvaryCoverage,
    TrackedFollicle,
    count_of,
    coverage_of,
    frames_needed,
    has_evidence,
    problems_of,
    step_between_frames_mm,
)

_OVARY_RULES = LinkRules(
    moves=False, least_overlap=0.1, longest_gap=12, piece_share=1.1, valley=2.0
)
"""An ovary is large and alone: it is found again after long gaps and neither joined
nor cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedOvary:
    """The ovary of a sweep or volume, in the frames in which it was followed.

    Attributes:
        frames: Numbers of these frames.
        outlines: Outline in each of them, frame pixels.
        largest_in: Number of the frame with its largest section.
        probability: Mean probability over its frames, 0 to 1.
    """

    frames: tuple[int, ...]
    outlines: tuple[Polygon, ...]
    largest_in: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFollicles:
    """What a sweep or volume showed of one ovary.

    Attributes:
        source: File the frames came from.
        slice_spacing_mm: Distance between slices of a volume, mm; None for a sweep.
        ovary: The ovary that was followed; None where none was seen.
        follicles: Every follicle with enough evidence, of any size.
        doubtful: Tracks left out for want of evidence.
        step_mm: Distance between frames, mm: the slice spacing, or as the roundness of
            follicles and ovary suggests; None where it cannot be told.
        coverage: How much of the ovary was shown; None if there was none.
        count: Follicles of 2.0-9.9 mm with interval; None where none may be given.
        unsized_count: Follicles of any size with interval, where there is no scale; for
            display, never for criteria.
        ovary_volume_ml: Ovary volume by counting, mL; None outside whole, scaled volumes.
        ovary_diameters_mm: Longest and perpendicular diameter of the largest section and the
            extent across slices, mm; None as above.
        not_counted_because: Reasons; empty when there is a count.
    """

    source: str
    slice_spacing_mm: float | None
    ovary: TrackedOvary | None
    follicles: tuple[TrackedFollicle, ...]
    doubtful: int
    step_mm: float | None
    coverage: OvaryCoverage | None
    count: Interval | None
    unsized_count: Interval | None
    ovary_volume_ml: float | None
    ovary_diameters_mm: tuple[float, float, float] | None
    not_counted_because: tuple[str, ...]

    @property
    def estimate(self) -> TrackedEstimate | None:
        """The estimate of a sweep; None for a volume and where no count may be given."""
        if self.slice_spacing_mm is not None or self.count is None or self.coverage is None:
            return None
        return TrackedEstimate(
            value=self.count.value,
            low=self.count.low,
            high=self.count.high,
            coverage=self.coverage.passed_share,
        )

    @property
    def fnpo(self) -> FollicleNumberPerOvary | None:
        """The count of the whole ovary in a volume; None for a sweep."""
        if self.slice_spacing_mm is None or self.count is None:
            return None
        return FollicleNumberPerOvary(
            value=self.count.value,
            low=self.count.low,
            high=self.count.high,
            source=MeasurementSource.IMAGE,
        )

    @property
    def dominant(self) -> tuple[TrackedFollicle, ...]:
        """Follicles of 10 mm and over: not counted, and the volume is not read with them."""
        return tuple(f for f in self.follicles if f.kind is FollicleKind.DOMINANT)


def track_follicles(
    frames: Sequence[FrameFindings], *, slice_spacing_mm: float | None
) -> TrackedFollicles:
    """Follow every follicle of one ovary and count each once.

    Args:
        frames: Findings of all frames of one file, in order.
        slice_spacing_mm: Distance between neighbouring slices of a volume, mm; None for a
            sweep, and for slices whose spacing is not known.

    Returns:
        Tracks, coverage and count, or the reasons why there is no count.

    Raises:
        InvalidInput: If the spacing is not positive.

    Source:
        Clinical reference, section 3: link across frames, count 2-9 mm once; no calibration,
        no size filter, no FNPO.
    """
    if slice_spacing_mm is not None and not (
        math.isfinite(slice_spacing_mm) and slice_spacing_mm > 0
    ):
        raise InvalidInput(
            "slice spacing is not positive",
            value=f"{slice_spacing_mm} mm",
            accepted="above 0 mm, or None where it is not known",
            remedy="treat the slices as a sweep",
        )
    source = frames[0].source if frames else ""
    ovaries = _ovary_chains(frames)
    if not ovaries:
        return _nothing(source, slice_spacing_mm, ("no ovary could be judged in any frame",))
    sequence = _followed(frames, ovaries[0], slice_spacing_mm)
    chains = link_sections(
        sequence.follicles, _follicle_rules(slice_spacing_mm), drifts=_drifts(sequence)
    )
    return _result(sequence, chains, others=ovaries[1:])


def _nothing(source: str, spacing_mm: float | None, reasons: tuple[str, ...]) -> TrackedFollicles:
    """The record of a sequence in which nothing could be followed."""
    return TrackedFollicles(
        source=source,
        slice_spacing_mm=spacing_mm,
        ovary=None,
        follicles=(),
        doubtful=0,
        step_mm=spacing_mm,
        coverage=None,
        count=None,
        unsized_count=None,
        ovary_volume_ml=None,
        ovary_diameters_mm=None,
        not_counted_because=reasons,
    )


def _ovary_chains(frames: Sequence[FrameFindings]) -> list[Chain]:
    """Ovaries followed from frame to frame, the best seen first."""
    sections = [
        [
            section_of(ovary.polygon, frame=at, item=item, probability=ovary.probability)
            for item, ovary in enumerate(frame.ovaries if frame.is_assessable else ())
        ]
        for at, frame in enumerate(frames)
    ]
    chains = link_sections(sections, _OVARY_RULES)
    return sorted(chains, key=lambda chain: chain.weight, reverse=True)


def _followed(
    frames: Sequence[FrameFindings], ovary: Chain, spacing_mm: float | None
) -> FollowedOvary:
    """Follicles of the followed ovary, frame by frame."""
    items = {section.frame: section.item for section in ovary.sections}
    follicles = tuple(
        tuple(
            section_of(one.polygon, frame=at, item=item, probability=one.probability)
            for item, one in enumerate(frame.ovaries[items[at]].follicles if at in items else ())
        )
        for at, frame in enumerate(frames)
    )
    return FollowedOvary(frames=frames, spacing_mm=spacing_mm, ovary=ovary, follicles=follicles)


def _follicle_rules(spacing_mm: float | None) -> LinkRules:
    """Volumes do not shake, and their gaps are known in millimetres."""
    if spacing_mm is None:
        return LinkRules()
    return LinkRules(moves=False, longest_gap=min(3, max(1, round(1.0 / spacing_mm))))


def _drifts(sequence: FollowedOvary) -> list[tuple[float, float]]:
    """How far the ovary's middle moved to each frame, pixels: a first guess of the hand's move."""
    drifts = [(0.0, 0.0)] * len(sequence.frames)
    for before, after in zip(sequence.ovary.sections, sequence.ovary.sections[1:], strict=False):
        if after.frame == before.frame + 1:
            one, other = (
                centroid(sequence.frames[s.frame].ovaries[s.item].polygon) for s in (before, after)
            )
            drifts[after.frame] = (other[0] - one[0], other[1] - one[1])
    return drifts


def _result(
    sequence: FollowedOvary, chains: Sequence[Chain], *, others: Sequence[Chain]
) -> TrackedFollicles:
    """Count what was followed, or say why not."""
    tracks = [_track(sequence, chain) for chain in chains]
    coverage = coverage_of(sequence)
    step = sequence.spacing_mm or step_between_frames_mm(tracks, sequence, coverage)
    needed = frames_needed(step)
    kept = [track for track in tracks if has_evidence(track, needed, step)]
    problems = problems_of(sequence, chains, kept, coverage=coverage, step_mm=step, others=others)
    is_unsized = not any(frame.mm_per_pixel for frame in sequence.frames)
    interval = count_of(kept, tracks, coverage=coverage, step_mm=step)
    is_whole = not problems and sequence.spacing_mm is not None
    return TrackedFollicles(
        source=sequence.frames[0].source,
        slice_spacing_mm=sequence.spacing_mm,
        ovary=_tracked_ovary(sequence),
        follicles=tuple(kept),
        doubtful=len(tracks) - len(kept),
        step_mm=step,
        coverage=coverage,
        count=None if problems else interval,
        unsized_count=interval if is_unsized and len(problems) == 1 else None,
        ovary_volume_ml=_volume_ml(sequence, sequence.ovary) if is_whole else None,
        ovary_diameters_mm=_ovary_diameters(sequence) if is_whole else None,
        not_counted_because=problems,
    )


def _tracked_ovary(sequence: FollowedOvary) -> TrackedOvary:
    """The followed ovary with its outlines."""
    chain = sequence.ovary
    return TrackedOvary(
        frames=tuple(sequence.frames[s.frame].frame for s in chain.sections),
        outlines=tuple(sequence.frames[s.frame].ovaries[s.item].polygon for s in chain.sections),
        largest_in=sequence.frames[_largest(sequence, chain).frame].frame,
        probability=chain.weight / len(chain.sections),
    )


def _track(sequence: FollowedOvary, chain: Chain) -> TrackedFollicle:
    """A chain of sections as a follicle with its size."""
    largest = _largest(sequence, chain)
    scale = sequence.frames[largest.frame].mm_per_pixel
    outline = polygon_of(largest.hull[:, 0])
    diameters: tuple[float, ...] | None = None
    if scale is not None:
        diameters = diameters_mm(outline, scale)
        if sequence.spacing_mm is not None:
            # A body of this extent is cut by extent / spacing slices on average.
            diameters += ((chain.last - chain.first + 1) * sequence.spacing_mm,)
    mean = None if diameters is None else sum(diameters) / len(diameters)
    return TrackedFollicle(
        frames=tuple(sequence.frames[s.frame].frame for s in chain.sections),
        outlines=tuple(polygon_of(s.hull[:, 0]) for s in chain.sections),
        largest_in=sequence.frames[largest.frame].frame,
        outline=outline,
        probability=chain.weight / len(chain.sections),
        diameters_mm=diameters,
        mean_diameter_mm=mean,
        volume_ml=_volume_ml(sequence, chain),
        kind=follicle_kind(mean),
    )


def _largest(sequence: FollowedOvary, chain: Chain) -> Section:
    """The section a follicle is measured in.

    The largest of neighbours' medians: the largest of many wavering outlines is too large.
    Sections joined with a neighbour's do not count, and a section with a scale goes before one
    without.
    """
    sections = chain.sections
    own = [i for i, s in enumerate(sections) if s.frame not in chain.merged] or [0]
    scaled = [i for i in own if sequence.frames[sections[i].frame].mm_per_pixel] or own
    areas = [sections[i].area for i in scaled]
    if len(areas) < 3:
        return sections[scaled[int(np.argmax(areas))]]
    windows = [
        sorted(range(i - 1, i + 2), key=areas.__getitem__)[1] for i in range(1, len(areas) - 1)
    ]
    return sections[scaled[max(windows, key=areas.__getitem__)]]


def _volume_ml(sequence: FollowedOvary, chain: Chain) -> float | None:
    """Volume by counting slices; slices in which the body was missed are filled in."""
    scales = [sequence.frames[s.frame].mm_per_pixel for s in chain.sections]
    if sequence.spacing_mm is None or any(scale is None for scale in scales):
        return None
    areas = [s.area * m.x * m.y for s, m in zip(chain.sections, scales, strict=True) if m]
    every = np.interp(
        np.arange(chain.first, chain.last + 1), [s.frame for s in chain.sections], areas
    )
    return float(every.sum()) * sequence.spacing_mm / 1000


def _ovary_diameters(sequence: FollowedOvary) -> tuple[float, float, float] | None:
    """Three orthogonal diameters of the ovary in a volume, mm."""
    chain, spacing = sequence.ovary, sequence.spacing_mm
    largest = _largest(sequence, chain)
    scale = sequence.frames[largest.frame].mm_per_pixel
    if scale is None or spacing is None:
        return None
    outline = sequence.frames[largest.frame].ovaries[largest.item].polygon
    return (*diameters_mm(outline, scale), (chain.last - chain.first + 1) * spacing)
