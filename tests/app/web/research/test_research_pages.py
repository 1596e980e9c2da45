"""Cohorts in the desk: who may see what, consent that fails closed, and what is recorded."""

import io
import json
import zipfile

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.research.conftest import add_women

from deeppcos.app.web.models import AuditEvent, Patient, Role, SavedCohort, Site, Study, User
from deeppcos.app.web.research.gathering import snapshot
from deeppcos.app.web.research.releasing import consented, release
from deeppcos.research.query import Take, parse_criteria

pytestmark = pytest.mark.django_db
ADULTS = {"name": "Adults", "profile": "guideline_2023", "take": "latest", "age_from": "16",
          "age_to": "45"}  # fmt: skip


@pytest.fixture
def researcher_client(researcher: User, client_of: ClientOf) -> Client:
    return client_of(researcher)


def saved(user: User, *where: str) -> SavedCohort:
    return release(user, consented(parse_criteria(where), Take.LATEST), name="Adults")


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
    answer = researcher_client.post(
        reverse("research:rows", args=[cohort.pk]), {"format": ["parquet", "csv"]}
    )
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
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
