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

from deeppcos.clinical.ovary import FollicleNumberPerOvary, MeasurementSource, TrackedEstimate
from deeppcos.errors import InvalidInput
from deeppcos.vision.body_separation import SeparateBody, separate_bodies
from deeppcos.vision.findings import FollicleKind, FrameFindings, Interval, Polygon
from deeppcos.vision.followed_ovary import FollowedOvary, OvaryCoverage, coverage_of
from deeppcos.vision.frame_spacing import (
    fallback_step,
    spacing_of,
    step_between_frames,
    step_of_bodies,
)
from deeppcos.vision.geometry import centroid, diameters_mm
from deeppcos.vision.section_linking import LinkedSections, LinkRules, link_sections
from deeppcos.vision.sections import Chain, section_of
from deeppcos.vision.tracked_follicle import (
    TrackedFollicle,
    largest_section,
    measured_follicle,
    volume_by_slices_ml,
)
from deeppcos.vision.tracking_limits import (
    count_of,
    frames_needed,
    has_evidence,
    problems_of,
)

_OVARY_RULES = LinkRules(moves=False, least_overlap=0.1, longest_gap=12, piece_share=1.1)
"""An ovary is large and alone: it is found again after long gaps and never joined."""


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
        return nothing_followed(
            source, slice_spacing_mm, ("no ovary could be judged in any frame",)
        )
    sequence = _followed(frames, ovaries[0], slice_spacing_mm)
    rules = _follicle_rules(slice_spacing_mm)
    linked = link_sections(sequence.follicles, rules, drifts=_drifts(sequence))
    return _result(sequence, linked, rules, others=ovaries[1:])


def nothing_followed(
    source: str, spacing_mm: float | None, reasons: tuple[str, ...]
) -> TrackedFollicles:
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
    chains = link_sections(sections, _OVARY_RULES).chains
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


def _bodies(
    sequence: FollowedOvary, linked: LinkedSections, rules: LinkRules, coverage: OvaryCoverage
) -> tuple[tuple[SeparateBody, ...], float | None]:
    """The bodies of the followed ovary, and the step between frames in the sequence's unit."""
    is_known = sequence.spacing_mm is not None and sequence.has_scale
    step = step_between_frames(sequence, linked.chains, coverage)
    if is_known:
        step = sequence.spacing_mm
    if not linked.chains:
        return (), step
    bodies: tuple[SeparateBody, ...] = ()
    # Telling bodies apart needs the step, and telling the step needs them apart: twice is enough.
    for _ in range(1 if is_known else 2):
        spacing = spacing_of(sequence, linked.chains, step=step or fallback_step(sequence))
        bodies = separate_bodies(
            linked.chains,
            places=linked.places,
            unit=sequence.unit,
            spacing=spacing,
            longest_gap=rules.longest_gap,
        )
        if not is_known:
            step = step_of_bodies(bodies, spacing) or step
    return bodies, step


def _result(
    sequence: FollowedOvary, linked: LinkedSections, rules: LinkRules, *, others: Sequence[Chain]
) -> TrackedFollicles:
    """Count what was followed, or say why not."""
    coverage = coverage_of(sequence)
    bodies, step = _bodies(sequence, linked, rules, coverage)
    if not sequence.has_scale:
        step = sequence.spacing_mm
    tracks = [measured_follicle(sequence, body) for body in bodies]
    needed = frames_needed(step)
    kept = [track for track in tracks if has_evidence(track, needed)]
    chains = [body.chain for body in bodies]
    problems = problems_of(sequence, chains, kept, coverage=coverage, step_mm=step, others=others)
    is_unsized = not sequence.has_scale
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
        ovary_volume_ml=volume_by_slices_ml(sequence, sequence.ovary) if is_whole else None,
        ovary_diameters_mm=_ovary_diameters(sequence) if is_whole else None,
        not_counted_because=problems,
    )


def _tracked_ovary(sequence: FollowedOvary) -> TrackedOvary:
    """The followed ovary with its outlines."""
    chain = sequence.ovary
    return TrackedOvary(
        frames=tuple(sequence.frames[s.frame].frame for s in chain.sections),
        outlines=tuple(sequence.frames[s.frame].ovaries[s.item].polygon for s in chain.sections),
        largest_in=sequence.frames[largest_section(sequence, chain).frame].frame,
        probability=chain.weight / len(chain.sections),
    )


def _ovary_diameters(sequence: FollowedOvary) -> tuple[float, float, float] | None:
    """Three orthogonal diameters of the ovary in a volume, mm."""
    chain, spacing = sequence.ovary, sequence.spacing_mm
    largest = largest_section(sequence, chain)
    scale = sequence.frames[largest.frame].mm_per_pixel
    if scale is None or spacing is None:
        return None
    outline = sequence.frames[largest.frame].ovaries[largest.item].polygon
    return (*diameters_mm(outline, scale), (chain.last - chain.first + 1) * spacing)
