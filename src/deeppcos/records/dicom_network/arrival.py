"""One instance while it arrives: straight to disk, hashed on the way, never whole in memory.

Owns the temporary file, its DICOM file header, and the checks that need no index: size, free
space, readable header, usable UIDs. Where it ends up is the business of ``inbox``.
"""

import contextlib
import hashlib
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_header import date_of, text_of
from deeppcos.records.dicom_names import in_unicode, name_of
from deeppcos.records.dicom_network.header_scan import scan_header
from deeppcos.records.dicom_network.kept import InboxLimits, Sender
from deeppcos.records.dicom_result import IMPLEMENTATION_UID
from deeppcos.vision.decoder_guard import guarded

ENOUGH_CHECK_BYTES = 16 * 1024**2
WRITE_BACK_BYTES = 4 * 1024**2
_UID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,63}")
"""As DICOM wants UIDs, and as some devices write them; nothing that means something in a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What the sender says of an instance before its data set comes.

    Attributes:
        sop_class_uid: Affected SOP Class UID.
        sop_instance_uid: Affected SOP Instance UID.
        transfer_syntax: Of the data set.
        sender: Who says so.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str
    sender: Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a readable data set says of itself.

    Attributes:
        sha256: Of the data set.
        size_bytes: Of the data set.
        study_instance_uid: Study Instance UID.
        series_instance_uid: Series Instance UID, or empty.
        modality: Modality, or empty.
        study: What it says of its study, as ``InboxIndex.add_instance`` takes it.
    """

    sha256: str
    size_bytes: int
    study_instance_uid: str
    series_instance_uid: str
    modality: str
    study: dict[str, str | None]


class Arrival:
    """A file being received.

    Writing never raises: what went wrong is remembered and said at the end, because the protocol
    has the sender finish its message before it can be answered.

    Args:
        announced: What the sender says.
        folder: Where half received files lie.
        limits: What the inbox takes.
        unstated_character_set: What names in a header without Specific Character Set are written
            in, defined terms of DICOM parted by a back slash; empty leaves them unknown.
    """

    def __init__(
        self,
        announced: Announced,
        *,
        folder: Path,
        limits: InboxLimits,
        unstated_character_set: str = "",
    ) -> None:
        self.announced = announced
        self._unstated = unstated_character_set
        self.path = folder / f"{uuid.uuid4().hex}.part"
        self.size_bytes = 0
        self._limits = limits
        self._digest = hashlib.sha256()
        self._problem: Exception | None = None
        self._checked_at = self._written_back = 0
        self._descriptor = -1
        try:
            self._refuse_full_disk()
            self._descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640)
            self._header_bytes = os.write(self._descriptor, _file_header(announced))
        except (OSError, TemporaryFailure) as error:
            self._give_up(error)

    def write(self, part: bytes | memoryview) -> None:
        """Take the next part of the data set.

        Args:
            part: Its bytes.
        """
        self.size_bytes += len(part)
        if self._problem is not None:
            return
        if self.size_bytes > self._limits.largest_instance_bytes:
            self._give_up(_too_large(self._limits.largest_instance_bytes))
            return
        try:
            self._refuse_full_disk()
            self._digest.update(part)
            while part:
                part = part[os.write(self._descriptor, part) :]
            self._start_writing_back()
        except (OSError, TemporaryFailure) as error:
            self._give_up(error)

    def _start_writing_back(self) -> None:
        """Have the disk write while a long sweep still arrives, not all of it at the end."""
        if self.size_bytes - self._written_back >= WRITE_BACK_BYTES and hasattr(
            os, "posix_fadvise"
        ):
            self._written_back = self.size_bytes
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def described(self) -> Described:
        """Read what the finished data set says of itself.

        Returns:
            It, with the hash of the data set.

        Raises:
            TemporaryFailure: If it could not be written: no space, or a broken disk.
            InvalidInput: If it is too large, unreadable, or not what was announced.
        """
        if isinstance(self._problem, InvalidInput):
            raise self._problem
        if self._problem is not None:
            raise TemporaryFailure("out of resources", value=str(self._problem))
        with guarded("instance", problem="its header cannot be read", remedy="send it again"):
            with open(self._descriptor, "rb", closefd=False) as stream:
                stream.seek(self._header_bytes)
                header = scan_header(stream, syntax=self.announced.transfer_syntax)
            return self._checked(header)

    def force_to_disk(self) -> None:
        """Return when every byte is on the disk."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the file, which has its final name by now."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Remove it: it was not kept."""
        self.close()
        self.path.unlink(missing_ok=True)

    @property
    def is_on_disk(self) -> bool:
        """Whether all of it could be written, whatever it is worth."""
        return self._problem is None

    @property
    def sha256(self) -> str:
        """Hash of the data set so far."""
        return self._digest.hexdigest()

    def _checked(self, header: Dataset) -> Described:
        announced = self.announced
        for keyword, said in (
            ("SOPInstanceUID", announced.sop_instance_uid),
            ("SOPClassUID", announced.sop_class_uid),
        ):
            found = text_of(header, keyword)
            if found != said:
                raise InvalidInput(
                    f"{keyword} is not the one announced",
                    value=found or "none",
                    accepted=said,
                    remedy="send what is announced",
                )
        return Described(
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            study_instance_uid=usable_uid(text_of(header, "StudyInstanceUID"), "StudyInstanceUID"),
            series_instance_uid=text_of(header, "SeriesInstanceUID") or "",
            modality=text_of(header, "Modality") or "",
            study=_study_values(in_unicode(header, self._unstated)),
        )

    def _refuse_full_disk(self) -> None:
        if self.size_bytes < self._checked_at:
            return
        self._checked_at = self.size_bytes + ENOUGH_CHECK_BYTES
        free = shutil.disk_usage(self.path.parent).free
        if free < self._limits.free_disk_bytes:
            raise TemporaryFailure(
                "the disk is nearly full",
                value=f"{free} bytes free",
                accepted=f"at least {self._limits.free_disk_bytes}",
                remedy="free some space",
            )

    def _give_up(self, problem: Exception) -> None:
        self._problem = problem
        with contextlib.suppress(OSError):
            self.discard()


def usable_uid(uid: str | None, keyword: str) -> str:
    """A UID that can be part of a path.

    Raises:
        InvalidInput: If it is missing, too long, or holds anything but letters, digits and dots.
    """
    if uid is None or not _UID.fullmatch(uid) or ".." in uid:
        raise InvalidInput(
            f"{keyword} cannot be used",
            value=repr(uid),
            accepted="up to 64 digits and dots",
            remedy="correct it at the sender",
        )
    return uid


def _too_large(largest: int) -> InvalidInput:
    return InvalidInput(
        "the instance is too large",
        accepted=f"up to {largest} bytes",
        remedy="send a shorter sweep",
    )


def _file_header(announced: Announced) -> bytes:
    """Preamble and file meta information."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(announced.sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(announced.sop_instance_uid)
    meta.TransferSyntaxUID = UID(announced.transfer_syntax)
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "DEEPPCOS"
    if announced.sender.ae_title:
        meta.SourceApplicationEntityTitle = announced.sender.ae_title
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    stream.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(stream, meta, enforce_standard=False)
    return stream.getvalue()


def _study_values(header: Dataset) -> dict[str, str | None]:
    """What a study's row takes from a header, in Unicode."""
    values = {
        "patient_name": name_of(header, "PatientName"),
        "patient_id": text_of(header, "PatientID"),
        "issuer_of_patient_id": text_of(header, "IssuerOfPatientID"),
        "sex": text_of(header, "PatientSex"),
        "accession_number": text_of(header, "AccessionNumber"),
        "description": text_of(header, "StudyDescription"),
    }
    days = {
        "birth_date": "PatientBirthDate",
        "study_date": "StudyDate",
        "last_menstrual_date": "LastMenstrualDate",
    }
    for name, keyword in days.items():
        day = date_of(header, keyword)
        values[name] = day.isoformat() if day else None
    return values
