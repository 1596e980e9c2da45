"""Volumes as slices: NIfTI, MetaImage (MHA, MHD) and NRRD.

Owns reading a scalar three-dimensional image slice by slice along its third stored axis. Which
headers may be read, and when a spacing is in millimetres, is the business of
``volume_headers``; DICOM volumes are that of ``deeppcos.records.dicom_images``.

Deep grey levels are shown by the rule of ``grey_levels`` over the whole volume, so label maps
with a few small numbers keep their values.
"""

import gzip
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.decoder_guard import guarded, guarded_items
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.grey_levels import window_of
from deeppcos.vision.stills import refuse_dimensions, refuse_size
from deeppcos.vision.volume_headers import (
    EXPORT_AGAIN,
    VolumeFormat,
    is_gzipped,
    nifti_voxel_offset,
    refuse_unsound_header,
    volume_format,
    volume_head,
    why_no_scale,
)

MAX_VOLUME_BYTES = 1024**3
MAX_SLICES = 5_000
_LARGEST_GZIP_RATIO = 1032
_CHUNK_BYTES = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume whose header was found sound.

    Attributes:
        path: The file.
        source: The file, as the user named it.
        format: Its format.
        frame_count: Slices along the third axis.
        mm_per_pixel: Scale of every slice, or None.
        scale_problem: Why there is no scale; empty when there is one.
        slice_spacing_mm: Distance between slices, mm; None without scale.
    """

    path: Path
    source: str
    format: VolumeFormat
    frame_count: int
    mm_per_pixel: MmPerPixel | None
    scale_problem: str
    slice_spacing_mm: float | None

    def frames(self) -> Iterator[UltrasoundFrame]:
        """Read the slices in stored order. The volume is held in memory meanwhile.

        Yields:
            One frame a slice.

        Raises:
            InvalidInput: If the voxels are missing or damaged.
        """
        return guarded_items(
            _slices(self), self.source, problem="cannot be decoded", remedy=EXPORT_AGAIN
        )


def open_volume(path: str | Path, *, source: str = "") -> Volume:
    """Read a volume's header.

    Args:
        path: The file.
        source: The file, as the user named it; the path when empty.

    Returns:
        The volume, not read yet.

    Raises:
        InvalidInput: If it is damaged, not scalar and three-dimensional, or beyond the limits.
    """
    path, source = Path(path), source or str(path)
    refuse_size(path, source)
    with guarded(source, problem="cannot be read as a volume", remedy=EXPORT_AGAIN):
        head = volume_head(path)
        kind = volume_format(head)
        if kind is None:
            raise InvalidInput(
                f"{source}: is not a volume",
                accepted="NIfTI in one file, MHA, MHD or NRRD",
                remedy=EXPORT_AGAIN,
            )
        refuse_unsound_header(kind, head, path, source)
        reader = _reader(path, kind)
        reader.ReadImageInformation()
        return _checked(reader, path, source, kind, head)


def _itk() -> Any:
    """SimpleITK, when the first volume comes: a sixth of a second no picture need wait for."""
    import SimpleITK

    return SimpleITK


def _reader(path: Path, kind: VolumeFormat) -> Any:
    sitk = _itk()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(kind.value)
    reader.SetFileName(str(path))
    return reader


def _checked(reader: Any, path: Path, source: str, kind: VolumeFormat, head: bytes) -> Volume:
    size = _three_dimensions(reader, source)
    refuse_dimensions(source, width=size[0], height=size[1])
    _refuse_large(reader, path, source, size)
    if kind is VolumeFormat.NIFTI:
        _refuse_cut_nifti(reader, path, source, head)
    spacing = reader.GetSpacing()[:3]
    problem = why_no_scale(kind, head, spacing)
    scale = None
    if not problem:
        try:
            scale = MmPerPixel(x=spacing[0], y=spacing[1], source=ScaleSource.VOLUME_SPACING)
        except InvalidInput as error:
            problem = f"the volume states an {error}"
    return Volume(
        path=path,
        source=source,
        format=kind,
        frame_count=size[2],
        mm_per_pixel=scale,
        scale_problem=problem,
        slice_spacing_mm=spacing[2] if scale is not None else None,
    )


def _three_dimensions(reader: Any, source: str) -> tuple[int, int, int]:
    """Size along x, y and z of a scalar volume."""
    size = tuple(reader.GetSize())
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    components = reader.GetNumberOfComponents()
    if len(size) != 3 or components != 1:
        shape = " x ".join(str(extent) for extent in size)
        raise InvalidInput(
            f"{source}: is not one scalar volume",
            value=f"{shape} with {components} components a voxel",
            accepted="three dimensions and one component",
            remedy="export a single time point as grey levels",
        )
    return size[0], size[1], size[2]


def _refuse_large(reader: Any, path: Path, source: str, size: tuple[int, int, int]) -> None:
    needed = _needed_bytes(reader)
    # Compression cannot do better than this: a header that claims more is lying.
    possible = path.stat().st_size * _LARGEST_GZIP_RATIO
    if needed <= MAX_VOLUME_BYTES and size[2] <= MAX_SLICES:
        if needed <= possible or path.suffix.lower() in (".mhd", ".nhdr"):
            return
        raise InvalidInput(f"{source}: the volume is truncated", remedy=EXPORT_AGAIN)
    raise InvalidInput(
        f"{source}: the volume is too large",
        value=f"{size[0]} x {size[1]} x {size[2]} voxels",
        accepted=f"up to {MAX_VOLUME_BYTES // 1024**2} MB and {MAX_SLICES} slices",
        remedy="export the part around the ovary",
    )


def _needed_bytes(reader: Any) -> int:
    sample = _itk().Image([1, 1], reader.GetPixelID()).GetSizeOfPixelComponent()
    return int(math.prod(reader.GetSize()) * sample)


def _refuse_cut_nifti(reader: Any, path: Path, source: str, head: bytes) -> None:
    """Refuse a NIfTI file without all of its voxels: its library shows the missing ones black."""
    present = path.stat().st_size
    if is_gzipped(path):
        present = 0
        with gzip.open(path) as unzipped:
            while part := unzipped.read(_CHUNK_BYTES):
                present += len(part)
                if present > 2 * MAX_VOLUME_BYTES:
                    break
    needed = nifti_voxel_offset(head) + _needed_bytes(reader)
    if present < needed:
        raise InvalidInput(
            f"{source}: the volume is truncated",
            value=f"{present} bytes",
            accepted=f"{needed} bytes",
            remedy=EXPORT_AGAIN,
        )


def _slices(volume: Volume) -> Iterator[UltrasoundFrame]:
    levels = _levels(volume)
    window = window_of(iter(levels))
    for index, level in enumerate(levels):
        grey = window.apply(level)
        yield UltrasoundFrame(
            source=volume.source,
            index=index,
            pixels=np.repeat(grey[:, :, np.newaxis], 3, axis=2),
            mm_per_pixel=volume.mm_per_pixel,
            scale_problem=volume.scale_problem,
        )


def _levels(volume: Volume) -> npt.NDArray[Any]:
    """``(slices, H, W)`` of the stored type."""
    image = _reader(volume.path, volume.format).Execute()
    levels: npt.NDArray[Any] = _itk().GetArrayFromImage(image)
    while levels.ndim > 3:
        levels = levels[0]
    return levels
