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
from pydicom.uid import (
    MPEG4HP41,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_images import open_dicom_image
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
        ({"PixelData": None}, "has no pixel data; got a DICOM object, Ultrasound Image Storage"),
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
