"""One follicle followed through the frames that show it, and its size.

Owns the record and the measuring. Which sections belong together is the business of
``body_separation``, whether there is enough evidence that of ``tracking_limits``.
"""

import math
from dataclasses import dataclass

import numpy as np

from deeppcos.vision.analyse import follicle_kind
from deeppcos.vision.body_separation import SeparateBody
from deeppcos.vision.findings import FollicleKind, Polygon
from deeppcos.vision.followed_ovary import FollowedOvary
from deeppcos.vision.geometry import diameters_mm, polygon_of
from deeppcos.vision.sections import Chain, Section

LARGEST_CORRECTION = 1.15
"""How much wider than its largest section a follicle may be taken to be."""


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
        frames_expected: Frames in which a body of this size should be seen.
        diameters_mm: Longest and perpendicular diameter of the largest section, widened where
            the frames missed the middle, and, in a volume, the extent across slices, mm; None
            without scale.
        mean_diameter_mm: Their mean, mm; None without scale.
        volume_ml: Volume by counting, mL; None outside volumes and without scale.
        kind: Taken from the mean diameter.
    """

    frames: tuple[int, ...]
    outlines: tuple[Polygon, ...]
    largest_in: int
    outline: Polygon
    probability: float
    frames_expected: float
    diameters_mm: tuple[float, ...] | None
    mean_diameter_mm: float | None
    volume_ml: float | None
    kind: FollicleKind

    @property
    def span(self) -> int:
        """Frames from the first to the last that show it, both included."""
        return max(self.frames) - min(self.frames) + 1


def measured_follicle(sequence: FollowedOvary, body: SeparateBody) -> TrackedFollicle:
    """A body as a follicle with its size."""
    chain = body.chain
    largest = largest_section(sequence, chain)
    outline = polygon_of(largest.hull[:, 0])
    diameters = _diameters_mm(sequence, body, largest)
    mean = None if diameters is None else sum(diameters) / len(diameters)
    return TrackedFollicle(
        frames=tuple(sequence.frames[s.frame].frame for s in chain.sections),
        outlines=tuple(polygon_of(s.hull[:, 0]) for s in chain.sections),
        largest_in=sequence.frames[largest.frame].frame,
        outline=outline,
        probability=chain.weight / len(chain.sections),
        frames_expected=body.fit.frames_expected,
        diameters_mm=diameters,
        mean_diameter_mm=mean,
        volume_ml=volume_by_slices_ml(sequence, chain),
        kind=follicle_kind(mean),
    )


def _diameters_mm(
    sequence: FollowedOvary, body: SeparateBody, largest: Section
) -> tuple[float, ...] | None:
    """Diameters of the largest section, corrected for what lies between the frames."""
    scale = sequence.frames[largest.frame].mm_per_pixel
    if scale is None:
        return None
    seen = math.sqrt(largest.area * scale.x * scale.y / math.pi)
    correction = float(np.clip(body.fit.radius / seen, 1.0, LARGEST_CORRECTION))
    longest, across = diameters_mm(polygon_of(largest.hull[:, 0]), scale)
    within = (longest * correction, across * correction)
    return within if sequence.spacing_mm is None else (*within, 2 * body.fit.half_depth)


def largest_section(sequence: FollowedOvary, chain: Chain) -> Section:
    """The section a body is measured in.

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


def volume_by_slices_ml(sequence: FollowedOvary, chain: Chain) -> float | None:
    """Volume by counting slices; slices in which the body was missed are filled in.

    Args:
        sequence: The sequence the body was followed in.
        chain: Its sections.

    Returns:
        Volume in mL; None outside volumes and without scale.
    """
    scales = [sequence.frames[s.frame].mm_per_pixel for s in chain.sections]
    if sequence.spacing_mm is None or any(scale is None for scale in scales):
        return None
    areas = [s.area * m.x * m.y for s, m in zip(chain.sections, scales, strict=True) if m]
    every = np.interp(
        np.arange(chain.first, chain.last + 1), [s.frame for s in chain.sections], areas
    )
    return float(every.sum()) * sequence.spacing_mm / 1000
