import datetime as dt
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_color_lut, apply_windowing, convert_color_space
from pydicom.uid import (
    MPEG4HP41,
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedUSVolumeStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.records.study_file import MediaKind
from deeppcos.vision.frame import PixelBox, ScaleSource, UltrasoundFrame

Rgb = npt.NDArray[np.uint8]
WriteDicom = Callable[..., Path]
Transcode = Callable[[Path, str], Path]

LOSSLESS = [
    "JPEGLosslessProcess14",
    "JPEGLosslessProcess14_1",
    "JPEGLSLossless",
    "JPEG2000Lossless",
    "RLELossless",
    "DeflatedExplicitVRLittleEndian",
    "ExplicitVRBigEndian",
    "ImplicitVRLittleEndian",
]
LOSSY = ["JPEGBaselineProcess1", "JPEGExtendedProcess2_4", "JPEGLSNearLossless", "JPEG2000"]


def only_frame(path: Path) -> UltrasoundFrame:
    [frame] = open_dicom_image(path).frames()
    return frame


def as_rgb(grey: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


# Encodings


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_grey_levels_come_back_as_written(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb, syntax: str
) -> None:
    frame = only_frame(transcode(write_dicom(grey_picture), syntax))
    np.testing.assert_array_equal(frame.pixels, as_rgb(grey_picture))


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_colours_come_back_as_written(
    write_dicom: WriteDicom, transcode: Transcode, colour_picture: Rgb, syntax: str
) -> None:
    frame = only_frame(transcode(write_dicom(colour_picture), syntax))
    np.testing.assert_array_equal(frame.pixels, colour_picture)


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("syntax", LOSSLESS)
def test_deep_levels_come_back_through_their_window(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb, syntax: str, bits: int
) -> None:
    deep = grey_picture.astype(np.uint16) << (bits - 8)
    top = 2**bits
    written = write_dicom(deep, bits=bits, WindowCenter=top / 2, WindowWidth=top)
    frame = only_frame(transcode(written, syntax))
    expected = np.rint(deep / (top - 1) * 255)
    np.testing.assert_array_equal(frame.pixels[:, :, 0], expected)


@pytest.mark.parametrize("syntax", LOSSY)
def test_lossy_grey_levels_come_back_nearly(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb, syntax: str
) -> None:
    frame = only_frame(transcode(write_dicom(grey_picture), syntax))
    assert np.abs(frame.pixels.astype(int) - as_rgb(grey_picture)).max() <= 3


def test_twelve_bit_jpeg_is_decoded_to_known_values(tmp_path: Path) -> None:
    header = pydicom.dcmread(str(get_testdata_file("JPGExtended.dcm")))
    header.Modality = "US"
    header.VOILUTFunction, header.WindowCenter, header.WindowWidth = "LINEAR_EXACT", 127.5, 255
    header.save_as(path := tmp_path / "twelve.dcm")
    shown = only_frame(path).pixels
    # The values pydicom's own tests state for this file.
    assert (shown[420, 140, 0], shown[230, 120, 0]) == (244, 95)


def test_lossy_jpeg_with_an_impossible_depth_is_refused(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb
) -> None:
    written = write_dicom(grey_picture.astype(np.uint16) << 4, bits=12)
    path = transcode(written, "JPEGExtendedProcess2_4")
    assert "a lossy JPEG frame has 16 bits" in refusal_of(path)


def jpeg(pixels: Rgb, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


def with_encoded(path: Path, syntax: str, frames: list[bytes], **values: Any) -> Path:
    """Give a written file other, already encoded frames."""
    header = pydicom.dcmread(path)
    header.file_meta.TransferSyntaxUID = UID(syntax)
    header.PixelData = encapsulate(frames)
    header["PixelData"].is_undefined_length = True
    for keyword, value in values.items():
        setattr(header, keyword, value)
    header.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_colour_jpeg_is_shown_in_its_colours(write_dicom: WriteDicom, subsampling: int) -> None:
    colours = np.zeros((32, 48, 3), np.uint8)
    colours[:, :16, 0] = colours[:, 16:32, 1] = colours[:, 32:, 2] = 200
    encoded = jpeg(colours, subsampling=subsampling)
    path = with_encoded(
        write_dicom(colours),
        JPEGBaseline8Bit,
        [encoded],
        PhotometricInterpretation="YBR_FULL_422",
    )
    difference = np.abs(only_frame(path).pixels.astype(int) - colours)
    assert difference[:, 4:12].max() <= 6  # red
    assert difference[:, 20:28].max() <= 6  # green
    assert difference[:, 36:].max() <= 6  # blue


def test_colour_jpeg_2000_is_shown_in_its_colours(
    write_dicom: WriteDicom, colour_picture: Rgb
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(colour_picture).save(buffer, "JPEG2000", irreversible=False, no_jp2=True, mct=1)
    path = with_encoded(
        write_dicom(colour_picture),
        JPEG2000Lossless,
        [buffer.getvalue()],
        PhotometricInterpretation="YBR_RCT",
    )
    np.testing.assert_array_equal(only_frame(path).pixels, colour_picture)


def test_planar_colours_are_put_together(write_dicom: WriteDicom, colour_picture: Rgb) -> None:
    planes = np.ascontiguousarray(colour_picture.transpose(2, 0, 1))
    path = write_dicom(colour_picture, PixelData=planes.tobytes(), PlanarConfiguration=1)
    np.testing.assert_array_equal(only_frame(path).pixels, colour_picture)


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless", "RLELossless"])
def test_planar_colours_survive_compression(
    write_dicom: WriteDicom, transcode: Transcode, colour_picture: Rgb, syntax: str
) -> None:
    planes = np.ascontiguousarray(colour_picture.transpose(2, 0, 1))
    written = write_dicom(colour_picture, PixelData=planes.tobytes(), PlanarConfiguration=1)
    np.testing.assert_array_equal(only_frame(transcode(written, syntax)).pixels, colour_picture)


def test_ybr_is_shown_as_rgb(write_dicom: WriteDicom, colour_picture: Rgb) -> None:
    ybr = np.asarray(convert_color_space(colour_picture, "RGB", "YBR_FULL"))
    path = write_dicom(ybr, PhotometricInterpretation="YBR_FULL")
    assert np.abs(only_frame(path).pixels.astype(int) - colour_picture).max() <= 2


def test_subsampled_ybr_is_shown_as_rgb() -> None:
    path = Path(str(get_testdata_file("SC_ybr_full_422_uncompressed.dcm")))
    expected = pydicom.dcmread(path).pixel_array
    rgb = np.asarray(convert_color_space(expected, "YBR_FULL", "RGB"))
    shown = only_frame(path).pixels
    assert min(np.abs(shown.astype(int) - each).max() for each in (expected, rgb)) <= 1


@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_are_looked_up(write_dicom: WriteDicom, bits: int) -> None:
    indices = np.arange(12, dtype=np.uint8).reshape(3, 4)
    red = (np.arange(256) * (257 if bits == 16 else 1)).astype("<u2" if bits == 16 else np.uint8)
    tables = {"Red": red, "Green": red[::-1], "Blue": np.zeros_like(red)}
    values: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, table in tables.items():
        values[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        values[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    shown = only_frame(write_dicom(indices, **values)).pixels
    np.testing.assert_array_equal(shown[:, :, 0], indices)
    np.testing.assert_array_equal(shown[:, :, 1], 255 - indices)
    assert not shown[:, :, 2].any()


def test_real_palette_and_jpeg_examples_look_like_other_viewers_show_them() -> None:
    palette = Path(str(get_testdata_file("examples_palette.dcm")))
    frame = only_frame(palette)
    header = pydicom.dcmread(palette)
    by_pydicom = apply_color_lut(header.pixel_array, header)
    np.testing.assert_array_equal(frame.pixels, by_pydicom >> 8)
    cine = open_dicom_image(Path(str(get_testdata_file("examples_ybr_color.dcm"))))
    assert (cine.kind, cine.frame_count) == (MediaKind.CINE, 30)


# Grey levels


def test_monochrome1_is_turned_over(write_dicom: WriteDicom, grey_picture: Rgb) -> None:
    path = write_dicom(grey_picture, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(only_frame(path).pixels, as_rgb(255 - grey_picture))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("center", "width"), [(2048, 4096), (600, 1), (900, 333.5), (100, 20)])
def test_windows_agree_with_pydicom(
    write_dicom: WriteDicom, function: str, center: float, width: float
) -> None:
    deep = np.arange(0, 4096, 3, dtype=np.uint16)[:1360].reshape(34, 40)
    path = write_dicom(
        deep, bits=12, WindowCenter=center, WindowWidth=width, VOILUTFunction=function
    )
    with np.errstate(over="ignore"):
        by_pydicom = apply_windowing(deep, pydicom.dcmread(path)) / 4095 * 255
    shown = only_frame(path).pixels[:, :, 0]
    assert np.abs(shown - by_pydicom).max() <= 0.51


def test_rescaled_values_meet_the_window(write_dicom: WriteDicom) -> None:
    stored = np.array([[0, 100, 200, 255]], dtype=np.uint8).repeat(2, axis=0)
    path = write_dicom(
        stored,
        RescaleSlope=2,
        RescaleIntercept=-100,
        WindowCenter=100,
        WindowWidth=200,
        VOILUTFunction="LINEAR_EXACT",
    )
    assert only_frame(path).pixels[0, :, 0].tolist() == [0, 128, 255, 255]


def test_a_lookup_table_goes_before_the_window(write_dicom: WriteDicom) -> None:
    lut = Dataset()
    lut.add_new("LUTDescriptor", "US", [256, 0, 8])
    lut.add_new("LUTData", "OW", np.arange(255, -1, -1, dtype=np.uint8).astype("<u2").tobytes())
    stored = np.array([[0, 55], [200, 255]], dtype=np.uint8)
    path = write_dicom(stored, VOILUTSequence=[lut], WindowCenter=10, WindowWidth=2)
    np.testing.assert_array_equal(only_frame(path).pixels[:, :, 0], 255 - stored)


def test_deep_frames_without_window_share_the_extent_of_the_file(
    write_dicom: WriteDicom,
) -> None:
    deep = np.stack([np.full((4, 4), level, np.uint16) for level in (100, 600, 1100)])
    path = write_dicom(deep, bits=12, frames=3)
    shown = [int(frame.pixels[0, 0, 0]) for frame in open_dicom_image(path).frames()]
    assert shown == [0, 128, 255]


def test_signed_values_span_their_declared_range(write_dicom: WriteDicom) -> None:
    signed = np.array([[-128, 0], [64, 127]], dtype=np.int8)
    path = write_dicom(signed, PixelRepresentation=1)
    assert only_frame(path).pixels[:, :, 0].tolist() == [[0, 128], [192, 255]]


# Frames and time


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_frames_come_lazily_in_order_with_their_times(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb, syntax: str
) -> None:
    sweep = np.stack([grey_picture // (index + 1) for index in range(4)])
    path = write_dicom(sweep, frames=4, FrameTime=40, FrameIncrementPointer=0x00181063)
    opened = open_dicom_image(transcode(path, syntax))
    frames = opened.frames()
    first = next(frames)
    assert first.index == 0
    rest = list(frames)
    for index, frame in enumerate([first, *rest]):
        np.testing.assert_array_equal(frame.pixels, as_rgb(sweep[index]))
        assert frame.time_s == pytest.approx(index * 0.04)
    assert (opened.kind, opened.frame_count, len(rest)) == (MediaKind.CINE, 4, 3)
    assert len(list(opened.frames())) == 4  # may be read again


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


def test_memory_stays_flat_over_a_long_cine(write_dicom: WriteDicom) -> None:
    import tracemalloc

    frames, frame_bytes = 100, 200 * 300
    path = write_dicom(np.zeros((frames, 200, 300), np.uint8), frames=frames)
    tracemalloc.start()
    try:
        for _ in open_dicom_image(path).frames():
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30 * frame_bytes


def test_a_frame_in_several_fragments_is_joined(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb
) -> None:
    path = transcode(write_dicom(np.stack([grey_picture] * 2), frames=2), "JPEGLSLossless")
    header = pydicom.dcmread(path)
    whole = list(pydicom.encaps.generate_frames(header.PixelData, number_of_frames=2))
    header.PixelData = encapsulate(whole, fragments_per_frame=3, has_bot=False)
    header.save_as(path, enforce_file_format=True)
    for frame in open_dicom_image(path).frames():
        np.testing.assert_array_equal(frame.pixels, as_rgb(grey_picture))


# Scale


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


# Volumes


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


# What a chart can use


def test_the_header_offers_the_chart_its_hints_and_never_the_name(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = write_dicom(
        grey_picture,
        PatientAge="027Y",
        LastMenstrualDate="20240401",
        StudyDate="20240420",
        TransducerType="ENDOCAV_CLA",
        ImageLaterality="L",
        BodyPartExamined="OVARY",
        Manufacturer="Maker",
        ManufacturerModelName="Model 1",
        SequenceOfUltrasoundRegions=[region(TransducerFrequency=7500)],
    )
    opened = open_dicom_image(path)
    assert opened.header is not None
    assert opened.header.age_years == 27
    assert opened.header.last_menstrual_date == dt.date(2024, 4, 1)
    assert opened.header.study_date == dt.date(2024, 4, 20)
    assert opened.header.transducer_mhz == pytest.approx(7.5)
    assert opened.header.transducer_type == "ENDOCAV_CLA"
    assert opened.header.laterality == "L"
    assert opened.header.body_part == "OVARY"
    assert (opened.header.manufacturer, opened.header.model) == ("Maker", "Model 1")
    assert opened.identifiers is not None
    assert opened.identifiers.sop_instance_uid == pydicom.dcmread(path).SOPInstanceUID
    known = repr((opened.header, opened.identifiers))
    assert "Doe" not in known
    assert "12345" not in known


def test_missing_and_malformed_hints_are_unknown(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = write_dicom(grey_picture)
    opened = open_dicom_image(path)
    assert opened.header is not None
    hints = opened.header
    assert (hints.age_years, hints.study_date, hints.transducer_mhz) == (None, None, None)
    content = path.read_bytes().replace(b"Doe^Jane", b"\xff\xfe\xfd\xfcJane")
    path.write_bytes(content)
    assert open_dicom_image(path).header == hints


def test_age_is_taken_from_the_dates_when_it_is_not_stated(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = write_dicom(grey_picture, PatientBirthDate="19960101", StudyDate="20240101")
    header = open_dicom_image(path).header
    assert header is not None
    assert header.age_years == pytest.approx(28, abs=0.01)


# Refusals


def refusal_of(path: Path) -> str:
    with pytest.raises(InvalidInput) as refusal:
        list(open_dicom_image(path).frames())
    text = str(refusal.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"PixelData": None}, "holds no picture; got a DICOM object, Ultrasound Image Storage"),
        ({"Modality": "CT"}, "is not ultrasound; got modality CT; accepted: IVUS, OT, SC, US"),
        ({"Modality": "MR"}, "is not ultrasound"),
        ({"PhotometricInterpretation": "HSV"}, "the colour encoding is not read"),
        ({"Columns": None}, "Columns is missing or out of range"),
        ({"Rows": 0}, "Rows is missing or out of range"),
        ({"Rows": 40_000}, "Rows is missing or out of range; got 40000; accepted: 1 to 16384"),
        ({"Rows": 16_000, "Columns": 16_000}, "the picture is too large"),
        ({"SamplesPerPixel": 3}, "the header contradicts itself"),
        ({"BitsAllocated": 1}, "BitsAllocated is missing or out of range"),
        ({"BitsStored": 12}, "12 bits stored in 8 allocated"),
        ({"NumberOfFrames": 0}, "NumberOfFrames is missing or out of range"),
        ({"NumberOfFrames": 2}, "the pixel data is truncated"),
        ({"Rows": 41}, "the pixel data is truncated"),
        ({"Rows": 10}, "declares 1 frames and carries 4"),
    ],
)
def test_headers_that_cannot_be_read_are_refused_in_one_line(
    write_dicom: WriteDicom, grey_picture: Rgb, values: dict[str, Any], reason: str
) -> None:
    assert reason in refusal_of(write_dicom(grey_picture, **values))


@pytest.mark.parametrize("modality", ["US", "IVUS", "OT", "SC", ""])
def test_ultrasound_and_screen_captures_are_read(
    write_dicom: WriteDicom, grey_picture: Rgb, modality: str
) -> None:
    assert only_frame(write_dicom(grey_picture, Modality=modality)).height == 40


def test_reports_are_refused_by_what_they_are() -> None:
    assert "Comprehensive SR Storage" in refusal_of(Path(str(get_testdata_file("test-SR.dcm"))))


def test_video_in_dicom_is_refused_with_a_remedy(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = with_encoded(write_dicom(grey_picture), MPEG4HP41, [b"\0\0\0\1" * 8])
    text = refusal_of(path)
    assert "its compression is not read; got MPEG-4 AVC/H.264" in text
    assert "export the file uncompressed or as JPEG" in text


def test_number_of_frames_that_lies_about_compressed_data_is_refused(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb
) -> None:
    for syntax in ("JPEGLSLossless", "RLELossless", "JPEG2000Lossless"):
        path = transcode(write_dicom(np.stack([grey_picture] * 3), frames=3), syntax)
        for frames in (1, 2, 4):
            header = pydicom.dcmread(path)
            header.NumberOfFrames = frames
            header.save_as(path)
            assert f"declares {frames} frames and carries 3" in refusal_of(path)


@pytest.mark.parametrize("syntax", [*LOSSLESS, "JPEGBaselineProcess1"])
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.99])
def test_cut_files_are_refused_quietly(
    write_dicom: WriteDicom,
    transcode: Transcode,
    grey_picture: Rgb,
    syntax: str,
    kept: float,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = transcode(write_dicom(np.stack([grey_picture] * 3), frames=3), syntax)
    capfd.readouterr()
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    refusal_of(path)
    assert capfd.readouterr() == ("", "")


def test_a_frame_of_another_size_is_refused(write_dicom: WriteDicom, grey_picture: Rgb) -> None:
    path = with_encoded(write_dicom(grey_picture), JPEGBaseline8Bit, [jpeg(grey_picture[:20])])
    assert "a frame is (56, 20, 1) where the header declares (56, 40, 1)" in refusal_of(path)


def test_a_frame_cut_inside_its_fragment_is_refused(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    whole = jpeg(grey_picture)
    path = with_encoded(write_dicom(grey_picture), JPEGBaseline8Bit, [whole[: len(whole) // 2]])
    assert "a frame ends before its end marker" in refusal_of(path)


def test_pixels_that_belie_their_syntax_are_refused(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb
) -> None:
    plain = write_dicom(grey_picture)
    renamed = plain.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    plain.write_bytes(renamed)  # says RLE
    assert "declares compressed pixels and carries uncompressed ones" in refusal_of(plain)


def test_a_deflated_bomb_is_refused(
    write_dicom: WriteDicom, grey_picture: Rgb, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_dicom(grey_picture)
    header = pydicom.dcmread(path)
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    header.save_as(path)
    assert only_frame(path).width == 56
    monkeypatch.setattr("deeppcos.records.dicom_file.MAX_INFLATED_BYTES", 1000)
    assert "inflates to more than 1000 bytes" in refusal_of(path)


def test_a_decoder_that_dies_costs_one_file_and_not_the_program(
    write_dicom: WriteDicom,
    transcode: Transcode,
    grey_picture: Rgb,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = transcode(write_dicom(grey_picture), "JPEGLosslessProcess14_1")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "the decoder gave up on a damaged frame" in refusal_of(path)
    monkeypatch.undo()
    np.testing.assert_array_equal(only_frame(path).pixels, as_rgb(grey_picture))


def test_files_without_preamble_and_in_implicit_order_are_read(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = write_dicom(grey_picture)
    header = pydicom.dcmread(path)
    for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian):
        bare = path.with_name(f"{syntax}.dcm")
        copy = Dataset(header)
        copy.save_as(
            bare,
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=syntax == ImplicitVRLittleEndian,
        )
        np.testing.assert_array_equal(only_frame(bare).pixels, as_rgb(grey_picture))


# Damage of every kind


@pytest.fixture(scope="module")
def damaged_material(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small sound files, one for each way of decoding in this process."""
    grey = (np.arange(24 * 20) % 256).astype(np.uint8).reshape(24, 20)
    header = Dataset()
    folder = tmp_path_factory.mktemp("sound")
    plain = Path(str(get_testdata_file("SC_rgb_small_odd.dcm")))
    header = pydicom.dcmread(plain)
    header.Modality = "US"
    header.Rows, header.Columns = grey.shape
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.SequenceOfUltrasoundRegions = [region()]
    header.PixelData = grey.tobytes()
    material = {}
    header.save_as(folder / "plain.dcm")
    material["plain"] = (folder / "plain.dcm").read_bytes()
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    header.save_as(folder / "deflated.dcm")
    material["deflated"] = (folder / "deflated.dcm").read_bytes()
    header = pydicom.dcmread(folder / "plain.dcm")
    header.compress(RLELossless)
    header.save_as(folder / "rle.dcm")
    material["rle"] = (folder / "rle.dcm").read_bytes()
    path = folder / "jpeg.dcm"
    pydicom.dcmread(folder / "plain.dcm").save_as(path)
    material["jpeg"] = with_encoded(path, JPEGBaseline8Bit, [jpeg(grey)]).read_bytes()
    return material


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kind=st.sampled_from(["plain", "deflated", "rle", "jpeg"]),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=10),
    kept=st.one_of(st.just(1.0), st.floats(0.01, 1)),
)
def test_damaged_files_are_read_or_refused_and_nothing_else(
    tmp_path: Path,
    damaged_material: dict[str, bytes],
    kind: str,
    flips: list[tuple[float, int]],
    kept: float,
) -> None:
    content = bytearray(damaged_material[kind])
    for place, value in flips:
        content[int(place * len(content))] = value
    path = tmp_path / "damaged.dcm"
    path.write_bytes(content[: max(1, int(kept * len(content)))])
    try:
        for frame in open_dicom_image(path).frames():
            assert frame.pixels.dtype == np.uint8
    except InvalidInput as refusal:
        named = str(path) in str(refusal)
    else:
        named = True
    assert named


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless"])
def test_damaged_frames_end_at_most_the_isolated_decoder(
    write_dicom: WriteDicom, transcode: Transcode, grey_picture: Rgb, syntax: str
) -> None:
    sound = transcode(write_dicom(grey_picture), syntax).read_bytes()
    start = sound.rindex(b"\xff\xd8")
    random = np.random.default_rng(5)
    path = write_dicom(grey_picture, "damaged.dcm")
    outcomes: set[object] = set()
    for _ in range(15):
        content = bytearray(sound)
        for place in random.integers(start + 2, len(sound) - 10, 6):
            content[place] = random.integers(0, 256)
        path.write_bytes(content)
        try:
            outcomes.add(only_frame(path).pixels.shape)
        except InvalidInput as refusal:
            outcomes.add(str(path) in str(refusal))
    assert outcomes <= {True, (40, 56, 3)}
    assert True in outcomes
