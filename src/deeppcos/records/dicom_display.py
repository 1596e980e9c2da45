"""From stored DICOM values to the picture a viewer shows.

Owns the grey-scale pipeline (modality values, then VOI LUT or window, then MONOCHROME1 turned
over), palettes, and deep colour. Decoding is the business of ``dicom_frames``.

Where several are given, a VOI LUT goes before a window and the first window before the others.
Without either, values of up to 8 bits are shown over their whole declared range, and deeper
ones from the smallest to the largest value of the whole file.

Source: DICOM PS3.3 C.11.1 and C.11.2, C.7.6.3.1.5, and PS3.3 C.7.6.16.2.10 for frames.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi

from deeppcos.records.dicom_file import PixelLayout
from deeppcos.records.dicom_geometry import functional_group
from deeppcos.records.dicom_header import items_of, number_of, numbers_of, text_of
from deeppcos.vision.grey_levels import GreyWindow, window_of

Levels = npt.NDArray[Any]
DecodedFrames = Callable[[], Iterator[tuple[Levels, str]]]


def shown_frames(
    decoded: DecodedFrames, header: Dataset, layout: PixelLayout
) -> Iterator[npt.NDArray[np.uint8]]:
    """Show decoded frames.

    Args:
        decoded: Starts decoding from the first frame; called twice when a deep picture brings
            no window of its own.
        header: The data set.
        layout: Its Image Pixel module.

    Yields:
        ``(H, W, 3) uint8`` RGB.
    """
    whole_file = _window_of_all(decoded, header, layout)
    for index, (values, photometric) in enumerate(decoded()):
        if photometric == "PALETTE COLOR":
            yield _as_eight_bit(np.asarray(apply_color_lut(values, header)))
        elif photometric == "RGB":
            yield _eight_bit_colour(values, layout)
        else:
            grey = _grey(values, header, layout, index, whole_file)
            shown = 255 - grey if photometric == "MONOCHROME1" else grey
            yield np.repeat(shown[:, :, np.newaxis], 3, axis=2)


def _window_of_all(
    decoded: DecodedFrames, header: Dataset, layout: PixelLayout
) -> GreyWindow | None:
    """The extent of the whole file, where that is what a deep picture is shown over."""
    is_deep_grey = layout.photometric.startswith("MONOCHROME") and layout.bits_stored > 8
    if not is_deep_grey or items_of(header, "VOILUTSequence"):
        return None
    if all(_window(header, index) is not None for index in range(layout.frames)):
        return None
    return window_of(_modality_values(values, header) for values, _ in decoded())


def _grey(
    values: Levels,
    header: Dataset,
    layout: PixelLayout,
    index: int,
    whole_file: GreyWindow | None,
) -> npt.NDArray[np.uint8]:
    modality = _modality_values(values, header)
    luts = items_of(header, "VOILUTSequence")
    if luts:
        looked_up = np.asarray(apply_voi(modality, header), dtype=np.float64)
        return GreyWindow(black=0, white=_lut_white(luts[0])).apply(looked_up)
    stated = _window(header, index)
    if stated is not None:
        return _through_window(modality, *stated)
    if whole_file is not None:
        return whole_file.apply(modality)
    return _declared_range(header, layout).apply(modality)


def _modality_values(values: Levels, header: Dataset) -> Levels:
    """Stored values through the modality LUT or rescale, where there is one."""
    slope, intercept = number_of(header, "RescaleSlope"), number_of(header, "RescaleIntercept")
    if items_of(header, "ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(values, header))
    if slope is None or intercept is None or (slope, intercept) == (1.0, 0.0):
        return values
    return values * slope + intercept


def _declared_range(header: Dataset, layout: PixelLayout) -> GreyWindow:
    lowest = -(2 ** (layout.bits_stored - 1)) if layout.is_signed else 0
    stored = np.array([lowest, lowest + 2**layout.bits_stored - 1])
    black, white = sorted(float(value) for value in _modality_values(stored, header))
    return GreyWindow(black=black, white=white)


def _window(header: Dataset, index: int) -> tuple[float, float, str] | None:
    """Center, width and function of a frame's first usable window."""
    for holder in (functional_group(header, index, "FrameVOILUTSequence"), header):
        if holder is None:
            continue
        centers, widths = numbers_of(holder, "WindowCenter"), numbers_of(holder, "WindowWidth")
        function = text_of(holder, "VOILUTFunction") or "LINEAR"
        if centers and widths and widths[0] >= (1 if function == "LINEAR" else 1e-6):
            return centers[0], widths[0], function
    return None


def _through_window(
    values: Levels, center: float, width: float, function: str
) -> npt.NDArray[np.uint8]:
    if function == "SIGMOID":
        # Beyond 700 the exponential overflows; the sigmoid is flat long before.
        steepness = np.clip(-4.0 * (values.astype(np.float64) - center) / width, -700, 700)
        return GreyWindow(black=0, white=1).apply(1.0 / (1.0 + np.exp(steepness)))
    if function == "LINEAR_EXACT":
        return GreyWindow(black=center - width / 2, white=center + width / 2).apply(values)
    if width == 1:  # a threshold
        return np.where(values > center - 0.5, 255, 0).astype(np.uint8)
    middle, half = center - 0.5, (width - 1) / 2
    return GreyWindow(black=middle - half, white=middle + half).apply(values)


def _lut_white(lut: Dataset) -> float:
    """The largest output of a VOI LUT, from the bits its descriptor states."""
    descriptor = numbers_of(lut, "LUTDescriptor")
    bits = descriptor[2] if descriptor is not None and len(descriptor) == 3 else 8
    return math.ldexp(1.0, int(bits)) - 1.0


def _as_eight_bit(colours: Levels) -> npt.NDArray[np.uint8]:
    """Palette output: 16-bit entries hold their colour in the high byte, unless none does."""
    if colours.dtype != np.uint8 and colours.max(initial=0) > 255:
        colours = colours >> 8
    return np.ascontiguousarray(colours[:, :, :3]).astype(np.uint8)


def _eight_bit_colour(values: Levels, layout: PixelLayout) -> npt.NDArray[np.uint8]:
    if layout.bits_stored > 8:
        values = values >> (layout.bits_stored - 8)
    elif layout.bits_stored < 8:
        values = values.astype(np.uint16) * 255 // (2**layout.bits_stored - 1)
    return np.ascontiguousarray(values).astype(np.uint8)
