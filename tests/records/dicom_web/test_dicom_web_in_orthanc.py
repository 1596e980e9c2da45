"""Search, fetch and store against a real DICOMweb server."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_web import DicomWebPeer, fetch_study, search_studies, stow

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("Orthanc") is None, reason="orthanc is not installed"),
]


@pytest.fixture
def server(orthanc: Any) -> DicomWebPeer:
    return DicomWebPeer(url=f"http://127.0.0.1:{orthanc.http}/dicom-web")


def _study(
    write_dicom: Callable[..., Path], *, count: int, **values: Any
) -> tuple[str, list[Path]]:
    uid = generate_uid()
    pixels = np.random.default_rng(3).integers(0, 255, (64, 80), np.uint8)
    paths = [
        write_dicom(pixels, name=f"{number}.dcm", StudyInstanceUID=uid, **values)
        for number in range(count)
    ]
    return uid, paths


def test_what_is_stored_is_found_and_fetched_back_identical(
    server: DicomWebPeer, write_dicom: Callable[..., Path], tmp_path: Path
) -> None:
    uid, paths = _study(
        write_dicom,
        count=5,
        SpecificCharacterSet="ISO_IR 192",
        PatientName="Yamada^Hanako=山田^花子",
        PatientID="W-5",
        AccessionNumber="A-5",
        StudyDate="20260105",
        StudyTime="",
        PatientBirthDate="19990203",
    )
    outcomes = stow(paths, peer=server)
    assert [(one.path, one.state) for one in outcomes] == [(path, "stored") for path in paths]

    (found,) = search_studies(server, AccessionNumber="A-5")
    assert found.study_instance_uid == uid
    assert found.patient_name == "Yamada^Hanako=山田^花子"
    assert found.patient_id == "W-5"
    assert str(found.study_date) == "2026-01-05"
    assert str(found.birth_date) == "1999-02-03"
    assert found.instances == 5

    fetched = fetch_study(server, uid, into=tmp_path / "back")
    by_uid = {dcmread(path).SOPInstanceUID: dcmread(path) for path in paths}
    assert {path.stem for path in fetched} == set(by_uid)
    for path in fetched:
        assert dcmread(path) == by_uid[path.stem]


def test_storing_twice_keeps_one_copy(
    server: DicomWebPeer, orthanc: Any, write_dicom: Callable[..., Path]
) -> None:
    _, paths = _study(write_dicom, count=2)
    stow(paths, peer=server)
    before = len(orthanc.ids_by_uid())
    assert {one.state for one in stow(paths, peer=server)} == {"stored"}
    assert len(orthanc.ids_by_uid()) == before


def test_a_file_that_is_no_dicom_is_refused_beside_good_ones(
    server: DicomWebPeer, write_dicom: Callable[..., Path], tmp_path: Path
) -> None:
    _, (good,) = _study(write_dicom, count=1)
    bad = tmp_path / "note.txt"
    bad.write_text("not DICOM", encoding="utf-8")
    refused, stored = stow([bad, good], peer=server)
    assert (refused.state, stored.state) == ("refused", "stored")
    assert "cannot be sent as DICOM" in refused.words


def test_a_file_the_server_refuses_is_named_beside_those_it_takes(
    server: DicomWebPeer, write_dicom: Callable[..., Path], tmp_path: Path
) -> None:
    _, (first, second) = _study(write_dicom, count=2)
    broken = tmp_path / "broken.dcm"
    # A file header that can be read, and a data set that ends in the middle of an element.
    broken.write_bytes(first.read_bytes()[:420])
    outcomes = stow([first, broken, second], peer=server)
    assert [one.state for one in outcomes] == ["stored", "refused", "stored"]
    assert outcomes[1].words


def test_an_unknown_study_is_not_there(server: DicomWebPeer, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not have the study"):
        fetch_study(server, generate_uid(), into=tmp_path)


def test_a_search_without_match_finds_nothing(server: DicomWebPeer) -> None:
    assert search_studies(server, PatientID="nobody-has-this") == ()
