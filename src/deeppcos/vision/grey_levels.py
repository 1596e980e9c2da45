"""From deep grey levels (16 bit, float) to the 8 bits a screen and the networks see.

Owns the one windowing rule for files that state no window of their own: pictures and volumes.
DICOM windows are the business of ``deeppcos.records.dicom_images``.

The rule: integers between 0 and 255 are taken as they are; floats between 0 and 1 are
multiplied by 255; everything else is stretched linearly from its smallest to its largest value.
The extent is that of the whole file, never of one page or slice, so that brightness means the
same throughout. Values that are not finite are shown black.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_SMALLEST_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class GreyWindow:
    """Values shown as black and as white: everything between is linear."""

    black: float
    white: float

    def apply(self, levels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Show levels through the window.

        Args:
            levels: Any shape, any real type.

        Returns:
            Same shape, uint8.

        Examples:
            >>> GreyWindow(black=0, white=4095).apply(np.array([0, 2048, 4095])).tolist()
            [0, 128, 255]
        """
        if self.black == 0 and self.white == 255 and levels.dtype == np.uint8:
            return levels
        # Double precision: single would lose whole levels of 32-bit integers.
        spread = max(self.white - self.black, _SMALLEST_SPREAD)
        unit = (levels.astype(np.float64) - self.black) / spread
        shown = np.clip(np.nan_to_num(unit, nan=0.0, posinf=0.0, neginf=0.0), 0.0, 1.0)
        eight_bit: npt.NDArray[np.uint8] = np.rint(shown * 255.0).astype(np.uint8)
        return eight_bit


def window_of(parts: Iterable[npt.NDArray[Any]]) -> GreyWindow:
    """The window of a whole file, from its pages or slices.

    Args:
        parts: Pages or slices, each of any real type; read one at a time.

    Returns:
        The window by the rule in this module's description.

    Examples:
        >>> window_of([np.array([0.0, 0.25]), np.array([1.0, 0.5])])
        GreyWindow(black=0.0, white=1.0)
        >>> window_of([np.array([12, 4095], dtype=np.uint16)])
        GreyWindow(black=12.0, white=4095.0)
        >>> window_of([np.array([12, 201], dtype=np.uint16)])
        GreyWindow(black=0.0, white=255.0)
    """
    smallest, largest, are_integers = np.inf, -np.inf, True
    for part in parts:
        finite = part[np.isfinite(part)] if part.dtype.kind == "f" else part.ravel()
        are_integers = are_integers and part.dtype.kind in "iub"
        if finite.size:
            smallest = min(smallest, float(finite.min()))
            largest = max(largest, float(finite.max()))
    if smallest > largest:
        return GreyWindow(black=0.0, white=255.0)
    ready_made = 255.0 if are_integers else 1.0
    if smallest >= 0 and largest <= ready_made:
        return GreyWindow(black=0.0, white=ready_made)
    return GreyWindow(black=smallest, white=largest)
