import io
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from deeppcos.app.web.models import Image, Job, Patient, Site, Study, StudyState, User
from deeppcos.app.web.studies import storing


def picture(seed: int = 0) -> bytes:
    grey = np.random.default_rng(seed).integers(0, 255, (32, 48), dtype=np.uint8)
    return bytes(cv2.imencode(".png", grey)[1].tobytes())


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def details(site: Site, **changes: str) -> dict[str, object]:
    return {"identifier": "MRN-7", "name": "Doe, Jane", "urgency": "1", "site": site.pk} | changes


def test_a_study_is_begun_with_its_files_and_read(
    clinician_client: Client, clinician: User, site: Site
) -> None:
    answer = clinician_client.post(
        "/studies/new/", details(site) | {"files": [upload("a.png", picture())]}
    )
    study = Study.objects.get()
    assert answer.headers["Location"] == f"/studies/{study.pk}/"
    assert study.created_by == clinician
    assert study.accession.startswith("D")
    image = study.images.get()
    assert image.original.read_bytes() == picture()
    assert Job.objects.get().study == study
    assert clinician_client.get(f"/studies/{study.pk}/").status_code == 200


def test_a_script_begins_the_study_then_sends_its_files_one_by_one(
    clinician_client: Client, site: Site
) -> None:
    as_json = {"Accept": "application/json"}
    begun = clinician_client.post("/studies/new/", details(site), headers=as_json)
    assert begun.status_code == 201
    addresses = begun.json()
    first = clinician_client.post(
        addresses["files"], {"files": [upload("a.png", picture())]}, headers=as_json
    )
    again = clinician_client.post(
        addresses["files"], {"files": [upload("b.png", picture())]}, headers=as_json
    )
    other = clinician_client.post(
        addresses["files"], {"files": [upload("notes.txt", b"hello")]}, headers=as_json
    )
    assert first.json()["kept"] == ["a.png"]
    assert again.json()["known"] == ["b.png"]
    assert "is not an image" in other.json()["refused"][0]["reason"]
    assert Image.objects.count() == 1
    assert clinician_client.post(addresses["read"], headers=as_json).status_code == 202


def test_an_archive_brings_pictures_and_chart(clinician_client: Client, study: Study) -> None:
    study.chart = {}
    study.save()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("scan/1.png", picture(1))
        archive.writestr("scan/2.png", picture(2))
        archive.writestr("scan/chart.json", '{"patient": {"age_years": 30}}')
    answer = clinician_client.post(
        f"/studies/{study.pk}/files/",
        {"files": [upload("scan.zip", content.getvalue())]},
        headers={"Accept": "application/json"},
    ).json()
    assert answer["kept"] == ["scan/1.png", "scan/2.png"]
    assert answer["chart_from"] == "scan/chart.json"
    study.refresh_from_db()
    assert study.chart["patient"] == {"age_years": 30}


def test_names_of_files_never_become_paths(clinician_client: Client, study: Study) -> None:
    clinician_client.post(
        f"/studies/{study.pk}/files/", {"files": [upload("../../evil.png", picture())]}
    )
    image = study.images.get()
    assert image.original.parent == study.folder / "images"
    assert image.original.name == image.stored_as
    assert image.stored_as == f"{image.pk}.png"


def test_an_upload_beyond_the_limit_is_refused_before_it_is_read(
    clinician_client: Client, study: Study, settings: Settings
) -> None:
    settings.LARGEST_UPLOAD_BYTES = 1000
    answer = clinician_client.post(
        f"/studies/{study.pk}/files/", {"files": [upload("a.png", picture())]}
    )
    assert answer.status_code == 413
    assert "too large" in answer.content.decode()
    assert not study.images.exists()


def test_no_other_page_takes_a_large_upload(client: Client, db: None) -> None:
    answer = client.post(
        "/accounts/sign-in/", {"username": "x", "file": upload("big", b"\0" * (13 << 20))}
    )
    assert answer.status_code == 413


def test_a_full_disk_keeps_what_was_acknowledged_and_says_so(
    clinician_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/studies/{study.pk}/files/"
    as_json = {"Accept": "application/json"}
    clinician_client.post(address, {"files": [upload("a.png", picture(1))]}, headers=as_json)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = clinician_client.post(
        address, {"files": [upload("b.png", picture(2))]}, headers=as_json
    )
    assert answer.status_code == 503
    assert "disk is full" in answer.json()["problem"]["what"]
    [kept] = study.images.all()
    assert kept.name == "a.png"
    assert [path.name for path in (study.folder / "images").iterdir()] == [kept.stored_as]


def test_a_server_for_examples_takes_no_files(
    clinician_client: Client, study: Study, settings: Settings
) -> None:
    settings.UPLOADS_ALLOWED = False
    address = f"/studies/{study.pk}/files/"
    answer = clinician_client.post(address, {"files": [upload("a.png", picture())]})
    assert answer.status_code == 400
    assert not study.images.exists()


def test_a_signed_study_takes_no_files(clinician_client: Client, study: Study) -> None:
    study.state = StudyState.SIGNED
    study.save()
    address = f"/studies/{study.pk}/files/"
    answer = clinician_client.post(address, {"files": [upload("a.png", picture())]})
    assert "Begin an amendment first." in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"identifier": ""}, "This field is required"),
        ({"identifier": "MRN-1", "name": "Somebody Else"}, "belongs to Musterfrau, Erika"),
        ({"accession": "ACC-1"}, "a study with this number already"),
        ({"birth_date": "2999-01-01"}, "Is this date right?"),
    ],
    ids=["no identifier", "another name", "number taken", "unborn"],
)
def test_what_does_not_fit_is_asked_back(
    clinician_client: Client, study: Study, site: Site, changes: dict[str, str], asked: str
) -> None:
    answer = clinician_client.post("/studies/new/", details(site, **changes))
    assert answer.status_code == 422
    assert asked in answer.content.decode()
    assert Study.objects.count() == 1


def test_a_known_patient_gets_another_study(
    clinician_client: Client, study: Study, site: Site
) -> None:
    clinician_client.post("/studies/new/", details(site, identifier="MRN-1", name=""))
    assert Patient.objects.count() == 1
    assert Patient.objects.get().studies.count() == 2


def test_a_side_nobody_stated_can_be_named_and_changes_the_assessment(
    clinician_client: Client, analysed_study: Study
) -> None:
    image = analysed_study.images.get(name="left.png")
    before = analysed_study.assessments.count()
    address = f"/studies/{analysed_study.pk}/images/{image.pk}"
    clinician_client.post(f"{address}/side/", {"side": "right"})
    clinician_client.get(f"/studies/{analysed_study.pk}/assessment/")
    assert analysed_study.assessments.count() == before + 1
    newest = analysed_study.assessments.last()
    assert newest is not None
    assert newest.document["measurements"]["left"] is None
    assert clinician_client.get(f"{address}/thumbnail/").headers["Content-Type"] == "image/jpeg"


def test_files_are_on_the_disk_before_they_are_acknowledged(study: Study, tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(picture())
    image = storing.keep_file(study, source, name="left.nii.gz")
    assert image is not None
    assert image.stored_as.endswith(".nii.gz")
    assert image.original.exists()
    assert storing.keep_file(study, source, name="again") is None
    assert len(list((study.folder / "images").iterdir())) == 1
