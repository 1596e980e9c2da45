import re
from collections.abc import Callable

import pytest
from django.http import QueryDict
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from deeppcos.app.web import jobs
from deeppcos.app.web.models import Patient, Site, Study, StudyState, Urgency, User
from deeppcos.app.web.worklist.pages import PAGE_SIZE
from deeppcos.app.web.worklist.query import asked

MakeStudy = Callable[..., Study]


@pytest.fixture
def make_study(site: Site) -> MakeStudy:
    def make(name: str, **fields: object) -> Study:
        patient = Patient.objects.create(site=site, identifier=f"ID-{name}", name=name)
        return Study.objects.create(
            **{"site": site, "patient": patient, "accession": f"A-{name}", **fields}
        )

    return make


def names(client: Client, address: str) -> list[str]:
    """Patients in the order in which the page shows them."""
    answer = client.get(address)
    assert answer.status_code == 200
    return re.findall(r'class="patient"><a[^>]*>([^<]+)<', answer.content.decode())


def test_the_most_urgent_comes_first_then_the_newest(
    clinician_client: Client, make_study: MakeStudy
) -> None:
    make_study("Old")
    make_study("Urgent", urgency=Urgency.URGENT)
    make_study("New")
    assert names(clinician_client, "/") == ["Urgent", "New", "Old"]
    assert names(clinician_client, "/?order=oldest") == ["Old", "Urgent", "New"]


def test_every_word_must_be_found_in_name_identifier_or_accession(
    clinician_client: Client, make_study: MakeStudy
) -> None:
    make_study("Öztürk, Ayşe", accession="US-77")
    make_study("Ayres, Zoe", accession="US-78")
    assert names(clinician_client, "/?q=öztürk+us-77") == ["Öztürk, Ayşe"]
    assert names(clinician_client, "/?q=us-78") == ["Ayres, Zoe"]
    assert names(clinician_client, "/?q=us-78+öztürk") == []


def test_a_renamed_patient_is_found_by_her_new_name(
    clinician_client: Client, make_study: MakeStudy
) -> None:
    patient = make_study("Before").patient
    patient.name = "After"
    patient.save()
    assert names(clinician_client, "/?q=after") == ["After"]
    assert names(clinician_client, "/?q=before") == ["After"]  # still her identifier
    assert names(clinician_client, "/?q=nobody") == []


def test_states_urgency_owner_and_nearness_narrow_the_list(
    clinician: User, clinician_client: Client, make_study: MakeStudy
) -> None:
    make_study("Signed", state=StudyState.SIGNED)
    make_study("Soon", urgency=Urgency.SOON)
    make_study("Mine", assigned_to=clinician)
    make_study("Near", closeness=0.1, count_margin=-2.0)
    make_study("Far", closeness=0.9, volume_margin_ml=9.0)
    assert names(clinician_client, "/?state=signed") == ["Signed"]
    assert names(clinician_client, "/?urgency=1") == ["Soon"]
    assert names(clinician_client, "/?mine=1") == ["Mine"]
    assert names(clinician_client, "/?near=1") == ["Near"]
    assert names(clinician_client, "/?order=closeness") == ["Near", "Far"]


def test_only_the_table_is_sent_to_htmx(clinician_client: Client, make_study: MakeStudy) -> None:
    make_study("Somebody")
    part = clinician_client.get("/", headers={"HX-Request": "true", "HX-Target": "studies"})
    assert part.content.decode().lstrip().startswith('<section id="studies"')


def test_a_page_costs_the_same_few_queries_however_long_the_list(
    clinician_client: Client,
    make_study: MakeStudy,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(PAGE_SIZE + 3):
        make_study(f"N{number:02d}")
    with django_assert_max_num_queries(12):
        first = names(clinician_client, "/?order=patient")
    last = names(clinician_client, "/?order=patient&page=2")
    assert first + last == [f"N{number:02d}" for number in range(PAGE_SIZE + 3)]
    assert len(names(clinician_client, "/?page=99")) == 3


def test_work_that_goes_on_is_shown_and_looked_at_again(
    clinician_client: Client, make_study: MakeStudy
) -> None:
    jobs.ask("analyse", study=make_study("Waiting"))
    shown = clinician_client.get("/").content.decode()
    assert "waiting to be read" in shown
    assert 'hx-trigger="every 3s"' in shown


def test_an_empty_list_says_what_to_do(clinician_client: Client) -> None:
    assert "No study has arrived yet" in clinician_client.get("/").content.decode()
    assert "No study fits" in clinician_client.get("/?q=x").content.decode()


@pytest.mark.parametrize(
    "address", ["state=dead", "urgency=9", "urgency=x", "order=random", "page=-1", "page=x"]
)
def test_an_address_that_makes_no_sense_asks_for_everything(address: str) -> None:
    assert asked(QueryDict(address)) == asked(QueryDict())
