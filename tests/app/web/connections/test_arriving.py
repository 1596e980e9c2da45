"""From a real C-STORE to a study of the worklist: once, whole, and late images too."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from tests.app.web.connections.conftest import (
    PEERS,
    Connect,
    MakeImages,
    read_by_machine,
    sign,
)
from tests.records.dicom_results.conftest import STUDY_UID

pytest.importorskip("pynetdicom", reason="the records extra is not installed")

from deeppcos.app.connections.listeners import open_doors
from deeppcos.app.connections.rules import StudyFacts, fits, incoming_for
from deeppcos.app.connections.settings import connections_from
from deeppcos.app.connections.tables import Conditions
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.arriving import (
    late_images,
    read_lost_again,
    senders_of,
    take_quiet,
)
from deeppcos.app.web.connections.identity import desk_number, shown_name
from deeppcos.app.web.connections.orders import Expected, begin_expected, expect
from deeppcos.app.web.models import AuditEvent, Job, Patient, Site, Study, User
from deeppcos.app.web.signoff.signing import begin_amendment
from deeppcos.records.dicom_network import DicomPeer, Inbox, store
from deeppcos.records.identifiers import PatientIdentifier

pytestmark = pytest.mark.network

Send = Callable[[list[Path]], None]


@pytest.fixture
def inbox(connect: Connect) -> Iterator[Inbox]:
    connect()
    with Inbox(places.inbox_folder()) as there:
        yield there


@pytest.fixture
def send(inbox: Inbox) -> Iterator[Send]:
    """C-STORE to a listener of ours, as the scanner VOLUSON1."""
    with open_doors(places.connections(), inbox) as doors:
        assert doors.dicom_port is not None
        peer = DicomPeer(
            ae_title="DEEPPCOS", own_ae_title="VOLUSON1", host="127.0.0.1", port=doors.dicom_port
        )

        def stored(files: list[Path]) -> None:
            assert {one.state for one in store(files, peer=peer)} == {"stored"}

        yield stored


def take(inbox: Inbox) -> int:
    return take_quiet(inbox, places.connections())


def test_a_study_that_is_quiet_becomes_one_of_the_worklist_and_is_read(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    send(make_images(2))
    assert take(inbox) == 1
    study = Study.objects.get()
    assert (study.accession, study.study_uid) == ("A-77", STUDY_UID)
    assert str(study.performed_on) == "2026-01-05"
    patient = study.patient
    assert (patient.identifier, patient.name) == ("P-1", "JANE DOE")
    assert str(patient.birth_date) == "1998-01-04"
    assert study.images.count() == 2
    assert senders_of(study) == ("VOLUSON1",)
    assert Job.objects.get().kind == "analyse"
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"study.received", "study.files_received", "patient.arrived"} <= actions
    assert take(inbox) == 0


def test_the_same_images_again_change_nothing(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    files = make_images(2)
    send(files)
    take(inbox)
    send(files)
    inbox.mark(STUDY_UID, "arriving")  # as after a kill before it was marked
    take(inbox)
    assert Study.objects.get().images.count() == 2
    assert Job.objects.count() == 1


def test_images_that_come_later_join_their_study_and_have_it_read_again(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    send(make_images(1))
    take(inbox)
    Job.objects.update(state="done")
    send(make_images(1, first=2))
    take(inbox)
    assert Study.objects.get().images.count() == 2
    assert Job.objects.filter(state="waiting").count() == 1


@pytest.mark.slow
def test_images_that_come_after_the_signature_wait_for_an_amendment(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages, clinician: User
) -> None:
    send(make_images(1))
    take(inbox)
    study = Study.objects.get()
    read_by_machine(study)
    sign(study, clinician)
    send(make_images(1, first=2))
    take(inbox)
    assert study.images.count() == 1, "what is signed stays as it was"
    assert late_images(study) == 1
    take(inbox)
    assert study.images.count() == 1
    begin_amendment(study, by=clinician)
    take(inbox)
    assert study.images.count() == 2
    assert late_images(study) == 0


def test_our_own_results_that_come_back_are_no_study(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    send(make_images(1, Manufacturer="DeepPCOS"))
    take(inbox)
    assert not Study.objects.exists()


def test_an_order_gives_its_number_and_its_study_to_the_images(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages, sonographer: User
) -> None:
    announced = Expected(
        accession="A-77",
        study_uid="",
        patient="P-1",
        name="Jane Doe",
        birth_date=None,
        description="US pelvis",
        scheduled_at=None,
    )
    expected = expect(announced, site, source="RIS")
    study = begin_expected(expected, by=sonographer)
    assert study.patient.name == "Jane Doe"
    send(make_images(1))
    take(inbox)
    assert Study.objects.get().pk == study.pk
    assert study.images.count() == 1


def test_another_patient_with_the_ordered_number_gets_a_study_of_her_own(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    other = Patient.objects.create(site=site, identifier="P-9", name="Somebody Else")
    Study.objects.create(site=site, patient=other, accession="A-77")
    send(make_images(1))
    take(inbox)
    study = Study.objects.get(study_uid=STUDY_UID)
    assert study.patient.identifier == "P-1"
    assert study.accession.startswith("A-77 D")
    assert Study.objects.count() == 2


@pytest.mark.slow
def test_a_rule_that_says_no_leaves_the_study_unread(
    site: Site, connect: Connect, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    connect(PEERS + '[[incoming]]\nae_titles = "VOLUSON1"\nanalyze = false\n')
    send(make_images(1))
    take(inbox)
    assert Study.objects.get().images.count() == 1
    assert not Job.objects.exists()


def test_a_reading_that_was_lost_too_often_is_asked_for_again_but_not_for_ever(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    send(make_images(1))
    take(inbox)
    for expected in (1, 1, 1, 1, 1, 0):
        assert read_lost_again() == 0, "not while it waits"
        Job.objects.filter(state="waiting").update(
            state="failed", ended_at=timezone.now() - timedelta(minutes=2)
        )
        assert read_lost_again() == expected
    Job.objects.all().delete()
    job = Job.objects.create(
        kind="analyse", study=Study.objects.get(), state="failed", problem="no ultrasound",
        ended_at=timezone.now() - timedelta(minutes=2),
    )  # fmt: skip
    assert read_lost_again() == 0, f"{job.problem} is an answer"


def test_a_site_that_does_not_exist_is_told_and_nothing_is_lost(
    site: Site, connect: Connect, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    connect(PEERS + '[[incoming]]\ninto_site = "nowhere"\n')
    send(make_images(1))
    assert take(inbox) == 0
    event = AuditEvent.objects.get(action="connection.not_taken")
    assert "into_site names no site" in event.detail["problem"]
    take(inbox)
    assert AuditEvent.objects.filter(action="connection.not_taken").count() == 1
    connect()
    assert take(inbox) == 1, "taken as soon as the file is right"


@pytest.mark.slow
def test_a_number_of_another_issuer_is_another_patient(
    site: Site, inbox: Inbox, send: Send, make_images: MakeImages
) -> None:
    Patient.objects.create(site=site, identifier="P-1", name="Somebody Else")
    send(make_images(1, IssuerOfPatientID="ELSEWHERE"))
    take(inbox)
    assert Study.objects.get().patient.identifier == "P-1^^^ELSEWHERE"


def test_patients_without_a_number_are_never_one() -> None:
    numbers = {desk_number(None, home="H", otherwise=uid) for uid in ("1.2", "1.3")}
    assert len(numbers) == 2
    long = [PatientIdentifier(issuer="X" * 50, value=f"{n}") for n in range(2)]
    assert len({desk_number(one, home="H") for one in long}) == 2
    assert all(len(desk_number(one, home="H")) <= 64 for one in long)


@pytest.mark.parametrize(
    ("written", "shown"),
    [("DOE^JANE", "JANE DOE"), ("", ""), ("Doe", "Doe"), ("D^J^A^Dr^PhD", "Dr J A D, PhD")],
    ids=["plain", "none", "family-only", "all"],
)
def test_names_are_written_as_people_write_them(written: str, shown: str) -> None:
    assert shown_name(written) == shown


def test_the_first_incoming_table_that_fits_counts() -> None:
    told = connections_from(
        {
            "incoming": [
                {"stations": ["ROOM2"], "analyze": False},
                {"modalities": ["US"], "into_site": "a"},
            ]
        },
        Path("connections.toml"),
    )
    room2 = StudyFacts(stations=frozenset({"ROOM2"}), modalities=frozenset({"US"}))
    assert not incoming_for(told, room2).analyze
    assert incoming_for(told, StudyFacts(modalities=frozenset({"US"}))).into_site == "a"
    assert incoming_for(told, StudyFacts()).analyze, "without a table it is analysed"
    assert fits(Conditions(sites=("a",)), StudyFacts(site="a"))
    assert not fits(Conditions(sites=("b",)), StudyFacts(site="a"))
