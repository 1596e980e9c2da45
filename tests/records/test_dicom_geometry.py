from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedUSVolumeStorage,
)

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.records.study_file import MediaKind
from deeppcos.vision.frame import PixelBox, ScaleSource, UltrasoundFrame

Rgb = npt.NDArray[np.uint8]
WriteDicom = Callable[..., Path]
Transcode = Callable[[Path, str], Path]


def only_frame(path: Path) -> UltrasoundFrame:
    [frame] = open_dicom_image(path).frames()
    return frame


def as_rgb(grey: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def test_uneven_frame_times_are_added_up(write_dicom: WriteDicom, grey_picture: Rgb) -> None:
    path = write_dicom(np.stack([grey_picture] * 3), frames=3, FrameTimeVector=[0, 30, 50])
    times = [frame.time_s for frame in open_dicom_image(path).frames()]
    assert times == pytest.approx([0, 0.03, 0.08])


@pytest.mark.parametrize(
    "timing", [{}, {"FrameTimeVector": [0, 30]}, {"FrameTime": 0}, {"CineRate": 25}]
)
def test_unusable_timing_leaves_the_time_unknown(
    write_dicom: WriteDicom, grey_picture: Rgb, timing: dict[str, Any]
) -> None:
    path = write_dicom(np.stack([grey_picture] * 3), frames=3, **timing)
    assert [frame.time_s for frame in open_dicom_image(path).frames()] == [None] * 3


def region(**changes: Any) -> Dataset:
    item = Dataset()
    values = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionFlags": 0,
        "RegionLocationMinX0": 4,
        "RegionLocationMinY0": 2,
        "RegionLocationMaxX1": 51,
        "RegionLocationMaxY1": 37,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.0125,
        "PhysicalDeltaY": 0.011,
    }
    for keyword, value in (values | changes).items():
        setattr(item, keyword, value)
    return item


def test_regions_give_the_scale_of_every_frame(write_dicom: WriteDicom, grey_picture: Rgb) -> None:
    path = write_dicom(
        np.stack([grey_picture] * 2), frames=2, SequenceOfUltrasoundRegions=[region()]
    )
    for frame in open_dicom_image(path).frames():
        assert frame.mm_per_pixel is not None
        assert frame.mm_per_pixel.x == pytest.approx(0.125)
        assert frame.mm_per_pixel.y == pytest.approx(0.11)
        assert frame.mm_per_pixel.source is ScaleSource.DICOM_REGIONS
        assert frame.tissue_region == PixelBox(x0=4, y0=2, x1=52, y1=38)
        assert frame.scale_problem == ""


def test_a_frames_own_region_goes_before_the_files(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    own, other = Dataset(), Dataset()
    own.SequenceOfUltrasoundRegions = [region(PhysicalDeltaX=0.02, PhysicalDeltaY=0.02)]
    path = write_dicom(
        np.stack([grey_picture] * 2),
        frames=2,
        SequenceOfUltrasoundRegions=[region()],
        PerFrameFunctionalGroupsSequence=[other, own],
    )
    scales = [frame.mm_per_pixel for frame in open_dicom_image(path).frames()]
    assert [scale.x for scale in scales if scale] == pytest.approx([0.125, 0.2])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "declares no ultrasound regions"),
        ({"PixelSpacing": [0.1, 0.1]}, "Pixel Spacing alone is not trusted"),
        ({"SequenceOfUltrasoundRegions": []}, "declares no ultrasound regions"),
        (
            {"SequenceOfUltrasoundRegions": [region(RegionSpatialFormat=3)]},
            "two-dimensional tissue",
        ),
        ({"SequenceOfUltrasoundRegions": [region(RegionDataType=2)]}, "two-dimensional tissue"),
        (
            {"SequenceOfUltrasoundRegions": [region(PhysicalUnitsYDirection=4)]},
            "not in centimetres",
        ),
        ({"SequenceOfUltrasoundRegions": [region(PhysicalDeltaY=-0.01)]}, "along y"),
        ({"SequenceOfUltrasoundRegions": [region(RegionLocationMaxX1=600)]}, "probably resized"),
        (
            {"SequenceOfUltrasoundRegions": [region()], "PixelSpacing": [0.11, 0.3]},
            r"Pixel Spacing (0.3 mm) contradicts the B-mode region (0.125 mm) along x",
        ),
        (
            {"SequenceOfUltrasoundRegions": [region(), region(PhysicalDeltaX=0.02)]},
            "two overlapping B-mode regions",
        ),
    ],
)
def test_no_millimetres_without_sound_regions(
    write_dicom: WriteDicom, grey_picture: Rgb, values: dict[str, Any], reason: str
) -> None:
    frame = only_frame(write_dicom(grey_picture, **values))
    assert frame.mm_per_pixel is None
    assert reason in frame.scale_problem


def test_pixel_spacing_names_rows_before_columns(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    agreeing = write_dicom(
        grey_picture, SequenceOfUltrasoundRegions=[region()], PixelSpacing=[0.11, 0.125]
    )
    assert only_frame(agreeing).mm_per_pixel is not None


def volume_groups(positions: list[float], **measures: Any) -> dict[str, Any]:
    shared, pixel_measures = Dataset(), Dataset()
    for keyword, value in ({"PixelSpacing": [0.4, 0.3]} | measures).items():
        setattr(pixel_measures, keyword, value)
    shared.PixelMeasuresSequence = [pixel_measures]
    frames = []
    for z in positions:
        place, frame = Dataset(), Dataset()
        place.ImagePositionVolume = [0, 0, z]
        frame.PlanePositionVolumeSequence = [place]
        frames.append(frame)
    return {
        "SOPClassUID": EnhancedUSVolumeStorage,
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": frames,
    }


def test_an_enhanced_volume_has_slices_with_spacing(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = write_dicom(np.stack([grey_picture] * 3), frames=3, **volume_groups([0, 0.7, 1.4]))
    opened = open_dicom_image(path)
    assert (opened.kind, opened.frame_count) == (MediaKind.VOLUME, 3)
    assert opened.slice_spacing_mm == pytest.approx(0.7)
    for frame in opened.frames():
        assert frame.mm_per_pixel is not None
        assert (frame.mm_per_pixel.x, frame.mm_per_pixel.y) == pytest.approx((0.3, 0.4))
        assert frame.mm_per_pixel.source is ScaleSource.VOLUME_SPACING


@pytest.mark.parametrize(
    ("positions", "measures", "spacing"),
    [
        ([0, 0.7, 1.4], {"SpacingBetweenSlices": 0.7}, 0.7),
        ([0, 0.7, 1.4], {"SpacingBetweenSlices": 2.0}, None),
        ([0, 0.7, 2.0], {}, None),
        ([], {"SpacingBetweenSlices": 0.5}, 0.5),
        ([], {}, None),
    ],
)
def test_slice_spacing_is_known_or_unknown_and_never_guessed(
    write_dicom: WriteDicom,
    grey_picture: Rgb,
    positions: list[float],
    measures: dict[str, Any],
    spacing: float | None,
) -> None:
    groups = volume_groups(positions, **measures)
    path = write_dicom(np.stack([grey_picture] * 3), frames=3, **groups)
    assert open_dicom_image(path).slice_spacing_mm == spacing or (
        spacing is not None and open_dicom_image(path).slice_spacing_mm == pytest.approx(spacing)
    )


def test_a_volume_in_time_is_refused(write_dicom: WriteDicom, grey_picture: Rgb) -> None:
    path = write_dicom(np.stack([grey_picture] * 3), frames=3, **volume_groups([0, 0.7, 0.7]))
    with pytest.raises(InvalidInput, match="holds several volumes"):
        open_dicom_image(path)
