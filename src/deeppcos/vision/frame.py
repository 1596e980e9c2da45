"""One ultrasound picture and what is known of its scale.

Owns the value type every reader produces and every network consumes. Reading files and
finding a scale are the business of other modules.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput


class ScaleSource(StrEnum):
    """Where a scale was read, best first."""

    DICOM_REGIONS = "dicom_regions"
    VOLUME_SPACING = "volume_spacing"
    BURNED_IN_RULER = "burned_in_ruler"
    BURNED_IN_CALIPER = "burned_in_caliper"


@dataclass(frozen=True, slots=True, kw_only=True)
class MmPerPixel:
    """Size of one pixel of the frame as stored.

    Attributes:
        x: Millimetres per pixel along a row.
        y: Millimetres per pixel down a column.
        source: Where the scale was read.
    """

    x: float
    y: float
    source: ScaleSource

    def __post_init__(self) -> None:
        for axis, value in (("x", self.x), ("y", self.y)):
            if not 0.005 <= value <= 2.0:
                raise InvalidInput(
                    f"implausible pixel size along {axis}",
                    value=f"{value} mm",
                    accepted="0.005 to 2 mm",
                    remedy="treat the frame as unscaled",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelBox:
    """Half-open rectangle in pixels: ``x0 <= x < x1`` and ``y0 <= y < y1``."""

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if not (0 <= self.x0 < self.x1 and 0 <= self.y0 < self.y1):
            raise InvalidInput(
                "empty or negative pixel box",
                value=f"({self.x0}, {self.y0})-({self.x1}, {self.y1})",
                accepted="0 <= x0 < x1 and 0 <= y0 < y1",
            )

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.y1 - self.y0


@dataclass(frozen=True, slots=True, kw_only=True)
class UltrasoundFrame:
    """One picture, as stored, with its scale if one is known.

    Attributes:
        source: File the frame came from, as the user named it.
        index: Frame number inside the file, from 0.
        pixels: ``(H, W, 3) uint8`` RGB as a viewer would show it (MONOCHROME1 inverted).
        mm_per_pixel: Scale of the region of interest, or None: no scale, no millimetres.
        scale_problem: Why there is no scale; empty when there is one.
        tissue_region: The B-mode rectangle where the file declares one, else None.
        time_s: Time from the start of the sweep, seconds, or None.
    """

    source: str
    index: int
    pixels: npt.NDArray[np.uint8]
    mm_per_pixel: MmPerPixel | None = None
    scale_problem: str = ""
    tissue_region: PixelBox | None = None
    time_s: float | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise InvalidInput(
                f"{self.source}: frame {self.index} is not an RGB picture",
                value=f"shape {self.pixels.shape}, {self.pixels.dtype}",
                accepted="(H, W, 3) uint8",
            )
        if self.mm_per_pixel is None and not self.scale_problem:
            object.__setattr__(self, "scale_problem", "the file states no pixel size")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])
