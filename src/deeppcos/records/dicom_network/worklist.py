"""The modality worklist (C-FIND): who comes today, so that nobody types a name again.

Owns the question and the record an answer becomes. What enters a chart from it is the business of
the caller.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from pydicom.dataset import Dataset

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_header import (
    date_of,
    items_of,
    number_of,
    printable,
    text_of,
    value_of,
)
from deeppcos.records.dicom_names import in_unicode, name_of
from deeppcos.records.dicom_network.accepted import WORKLIST_FIND
from deeppcos.records.dicom_network.peer import DicomPeer

MOST_ENTRIES = 10_000
UNICODE = "ISO_IR 192"
_PENDING = (0xFF00, 0xFF01)
_OF_PATIENT = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientWeight",
    "PatientSize",
    "MedicalAlerts",
    "Allergies",
    "PregnancyStatus",
    "LastMenstrualDate",
    "AdmissionID",
)
_OF_REQUEST = (
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyInstanceUID",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "ReasonForTheRequestedProcedure",
)
_OF_STEP = (
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "Modality",
    "ScheduledProcedureStepDescription",
    "ScheduledProcedureStepID",
    "ScheduledPerformingPhysicianName",
)

ASKED_ATTRIBUTES = (*_OF_PATIENT, *_OF_REQUEST, *_OF_STEP, "RequestedProcedureCodeSequence")
MATCHED_ATTRIBUTES = (
    "PatientID",
    "AccessionNumber",
    "Modality",
    "ScheduledProcedureStepStartDate",
)


class PregnancyStatus(StrEnum):
    """Pregnancy Status (0010,21C0); where nobody knows, an entry has None."""

    NOT_PREGNANT = "not pregnant"
    POSSIBLY_PREGNANT = "possibly pregnant"
    DEFINITELY_PREGNANT = "definitely pregnant"


_PREGNANCY = {
    1: PregnancyStatus.NOT_PREGNANT,
    2: PregnancyStatus.POSSIBLY_PREGNANT,
    3: PregnancyStatus.DEFINITELY_PREGNANT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistEntry:
    """One scheduled examination; what the worklist does not say is None.

    Attributes:
        patient_name: As DICOM writes it: components parted by ``^``, and after ``=`` the
            ideographic and phonetic groups.
        patient_id: Patient ID.
        issuer_of_patient_id: Who gave the ID.
        birth_date: Birth date.
        sex: ``F``, ``M`` or ``O``.
        weight_kg: Weight, kg.
        height_m: Height, m.
        medical_alerts: Medical alerts.
        allergies: Allergies.
        pregnancy_status: Pregnancy status.
        last_menstrual_date: First day of the last menstruation.
        accession_number: The order's number.
        referring_physician: Who asked for it.
        study_instance_uid: The UID the study will have.
        procedure_id: Requested procedure.
        procedure: The requested procedure in words.
        reason: Why it is requested, in words.
        step: The scheduled step in words.
        station_ae_title: The scanner it is scheduled on.
        modality: Modality.
        scheduled: Date and time, on the clock of the worklist's place.
        scheduled_date: The date alone, where no time is given.
    """

    patient_name: str | None
    patient_id: str | None
    issuer_of_patient_id: str | None
    birth_date: dt.date | None
    sex: str | None
    weight_kg: float | None
    height_m: float | None
    medical_alerts: str | None
    allergies: str | None
    pregnancy_status: PregnancyStatus | None
    last_menstrual_date: dt.date | None
    accession_number: str | None
    referring_physician: str | None
    study_instance_uid: str | None
    procedure_id: str | None
    procedure: str | None
    reason: str | None
    step: str | None
    station_ae_title: str | None
    modality: str | None
    scheduled: dt.datetime | None
    scheduled_date: dt.date | None


def worklist(
    peer: DicomPeer,
    *,
    day: dt.date | None = None,
    patient_id: str | None = None,
    accession_number: str | None = None,
    modality: str | None = "US",
    unstated_character_set: str = "",
) -> tuple[WorklistEntry, ...]:
    """Ask for scheduled examinations.

    Args:
        peer: The worklist server.
        day: Scheduled on this day; None for any.
        patient_id: Of this patient; None for any.
        accession_number: Of this order; None for any.
        modality: Of this modality; None for any.
        unstated_character_set: What a server that never states its character set uses, such as
            ``ISO_IR 144``. Without it names beyond ASCII from such a server are unknown.

    Returns:
        The entries, by time.

    Raises:
        InvalidInput: If the peer does not know us, has no worklist, or refuses the question.
        TemporaryFailure: If it is not there, or ends before the last answer.
    """
    from pynetdicom.presentation import build_context

    from deeppcos.records.dicom_network.associations import associated

    asked = _question(day, patient_id, accession_number, modality)
    entries: list[WorklistEntry] = []
    with associated(peer, [build_context(WORKLIST_FIND)]) as association:
        for status, answer in association.send_c_find(asked, WORKLIST_FIND):
            if status.get("Status") in _PENDING and answer is not None:
                entries.append(worklist_entry(in_unicode(answer, unstated_character_set)))
                _refuse_endless(entries, peer)
            else:
                _refuse_failure(status, peer)
    return tuple(sorted(entries, key=lambda one: one.scheduled or dt.datetime.max))


def worklist_entry(answer: Dataset) -> WorklistEntry:
    """One answer as a record.

    Args:
        answer: The answer's identifier; malformed values count as unknown.

    Returns:
        The record, in Unicode.
    """
    step = next(iter(items_of(answer, "ScheduledProcedureStepSequence")), Dataset())
    code = next(iter(items_of(answer, "RequestedProcedureCodeSequence")), Dataset())
    date = date_of(step, "ScheduledProcedureStepStartDate")
    pregnancy = number_of(answer, "PregnancyStatus")
    return WorklistEntry(
        patient_name=name_of(answer, "PatientName"),
        patient_id=text_of(answer, "PatientID"),
        issuer_of_patient_id=text_of(answer, "IssuerOfPatientID"),
        birth_date=date_of(answer, "PatientBirthDate"),
        sex=text_of(answer, "PatientSex"),
        weight_kg=_positive(answer, "PatientWeight"),
        height_m=_positive(answer, "PatientSize"),
        medical_alerts=_lines(answer, "MedicalAlerts"),
        allergies=_lines(answer, "Allergies"),
        pregnancy_status=_PREGNANCY.get(int(pregnancy)) if pregnancy is not None else None,
        last_menstrual_date=date_of(answer, "LastMenstrualDate"),
        accession_number=text_of(answer, "AccessionNumber"),
        referring_physician=name_of(answer, "ReferringPhysicianName"),
        study_instance_uid=text_of(answer, "StudyInstanceUID"),
        procedure_id=text_of(answer, "RequestedProcedureID"),
        procedure=text_of(answer, "RequestedProcedureDescription") or text_of(code, "CodeMeaning"),
        reason=text_of(answer, "ReasonForTheRequestedProcedure"),
        step=text_of(step, "ScheduledProcedureStepDescription"),
        station_ae_title=_lines(step, "ScheduledStationAETitle"),
        modality=text_of(step, "Modality"),
        scheduled=_moment(date, text_of(step, "ScheduledProcedureStepStartTime")),
        scheduled_date=date,
    )


def _question(
    day: dt.date | None, patient_id: str | None, accession_number: str | None, modality: str | None
) -> Dataset:
    """Keys with values are matched, empty ones asked to be returned."""
    asked = Dataset()
    asked.SpecificCharacterSet = UNICODE
    for keyword in (*_OF_PATIENT, *_OF_REQUEST):
        setattr(asked, keyword, None)
    asked.RequestedProcedureCodeSequence = []
    asked.PatientID, asked.AccessionNumber = patient_id or "", accession_number or ""
    step = Dataset()
    for keyword in _OF_STEP:
        setattr(step, keyword, None)
    step.Modality = modality or ""
    step.ScheduledProcedureStepStartDate = f"{day:%Y%m%d}" if day else ""
    asked.ScheduledProcedureStepSequence = [step]
    return asked


def _refuse_endless(entries: list[WorklistEntry], peer: DicomPeer) -> None:
    if len(entries) > MOST_ENTRIES:
        raise InvalidInput(
            f"{peer} answers with more than {MOST_ENTRIES} entries", remedy="ask for one day"
        )


def _refuse_failure(status: Dataset, peer: DicomPeer) -> None:
    """The last answer must be success: fewer entries than there are would look like a quiet day."""
    if status.get("Status") == 0:
        return
    if "Status" not in status:
        raise TemporaryFailure(
            f"{peer} ended before the last answer",
            remedy="look at its log: some worklists end the line when they do not know our title",
        )
    words = text_of(status, "ErrorComment") or f"status 0x{status.Status:04X}"
    if status.Status == 0xA700:
        raise TemporaryFailure(f"{peer} cannot answer now", value=words)
    raise InvalidInput(
        f"{peer} refuses the question", value=words, remedy="check the worklist's settings"
    )


def _moment(date: dt.date | None, time: str | None) -> dt.datetime | None:
    """Date and time of a step; None where either is unknown."""
    digits = (time or "").replace(":", "").split(".")[0]
    if date is None or len(digits) not in (2, 4, 6):
        return None
    try:
        clock = dt.datetime.strptime(digits.ljust(6, "0"), "%H%M%S").time()
    except ValueError:
        return None
    return dt.datetime.combine(date, clock)


def _lines(answer: Dataset, keyword: str) -> str | None:
    """One or several texts as one."""
    value = value_of(answer, keyword)
    if value is None:
        return None
    parts = [value] if isinstance(value, str) else list(value)
    return printable(", ".join(str(part) for part in parts)) or None


def _positive(answer: Dataset, keyword: str) -> float | None:
    number = number_of(answer, keyword)
    return number if number is not None and number > 0 else None
