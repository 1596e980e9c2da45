"""What was seen in one frame: ovaries, follicles, other lesions, or why nothing can be said.

Owns the record types. How they are found is the business of ``ovary_outline``, ``follicles``
and ``lesions``; what they mean clinically is the business of ``deeppcos.clinical``.
"""

from dataclasses import dataclass
from enum import StrEnum

from deeppcos.vision.frame import MmPerPixel

Polygon = tuple[tuple[float, float], ...]
"""Outline as (x, y) pixel pairs of the frame as stored, not closed, at least 3 points."""


class FollicleKind(StrEnum):
    """What a fluid space in the ovary is taken for, by size where a scale is known."""

    ANTRAL = "antral"  # 2.0-9.9 mm mean diameter
    DOMINANT = "dominant"  # 10 mm and over
    BELOW_RANGE = "below_range"  # under 2 mm: marked, not counted
    UNSIZED = "unsized"  # no scale: counted, size unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A count with its 90 % conformal interval."""

    value: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Follicle:
    """One follicle in one section.

    Attributes:
        polygon: Outline in frame pixels.
        probability: Calibrated probability that this is a follicle, 0 to 1.
        mean_diameter_mm: Mean of the two orthogonal diameters, mm; None without scale.
        kind: Taken from the diameter; ``unsized`` without scale.
    """

    polygon: Polygon
    probability: float
    mean_diameter_mm: float | None
    kind: FollicleKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Ovary:
    """One ovary in one section.

    Attributes:
        polygon: Outline in frame pixels.
        probability: Calibrated probability that the outline is an ovary, 0 to 1.
        follicles: Every follicle marked in the section.
        follicle_count_section: FNPS: follicles counted in this one section, with interval.
        length_mm: Longest diameter in the section, mm; None without scale.
        width_mm: Largest diameter across the length, mm; None without scale.
        area_mm2: Area of the section, mm2; None without scale.
        area_interval_mm2: Its conformal interval (low, high), mm2; None without scale, or where
            the release promises none.
        luteal_like: Places in ``follicles`` of outlines that look like a corpus luteum and are
            worth a look; empty says nothing. Of stills with a scale only.
    """

    polygon: Polygon
    probability: float
    follicles: tuple[Follicle, ...]
    follicle_count_section: Interval
    length_mm: float | None
    width_mm: float | None
    area_mm2: float | None
    area_interval_mm2: tuple[float, float] | None = None
    luteal_like: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """A mass or cyst that is not a follicle."""

    polygon: Polygon
    probability: float
    largest_diameter_mm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFindings:
    """Everything seen in one frame.

    Attributes:
        source: File the frame came from.
        frame: Frame number inside the file, from 0.
        width: Frame width, pixels.
        height: Frame height, pixels.
        mm_per_pixel: Scale, or None.
        scale_problem: Why there is no scale; empty when there is one.
        is_assessable: Whether an ovary can be judged here.
        not_assessable_because: Reasons; empty when assessable.
        ovaries: Ovaries, most probable first.
        lesions: Other lesions, most probable first.
        burned_in_graphics: What was found and neutralised, such as ``calipers`` or ``text``.
    """

    source: str
    frame: int
    width: int
    height: int
    mm_per_pixel: MmPerPixel | None
    scale_problem: str
    is_assessable: bool
    not_assessable_because: tuple[str, ...]
    ovaries: tuple[Ovary, ...]
    lesions: tuple[Lesion, ...]
    burned_in_graphics: tuple[str, ...]
