import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_color_lut, convert_color_space
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.records.study_file import MediaKind
from deeppcos.vision.frame import UltrasoundFrame

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


def refusal_of(path: Path) -> str:
    with pytest.raises(InvalidInput) as refusal:
        list(open_dicom_image(path).frames())
    text = str(refusal.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text


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
    np.testing.assert_array_equal(only_frame(path).pixels, pixel_array(path))
    assert only_frame(path).pixels[5, 50].tolist() != pixel_array(path, raw=True)[5, 50].tolist()


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
