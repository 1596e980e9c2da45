"""Volumes as slices: NIfTI, MetaImage (MHA, MHD) and NRRD.

Owns reading a scalar three-dimensional image slice by slice along its third stored axis, and
deciding whether its spacing may be believed. DICOM volumes are the business of
``deeppcos.records.dicom_images``.

When a spacing counts as millimetres:

* NIfTI: when the header names a unit of length (micrometre, millimetre, metre). Without one the
  numbers may be anything, 1 x 1 x 1 above all, and there is no scale.
* MetaImage: when ElementSpacing (or ElementSize) is written; the format is in millimetres.
* NRRD: when the axes lie in a patient space (``left-posterior-superior`` and its kin are in
  millimetres) or the units are given as ``mm``.

Deep grey levels are shown by the rule of ``grey_levels`` over the whole volume, so label maps
with a few small numbers keep their values.
"""

import gzip
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from deeppcos.errors import InvalidInput
from deeppcos.vision.decoder_guard import guarded, guarded_items
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.grey_levels import window_of
from deeppcos.vision.stills import refuse_dimensions, refuse_size

sitk: Any = SimpleITK  # its functions carry no types

MAX_VOLUME_BYTES = 1024**3
MAX_SLICES = 5_000
_LARGEST_GZIP_RATIO = 1032
_HEAD_BYTES = 16_384
_GZIP = b"\x1f\x8b"
_LONGEST_META_LIST = 16  # a 4 x 4 matrix
_LONGEST_META_VALUE = 1024
_CHUNK_BYTES = 1024**2
_REMEDY = "export the volume again as NRRD, MHA or NIfTI"
_NIFTI_LENGTH_UNITS = {1: "m", 2: "mm", 3: "um"}
_PATIENT_SPACES = frozenset(
    {
        "right-anterior-superior",
        "ras",
        "left-anterior-superior",
        "las",
        "left-posterior-superior",
        "lps",
        "scanner-xyz",
    }
)


class VolumeFormat(StrEnum):
    """A volume format; the value is the name of SimpleITK's reader."""

    NIFTI = "NiftiImageIO"
    META = "MetaImageIO"
    NRRD = "NrrdImageIO"


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
            _slices(self), self.source, problem="cannot be decoded", remedy=_REMEDY
        )


def volume_format(head: bytes) -> VolumeFormat | None:
    """Recognise a volume by its first bytes.

    Args:
        head: The first 400 bytes or more, already unzipped.

    Returns:
        The format, or None.

    Examples:
        >>> volume_format(b"NRRD0004" + bytes(400))
        <VolumeFormat.NRRD: 'NrrdImageIO'>
    """
    if head.startswith(b"NRRD000"):
        return VolumeFormat.NRRD
    if head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0":
        return VolumeFormat.NIFTI
    first = head.split(b"\n", 1)[0].partition(b"=")[0].strip()
    if first in (b"ObjectType", b"NDims", b"Comment", b"ObjectSubType") and b"=" in head[:64]:
        return VolumeFormat.META
    return None


def volume_head(path: Path) -> bytes:
    """The first bytes of a volume, unzipped where it is gzipped.

    Args:
        path: The file.

    Returns:
        Up to 16,384 bytes; what could be unzipped when the file is damaged.
    """
    with path.open("rb") as raw:
        head = raw.read(_HEAD_BYTES)
    if not head.startswith(_GZIP):
        return head
    try:
        with gzip.open(path) as unzipped:
            return unzipped.read(_HEAD_BYTES)
    except (OSError, EOFError):
        return b""


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
    with guarded(source, problem="cannot be read as a volume", remedy=_REMEDY):
        head = volume_head(path)
        kind = volume_format(head)
        if kind is None:
            raise InvalidInput(
                f"{source}: is not a volume",
                accepted="NIfTI in one file, MHA, MHD or NRRD",
                remedy=_REMEDY,
            )
        _refuse_foreign_voxels(kind, head, source)
        _refuse_misnamed_nifti(kind, path, source)
        _refuse_hostile_meta(kind, head, source)
        reader = _reader(path, kind)
        reader.ReadImageInformation()
        return _checked(reader, path, source, kind, head)


def _reader(path: Path, kind: VolumeFormat) -> Any:
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
    problem = _why_no_scale(kind, head, spacing)
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
        raise InvalidInput(f"{source}: the volume is truncated", remedy=_REMEDY)
    raise InvalidInput(
        f"{source}: the volume is too large",
        value=f"{size[0]} x {size[1]} x {size[2]} voxels",
        accepted=f"up to {MAX_VOLUME_BYTES // 1024**2} MB and {MAX_SLICES} slices",
        remedy="export the part around the ovary",
    )


def _needed_bytes(reader: Any) -> int:
    sample = sitk.Image([1, 1], reader.GetPixelID()).GetSizeOfPixelComponent()
    return int(math.prod(reader.GetSize()) * sample)


def _refuse_cut_nifti(reader: Any, path: Path, source: str, head: bytes) -> None:
    """Refuse a NIfTI file without all of its voxels: its library shows the missing ones black."""
    present = path.stat().st_size
    if _is_gzipped(path):
        present = 0
        with gzip.open(path) as unzipped:
            while part := unzipped.read(_CHUNK_BYTES):
                present += len(part)
                if present > 2 * MAX_VOLUME_BYTES:
                    break
    needed = _nifti_voxel_offset(head) + _needed_bytes(reader)
    if present < needed:
        raise InvalidInput(
            f"{source}: the volume is truncated",
            value=f"{present} bytes",
            accepted=f"{needed} bytes",
            remedy=_REMEDY,
        )


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_GZIP)) == _GZIP


def _nifti_voxel_offset(head: bytes) -> int:
    if head[4:8] == b"n+2\0":
        return int(struct.unpack_from(f"{_nifti_order(head)}q", head, 168)[0])
    return int(struct.unpack_from(f"{_nifti_order(head)}f", head, 108)[0])


def _nifti_order(head: bytes) -> str:
    """Byte order, from the length of the header that every NIfTI begins with."""
    return "<" if struct.unpack_from("<i", head)[0] in (348, 540) else ">"


def _refuse_foreign_voxels(kind: VolumeFormat, head: bytes, source: str) -> None:
    """Refuse headers that point at voxels outside their own folder.

    A header may name any file of the machine, which would then be shown as a picture.
    """
    fields = _text_fields(head)
    named = fields.get("elementdatafile") if kind is VolumeFormat.META else ""
    if kind is VolumeFormat.NRRD:
        named = fields.get("data file", fields.get("datafile", ""))
    if not named or named.upper() == "LOCAL":
        return
    if PurePath(named).name != named or named.upper().startswith("LIST") or "%" in named:
        raise InvalidInput(
            f"{source}: its voxels are in other files",
            value=named[:80],
            accepted="voxels in the same file, or in one file beside it",
            remedy="export the volume as one MHA or NRRD file",
        )


def _refuse_misnamed_nifti(kind: VolumeFormat, path: Path, source: str) -> None:
    """Refuse names by which the NIfTI library does not know its own files."""
    if kind is VolumeFormat.NIFTI and not path.name.lower().endswith((".nii", ".nii.gz")):
        raise InvalidInput(
            f"{source}: is NIfTI under another name",
            accepted="a name ending in .nii or .nii.gz",
            remedy="rename the file",
        )


def _refuse_hostile_meta(kind: VolumeFormat, head: bytes, source: str) -> None:
    """Refuse MetaImage headers that overrun their library's arrays and end the program."""
    if kind is not VolumeFormat.META:
        return
    fields = _text_fields(head)
    axes, sizes = fields.get("ndims", ""), fields.get("dimsize", "").split()
    is_sound = (
        axes in ("1", "2", "3", "4")
        and len(sizes) == int(axes)
        and all(size.isdecimal() and len(size) < 10 for size in sizes)
        and all(len(value.split()) <= _LONGEST_META_LIST for value in fields.values())
        and max(map(len, fields.values())) < _LONGEST_META_VALUE
    )
    if not is_sound:
        raise InvalidInput(f"{source}: the MetaImage header is damaged", remedy=_REMEDY)


def _text_fields(head: bytes) -> dict[str, str]:
    """Fields of a MetaImage or NRRD header, keys in lower case."""
    fields: dict[str, str] = {}
    for line in head.decode("latin-1").splitlines():
        if not line.strip():  # NRRD ends its header with an empty line
            break
        separator = "=" if "=" in line and ":" not in line.partition("=")[0] else ":"
        key, found, value = line.partition(separator)
        if found:
            fields[key.strip().lower()] = value.lstrip("=").strip()
        if key.strip().lower() == "elementdatafile":  # MetaImage ends its header with this one
            break
    return fields


def _why_no_scale(kind: VolumeFormat, head: bytes, spacing: tuple[float, ...]) -> str:
    if not all(math.isfinite(step) and step > 0 for step in spacing):
        return f"the volume states an impossible spacing {tuple(spacing)}"
    if kind is VolumeFormat.NIFTI:
        return "" if _nifti_unit(head) else "the NIfTI header names no unit of length"
    fields = _text_fields(head)
    if kind is VolumeFormat.META:
        stated = "elementspacing" in fields or "elementsize" in fields
        return "" if stated else "the MetaImage header states no ElementSpacing"
    return _why_no_nrrd_scale(fields)


def _nifti_unit(head: bytes) -> str | None:
    """The unit of length in a NIfTI-1 or NIfTI-2 header of either byte order."""
    if head[4:8] == b"n+2\0":
        (code,) = struct.unpack_from(f"{_nifti_order(head)}i", head, 500)
    else:
        code = head[123]
    return _NIFTI_LENGTH_UNITS.get(code & 0x07)


def _why_no_nrrd_scale(fields: dict[str, str]) -> str:
    if "spacings" not in fields and "space directions" not in fields:
        return "the NRRD header states no spacing"
    units = fields.get("space units", fields.get("units", "")).replace('"', " ").split()
    if units:
        # Only millimetres: SimpleITK does not convert NRRD units.
        return "" if set(units) == {"mm"} else f"the NRRD header is in {' '.join(units)}, not mm"
    if fields.get("space", "").lower() in _PATIENT_SPACES:
        return ""
    return "the NRRD header states a spacing without unit or patient space"


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
    levels: npt.NDArray[Any] = sitk.GetArrayFromImage(image)
    while levels.ndim > 3:
        levels = levels[0]
    return levels
