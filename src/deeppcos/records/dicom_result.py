"""What every DICOM object we write has in common: whose it is, who made it, when, and its UIDs.

Owns patient and study taken over from the images, equipment, series, dates, character set and
the naming of objects. What an object says is the business of its own module.

Objects are named by their content: the same content gets the same SOP Instance UID, another
content another one, so sending twice stores nothing twice and no archive ever holds two contents
under one UID. Everything is written in UTF-8 (``ISO_IR 192``), whatever the images use.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.result_content import ResultContent

MAKER = "DeepPCOS"
UNICODE = "ISO_IR 192"
IMPLEMENTATION_UID = UID("2.25.248443356758285889902373227548513162631")
NOT_STATED = "not stated"
LONGEST_LO, LONGEST_SH = 64, 16


class ResultKind(StrEnum):
    """The kinds of object, each a series of its own."""

    MEASUREMENTS = "measurements"
    OB_GYN_REPORT = "ob_gyn_report"
    SEGMENTATION = "segmentation"
    DOCUMENT = "document"
    PICTURE = "picture"
    KEY_OBJECTS = "key_objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    modality: str
    number: int
    description: str


_SERIES = {
    ResultKind.MEASUREMENTS: _Series(
        modality="SR", number=9001, description="DeepPCOS measurements (TID 1500)"
    ),
    ResultKind.OB_GYN_REPORT: _Series(
        modality="SR", number=9002, description="DeepPCOS OB-GYN report (TID 5000)"
    ),
    ResultKind.SEGMENTATION: _Series(
        modality="SEG", number=9100, description="DeepPCOS ovary and follicle outlines"
    ),
    ResultKind.DOCUMENT: _Series(modality="DOC", number=9004, description="DeepPCOS report (PDF)"),
    ResultKind.PICTURE: _Series(
        modality="OT", number=9005, description="DeepPCOS pictures with outlines"
    ),
    ResultKind.KEY_OBJECTS: _Series(
        modality="KO", number=9006, description="DeepPCOS images of interest"
    ),
}


def series_of(content: ResultContent, kind: ResultKind, image: SourceImage | None = None) -> str:
    """Series Instance UID of a kind of object: one series a study, release and version.

    Args:
        content: What the objects are made from.
        kind: Their kind.
        image: The image that has a series of its own, for kinds that make one an image.
    """
    version = content.document.provenance.version or ""
    of_image = () if image is None else (image.sop_instance_uid,)
    return content.scope.of_result("series", kind, version, *of_image).uid


def made_at(content: ResultContent) -> dt.datetime:
    """When the assessment was made.

    Raises:
        InvalidInput: If it does not say.
    """
    created = content.document.provenance.created
    if created is None:
        raise InvalidInput(
            "the assessment does not say when it was made",
            accepted="provenance.created",
            remedy="write it again with deeppcos analyze",
        )
    return created


def said_at(content: ResultContent) -> dt.datetime:
    """When the report was last spoken for: its signature, else when it was made."""
    signature = content.document.signature
    return signature.signed if signature else made_at(content)


def release_name(content: ResultContent) -> str:
    """The release that saw the pictures, for people."""
    return str(content.document.release.get("name") or NOT_STATED)


def software_versions(content: ResultContent) -> list[str]:
    """Version of the program and name of its weights."""
    version = content.document.provenance.version or NOT_STATED
    return [fitted(version), fitted(release_name(content))]


def serial_number(content: ResultContent) -> str:
    """What tells this reader from others: the beginning of its weights' hash."""
    return fitted(content.scope.release[:LONGEST_SH])


def fitted(text: str, *, longest: int = LONGEST_LO) -> str:
    r"""Text as a DICOM string element takes it: no back slash, no line breaks, not too long.

    Examples:
        >>> fitted("a\\b\nc"), fitted("abcdef", longest=4)
        ('a/b c', 'abc…')
    """
    line = " ".join(text.replace("\\", "/").split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def completed(
    made: Dataset,
    content: ResultContent,
    kind: ResultKind,
    *,
    number: int = 1,
    at: dt.datetime | None = None,
    series_of_image: SourceImage | None = None,
) -> Dataset:
    """Give an object everything it shares with the others, its name last.

    Args:
        made: The object: its own modules, with ``SOPClassUID``.
        content: What it was made from.
        kind: Its kind.
        number: Instance Number.
        at: When its content was made; when the assessment was made if None.
        series_of_image: The image it lies on, where each image has a series of its own:
            common viewers show only the first segmentation of a series.

    Returns:
        The same object, ready to be written.
    """
    image = content.images[0]
    made.SpecificCharacterSet = UNICODE
    for element in image.identity:
        made[element.tag] = element
    series = _SERIES[kind]
    made.Modality, made.SeriesNumber = series.modality, series.number
    made.SeriesDescription, made.InstanceNumber = series.description, number
    if series_of_image is not None:
        made.SeriesNumber, made.InstanceNumber = series.number + number, 1
        made.SeriesDescription = fitted(f"{series.description}, {series_of_image.label}")
    made.SeriesInstanceUID = series_of(content, kind, series_of_image)
    made.Manufacturer = made.ManufacturerModelName = MAKER
    made.DeviceSerialNumber = serial_number(content)
    made.SoftwareVersions = software_versions(content)
    if image.institution:
        made.InstitutionName = image.institution
    _date(made, at or made_at(content), image.utc_offset)
    made.SOPInstanceUID = _named_by_content(made, content, kind)
    _add_file_meta(made)
    return made


def write_object(made: Dataset, path: Path) -> None:
    """Write an object whole or not at all.

    Args:
        made: The object.
        path: Where.
    """
    fresh = path.with_name(f".{path.name}.partial")
    made.save_as(fresh, enforce_file_format=True)
    fresh.replace(path)


def local_time(moment: dt.datetime, utc_offset: str) -> dt.datetime:
    """A moment on the clock of the images: their stated offset, else this machine's zone.

    Examples:
        >>> at = dt.datetime(2026, 1, 5, 22, 30, tzinfo=dt.UTC)
        >>> f"{local_time(at, '+0300'):%Y-%m-%d %H:%M}"
        '2026-01-06 01:30'
    """
    try:
        return moment.astimezone(dt.datetime.strptime(utc_offset, "%z").tzinfo)
    except ValueError:
        return moment.astimezone()


def _date(made: Dataset, at: dt.datetime, utc_offset: str) -> None:
    """Date the content; the machine's clock at the time of writing never enters."""
    local = local_time(at, utc_offset)
    if utc_offset:
        made.TimezoneOffsetFromUTC = utc_offset
    made.ContentDate = made.InstanceCreationDate = f"{local:%Y%m%d}"
    made.ContentTime = made.InstanceCreationTime = f"{local:%H%M%S}"
    for equipment in made.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in equipment:
            del equipment.ContributionDateTime


def _named_by_content(made: Dataset, content: ResultContent, kind: ResultKind) -> str:
    """The SOP Instance UID that belongs to this content and no other."""
    if "SOPInstanceUID" in made:
        del made.SOPInstanceUID
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    body = Dataset()
    body.update({element.tag: element for element in made if element.tag.group != 2})
    write_dataset(stream, body)
    digest = hashlib.sha256(stream.getvalue()).hexdigest()
    return content.scope.of_result("instance", kind, digest).uid


def _add_file_meta(made: Dataset) -> None:
    """The file's own header."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = made.SOPClassUID
    meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "DEEPPCOS"
    made.file_meta = meta
