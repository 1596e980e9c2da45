"""ADT events that move, link and take apart patients, told by an MLLP client that is not ours."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from tests.app.web.connections.conftest import Connect
from tests.app.web.connections.test_received_messages import LISTENING, message, order

pytest.importorskip("hl7", reason="the records extra is not installed")

from deeppcos.app.web.connections import merging, places
from deeppcos.app.web.connections.messages import apply_waiting, take_message
from deeppcos.app.web.models import (
    AuditEvent,
    ExpectedStudy,
    MessageState,
    Patient,
    ReceivedMessage,
    Site,
    Study,
)
from deeppcos.records.hl7v2.mllp import MllpSettings, serving
from deeppcos.records.identifiers import PatientIdentifier

pytestmark = [pytest.mark.network, pytest.mark.django_db(transaction=True)]

Tell = Callable[[str], str]


@pytest.fixture
def tell(connect: Connect, site: Site) -> Iterator[Tell]:
    """Send a message with python-hl7's client, have it applied; gives code of the answer."""
    from hl7.client import MLLPClient

    connect(LISTENING)
    with (
        serving(MllpSettings(host="127.0.0.1", port=0), take_message) as listener,
        MLLPClient("127.0.0.1", listener.port, encoding="ascii") as client,
    ):
        client.socket.settimeout(30)

        def told(text: str) -> str:
            said = client.send_message(text).decode("ascii")
            apply_waiting(places.connections())
            return str(said.split("MSA|")[1][:2])

        yield told


@pytest.fixture
def studies(site: Site) -> dict[str, Study]:
    """A study each of two patients."""
    made = {}
    for number, name in (("P-1", "Jane Doe"), ("P-2", "Ann Roe")):
        patient = Patient.objects.create(site=site, identifier=number, name=name)
        made[number] = Study.objects.create(site=site, patient=patient, accession=f"A-{number}")
    return made


def pid(number: str, name: str = "") -> str:
    return f"PID|2||{number}^^^RIVERSIDE^MR||{name}"


def of(studies: dict[str, Study]) -> dict[str, str]:
    """Whose each study is now."""
    now = {key: Study.objects.select_related("patient").get(pk=one.pk) for key, one in
           studies.items()}  # fmt: skip
    return {key: one.patient.identifier for key, one in now.items()}


def last() -> ReceivedMessage:
    newest = ReceivedMessage.objects.order_by("received_at").last()
    assert newest is not None
    return newest


@pytest.mark.parametrize("event", ["A30", "A47"])
def test_a_changed_number_takes_its_studies_along_and_what_comes_under_the_old_one(
    tell: Tell, studies: dict[str, Study], event: str
) -> None:
    assert tell(message(f"ADT^{event}", "1", "MRG|P-1^^^RIVERSIDE^MR", patient="P-7")) == "AA"
    assert of(studies) == {"P-1": "P-7", "P-2": "P-2"}
    tell(order("2"))
    assert ExpectedStudy.objects.get().patient == "P-7"


def test_a_move_gives_the_studies_to_the_right_patient_and_leaves_the_number_in_use(
    tell: Tell, studies: dict[str, Study]
) -> None:
    assert tell(message("ADT^A43", "1", "MRG|P-1^^^RIVERSIDE^MR", patient="P-2")) == "AA"
    assert of(studies) == {"P-1": "P-2", "P-2": "P-2"}
    assert AuditEvent.objects.filter(action="study.patient_merged").count() == 1
    assert Patient.objects.get(identifier="P-2").name == "Ann Roe", "another woman's name stays"
    tell(order("2", accession="A-99"))
    assert ExpectedStudy.objects.get().patient == "P-1", "the number goes on"


def test_a_move_to_a_patient_nobody_named_never_lends_her_the_others_name(
    tell: Tell, studies: dict[str, Study]
) -> None:
    nameless = message("ADT^A43", "1", "MRG|P-1^^^RIVERSIDE^MR", patient="P-9")
    assert tell(nameless.replace("Doe^Jane", "")) == "AA"
    assert Patient.objects.get(identifier="P-9").name == ""


def test_a_move_from_a_number_that_was_merged_is_kept_aside_with_its_reason(
    tell: Tell, studies: dict[str, Study]
) -> None:
    tell(message("ADT^A40", "1", "MRG|P-1^^^RIVERSIDE^MR", patient="P-2"))
    tell(message("ADT^A43", "2", "MRG|P-1^^^RIVERSIDE^MR", patient="P-9"))
    assert last().state == MessageState.REFUSED
    assert "is not told apart" in last().words
    assert of(studies) == {"P-1": "P-2", "P-2": "P-2"}


def test_a_link_and_an_unlink_move_nothing_and_are_shown(
    tell: Tell, studies: dict[str, Study], clinician_client: Client
) -> None:
    before = of(studies)
    assert tell(message("ADT^A24", "1", pid("P-2"))) == "AA"
    assert of(studies) == before
    page = f"/studies/{studies['P-1'].pk}/sent/"
    shown = clinician_client.get(page).content.decode()
    assert "several numbers" in shown
    assert "P-2" in shown
    assert AuditEvent.objects.filter(action="patient.linked").count() == 2
    assert tell(message("ADT^A37", "2", pid("P-2"))) == "AA"
    assert of(studies) == before
    assert "several numbers" not in clinician_client.get(page).content.decode()
    assert AuditEvent.objects.filter(action="patient.unlinked").count() == 2


def test_an_unlink_of_what_was_merged_or_never_linked_is_kept_aside_and_loses_nothing(
    tell: Tell, studies: dict[str, Study]
) -> None:
    tell(message("ADT^A37", "1", pid("P-2")))
    assert last().state == MessageState.REFUSED
    assert "no such link" in last().words
    tell(message("ADT^A40", "2", "MRG|P-1^^^RIVERSIDE^MR", patient="P-2"))
    merged = of(studies)
    tell(message("ADT^A37", "3", pid("P-2")))
    assert last().state == MessageState.REFUSED
    assert "were merged, not linked" in last().words
    assert of(studies) == merged
    assert Study.objects.count() == 2


@pytest.mark.parametrize(("event", "what"), [("A44", "accounts"), ("A45", "visits")])
def test_what_moves_part_of_a_record_is_refused_by_name_and_kept(
    tell: Tell, studies: dict[str, Study], event: str, what: str
) -> None:
    assert tell(message(f"ADT^{event}", "1", "MRG|P-1^^^RIVERSIDE^MR", patient="P-2")) == "AR"
    assert last().state == MessageState.REFUSED
    assert f"moves single {what}" in last().words
    assert of(studies) == {"P-1": "P-1", "P-2": "P-2"}


def test_a_merge_of_two_pairs_is_whole_or_nothing_of_it_stands(
    tell: Tell, studies: dict[str, Study], site: Site
) -> None:
    tell(message("ADT^A40", "1", "MRG|P-2^^^RIVERSIDE^MR", patient="P-8"))
    both = ("MRG|P-1^^^RIVERSIDE^MR", pid("P-5"), "MRG|P-2^^^RIVERSIDE^MR")
    tell(message("ADT^A40", "2", *both, patient="P-4"))
    assert last().state == MessageState.REFUSED
    assert "already merged" in last().words
    assert of(studies) == {"P-1": "P-1", "P-2": "P-8"}
    first = PatientIdentifier(issuer=site.slug, value="P-1")
    assert merging.merge_table().canonical(first) == first
