"""Cohorts in the desk: who may see what, consent that fails closed, and what is recorded."""

import io
import json
import zipfile

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.research.conftest import add_women

from deeppcos.app.cohorts import outlines
from deeppcos.app.web import jobs
from deeppcos.app.web.models import (
    Assessment,
    AuditEvent,
    Image,
    Job,
    JobState,
    Patient,
    Role,
    SavedCohort,
    Site,
    Study,
    User,
)
from deeppcos.app.web.research.gathering import kept, snapshot
from deeppcos.app.web.research.releasing import consented, release
from deeppcos.records.deidentification.blanking import Blanking
from deeppcos.records.deidentification.picture import CleanedPicture
from deeppcos.research.query import Take, parse_criteria

pytestmark = pytest.mark.django_db
ADULTS = {"name": "Adults", "profile": "guideline_2023", "take": "latest", "age_from": "16",
          "age_to": "45"}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread would wait for the transaction of the test."""
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 3600.0)


@pytest.fixture
def researcher_client(researcher: User, client_of: ClientOf) -> Client:
    return client_of(researcher)


def saved(user: User, *where: str) -> SavedCohort:
    return release(user, consented(parse_criteria(where), Take.LATEST), name="Adults")


def asked(client: Client, cohort: SavedCohort, *forms: str) -> Job:
    """Ask for an export; nobody has begun it."""
    client.post(reverse("research:rows", args=[cohort.pk]), {"format": forms})
    return Job.objects.filter(kind="export_rows").latest("asked_at")


def taken(client: Client, cohort: SavedCohort, *forms: str) -> bytes:
    """Ask for an export, have it made, and fetch it."""
    job = asked(client, cohort, *forms)
    jobs.run.func(str(job.pk))
    answer = client.get(reverse("research:download", args=[cohort.pk, job.pk]))
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_an_export_is_made_in_the_background_and_stays_until_a_woman_withdraws(
    women: Site, researcher: User, researcher_client: Client, clinician_client: Client
) -> None:
    cohort = saved(researcher)
    page = reverse("research:cohort", args=[cohort.pk])
    job = asked(researcher_client, cohort, "csv")
    assert "Waiting for its turn" in researcher_client.get(page).content.decode()
    address = reverse("research:download", args=[cohort.pk, job.pk])
    assert researcher_client.get(address).status_code == 404
    jobs.run.func(str(job.pk))
    part = researcher_client.get(reverse("research:exports", args=[cohort.pk])).content.decode()
    assert "Ready" in part
    assert address in part
    assert "hx-get" not in part
    first = b"".join(researcher_client.get(address).streaming_content)  # type: ignore[attr-defined]
    again = b"".join(researcher_client.get(address).streaming_content)  # type: ignore[attr-defined]
    assert zipfile.is_zipfile(io.BytesIO(first))
    assert first == again
    assert clinician_client.get(address).status_code == 403
    actions = AuditEvent.objects.filter(site=women, action__startswith="research.rows")
    assert list(actions.values_list("action", flat=True)) == [
        "research.rows_asked", "research.rows_made",
        "research.rows_exported", "research.rows_exported",
    ]  # fmt: skip
    one = Patient.objects.filter(may_research=True).first()
    assert one is not None
    one.may_research = False
    one.save()
    assert researcher_client.get(address).status_code == 404
    assert "No longer kept" in researcher_client.get(page).content.decode()
    assert not list((kept() / "exports").glob("*/export.zip"))


def test_an_export_that_is_stopped_leaves_nothing(
    women: Site, researcher: User, researcher_client: Client
) -> None:
    cohort = saved(researcher)
    job = asked(researcher_client, cohort, "csv")
    researcher_client.post(reverse("research:stop", args=[cohort.pk, job.pk]))
    jobs.run.func(str(job.pk))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert not list((kept() / "exports").glob("*/export.zip"))
    assert (
        "Stopped"
        in researcher_client.get(reverse("research:cohort", args=[cohort.pk])).content.decode()
    )


def test_an_unknown_form_of_export_is_refused_before_any_work(
    women: Site, researcher: User, researcher_client: Client
) -> None:
    cohort = saved(researcher)
    answer = researcher_client.post(reverse("research:rows", args=[cohort.pk]), {"format": ["sas"]})
    assert answer.status_code == 400
    assert not Job.objects.filter(kind="export_rows").exists()


def test_pictures_are_taken_along_cleaned_with_their_outlines(
    women: Site,
    researcher: User,
    researcher_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = with_a_picture(women)
    monkeypatch.setattr(outlines, "clean_picture", darkened)
    with zipfile.ZipFile(io.BytesIO(taken(researcher_client, saved(researcher), "coco"))) as found:
        coco = json.loads(found.read("coco/annotations.json"))
        assert len(coco["images"]) == 1, found.read("coco/left-out.csv").decode()
        picture = found.read("coco/" + coco["images"][0]["file_name"])
        names = found.namelist()
    assert [one["category_id"] for one in coco["annotations"]] == [1, 5]
    assert "coco/data-dictionary.csv" in names
    assert study.patient.identifier not in json.dumps(coco)
    shown = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (48, 64, 3)
    assert int(shown.max()) == 10


def darkened(pixels: npt.NDArray[np.uint8]) -> CleanedPicture:
    """Stands for blanking: the engine that finds text takes seconds a picture."""
    nothing = Blanking(mask=np.zeros(pixels.shape[:2], bool), texts=0, outside_regions=0.0)
    return CleanedPicture(pixels=np.full_like(pixels, 10), blanking=nothing)


def with_a_picture(site: Site) -> Study:
    """A study of a woman who agreed, given a picture and what was seen in it."""
    study = Study.objects.filter(site=site, patient__may_research=True).exclude(status="")[0]
    image = Image.objects.create(
        study=study, name="left.png", stored_as="a.png", sha256="0" * 64, size_bytes=1
    )
    image.original.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(image.original), np.full((48, 64, 3), 90, np.uint8))
    last = study.assessments.latest("number")
    outline = [[10, 10], [40, 10], [40, 30], [10, 30]]
    seen = {
        "source": "left.png", "frame": 0, "width": 64, "height": 48, "mm_per_pixel": None,
        "side": "left", "assessable": True, "lesions": [],
        "ovaries": [{
            "polygon": outline, "probability": 0.9,
            "follicle_count_section": {"value": 1, "low": 1, "high": 2},
            "follicles": [{"polygon": [[12, 12], [20, 12], [16, 20]], "probability": 0.8,
                           "mean_diameter_mm": None, "kind": "unsized"}],
        }],
    }  # fmt: skip
    Assessment.objects.filter(pk=last.pk).update(document=last.document | {"frames": [seen]})
    return study


def test_a_cohort_is_built_released_and_recorded(
    women: Site, researcher: User, researcher_client: Client
) -> None:
    about = researcher_client.post(reverse("research:preview"), ADULTS).content.decode()
    assert "about 1" in about
    answer = researcher_client.post(reverse("research:new"), ADULTS)
    cohort = SavedCohort.objects.get()
    assert answer.url == reverse("research:cohort", args=[cohort.pk])  # type: ignore[attr-defined]
    page = researcher_client.get(answer.url).content.decode()  # type: ignore[attr-defined]
    assert cohort.query_sha256[:12] in page
    assert "consent=true" in cohort.document["command"]
    actions = list(AuditEvent.objects.filter(site=women).values_list("action", flat=True))
    assert actions == ["research.released", "research.viewed"]
    researcher_client.post(reverse("research:new"), ADULTS)
    assert SavedCohort.objects.count() == 1


def test_women_who_did_not_agree_or_were_not_asked_are_in_no_cohort(
    women: Site, researcher: User
) -> None:
    agreed = Patient.objects.filter(may_research=True)
    assert saved(researcher).document["women"] == agreed.count() < Patient.objects.count()


def test_consent_is_not_given_until_somebody_says_so(patient: Patient) -> None:
    assert patient.may_research is None


def test_withdrawn_consent_counts_at_once(
    women: Site, researcher: User, researcher_client: Client
) -> None:
    cohort = saved(researcher)
    before = cohort.document["women"]
    for patient in Patient.objects.filter(may_research=True)[:3]:
        patient.may_research = False
        patient.save()
    content = taken(researcher_client, cohort, "parquet", "csv")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        note = json.loads(archive.read("export.json"))
        names = archive.namelist()
        text = archive.read("csv/assessments.csv").decode()
    assert note["women"] == before - 3
    assert "parquet/assessments.parquet" in names
    assert "SIM-" not in text
    assert "Simulated" not in text
    assert SavedCohort.objects.get().document["women"] == before
    detail = AuditEvent.objects.get(action="research.rows_exported").detail
    assert detail["women"] == before - 3


def test_a_clinician_records_consent_and_a_sonographer_cannot(
    analysed_study: Study, clinician_client: Client, sonographer: User, client_of: ClientOf
) -> None:
    page = clinician_client.get(reverse("studies:study", args=[analysed_study.pk])).content.decode()
    assert "Not asked: her studies are left out of research." in page
    address = reverse("research:consent", args=[analysed_study.pk])
    clinician_client.post(address, {"consent": "given"})
    analysed_study.patient.refresh_from_db()
    assert analysed_study.patient.may_research is True
    event = AuditEvent.objects.get(action="research.consent")
    assert event.detail == {"before": "unasked", "after": "given"}
    assert clinician_client.post(address, {"consent": "perhaps"}).status_code == 400
    assert client_of(sonographer).post(address, {"consent": "refused"}).status_code == 403
    analysed_study.patient.refresh_from_db()
    assert analysed_study.patient.may_research is True


def test_another_sites_women_are_neither_counted_nor_named(
    women: Site, researcher: User, make_user: MakeUser, client_of: ClientOf
) -> None:
    cohort = saved(researcher)
    elsewhere = Site.objects.create(name="Hill clinic", slug="hill")
    add_women(elsewhere, 30, seed=8)
    stranger = make_user("eva", Role.RESEARCHER, at=elsewhere)
    assert saved(stranger).document["women"] < 30
    client = client_of(stranger)
    for name, more in (("cohort", ()), ("record", ()), ("figure", ("ages", "csv"))):
        address = reverse(f"research:{name}", args=[cohort.pk, *more])
        assert client.get(address).status_code == 404
    assert client.post(reverse("research:rows", args=[cohort.pk])).status_code == 404
    assert str(cohort.pk) not in client.get(reverse("research:cohorts")).content.decode()


def test_a_clinician_sees_cohorts_but_exports_no_rows(
    women: Site, researcher: User, clinician_client: Client
) -> None:
    cohort = saved(researcher)
    page = clinician_client.get(reverse("research:cohort", args=[cohort.pk])).content.decode()
    assert "Export rows" not in page
    assert clinician_client.post(reverse("research:rows", args=[cohort.pk])).status_code == 403


@pytest.mark.parametrize(
    ("form", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("csv", b"# Age")]
)
def test_a_figure_is_taken_along_with_its_origin(
    women: Site, researcher: User, researcher_client: Client, form: str, begins: bytes
) -> None:
    cohort = saved(researcher)
    address = reverse("research:figure", args=[cohort.pk, "ages", form])
    answer = researcher_client.get(address)
    assert answer.content.startswith(begins)
    assert AuditEvent.objects.filter(action="research.figure_exported").count() == 1
    if form == "csv":
        assert cohort.query_sha256[:12] in answer.content.decode()
    wrong = reverse("research:figure", args=[cohort.pk, "hair", form])
    assert researcher_client.get(wrong).status_code == 404


def test_a_second_cohort_that_tells_few_apart_is_refused_on_the_page(
    women: Site, researcher: User, researcher_client: Client
) -> None:
    ages = sorted(
        age
        for age in Study.objects.filter(patient__may_research=True).values_list(
            "chart__patient__age_years", flat=True
        )
    )
    saved(researcher)
    almost = ADULTS | {"age_from": "5", "age_to": str(int(ages[-3]))}
    answer = researcher_client.post(reverse("research:new"), almost)
    assert answer.status_code == 422
    assert "would tell few women apart" in answer.content.decode()
    assert SavedCohort.objects.count() == 1


def test_an_assessment_is_read_once_and_a_new_one_is_noticed(women: Site) -> None:
    first = snapshot([women.pk])
    assert snapshot([women.pk]).folder == first.folder
    study = Study.objects.filter(site=women, patient__may_research=True).first()
    assert study is not None
    study.performed_on = None
    study.save()
    second = snapshot([women.pk])
    assert second.fingerprint != first.fingerprint
    kept = (second.folder.parents[1] / "rows.jsonl").read_text(encoding="utf-8")
    assert len(kept.splitlines()) == first.rows["assessments"]


def test_rows_of_women_who_withdrew_leave_the_disk(women: Site) -> None:
    first = snapshot([women.pk])
    for patient in Patient.objects.filter(may_research=True)[:40]:
        patient.may_research = None
        patient.save()
    second = snapshot([women.pk])
    assert second.rows["assessments"] < first.rows["assessments"]
    kept = (second.folder.parents[1] / "rows.jsonl").read_text(encoding="utf-8")
    assert len(kept.splitlines()) == second.rows["assessments"]


def test_a_released_cohort_is_never_changed(women: Site, researcher: User) -> None:
    cohort = saved(researcher)
    cohort.name = "Another"
    with pytest.raises(TypeError, match="never changed"):
        cohort.save()


def test_an_empty_desk_says_so(researcher_client: Client) -> None:
    assert "No cohort yet" in researcher_client.get(reverse("research:cohorts")).content.decode()
    assert (
        "fewer than 10"
        in researcher_client.post(reverse("research:preview"), ADULTS).content.decode()
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_the_migration_goes_back_and_forth() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("web", "0007_reading_circumstances")])
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    call_command("makemigrations", "web", check=True, dry_run=True, verbosity=0)
