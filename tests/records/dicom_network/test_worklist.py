"""The modality worklist: from a worklist server to the record that fills a chart."""

import datetime as dt
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_network import (
    DicomPeer,
    PregnancyStatus,
    WorklistEntry,
    echo,
    worklist,
)
from deeppcos.records.dicom_network.worklist import worklist_entry

pytest.importorskip("pynetdicom", reason="the records extra is not installed")

needs_orthanc = pytest.mark.skipif(
    shutil.which("Orthanc") is None, reason="orthanc is not installed"
)
needs_dcmtk = pytest.mark.skipif(shutil.which("wlmscpfs") is None, reason="dcmtk is not installed")
DAY = dt.date(2026, 3, 4)


def _scheduled(*, accession: str = "A-1", name: str = "Doe^Jane", **values: Any) -> Dataset:
    entry = Dataset()
    entry.SpecificCharacterSet = "ISO_IR 192"
    entry.PatientName = name
    entry.PatientID, entry.IssuerOfPatientID = "P-1", "HOSPITAL"
    entry.PatientBirthDate, entry.PatientSex = "19990203", "F"
    entry.PatientWeight, entry.PatientSize = "71.5", "1.68"
    entry.PregnancyStatus = 1
    entry.LastMenstrualDate = "20260220"
    entry.MedicalAlerts, entry.Allergies = ["latex", "iodine"], "penicillin"
    entry.AccessionNumber = accession
    entry.ReferringPhysicianName = "Curie^Marie"
    entry.StudyInstanceUID = generate_uid()
    entry.RequestedProcedureID = "RP1"
    entry.RequestedProcedureDescription = "Pelvic ultrasound"
    step = Dataset()
    step.ScheduledStationAETitle = "US1"
    step.ScheduledProcedureStepStartDate = "20260304"
    step.ScheduledProcedureStepStartTime = "1030"
    step.Modality = "US"
    step.ScheduledProcedureStepDescription = "Transvaginal"
    step.ScheduledProcedureStepID = "S1"
    entry.ScheduledProcedureStepSequence = [step]
    for keyword, value in values.items():
        setattr(entry, keyword, value)
    return entry


def _write(entry: Dataset, path: Path) -> None:
    entry.file_meta = FileMetaDataset()
    entry.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    entry.file_meta.MediaStorageSOPClassUID = UID("1.2.276.0.7230010.3.1.0.1")
    entry.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    entry.save_as(path, enforce_file_format=True)


def test_an_answer_becomes_a_record() -> None:
    found = worklist_entry(_scheduled(name="Yamada^Hanako=山田^花子=やまだ^はなこ"))
    assert found.patient_name == "Yamada^Hanako=山田^花子=やまだ^はなこ"
    assert (found.patient_id, found.issuer_of_patient_id) == ("P-1", "HOSPITAL")
    assert found.birth_date == dt.date(1999, 2, 3)
    assert found.last_menstrual_date == dt.date(2026, 2, 20)
    assert found.pregnancy_status is PregnancyStatus.NOT_PREGNANT
    assert (found.weight_kg, found.height_m) == (71.5, 1.68)
    assert found.medical_alerts == "latex, iodine"
    assert found.scheduled == dt.datetime(2026, 3, 4, 10, 30)


def test_what_an_answer_does_not_say_is_unknown() -> None:
    empty = worklist_entry(Dataset())
    assert all(getattr(empty, name) is None for name in WorklistEntry.__slots__)


def test_an_unknown_pregnancy_status_and_a_malformed_date_are_unknown() -> None:
    odd = _scheduled(PregnancyStatus=4, PatientWeight="0")
    odd["LastMenstrualDate"]._value = "last week"
    found = worklist_entry(odd)
    assert found.pregnancy_status is None
    assert found.weight_kg is None
    assert found.last_menstrual_date is None


def test_a_step_without_a_time_keeps_its_date() -> None:
    entry = _scheduled()
    entry.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime = ""
    found = worklist_entry(entry)
    assert (found.scheduled, found.scheduled_date) == (None, DAY)


@pytest.mark.network
@pytest.mark.slow
@needs_orthanc
def test_orthancs_worklist_gives_what_the_chart_needs(orthanc: Any) -> None:
    _write(_scheduled(accession="A-10", name="Петрова^Анна"), orthanc.worklists / "a.wl")
    _write(_scheduled(accession="A-11", name="홍^길동"), orthanc.worklists / "b.wl")
    peer = DicomPeer(ae_title="ARCHIVE", host="127.0.0.1", port=orthanc.dicom)
    found = worklist(peer, day=DAY)
    assert {one.patient_name for one in found} == {"Петрова^Анна", "홍^길동"}
    (one,) = worklist(peer, accession_number="A-10")
    assert one.patient_name == "Петрова^Анна"
    assert one.issuer_of_patient_id == "HOSPITAL"
    assert one.last_menstrual_date == dt.date(2026, 2, 20)
    assert one.pregnancy_status is PregnancyStatus.NOT_PREGNANT
    assert one.procedure == "Pelvic ultrasound"
    assert one.station_ae_title == "US1"
    assert worklist(peer, day=dt.date(2026, 3, 5)) == ()
    assert worklist(peer, modality="CT") == ()


class _Dcmtk:
    """dcmtk's worklist server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port, self.folder = port, folder / "OFFIS"
        self.folder.mkdir(parents=True)
        (self.folder / "lockfile").touch()
        self.process = subprocess.Popen(
            [str(shutil.which("wlmscpfs")), "-dfp", str(folder), str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TCP_NODELAY": "1"},
        )


@pytest.fixture
def dcmtk_worklist(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[_Dcmtk]:
    server = _Dcmtk(tmp_path / "worklists", free_port())
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=30)


def _wait_for(peer: DicomPeer) -> None:
    for _ in range(100):
        try:
            echo(peer)
        except TemporaryFailure:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the worklist server did not start")


@pytest.mark.network
@needs_dcmtk
def test_dcmtks_worklist_gives_what_the_chart_needs(dcmtk_worklist: _Dcmtk) -> None:
    entry = _scheduled(accession="A-20")
    entry.SpecificCharacterSet = "ISO_IR 144"
    entry.PatientName = "Петрова^Анна"
    _write(entry, dcmtk_worklist.folder / "a.wl")
    peer = DicomPeer(ae_title="OFFIS", host="127.0.0.1", port=dcmtk_worklist.port)
    _wait_for(peer)
    (one,) = worklist(peer, day=DAY, patient_id="P-1", unstated_character_set="ISO_IR 144")
    assert one.accession_number == "A-20"
    assert one.patient_name == "Петрова^Анна"
    assert one.birth_date == dt.date(1999, 2, 3)
    assert one.scheduled == dt.datetime(2026, 3, 4, 10, 30)
    assert worklist(peer, patient_id="P-2") == ()
    # This server states no character set: whoever is not told guesses nothing.
    (unknown,) = worklist(peer, day=DAY)
    assert unknown.patient_name is None


@pytest.mark.network
@needs_dcmtk
def test_a_title_the_server_does_not_have_is_said_so(dcmtk_worklist: _Dcmtk) -> None:
    peer = DicomPeer(ae_title="NOBODY", host="127.0.0.1", port=dcmtk_worklist.port)
    _wait_for(DicomPeer(ae_title="OFFIS", host="127.0.0.1", port=dcmtk_worklist.port))
    with pytest.raises(InvalidInput, match="refuses to talk to DEEPPCOS"):
        worklist(peer)
