from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing

from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.vision.frame import UltrasoundFrame

Rgb = npt.NDArray[np.uint8]
WriteDicom = Callable[..., Path]
Transcode = Callable[[Path, str], Path]


def only_frame(path: Path) -> UltrasoundFrame:
    [frame] = open_dicom_image(path).frames()
    return frame


def as_rgb(grey: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


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
