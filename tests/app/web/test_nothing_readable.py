"""Studies without pictures, with files nobody can read, and with nothing at all."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.app.web.conftest import ClientOf

from deeppcos.app.web import jobs
from deeppcos.app.web.models import AuditEvent, Image, Job, JobState, Patient, Study, User


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def read(study: Study) -> Job:
    """Have the worker do what is waiting."""
    job = study.jobs.get(state=JobState.WAITING)
    jobs.run.func(str(job.pk))
    job.refresh_from_db()
    return job


@pytest.fixture(autouse=True)
def _no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heart beats in a thread of its own, which sees no row of a test's transaction."""
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 3600.0)


def page_of(client: Client, study: Study, part: str = "") -> str:
    return client.get(f"/studies/{study.pk}/{part}").content.decode()


@pytest.fixture
def empty_study(study: Study) -> Study:
    study.chart = {}
    study.save()
    return study


@pytest.fixture
def unreadable(empty_study: Study, clinician_client: Client) -> Image:
    """A file that looks like a picture and is none, after it was read."""
    broken = upload("broken.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 400)
    clinician_client.post(f"/studies/{empty_study.pk}/files/", {"files": [broken]})
    assert read(empty_study).state == JobState.FAILED
    return empty_study.images.get()


def test_a_chart_without_pictures_is_assessed_and_signed(
    clinician_client: Client, study: Study
) -> None:
    assert "assess the chart alone" in page_of(clinician_client, study)
    clinician_client.post(f"/studies/{study.pk}/read/")
    assert read(study).state == JobState.DONE
    page = page_of(clinician_client, study, "assessment/")
    assert "From the chart alone" in page
    document = study.assessments.get().document
    assert document["findings"]["ovulatory_dysfunction"]["state"] == "present"
    morphology = document["findings"]["polycystic_morphology"]
    assert morphology["state"] == "unknown"
    assert morphology["missing"], "it says why the form of the ovaries is unknown"
    assert document["release"] == {}, "no network looked at anything"
    assert "there are no pictures" in page_of(clinician_client, study, "sign/")
    signing = {"assessment": 1, "role": "Clinician", "looked": "on"}
    answer = clinician_client.post(f"/studies/{study.pk}/sign/", signing)
    assert answer.status_code == 302
    assert study.reports.count() == 1


def test_a_study_with_neither_picture_nor_chart_says_what_it_needs(
    clinician_client: Client, empty_study: Study
) -> None:
    answer = clinician_client.post(f"/studies/{empty_study.pk}/read/")
    assert answer.status_code == 400
    assert "no picture and no chart" in answer.content.decode()


def test_files_that_were_not_kept_stay_in_sight_until_somebody_has_seen_them(
    clinician_client: Client, empty_study: Study
) -> None:
    address = f"/studies/{empty_study.pk}/files/"
    clinician_client.post(address, {"files": [upload("notes.docx", b"words")]})
    clinician_client.get("/")
    page = page_of(clinician_client, empty_study)
    assert "None of the files sent could be kept" in page
    assert "notes.docx" in page
    clinician_client.post(f"/studies/{empty_study.pk}/refused/")
    assert "notes.docx" not in page_of(clinician_client, empty_study)
    assert AuditEvent.objects.filter(action="study.refusals_set_aside").count() == 1


def test_a_study_of_unreadable_files_says_so_and_takes_others(
    clinician_client: Client,
    empty_study: Study,
    unreadable: Image,
    django_capture_on_commit_callbacks: Any,
) -> None:
    page = page_of(clinician_client, empty_study)
    assert "None of the files could be read" in page
    assert unreadable.refused_because.split(";")[0][:20] in page.replace("&#x27;", "'")
    assert not empty_study.assessments.exists(), "nothing is said of nothing"
    removed = f"/studies/{empty_study.pk}/images/{unreadable.pk}/remove/"
    with django_capture_on_commit_callbacks(execute=True):
        clinician_client.post(removed)
    assert not empty_study.images.exists()
    assert not unreadable.original.exists()
    [event] = AuditEvent.objects.filter(action="study.file_removed")
    assert event.detail["sha256"] == unreadable.sha256


def test_a_chart_is_assessed_beside_files_that_cannot_be_read(
    clinician_client: Client, study: Study
) -> None:
    broken = upload("broken.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 400)
    clinician_client.post(f"/studies/{study.pk}/files/", {"files": [broken]})
    assert read(study).state == JobState.DONE
    assert "What follows from the chart alone" in page_of(clinician_client, study)
    [refused] = study.assessments.get().document["refused"]
    assert refused["source"] == "broken.png"


def test_a_study_that_holds_nothing_can_be_removed_and_the_trail_keeps_that(
    clinician_client: Client,
    empty_study: Study,
    unreadable: Image,
    clinician: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    folder = empty_study.folder
    assert folder.exists()
    with django_capture_on_commit_callbacks(execute=True):
        answer = clinician_client.post(f"/studies/{empty_study.pk}/remove/", follow=True)
    assert "ACC-1 was removed" in answer.content.decode()
    assert not Study.objects.exists()
    assert not Patient.objects.exists()
    assert not folder.exists()
    [event] = AuditEvent.objects.filter(action="study.removed")
    assert event.actor == clinician
    assert event.detail == {"accession": "ACC-1", "files": 1}


def test_what_was_read_is_never_removed(clinician_client: Client, analysed_study: Study) -> None:
    image = analysed_study.images.all()[0]
    for address in (f"images/{image.pk}/remove/", "remove/"):
        answer = clinician_client.post(f"/studies/{analysed_study.pk}/{address}")
        assert answer.status_code == 400
    assert analysed_study.images.count() == 3
    assert "Remove this study" not in page_of(clinician_client, analysed_study)


def test_who_may_not_add_may_not_remove(
    client_of: ClientOf, make_user: Any, empty_study: Study
) -> None:
    client = client_of(make_user("nobody"))
    assert client.post(f"/studies/{empty_study.pk}/remove/").status_code in (403, 404)
    assert Study.objects.exists()


def test_a_chart_sent_with_the_study_that_holds_two_results_asks_for_a_choice(
    clinician_client: Client, empty_study: Study
) -> None:
    labs = [{"analyte": "tsh", "value": value, "unit": "mIU/L"} for value in (2, 5.5)]
    sent = upload("chart.json", json.dumps({"labs": labs}).encode())
    address = f"/studies/{empty_study.pk}/files/"
    answer = clinician_client.post(
        address, {"files": [sent]}, headers={"Accept": "application/json"}
    )
    [refused] = answer.json()["refused"]
    assert "TSH: 2 mIU/L, 5.5 mIU/L" in refused["reason"]
    empty_study.refresh_from_db()
    assert empty_study.chart == {}


def test_a_file_that_arrives_while_others_are_read_is_read_with_them(
    clinician_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2
    import numpy as np

    from deeppcos.app.desk.study_reading import read_study as real
    from deeppcos.app.web.studies import analysis

    def picture(grey: int) -> bytes:
        return bytes(cv2.imencode(".png", np.full((32, 48), grey, np.uint8))[1])

    address = f"/studies/{study.pk}/files/"
    clinician_client.post(address, {"files": [upload("first.png", picture(40))]})
    read_so_far: list[int] = []

    def reads(task: Any, *arguments: Any, **options: Any) -> None:
        read_so_far.append(len(task.files))
        if len(read_so_far) == 1:
            clinician_client.post(address, {"files": [upload("late.png", picture(90))]})
        real(task, *arguments, **options)

    monkeypatch.setattr(analysis, "read_study", reads)
    assert read(study).state == JobState.DONE
    assert read_so_far == [1, 2]
    assert study.jobs.count() == 1
    assert all(study.images.values_list("is_ready", flat=True))
    document = study.assessments.get().document
    assert [frame["source"] for frame in document["frames"]] == ["first.png", "late.png"]
