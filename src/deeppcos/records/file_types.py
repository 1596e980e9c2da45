"""What a file really is, by its first bytes.

Owns the recognition of what DeepPCOS reads, and the names of what it does not, so that a
refusal can say what was found. Names and extensions are never asked: archives write DICOM
without one, and people rename.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydicom.valuerep import VR

from deeppcos.errors import InvalidInput
from deeppcos.vision.volume_headers import volume_format, volume_head


class Reader(StrEnum):
    """Which reader opens a file."""

    DICOM = "dicom"
    STILL = "still"
    SWEEP = "sweep"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    """Bytes at a place in the file."""

    start: bytes
    offset: int = 0

    def matches(self, head: bytes) -> bool:
        return head.startswith(self.start, self.offset)


_STILLS = (
    _Signature(start=b"\x89PNG\r\n\x1a\n"),
    _Signature(start=b"\xff\xd8\xff"),
    _Signature(start=b"WEBP", offset=8),
    _Signature(start=b"II*\0"),
    _Signature(start=b"MM\0*"),
    _Signature(start=b"II+\0"),
    _Signature(start=b"MM\0+"),
)
_EXPORT_PICTURE = "export it as PNG, JPEG or DICOM"
_EXPORT_DICOM = "export the study as DICOM files"
_OTHERS: tuple[tuple[_Signature, str, str], ...] = (
    (_Signature(start=b"%PDF"), "a PDF document", _EXPORT_PICTURE),
    (_Signature(start=b"PK\x03\x04"), "a ZIP archive", "unpack it first and give the folder"),
    (_Signature(start=b"PK\x05\x06"), "an empty ZIP archive", "pack it again"),
    (_Signature(start=b"Rar!"), "a RAR archive", "unpack it first and give the folder"),
    (_Signature(start=b"7z\xbc\xaf"), "a 7-Zip archive", "unpack it first and give the folder"),
    (_Signature(start=b"\x1f\x8b"), "a gzip archive", "unpack it first and give the folder"),
    (_Signature(start=b"GIF8"), "a GIF picture", _EXPORT_PICTURE),
    (_Signature(start=b"BM"), "a BMP picture", _EXPORT_PICTURE),
    (_Signature(start=b"\0\0\x01\0"), "an icon", _EXPORT_PICTURE),
    (_Signature(start=b"\0\0\0\x0cjP  "), "a bare JPEG 2000 picture", _EXPORT_PICTURE),
    (_Signature(start=b"\x1a\x45\xdf\xa3"), "a Matroska or WebM video", "export it as MP4"),
    (_Signature(start=b"\0\0\x01\xba"), "an MPEG programme stream", "export it as MP4"),
    (_Signature(start=b"0&\xb2u"), "a Windows Media video", "export it as MP4"),
    (_Signature(start=b"ni1\0", offset=344), "half of a NIfTI pair", "export it as one .nii file"),
    (_Signature(start=b"KRETZFILE"), "a GE Kretz volume", "export the volume as DICOM or NRRD"),
    (_Signature(start=b"\xd0\xcf\x11\xe0"), "a Microsoft Office document", _EXPORT_PICTURE),
    (_Signature(start=b"\x7fELF"), "a program", "give the image files of the study"),
    (_Signature(start=b"MZ"), "a Windows program", "give the image files of the study"),
)
_PICTURE_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")


def recognise(path: Path, source: str) -> Reader:
    """Find the reader for a file.

    Args:
        path: A file that is not empty.
        source: The file, as the user named it.

    Returns:
        The reader.

    Raises:
        InvalidInput: If nothing reads it, naming what it is.
    """
    with path.open("rb") as stream:
        head = stream.read(512)
    if head[128:132] == b"DICM":
        return Reader.DICOM
    if any(signature.matches(head) for signature in _STILLS):
        return Reader.STILL
    if _is_video(head):
        return Reader.SWEEP
    if volume_format(volume_head(path)) is not None:
        return Reader.VOLUME
    if _is_bare_dicom(head):
        return Reader.DICOM
    raise _refusal(head, source)


def _is_video(head: bytes) -> bool:
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return True
    return head[4:8] in (b"ftyp", b"moov", b"mdat") and head[8:12] not in _PICTURE_BRANDS


def _is_bare_dicom(head: bytes) -> bool:
    """Whether the file is a DICOM data set without preamble, as some archives write it."""
    if len(head) < 8:
        return False
    for order in "<>":
        group, element, length = struct.unpack_from(f"{order}HHL", head)
        if group in (0x0002, 0x0008) and element <= 0x0100:
            is_explicit = head[4:6].decode("latin-1") in VR.__members__
            return is_explicit or length <= 128
    return False


def _refusal(head: bytes, source: str) -> InvalidInput:
    what, remedy = _what_it_is(head)
    return InvalidInput(
        f"{source}: is not an image DeepPCOS reads",
        value=what,
        accepted="DICOM, PNG, JPEG, WebP, TIFF, MP4, AVI, NIfTI, MHA or NRRD",
        remedy=remedy,
    )


def _what_it_is(head: bytes) -> tuple[str, str]:
    for signature, what, remedy in _OTHERS:
        if signature.matches(head):
            return what, remedy
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF picture", _EXPORT_PICTURE
    return _what_text_it_is(head), _EXPORT_DICOM


def _what_text_it_is(head: bytes) -> str:
    try:
        text = head.decode("utf-8").lstrip("\ufeff \t\r\n")
    except UnicodeDecodeError as error:
        # A character may be cut by the end of the head.
        if error.start < len(head) - 4:
            return "a file of unknown type"
        text = head[: error.start].decode("utf-8").lstrip()
    if "\0" in text:
        return "a file of unknown type"
    if text.startswith(("{", "[")):
        return "a JSON text"
    if text[:1] == "<":
        return "an HTML or XML text"
    return "a plain text"
