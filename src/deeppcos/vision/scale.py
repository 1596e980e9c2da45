"""Millimetres per pixel from what a file declares about its ultrasound regions.

Owns the rules by which declared regions become a scale or a reason for having none. Reading
DICOM elements is the business of ``deeppcos.records.dicom_images``; rulers drawn into the
picture are the business of ``burned_in_scale``. A scale is never guessed: whatever is absent or
contradicts itself leaves the frame without millimetres.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deeppcos.errors import InvalidInput
from deeppcos.vision.frame import MmPerPixel, PixelBox, ScaleSource

SAME_SCALE_TOLERANCE = 0.02
"""Relative difference up to which two stated pixel sizes count as one (they are rounded)."""

RIVAL_AREA_FRACTION = 0.8
"""A second B-mode region this large, beside the first, is an equal: neither can be preferred."""

EDGE_SLACK_PX = 1
"""Some writers state the last column and row as exclusive: one pixel over the edge is theirs."""

MM_PER_CM = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UltrasoundRegion:
    """One item of the DICOM Sequence of Ultrasound Regions, as stored.

    Attributes:
        x0: First column.
        y0: First row.
        x1: Last column, inclusive.
        y1: Last row, inclusive.
        is_2d_tissue: Region Spatial Format is 2D and Region Data Type is tissue.
        is_in_cm: The units of both directions are centimetres.
        delta_x: Physical Delta X, or None when absent.
        delta_y: Physical Delta Y, or None when absent.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    is_2d_tissue: bool
    is_in_cm: bool
    delta_x: float | None
    delta_y: float | None

    @property
    def area_px(self) -> int:
        """Area in pixels; zero or less when the corners are the wrong way round."""
        return max(0, self.x1 - self.x0 + 1) * max(0, self.y1 - self.y0 + 1)

    def overlaps(self, other: "UltrasoundRegion") -> bool:
        """Whether the two regions share more than their border."""
        return (
            min(self.x1, other.x1) - max(self.x0, other.x0) > EDGE_SLACK_PX
            and min(self.y1, other.y1) - max(self.y0, other.y0) > EDGE_SLACK_PX
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameScale:
    """The scale of a frame, or why it has none.

    Attributes:
        mm_per_pixel: Scale of the tissue region, or None.
        problem: Why there is no scale; empty when there is one.
        tissue_region: The B-mode rectangle the scale holds for, where one is declared.
    """

    mm_per_pixel: MmPerPixel | None = None
    problem: str = ""
    tissue_region: PixelBox | None = None


def scale_from_regions(
    regions: Sequence[UltrasoundRegion],
    *,
    width: int,
    height: int,
    pixel_spacing_mm: tuple[float, float] | None = None,
) -> FrameScale:
    """Scale of one frame from its declared regions.

    The largest two-dimensional tissue region is taken for the picture's tissue. There is no
    scale when it is not in centimetres, when a pixel size is missing, zero or negative, when
    the region does not lie in the picture, when another tissue region that overlaps it or is
    about as large says something else, or when Pixel Spacing contradicts it. Pixel Spacing
    alone is never a scale: in ultrasound it is often copied from a screen or left at 1.

    Args:
        regions: Every declared region, in file order.
        width: Frame width, pixels.
        height: Frame height, pixels.
        pixel_spacing_mm: Pixel Spacing as (along x, along y), mm, where the file has one.

    Returns:
        The scale with its tissue region, or the reason for having none.

    Source:
        DICOM PS3.3 C.8.5.5, US Region Calibration Module.

    Examples:
        >>> region = UltrasoundRegion(x0=0, y0=0, x1=639, y1=479, is_2d_tissue=True,
        ...                           is_in_cm=True, delta_x=0.012, delta_y=0.012)
        >>> scale_from_regions([region], width=640, height=480).mm_per_pixel.x
        0.12
        >>> scale_from_regions([], width=640, height=480).problem
        'the file declares no ultrasound regions'
    """
    tissue = [region for region in regions if region.is_2d_tissue]
    if not tissue:
        return FrameScale(problem=_why_no_tissue(regions, pixel_spacing_mm))
    chosen = max(tissue, key=lambda region: region.area_px)
    box = _box_in_frame(chosen, width=width, height=height)
    if box is None:
        return FrameScale(problem=_outside(chosen, width=width, height=height))
    problem = (
        _why_unusable(chosen)
        or _why_contradicted(chosen, tissue)
        or _why_spacing_contradicts(chosen, pixel_spacing_mm)
    )
    if problem:
        return FrameScale(problem=problem, tissue_region=box)
    return _plausible_scale(chosen, box)


def _why_no_tissue(
    regions: Sequence[UltrasoundRegion], pixel_spacing_mm: tuple[float, float] | None
) -> str:
    if regions:
        return f"none of the {len(regions)} declared ultrasound regions is two-dimensional tissue"
    if pixel_spacing_mm is not None:
        return (
            "the file declares no ultrasound regions, and Pixel Spacing alone is not trusted "
            "for ultrasound"
        )
    return "the file declares no ultrasound regions"


def _box_in_frame(region: UltrasoundRegion, *, width: int, height: int) -> PixelBox | None:
    """The region as a box of the frame, or None when it does not lie in the frame."""
    if region.area_px == 0 or region.x0 < 0 or region.y0 < 0:
        return None
    if region.x1 >= width + EDGE_SLACK_PX or region.y1 >= height + EDGE_SLACK_PX:
        return None
    if region.x0 >= width or region.y0 >= height:
        return None
    return PixelBox(
        x0=region.x0,
        y0=region.y0,
        x1=min(region.x1 + 1, width),
        y1=min(region.y1 + 1, height),
    )


def _outside(region: UltrasoundRegion, *, width: int, height: int) -> str:
    # Resized exports keep the regions of the original: their scale would be wrong.
    return (
        f"the B-mode region ({region.x0}, {region.y0})-({region.x1}, {region.y1}) does not lie "
        f"in the {width} x {height} picture, which was probably resized"
    )


def _why_unusable(region: UltrasoundRegion) -> str:
    if not region.is_in_cm:
        return "the B-mode region is not in centimetres along both axes"
    for axis, delta in (("x", region.delta_x), ("y", region.delta_y)):
        if delta is None:
            return f"the B-mode region states no pixel size along {axis}"
        if not (math.isfinite(delta) and delta > 0):
            return f"the B-mode region states a pixel size of {delta:g} cm along {axis}"
    return ""


def _why_contradicted(chosen: UltrasoundRegion, tissue: Sequence[UltrasoundRegion]) -> str:
    for other in tissue:
        if other is chosen or _same_scale(chosen, other):
            continue
        if other.overlaps(chosen):
            return "two overlapping B-mode regions state different pixel sizes"
        if other.area_px >= RIVAL_AREA_FRACTION * chosen.area_px:
            return "two B-mode regions of about one size state different pixel sizes"
    return ""


def _same_scale(one: UltrasoundRegion, other: UltrasoundRegion) -> bool:
    if not (one.is_in_cm and other.is_in_cm):
        return False
    return all(
        a is not None and b is not None and math.isclose(a, b, rel_tol=SAME_SCALE_TOLERANCE)
        for a, b in ((one.delta_x, other.delta_x), (one.delta_y, other.delta_y))
    )


def _why_spacing_contradicts(
    region: UltrasoundRegion, pixel_spacing_mm: tuple[float, float] | None
) -> str:
    if pixel_spacing_mm is None:
        return ""
    for axis, delta, spacing in zip(
        "xy", (region.delta_x, region.delta_y), pixel_spacing_mm, strict=True
    ):
        declared = (delta or 0.0) * MM_PER_CM
        if not math.isclose(declared, spacing, rel_tol=SAME_SCALE_TOLERANCE):
            return (
                f"Pixel Spacing ({spacing:g} mm) contradicts the B-mode region "
                f"({declared:g} mm) along {axis}"
            )
    return ""


def _plausible_scale(region: UltrasoundRegion, box: PixelBox) -> FrameScale:
    try:
        scale = MmPerPixel(
            x=(region.delta_x or 0.0) * MM_PER_CM,
            y=(region.delta_y or 0.0) * MM_PER_CM,
            source=ScaleSource.DICOM_REGIONS,
        )
    except InvalidInput as error:
        return FrameScale(problem=f"the B-mode region states an {error}", tissue_region=box)
    return FrameScale(mm_per_pixel=scale, tissue_region=box)
