"""Millimetres, seconds and slices from a DICOM header.

Owns reading the Sequence of Ultrasound Regions, frame times, and the functional groups of
Enhanced US Volumes. The rules by which regions become a scale are in ``deeppcos.vision.scale``.
"""

import itertools
import math
from collections.abc import Sequence

from pydicom.dataset import Dataset

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_header import items_of, number_of, numbers_of
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.scale import FrameScale, UltrasoundRegion, scale_from_regions

ENHANCED_US_VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"
SPACING_TOLERANCE = 0.02

_SPATIAL_FORMAT_2D = 1
_DATA_TYPE_TISSUE = 1
_UNITS_CM = 3
_MS_PER_S = 1000.0
_NO_COORDINATE = -1


def functional_group(header: Dataset, index: int, keyword: str) -> Dataset | None:
    """The item of a functional group macro that holds for one frame.

    Args:
        header: The data set.
        index: Frame number, from 0.
        keyword: The macro's sequence, such as ``PixelMeasuresSequence``.

    Returns:
        The frame's own item, else the shared one, else None.
    """
    per_frame = items_of(header, "PerFrameFunctionalGroupsSequence")[index : index + 1]
    for group in (*per_frame, *items_of(header, "SharedFunctionalGroupsSequence")):
        for item in items_of(group, keyword):
            return item
    return None


def frame_scale(header: Dataset, index: int, *, width: int, height: int) -> FrameScale:
    """Scale of one frame.

    A frame's own regions, where it has some, go before those of the file.

    Args:
        header: The data set.
        index: Frame number, from 0.
        width: Pixels.
        height: Pixels.

    Returns:
        The scale and its tissue region, or why there is none.
    """
    if header.get("SOPClassUID") == ENHANCED_US_VOLUME:
        return _volume_scale(header, index)
    frames = items_of(header, "PerFrameFunctionalGroupsSequence")[index : index + 1]
    own = [item for frame in frames for item in items_of(frame, "SequenceOfUltrasoundRegions")]
    return scale_from_regions(
        [_region(item) for item in own or items_of(header, "SequenceOfUltrasoundRegions")],
        width=width,
        height=height,
        pixel_spacing_mm=_pixel_spacing_mm(header),
    )


def frame_times_s(header: Dataset, frames: int) -> tuple[float | None, ...]:
    """Time of each frame from the first, seconds.

    Args:
        header: The data set.
        frames: Number of frames.

    Returns:
        Times from Frame Time Vector or Frame Time; None for every frame when neither is usable.
        Display rates say nothing of when a frame was taken and are not used.
    """
    unknown: tuple[float | None, ...] = (None,) * frames
    if frames == 1:
        return unknown
    steps = numbers_of(header, "FrameTimeVector")
    if steps is not None and len(steps) == frames and min(steps) >= 0:
        return tuple(itertools.accumulate((0.0, *(ms / _MS_PER_S for ms in steps[1:]))))
    step = number_of(header, "FrameTime")
    if step is not None and step > 0:
        return tuple(index * step / _MS_PER_S for index in range(frames))
    return unknown


def refuse_mixed_volume(header: Dataset, frames: int, source: str) -> None:
    """Refuse an Enhanced US Volume that is several volumes.

    Args:
        header: The data set.
        frames: Number of frames.
        source: The file, as the user named it.

    Raises:
        InvalidInput: If frames differ in time or two frames lie at one place.
    """
    groups = items_of(header, "PerFrameFunctionalGroupsSequence")[:frames]
    contents = [item for group in groups for item in items_of(group, "FrameContentSequence")]
    times = {number_of(item, "TemporalPositionIndex") for item in contents} - {None}
    steps = _steps_mm(header, frames)
    if len(times) > 1 or (steps is not None and any(step == 0 for step in steps)):
        raise InvalidInput(
            f"{source}: holds several volumes (time points or data types) in one",
            accepted="one volume of tissue",
            remedy="export a single time point",
        )


def slice_spacing_mm(header: Dataset, frames: int) -> float | None:
    """Distance between the slices of an Enhanced US Volume.

    Args:
        header: The data set.
        frames: Number of frames.

    Returns:
        The distance between frame positions where these are even, else Spacing Between Slices;
        None when neither is known or the two disagree.
    """
    measures = functional_group(header, 0, "PixelMeasuresSequence")
    stated = None if measures is None else number_of(measures, "SpacingBetweenSlices")
    stated = stated if stated is not None and stated > 0 else None
    steps = _steps_mm(header, frames)
    if steps is None:
        return stated
    mean = sum(steps) / len(steps)
    if not all(math.isclose(step, mean, rel_tol=SPACING_TOLERANCE) for step in steps):
        return None
    if stated is not None and not math.isclose(stated, mean, rel_tol=SPACING_TOLERANCE):
        return None
    return mean


def _steps_mm(header: Dataset, frames: int) -> tuple[float, ...] | None:
    """Distances between the positions of successive frames; None when any is unknown."""
    positions = []
    for group in items_of(header, "PerFrameFunctionalGroupsSequence")[:frames]:
        for item in items_of(group, "PlanePositionVolumeSequence"):
            position = numbers_of(item, "ImagePositionVolume")
            if position is not None and len(position) == 3:
                positions.append(position)
    if len(positions) != frames or frames < 2:
        return None
    return tuple(math.dist(one, other) for one, other in itertools.pairwise(positions))


def _volume_scale(header: Dataset, index: int) -> FrameScale:
    measures = functional_group(header, index, "PixelMeasuresSequence")
    spacing = None if measures is None else _pixel_spacing_mm(measures)
    if spacing is None:
        return FrameScale(problem="the volume states no Pixel Measures")
    try:
        scale = MmPerPixel(x=spacing[0], y=spacing[1], source=ScaleSource.VOLUME_SPACING)
    except InvalidInput as error:
        return FrameScale(problem=f"the volume states an {error}")
    return FrameScale(mm_per_pixel=scale)


def _pixel_spacing_mm(holder: Dataset) -> tuple[float, float] | None:
    """Pixel Spacing as (along x, along y): DICOM gives the row spacing, which is y, first."""
    spacing = numbers_of(holder, "PixelSpacing")
    if spacing is None or len(spacing) != 2:
        return None
    return spacing[1], spacing[0]


def _region(item: Dataset) -> UltrasoundRegion:
    x0, y0, x1, y1 = _corners(
        item,
        (
            "RegionLocationMinX0",
            "RegionLocationMinY0",
            "RegionLocationMaxX1",
            "RegionLocationMaxY1",
        ),
    )
    return UltrasoundRegion(
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        is_2d_tissue=(
            number_of(item, "RegionSpatialFormat") == _SPATIAL_FORMAT_2D
            and number_of(item, "RegionDataType") == _DATA_TYPE_TISSUE
        ),
        is_in_cm=(
            number_of(item, "PhysicalUnitsXDirection") == _UNITS_CM
            and number_of(item, "PhysicalUnitsYDirection") == _UNITS_CM
        ),
        delta_x=number_of(item, "PhysicalDeltaX"),
        delta_y=number_of(item, "PhysicalDeltaY"),
    )


def _corners(item: Dataset, keywords: Sequence[str]) -> tuple[int, ...]:
    """Corner coordinates; a missing one puts the region outside any picture."""
    found = (number_of(item, keyword) for keyword in keywords)
    return tuple(_NO_COORDINATE if value is None else int(value) for value in found)
