"""What the header of a volume says, and whether it may be passed on.

Owns recognising NIfTI, MetaImage and NRRD, refusing headers their libraries do not survive, and
deciding whether a stated spacing is in millimetres. Reading voxels is the business of
``volumes``.

When a spacing counts as millimetres:

* NIfTI: when the header names a unit of length (micrometre, millimetre, metre). Without one the
  numbers may be anything, 1 x 1 x 1 above all, and there is no scale.
* MetaImage: when ElementSpacing (or ElementSize) is written; the format is in millimetres.
* NRRD: when the axes lie in a patient space (``left-posterior-superior`` and its kin are in
  millimetres) or the units are given as ``mm``.
"""

import gzip
import math
import struct
from enum import StrEnum
from pathlib import Path, PurePath

from deeppcos.errors import InvalidInput

EXPORT_AGAIN = "export the volume again as NRRD, MHA or NIfTI"

_HEAD_BYTES = 16_384
_GZIP = b"\x1f\x8b"
_LONGEST_META_LIST = 16  # a 4 x 4 matrix
_LONGEST_META_VALUE = 1024
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


def refuse_unsound_header(kind: VolumeFormat, head: bytes, path: Path, source: str) -> None:
    """Refuse a header that must not reach its library.

    Args:
        kind: Its format.
        head: From ``volume_head``.
        path: The file.
        source: The file, as the user named it.

    Raises:
        InvalidInput: If it names voxels elsewhere, has a name its library does not know, or
            would overrun the library's arrays.
    """
    _refuse_foreign_voxels(kind, head, source)
    _refuse_misnamed_nifti(kind, path, source)
    _refuse_hostile_meta(kind, head, source)


def why_no_scale(kind: VolumeFormat, head: bytes, spacing: tuple[float, ...]) -> str:
    """Why a stated spacing is not in millimetres.

    Args:
        kind: The format.
        head: From ``volume_head``.
        spacing: As the library read it.

    Returns:
        The reason, or nothing when it is in millimetres.
    """
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


def is_gzipped(path: Path) -> bool:
    """Whether a file is gzipped, by its first bytes.

    Args:
        path: The file.

    Returns:
        True when it is.
    """
    with path.open("rb") as stream:
        return stream.read(len(_GZIP)) == _GZIP


def nifti_voxel_offset(head: bytes) -> int:
    """Where the voxels of a NIfTI file begin.

    Args:
        head: From ``volume_head``.

    Returns:
        Bytes from the start of the unzipped file.
    """
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
        raise InvalidInput(f"{source}: the MetaImage header is damaged", remedy=EXPORT_AGAIN)


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
