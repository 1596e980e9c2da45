"""The one ovary of a sequence, and how much of it the sequence shows.

Owns the record of the ovary that was followed and of its coverage. Following it is the business
of ``tracking``; what too little coverage forbids that of ``tracking_limits``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deeppcos.vision.findings import FrameFindings
from deeppcos.vision.sections import Chain, Section

WHOLE_OVARY_SHARE = 0.97
"""Share of the ovary that must lie in a volume for a count of the whole ovary."""


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

    @property
    def unit(self) -> tuple[float, float]:
        """Size of a pixel across and down: in mm, or one where the sequence has no scale."""
        scale = next((frame.mm_per_pixel for frame in self.frames if frame.mm_per_pixel), None)
        return (1.0, 1.0) if scale is None else (scale.x, scale.y)

    @property
    def has_scale(self) -> bool:
        """Whether any frame has a scale, so that lengths are in mm."""
        return any(frame.mm_per_pixel for frame in self.frames)


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
