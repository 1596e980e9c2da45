"""Launches and their answers: what is believed, what is refused, what a session keeps."""

import datetime as dt
import time
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from tests.app.web.smart.saying import LH, PATIENT, SERVER, read_before

from deeppcos.app.web.environment import read_environment
from deeppcos.app.web.models import AuditEvent, Patient, Role, Site, Study, StudyState
from deeppcos.app.web.smart import apart
from deeppcos.app.web.smart.reading import number_of
from deeppcos.errors import InvalidInput

pytest.importorskip("fhir.resources", reason="the records extra is not installed")


@pytest.fixture(autouse=True)
def _one_server(settings: Settings) -> None:
    settings.SMART_SERVERS = ((SERVER, "desk"),)
    settings.SMART_KEY = settings.SMART_CA_FILE = settings.SMART_PATIENT_SYSTEM = ""


@pytest.mark.parametrize(
    "query",
    ["iss=https://evil.example/fhir&launch=1", "launch=1", f"iss={SERVER}"],
    ids=["stranger", "nobody", "no launch"],
)
def test_only_a_server_of_the_settings_may_launch(clinician_client: Client, query: str) -> None:
    response = clinician_client.get(f"/smart/launch/?{query}")
    assert response.status_code == 400


def test_somebody_who_is_not_signed_in_signs_in_first_and_comes_back(
    client: Client, db: None
) -> None:
    response = client.get(f"/smart/launch/?iss={SERVER}&launch=1")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/sign-in/?next=/smart/launch/")


def test_an_administrator_who_sees_no_patient_launches_nothing(
    administrator: Any, client_of: Any
) -> None:
    client = client_of(administrator)
    assert client.get(f"/smart/launch/?iss={SERVER}&launch=1").status_code == 403


def test_a_forged_answer_is_refused(clinician_client: Client) -> None:
    response = clinician_client.get("/smart/back/?state=made-up&code=1")
    assert response.status_code == 400
    assert b"no launch of yours" in response.content


def test_what_was_read_fills_the_form_and_stores_nothing(
    clinician_client: Client, study: Study
) -> None:
    study.chart = {}
    study.save()
    read_before(clinician_client)
    page = clinician_client.get("/smart/which/", follow=True)
    assert page.redirect_chain == [(f"/smart/studies/{study.pk}/fill/", 302)]
    assert b'name="labs.lh.value" value="9.5"' in page.content
    study.refresh_from_db()
    assert study.chart == {}
    event = AuditEvent.objects.get(action="chart.filled_in")
    assert event.detail == {"from": SERVER}


def test_another_patients_study_is_never_filled_in(
    clinician_client: Client, study: Study, site: Site
) -> None:
    read_before(clinician_client, number="MRN-2")
    response = clinician_client.get(f"/smart/studies/{study.pk}/fill/")
    assert response.status_code == 400
    assert b"another patient" in response.content


def test_another_birth_date_under_the_same_number_is_not_taken_for_her(
    clinician_client: Client, study: Study
) -> None:
    study.patient.birth_date = dt.date(1990, 5, 5)
    study.patient.save()
    read_before(clinician_client)
    response = clinician_client.get(f"/smart/studies/{study.pk}/fill/")
    assert response.status_code == 400
    assert b"another birth date" in response.content
    study.patient.birth_date = dt.date(1998, 1, 4)
    study.patient.save()
    assert clinician_client.get(f"/smart/studies/{study.pk}/fill/").status_code in (200, 409)


def test_what_was_read_is_forgotten_after_a_while(
    clinician_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_before(clinician_client)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 16 * 60)
    response = clinician_client.get(f"/smart/studies/{study.pk}/fill/")
    assert response.status_code == 400
    assert b"not kept any longer" in response.content


def readings() -> list[Session]:
    """Sessions that hold something of a patient."""
    return [one for one in Session.objects.all() if "bundle" in str(one.get_decoded())]


def test_what_was_read_ends_with_its_token_and_is_gone_from_the_data_base(
    clinician_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_before(clinician_client, lasts_s=60)
    assert len(readings()) == 1
    page = f"/smart/studies/{study.pk}/fill/"
    assert clinician_client.get(page).status_code in (200, 409)
    now = time.time()
    later = timezone.now() + dt.timedelta(seconds=61)
    monkeypatch.setattr(time, "time", lambda: now + 61)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert clinician_client.get(page).status_code == 400
    apart.clear()
    assert readings() == [], "removed, though nobody asked for it again"


def test_signing_out_ends_what_was_read(clinician_client: Client, study: Study) -> None:
    read_before(clinician_client)
    assert len(readings()) == 1
    clinician_client.post("/accounts/sign-out/")
    assert readings() == []


def test_reading_anew_replaces_what_was_read(clinician_client: Client, study: Study) -> None:
    read_before(clinician_client)
    read_before(clinician_client)
    assert len(readings()) == 1


def test_several_open_studies_are_a_choice_and_signed_ones_none(
    clinician_client: Client, study: Study, site: Site
) -> None:
    for number, state in (("ACC-2", StudyState.ARRIVED), ("ACC-3", StudyState.SIGNED)):
        Study.objects.create(site=site, patient=study.patient, accession=number, state=state)
    read_before(clinician_client)
    page = clinician_client.get("/smart/which/")
    assert page.status_code == 200
    assert b"ACC-1" in page.content
    assert b"ACC-2" in page.content
    assert b"ACC-3" not in page.content


def test_a_study_of_another_site_is_not_told(clinician_client: Client, study: Study) -> None:
    elsewhere = Site.objects.create(name="Hill", slug="hill")
    patient = Patient.objects.create(site=elsewhere, identifier="MRN-9")
    hidden = Study.objects.create(site=elsewhere, patient=patient, accession="HIDDEN")
    read_before(clinician_client, number="MRN-9")
    assert b"HIDDEN" not in clinician_client.get("/smart/which/").content
    assert clinician_client.get(f"/smart/studies/{hidden.pk}/fill/").status_code == 404


def test_a_study_begins_only_at_a_site_where_one_may(
    make_user: Any, client_of: Any, site: Site
) -> None:
    elsewhere = Site.objects.create(name="Hill", slug="hill")
    client = client_of(make_user("sam", Role.SONOGRAPHER))
    read_before(client)
    assert client.post("/smart/begin/", {"site": elsewhere.pk}).status_code == 400
    assert not Study.objects.exists()
    response = client.post("/smart/begin/", {"site": site.pk})
    begun = Study.objects.get()
    assert response["Location"] == f"/smart/studies/{begun.pk}/fill/"
    assert begun.patient.identifier == "MRN-1"


def test_an_unknown_unit_is_told_beside_the_form(clinician_client: Client, study: Study) -> None:
    study.chart = {}
    study.save()
    wrong = {**LH, "valueQuantity": {"value": 9.5, "unit": "grain"}}
    read_before(clinician_client, PATIENT, wrong)
    page = clinician_client.get(f"/smart/studies/{study.pk}/fill/")
    assert b"grain" in page.content
    assert b'name="labs.lh.value" value=""' in page.content


MRN = {"coding": [{"code": "MR"}]}


@pytest.mark.parametrize(
    ("identifiers", "system", "number"),
    [
        ([{"value": "1"}], "", "1"),
        ([{"value": "1"}, {"value": "2", "type": MRN}], "", "2"),
        ([{"value": "1", "system": "urn:a"}, {"value": "2", "system": "urn:b"}], "urn:a", "1"),
        ([{"value": "1"}, {"value": "2"}], "", None),
        ([{"value": "1", "system": "urn:a"}], "urn:b", None),
        ([], "", None),
        ([{"value": "9" * 65}], "", None),
    ],
    ids=["only", "record number", "system", "two", "other system", "none", "long"],
)
def test_the_number_that_counts_is_stated_never_guessed(
    settings: Settings, identifiers: list[Any], system: str, number: str | None
) -> None:
    settings.SMART_PATIENT_SYSTEM = system
    if number is None:
        with pytest.raises(InvalidInput, match="which of her numbers"):
            number_of({"identifier": identifiers})
    else:
        assert number_of({"identifier": identifiers}) == number


def test_no_record_system_no_offer(
    clinician_client: Client, study: Study, settings: Settings
) -> None:
    assert b"Ask the record system" in clinician_client.get(f"/studies/{study.pk}/chart/").content
    settings.SMART_SERVERS = ()
    page = clinician_client.get(f"/studies/{study.pk}/chart/")
    assert b"Ask the record system" not in page.content
    assert clinician_client.get(f"/smart/studies/{study.pk}/ask/").status_code == 404


def test_servers_are_named_with_our_name_there() -> None:
    named = "https://a.example/fhir=desk, https://b.example/fhir?x=1=other"
    read = read_environment({"DEEPPCOS_SMART_SERVERS": named})
    assert read.smart_servers == (
        ("https://a.example/fhir", "desk"),
        ("https://b.example/fhir?x=1", "other"),
    )


@pytest.mark.parametrize(
    "named",
    ["https://a.example/fhir", "http://a.example/fhir=desk", "https://a.example/fhir=", "a=b"],
    ids=["no name", "open", "empty name", "no address"],
)
def test_a_server_that_cannot_be_meant_stops_the_start(named: str) -> None:
    with pytest.raises(InvalidInput, match="DEEPPCOS_SMART_SERVERS cannot be meant"):
        read_environment({"DEEPPCOS_SMART_SERVERS": named})
