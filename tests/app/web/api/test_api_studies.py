import io
import zipfile
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from deeppcos.app.example_study import CHART_CONTENT
from deeppcos.app.web.models import (
    AuditEvent,
    Job,
    JobState,
    Patient,
    Site,
    Study,
    StudyState,
    User,
)

from .conftest import Program, ProgramOf


def png(shade: int = 60) -> SimpleUploadedFile:
    """A small grey picture."""
    import cv2
    import numpy as np

    _, packed = cv2.imencode(".png", np.full((48, 64), shade, np.uint8))
    return SimpleUploadedFile(f"left-{shade}.png", packed.tobytes())


def packed(files: dict[str, bytes]) -> bytes:
    """A ZIP of some files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, inside in files.items():
            archive.writestr(name, inside)
    return content.getvalue()


def test_a_study_is_created_at_the_tokens_site(program: Program, site: Site) -> None:
    answer = program.post("/studies", {"identifier": "MRN-7", "name": "Doe, Jane", "urgency": 2})
    assert answer.status_code == 201
    made = Study.objects.get(pk=answer.json()["id"])
    assert (made.site, made.patient.identifier, made.urgency) == (site, "MRN-7", 2)
    assert answer.json()["state"] == "arrived"
    assert answer.json()["closeness"] is None
    assert AuditEvent.objects.filter(action="study.created").count() == 1


def test_the_same_request_twice_makes_one_study(program: Program) -> None:
    new = {"identifier": "MRN-7"}
    first = program.post("/studies", new, **{"Idempotency-Key": "order 12"})
    again = program.post("/studies", new, **{"Idempotency-Key": "order 12"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = program.post("/studies", {"identifier": "MRN-8"}, **{"Idempotency-Key": "order 12"})
    assert other.status_code == 400
    assert "another request" in other.json()["problem"]["what"]
    assert Study.objects.count() == 1


def test_what_the_form_asks_back_is_asked_of_a_program_too(
    program: Program, patient: Patient
) -> None:
    answer = program.post(
        "/studies",
        {"identifier": patient.identifier, "name": "Else, Somebody", "birth_date": "2099-01-01"},
    )
    assert answer.status_code == 422
    assert {one["what"].split(":")[0] for one in answer.json()["details"]} == {
        "name",
        "birth_date",
    }
    assert not Study.objects.exists()


@pytest.mark.parametrize("order", ["urgency", "newest", "oldest", "patient"])
def test_pages_show_every_study_once_in_order(
    program: Program, site: Site, patient: Patient, order: str
) -> None:
    for number in range(7):
        Study.objects.create(
            site=site, patient=patient, accession=f"A-{number}", urgency=number % 2
        )
    whole = [one["id"] for one in program.get("/studies", order=order).json()["items"]]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = program.get("/studies", order=order, limit=3, cursor=cursor).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == whole
    assert len(set(seen)) == 7


def test_a_cursor_of_another_order_is_refused(
    program: Program, site: Site, patient: Patient
) -> None:
    for number in range(3):
        Study.objects.create(site=site, patient=patient, accession=f"A-{number}")
    cursor = program.get("/studies", limit=1).json()["next"]
    assert program.get("/studies", order="oldest", cursor=cursor).status_code == 400


def test_the_worklists_filters_hold(program: Program, analysed_study: Study) -> None:
    for query, number in (
        ({"state": "analysed"}, 1),
        ({"state": "signed"}, 0),
        ({"q": "erika acc-1"}, 1),
        ({"q": "nobody"}, 0),
        ({"mine": "true"}, 0),
    ):
        assert len(program.get("/studies", **query).json()["items"]) == number, query
    program.put(f"/studies/{analysed_study.pk}/assignment", {"mine": True})
    assert len(program.get("/studies", mine="true").json()["items"]) == 1


def test_files_arrive_through_the_same_guard_as_the_page(program: Program, study: Study) -> None:
    good = packed({"pictures/right.png": png(90).read(), "notes.txt": b"hello"})
    trick = packed({"../../out.png": png(91).read()})
    files = f"/studies/{study.pk}/files"
    answer = program.send_files(
        files,
        png(),
        SimpleUploadedFile("all.zip", good),
        SimpleUploadedFile("trick.zip", trick),
    )
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert "left-60.png" in said["kept"]
    assert any("right.png" in name for name in said["kept"])
    assert any("notes.txt" in one["name"] for one in said["refused"])
    assert not list(study.folder.parent.rglob("out.png"))
    stored = {image.original.parent for image in study.images.all()}
    assert stored == {study.folder / "images"}
    again = program.send_files(files, png())
    assert again.json() == {
        "kept": [],
        "known": ["left-60.png"],
        "refused": [],
        "chart_from": None,
    }
    listed = program.get(f"/studies/{study.pk}/images").json()
    assert listed["items"][0]["mm_per_pixel_x"] is None


def test_a_call_that_carries_too_much_is_refused(
    settings: Settings, program: Program, study: Study
) -> None:
    settings.LARGEST_UPLOAD_BYTES = 1000
    big = SimpleUploadedFile("big.png", b"0" * 5000)
    assert program.send_files(f"/studies/{study.pk}/files", big).status_code == 413
    assert not study.images.exists()


def test_a_demonstration_takes_no_files(settings: Settings, program: Program, study: Study) -> None:
    settings.UPLOADS_ALLOWED = False
    answer = program.send_files(f"/studies/{study.pk}/files", png())
    assert answer.status_code == 400
    assert "takes no new files" in answer.json()["problem"]["what"]


def test_a_job_is_asked_for_once_told_of_and_cancelled(program: Program, study: Study) -> None:
    readings = f"/studies/{study.pk}/readings"
    chart = study.chart
    Study.objects.update(chart={})
    assert program.post(readings).status_code == 400, "neither picture nor chart"
    Study.objects.update(chart=chart)
    program.send_files(f"/studies/{study.pk}/files", png())
    job = program.post(readings)
    assert job.status_code == 202
    assert program.post(readings).json()["id"] == job.json()["id"]
    Job.objects.update(message="findings|3|8|sweep.mp4", done=30, total=200)
    told = program.get(f"/jobs/{job.json()['id']}").json()
    assert told["doing"] == {"phase": "findings", "frame": 3, "frames": 8, "file": "sweep.mp4"}
    stopped = program.post(f"/jobs/{job.json()['id']}/cancel").json()
    assert stopped["state"] == "cancelled"
    assert Job.objects.get().state == JobState.CANCELLED
    assert AuditEvent.objects.filter(action="job.cancelled").count() == 1


def test_a_chart_is_replaced_only_on_the_version_that_was_read(
    program: Program, study: Study
) -> None:
    address = f"/studies/{study.pk}/chart"
    read = program.get(address)
    assert read.headers["ETag"] == f'"{read.json()["version"]}"'
    assert read.json()["chart"] == CHART_CONTENT
    mine = {**CHART_CONTENT, "body": {"height_cm": 171.5}}
    saved = program.put(address, {"version": read.json()["version"], "chart": mine})
    assert saved.status_code == 200, saved.content
    assert saved.json()["chart"]["body"] == {"height_cm": 171.5}
    theirs = {**CHART_CONTENT, "body": {"height_cm": 150}}
    late = program.put(address, {"version": read.json()["version"], "chart": theirs})
    assert late.status_code == 409
    assert late.json()["differs"] == ["body.height_cm"]
    assert late.json()["chart"]["body"] == {"height_cm": 171.5}
    study.refresh_from_db()
    assert study.chart["body"] == {"height_cm": 171.5}


@pytest.mark.parametrize(
    ("chart", "word"),
    [
        ({"body": {"height_cm": 1.7}}, "height"),
        ({"patient": {"age_years": "27"}}, "age_years"),
        ({"blood": {}}, "blood"),
        (
            {
                "labs": [
                    {"analyte": "tsh", "value": 2, "unit": "m[IU]/L"},
                    {"analyte": "tsh", "value": 3, "unit": "m[IU]/L"},
                ]
            },
            "tsh",
        ),
    ],
    ids=["implausible", "text for a number", "unknown part", "one test twice"],
)
def test_a_chart_that_cannot_be_used_is_asked_back_and_not_stored(
    program: Program, study: Study, chart: dict[str, Any], word: str
) -> None:
    answer = program.put(f"/studies/{study.pk}/chart", {"version": study.version, "chart": chart})
    assert answer.status_code in (400, 422)
    assert word in str(answer.json()).lower()
    study.refresh_from_db()
    assert study.chart == CHART_CONTENT


def test_a_signed_chart_stays(program: Program, study: Study) -> None:
    Study.objects.filter(pk=study.pk).update(state=StudyState.SIGNED)
    sent = {"version": study.version, "chart": {}}
    answer = program.put(f"/studies/{study.pk}/chart", sent)
    assert answer.status_code == 400
    assert "signed" in answer.json()["problem"]["what"]


def test_pictures_come_pixel_for_pixel_and_only_to_whoever_may(
    program: Program, program_of: ProgramOf, administrator: User, analysed_study: Study
) -> None:
    image = analysed_study.images.get(name="sweep.mp4")
    address = f"/studies/{analysed_study.pk}/images/{image.pk}"
    frame = program.get(f"{address}/frames/2")
    assert b"".join(frame.streaming_content) == image.frame_path(2).read_bytes()
    assert program.get(f"{address}/frames/3").status_code == 404
    assert program.get(f"{address}/thumbnail").headers["Content-Type"] == "image/jpeg"
    assert program_of(administrator).get(f"{address}/frames/2").status_code == 404


def test_a_side_is_named_and_taken_back(program: Program, analysed_study: Study) -> None:
    image = analysed_study.images.get(name="sweep.mp4")
    address = f"/studies/{analysed_study.pk}/images/{image.pk}/side"
    assert program.put(address, {"side": "left"}).json()["side"] == "left"
    assert program.put(address, {"side": None}).json()["side"] is None
    assert program.put(address, {"side": "middle"}).status_code == 422


def test_nothing_of_the_settings_folder_is_told(program: Program, analysed_study: Study) -> None:
    for address in ("images", "assessments/current", "jobs", "chart"):
        told = program.get(f"/studies/{analysed_study.pk}/{address}").content.decode()
        assert str(django_settings.DEEPPCOS_HOME) not in told


def test_two_programs_that_create_the_same_number_at_once_make_one_study(
    program: Program, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deeppcos.app.web.studies.forms import NewStudyForm

    monkeypatch.setattr(NewStudyForm, "clean", lambda form: form.cleaned_data)  # Both looked.
    answer = program.post("/studies", {"identifier": "MRN-1", "accession": study.accession})
    assert answer.status_code == 409
    assert Study.objects.count() == 1


def test_what_was_sent_by_mistake_is_removed_and_what_was_read_is_not(
    program: Program, study: Study, django_capture_on_commit_callbacks: Any
) -> None:
    program.send_files(f"/studies/{study.pk}/files", png())
    image = study.images.get()
    Job.objects.update(state=JobState.CANCELLED)
    with django_capture_on_commit_callbacks(execute=True):
        assert program.delete(f"/studies/{study.pk}/images/{image.pk}").status_code == 204
    assert not image.original.exists()
    program.send_files(f"/studies/{study.pk}/files", png())
    study.images.update(is_ready=True)
    address = f"/studies/{study.pk}/images/{study.images.get().pk}"
    assert program.delete(address).status_code == 400
    assert program.delete(f"/studies/{study.pk}").status_code == 400
    study.images.update(is_ready=False)
    assert program.delete(f"/studies/{study.pk}").status_code == 204
    assert not Study.objects.exists()
    assert AuditEvent.objects.filter(action="study.removed").count() == 1
