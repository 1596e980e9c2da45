"""Where an ovary or a lesion lies: regions of a probability map, best first.

Owns the cutting of a map into smooth single regions. What lies inside an ovary is the business
of ``follicles``.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region of a map, in network pixels.

    Attributes:
        mask: ``(S, S) bool`` without holes.
        score: Mean map value inside, 0 to 1; not yet a probability.
    """

    mask: npt.NDArray[np.bool_]
    score: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """``(x0, y0, x1, y1)``, half open."""
        columns = np.flatnonzero(self.mask.any(axis=0))
        rows = np.flatnonzero(self.mask.any(axis=1))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def regions(
    probability: Floats, *, threshold: float, least_area_px: int, at_most: int
) -> list[Region]:
    """Cut a map into smooth regions.

    Args:
        probability: ``(S, S) float32`` in [0, 1].
        threshold: Value that counts as inside.
        least_area_px: Smaller regions are dropped.
        at_most: Largest number of regions returned.

    Returns:
        Regions, largest sum of probability first.
    """
    inside = (probability > threshold).astype(np.uint8)
    smooth = cv2.morphologyEx(inside, cv2.MORPH_OPEN, _disc(5))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(smooth, connectivity=4)
    found = []
    for number in range(1, count):
        if stats[number, cv2.CC_STAT_AREA] >= least_area_px:
            found.append(_filled_region(labels == number, probability))
    found.sort(key=lambda region: -float(probability[region.mask].sum()))
    return found[:at_most]


def _filled_region(mask: npt.NDArray[np.bool_], probability: Floats) -> Region:
    """The outer outline, filled: follicles are part of the ovary."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(whole, outlines, -1, 1, cv2.FILLED)
    filled = whole > 0
    return Region(mask=filled, score=float(probability[filled].mean()))


def _disc(side: int) -> npt.NDArray[np.uint8]:
    """Round structuring element."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
