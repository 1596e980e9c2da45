"""QIDO-RS: which studies does the server have?"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_header import (
    date_of,
    number_of,
    text_of,
    value_of,
)
from deeppcos.records.dicom_names import name_of
from deeppcos.records.dicom_web.peer import DicomWebPeer
from deeppcos.vision.decoder_guard import guarded

MOST_STUDIES = 1000
_RETURNED = "IssuerOfPatientID,StudyDescription,LastMenstrualDate"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStudy:
    """A study the server has; what it does not say is None.

    Attributes:
        study_instance_uid: Study Instance UID.
        patient_name: As DICOM writes it.
        patient_id: Patient ID.
        issuer_of_patient_id: Who gave the ID.
        birth_date: Birth date.
        accession_number: Accession Number.
        study_date: Study Date.
        description: Study Description.
        modalities: Modalities in it.
        instances: Number of its instances.
    """

    study_instance_uid: str
    patient_name: str | None
    patient_id: str | None
    issuer_of_patient_id: str | None
    birth_date: dt.date | None
    accession_number: str | None
    study_date: dt.date | None
    description: str | None
    modalities: tuple[str, ...]
    instances: int | None


def search_studies(
    peer: DicomWebPeer, *, limit: int = MOST_STUDIES, **filters: str
) -> tuple[FoundStudy, ...]:
    """Ask for studies.

    Args:
        peer: The server.
        limit: How many at most.
        filters: Values to match by DICOM keyword, such as ``PatientID="123"``,
            ``StudyDate="20260101-20260131"`` or ``ModalitiesInStudy="US"``.

    Returns:
        The studies.

    Raises:
        InvalidInput: If the server does not let us in, refuses the question or does not answer as
            QIDO-RS.
        TemporaryFailure: If it is not there or cannot answer now.
    """
    from deeppcos.records.dicom_web.exchange import exchange, failure, json_of

    params = {**filters, "limit": str(limit), "includefield": _RETURNED}
    headers = {"Accept": "application/dicom+json"}
    with exchange(peer, "GET", "/studies", headers=headers, params=params) as answer:
        if answer.status_code == 204:
            return ()
        if answer.status_code not in (200, 206):
            raise failure(peer, answer)
        found = json_of(peer, answer)
    with guarded(str(peer), problem="does not answer as QIDO-RS", remedy="check its address"):
        return tuple(_study(one, peer) for one in found)


def _study(answer: Any, peer: DicomWebPeer) -> FoundStudy:
    study = Dataset.from_json(answer, bulk_data_uri_handler=lambda *_: None)
    uid = text_of(study, "StudyInstanceUID")
    if uid is None:
        raise InvalidInput(f"{peer} names a study without its UID", remedy="look at its log")
    count = number_of(study, "NumberOfStudyRelatedInstances")
    modalities = value_of(study, "ModalitiesInStudy") or ()
    return FoundStudy(
        study_instance_uid=uid,
        patient_name=name_of(study, "PatientName"),
        patient_id=text_of(study, "PatientID"),
        issuer_of_patient_id=text_of(study, "IssuerOfPatientID"),
        birth_date=date_of(study, "PatientBirthDate"),
        accession_number=text_of(study, "AccessionNumber"),
        study_date=date_of(study, "StudyDate"),
        description=text_of(study, "StudyDescription"),
        modalities=(modalities,) if isinstance(modalities, str) else tuple(modalities),
        instances=int(count) if count is not None else None,
    )
