"""What the inbox holds, as records: instances, studies, and what was set aside.

Owns the shapes and the limits. How they are stored is the business of ``inbox_index``.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ARRIVING = "arriving"
"""State of a study nobody has marked since its last image came."""

ONLY_CONFLICTS = "only conflicts"
"""State of a study all of whose images came under UIDs that were taken."""


class Keeping(StrEnum):
    """What became of an instance that arrived."""

    NEW = "new"  # the first with its UID
    IDENTICAL = "identical"  # kept already, byte for byte: nothing was stored
    CONFLICT = "conflict"  # the UID is taken by another content: kept apart and flagged
    QUARANTINED = "quarantined"  # unusable: set aside with the reason, and refused


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLimits:
    """What the inbox takes.

    Attributes:
        largest_instance_bytes: The largest data set.
        free_disk_bytes: Below this much free space nothing more is taken.
        quarantine_bytes: Space for what was set aside; beyond it only the reason is kept.
    """

    largest_instance_bytes: int = 2 * 1000**3
    free_disk_bytes: int = 2 * 1024**3
    quarantine_bytes: int = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sent something.

    Attributes:
        ae_title: The title it called itself.
        address: Its network address.
    """

    ae_title: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptInstance:
    """One instance on disk.

    Attributes:
        path: The file: DICOM with the data set exactly as it came.
        sop_class_uid: SOP Class UID.
        sop_instance_uid: SOP Instance UID.
        study_instance_uid: Study Instance UID.
        series_instance_uid: Series Instance UID, or empty.
        transfer_syntax: Transfer syntax it came in.
        modality: Modality, or empty.
        sha256: Of the data set.
        size_bytes: Of the data set.
        received: When.
        sender: From whom.
        is_conflict: Whether another content had its UID before: kept apart from the study.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax: str
    modality: str
    sha256: str
    size_bytes: int
    received: dt.datetime
    sender: Sender
    is_conflict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxStudy:
    """A study as its first instance describes it, in Unicode; what it does not say is None.

    Attributes:
        study_instance_uid: Study Instance UID.
        state: ``arriving``, ``only conflicts``, or what it was last marked as.
        instances: How many instances are kept, conflicts not counted.
        conflicts: How many more arrived under a UID that was taken.
        first_received: When its first instance came.
        last_received: When its last new instance came.
        patient_name: As DICOM writes it: components parted by ``^``, and after ``=`` the
            ideographic and phonetic groups.
        patient_id: Patient ID.
        issuer_of_patient_id: Who gave the ID.
        birth_date: Birth date.
        sex: ``F``, ``M`` or ``O``.
        accession_number: Accession Number.
        study_date: Study Date.
        description: Study Description.
        last_menstrual_date: Last Menstrual Date.
        folder: Where its files lie.
    """

    study_instance_uid: str
    state: str
    instances: int
    conflicts: int
    first_received: dt.datetime
    last_received: dt.datetime
    patient_name: str | None
    patient_id: str | None
    issuer_of_patient_id: str | None
    birth_date: dt.date | None
    sex: str | None
    accession_number: str | None
    study_date: dt.date | None
    description: str | None
    last_menstrual_date: dt.date | None
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Something that arrived and could not be kept.

    Attributes:
        path: The file, or None where there was no room for it.
        sop_instance_uid: The UID the sender stated.
        reason: Why, in words.
        size_bytes: How much arrived.
        received: When.
        sender: From whom.
    """

    path: Path | None
    sop_instance_uid: str
    reason: str
    size_bytes: int
    received: dt.datetime
    sender: Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of one arrival.

    Attributes:
        keeping: What became of it.
        instance: The instance on disk; the one that was there before if identical; None if
            quarantined.
        reason: Why it was quarantined, or what it conflicts with; else empty.
    """

    keeping: Keeping
    instance: KeptInstance | None = None
    reason: str = ""
