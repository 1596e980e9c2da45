"""What must be known of a file before it can be given to anyone, from its file header alone."""

from dataclasses import dataclass
from pathlib import Path

from pydicom.filereader import read_file_meta_info

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_file import EXPORT_AGAIN
from deeppcos.records.dicom_header import text_of
from deeppcos.vision.decoder_guard import guarded


@dataclass(frozen=True, slots=True, kw_only=True)
class SendableFile:
    """A DICOM file that says what it is.

    Attributes:
        path: The file.
        sop_class_uid: SOP Class UID.
        sop_instance_uid: SOP Instance UID.
        syntax: Transfer Syntax UID.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    syntax: str


def sendable_file(path: Path) -> SendableFile:
    """Read the file header.

    Args:
        path: The file.

    Returns:
        What it says.

    Raises:
        InvalidInput: If it is no DICOM file, or its header does not say what it is.
    """
    with guarded(str(path), problem="cannot be sent as DICOM", remedy=EXPORT_AGAIN):
        meta = read_file_meta_info(path)
        sop_class, instance, syntax = (
            text_of(meta, keyword)
            for keyword in (
                "MediaStorageSOPClassUID",
                "MediaStorageSOPInstanceUID",
                "TransferSyntaxUID",
            )
        )
    if sop_class is None or instance is None or syntax is None:
        raise InvalidInput(
            f"{path}: its file header does not say what it is",
            accepted="SOP class, SOP instance and transfer syntax in the file meta information",
            remedy=EXPORT_AGAIN,
        )
    return SendableFile(
        path=path, sop_class_uid=sop_class, sop_instance_uid=instance, syntax=syntax
    )
