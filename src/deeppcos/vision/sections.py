"""One outline in one frame, and the run of outlines that one body leaves behind.

Owns the record types that linking, separating and measuring share. Everything is kept in pixels
on convex hulls: the share two sections have in common is the same in any unit, and sections of
follicles and ovaries are close to convex.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.vision.findings import Polygon
from deeppcos.vision.geometry import points_of

Hull = npt.NDArray[np.float32]
Shift = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One outline in one frame.

    Attributes:
        frame: Place of the frame in the sequence.
        item: Place of the outline among those of the frame.
        hull: ``(n, 1, 2) float32`` convex hull, pixels.
        low: Left and upper end of the hull's box, pixels.
        high: Right and lower end.
        area: Area of the hull, square pixels.
        probability: Probability of the outline, 0 to 1.
        roundness: 4 pi area over squared perimeter of the outline itself: 1 of a disc.
    """

    frame: int
    item: int
    hull: Hull
    low: Shift
    high: Shift
    area: float
    probability: float
    roundness: float = 1.0

    @property
    def centre(self) -> Shift:
        """Middle of the hull's box, pixels."""
        return (self.low + self.high) / 2


def section_of(polygon: Polygon, *, frame: int, item: int, probability: float) -> Section:
    """An outline made ready for linking."""
    corners = points_of(polygon).astype(np.float32)
    perimeter = max(float(cv2.arcLength(corners, closed=True)), 1e-9)
    section = convex_section(corners, frame=frame, item=item, probability=probability)
    area = float(cv2.contourArea(corners))
    return replace(section, roundness=4 * math.pi * area / perimeter**2)


def convex_section(corners: Hull, *, frame: int, item: int, probability: float) -> Section:
    """The convex hull of some corners, ``(n, 2)`` or ``(n, 1, 2)``, as a section."""
    hull = np.asarray(cv2.convexHull(corners), dtype=np.float32)
    flat = hull[:, 0].astype(np.float64)
    return Section(
        frame=frame,
        item=item,
        hull=hull,
        low=flat.min(axis=0),
        high=flat.max(axis=0),
        area=float(cv2.contourArea(hull)),
        probability=probability,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Sections of one body, one a frame, in order.

    Attributes:
        sections: The sections.
        merged: Frames whose section also covers a neighbour: no size is taken there.
    """

    sections: tuple[Section, ...]
    merged: frozenset[int] = frozenset()

    @property
    def first(self) -> int:
        """Frame of the first section."""
        return self.sections[0].frame

    @property
    def last(self) -> int:
        """Frame of the last section."""
        return self.sections[-1].frame

    @property
    def weight(self) -> float:
        """How much was seen of the body: its probabilities added up."""
        return sum(section.probability for section in self.sections)


def joined_section(parts: Sequence[Section]) -> Section:
    """Pieces of one body in one frame as one section."""
    return convex_section(
        np.concatenate([part.hull for part in parts]),
        frame=parts[0].frame,
        item=parts[0].item,
        probability=max(part.probability for part in parts),
    )
