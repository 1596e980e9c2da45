"""By what a picture is reported separately: graphics, flow, size of the ovary, count of follicles.

A figure over all pictures hides where a network fails. Owns the traits and their bounds, which
were set before any figure was looked at. Sizes are shares of the picture: no scale is guessed.
"""

import cv2
import numpy as np

from deeppcos.learning.samples import Mask, Sample

DRAWN_SHARE = 2e-4
"""Share of pixels filled in above which a picture had graphics on it."""

SOLID_PX = 13
FLOW_SHARE = 0.004
"""As ``vision.graphics``: solid filled areas above this share are colour Doppler or its bar."""

OVARY_SHARES = ((0.06, "small: under 6 % of the picture"), (0.2, "middle: 6 to 20 %"))
LARGE_OVARY = "large: over 20 %"
COUNTS = ((0, "none"), (2, "1 to 2"), (4, "3 to 4"), (9, "5 to 9"))
MANY = "10 and over"

NAMES = {
    "source": "data set",
    "class": "class in the source",
    "graphics": "burned-in graphics",
    "flow": "colour Doppler",
    "ovary size": "size of the ovary in the picture",
    "follicles": "follicles the reader counted",
}


def traits_of(sample: Sample) -> dict[str, str]:
    """Traits of a picture; one that cannot be told is left out.

    Args:
        sample: The sample.

    Returns:
        Key of ``NAMES`` to value.
    """
    filled = sample.grey != sample.raw_grey
    traits = {
        "source": sample.source,
        "class": sample.subgroup,
        "graphics": "drawn on" if filled.mean() > DRAWN_SHARE else "clean",
        "flow": "with flow or a colour bar" if _has_flow(filled) else "without",
    }
    if sample.ovary is not None and sample.ovary.any():
        traits["ovary size"] = _named(float(sample.ovary.mean()), OVARY_SHARES, LARGE_OVARY)
    if sample.readings and sample.kind == "ovary":
        marks = next(iter(sample.readings.values()))
        traits["follicles"] = _named(len(marks), COUNTS, MANY)
    return traits


def _named(value: float, bounds: tuple[tuple[float, str], ...], beyond: str) -> str:
    """The first bound that is not exceeded."""
    return next((name for most, name in bounds if value <= most), beyond)


def _has_flow(filled: Mask) -> bool:
    """Whether a solid area was filled in; marks are thin."""
    # Filling may give a pixel its old value back: holes of a pixel or two are closed first.
    joined = cv2.morphologyEx(filled.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    solid = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((SOLID_PX, SOLID_PX), np.uint8))
    return bool(solid.mean() >= FLOW_SHARE)
