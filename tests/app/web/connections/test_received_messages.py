"""HL7 v2 from a real MLLP sender: orders, laboratory results, corrections and merges."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from tests.app.web.connections.conftest import PEERS, Connect

pytest.importorskip("hl7", reason="the records extra is not installed")

from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.messages import apply_waiting, take_message
from deeppcos.app.web.connections.orders import begin_expected
from deeppcos.app.web.models import (
    AuditEvent,
    ExpectedStudy,
    MessageState,
    Patient,
    ReceivedMessage,
    Site,
    Study,
    User,
)
from deeppcos.records.hl7v2.mllp import Acknowledgement, MllpPeer, MllpSettings, send, serving

pytestmark = [pytest.mark.network, pytest.mark.django_db(transaction=True)]

LISTENING = PEERS + "[listeners.hl7]\nport = 0\n"
Tell = Callable[[str], Acknowledgement]


@pytest.fixture
def tell(connect: Connect, site: Site) -> Iterator[Tell]:
    """Send a message over MLLP, and have what waits applied."""
    connect(LISTENING)
    with serving(MllpSettings(host="127.0.0.1", port=0), take_message) as listener:
        peer = MllpPeer(host="127.0.0.1", port=listener.port, timeout_s=30)

        def told(message: str) -> Acknowledgement:
            said = send(message, peer=peer)
            apply_waiting(places.connections())
            return said

        yield told


def message(kind: str, control: str, *segments: str, patient: str = "P-1") -> str:
    header = f"MSH|^~\\&|RIS|RIVERSIDE|DEEPPCOS||20260105101500||{kind}|{control}|P|2.5.1"
    pid = f"PID|1||{patient}^^^RIVERSIDE^MR||Doe^Jane||19980104|F"
    return "\r".join((header, pid, *segments)) + "\r"


def order(control: str, do: str = "NW", accession: str = "A-77") -> str:
    return message(
        "ORM^O01",
        control,
        f"ORC|{do}|PL-1|F-1",
        f"OBR|1|PL-1|F-1|USPELV^US pelvis transvaginal||||||||||||||{accession}|{accession}",
    )


def labs(control: str, *results: tuple[str, str, str, str], patient: str = "P-1") -> str:
    lines = ["OBR|1|||LAB^Laboratory|||20260101080000"]
    for place, (loinc, value, unit, day) in enumerate(results, start=1):
        lines.append(f"OBX|{place}|NM|{loinc}^x^LN||{value}|{unit}|||||F|||{day}")
    return message("ORU^R01", control, *lines, patient=patient)


TSH, PROLACTIN = "3016-3", "2842-3"


@pytest.fixture
def study(site: Site) -> Study:
    """An open study of the messages' patient, with an empty chart."""
    patient = Patient.objects.create(site=site, identifier="P-1", name="Jane Doe")
    return Study.objects.create(
        site=site, patient=patient, accession="A-77", performed_on="2026-01-05"
    )


def lab_in(study: Study, analyte: str) -> float | None:
    study.refresh_from_db()
    found = [one for one in study.chart.get("labs", []) if one["analyte"] == analyte]
    return found[0]["value"] if found else None


def test_an_order_is_acknowledged_expected_and_begun(tell: Tell, sonographer: User) -> None:
    assert tell(order("1")).code == "AA"
    expected = ExpectedStudy.objects.get()
    assert (expected.patient, expected.name) == ("P-1", "Jane Doe")
    assert "US pelvis" in expected.description
    assert str(expected.birth_date) == "1998-01-04"
    begun = begin_expected(expected, by=sonographer)
    assert begun.patient.name == "Jane Doe"
    assert tell(order("2", do="CA")).code == "AA"
    assert ExpectedStudy.objects.get().is_cancelled


@pytest.mark.parametrize("site_states", ["8859/9", ""], ids=["stated", "unstated"])
def test_a_message_without_a_character_set_is_read_in_the_one_the_site_states_or_refused(
    connect: Connect, site: Site, site_states: str
) -> None:
    import hl7.client

    key = f'unstated_character_set = "{site_states}"\n' if site_states else ""
    connect(LISTENING + key)
    with (
        serving(MllpSettings(host="127.0.0.1", port=0), take_message) as listener,
        hl7.client.MLLPClient("127.0.0.1", listener.port, encoding="iso8859-9") as client,
    ):
        client.socket.settimeout(30)
        said = client.send_message(order("1").replace("Doe^Jane", "Şahin^Işıl"))
    apply_waiting(places.connections())
    assert ("MSA|AA|1" in said.decode()) is bool(site_states)
    got = ReceivedMessage.objects.get()
    if site_states:
        assert ExpectedStudy.objects.get().name == "Işıl Şahin"
    else:
        assert got.state == MessageState.REFUSED
        assert "is taken to be in, ASCII" in got.words


def test_the_same_message_twice_is_one(tell: Tell) -> None:
    for _ in range(2):
        assert tell(order("1")).code == "AA"
    assert ReceivedMessage.objects.count() == 1


def test_results_fill_what_the_chart_leaves_open(tell: Tell, study: Study) -> None:
    assert tell(labs("1", (TSH, "1.9", "m[IU]/L", "20260102"))).code == "AA"
    assert lab_in(study, "tsh") == 1.9
    got = ReceivedMessage.objects.get()
    assert (got.state, got.study) == (MessageState.APPLIED, study)
    [event] = AuditEvent.objects.filter(action="study.labs_filled_in")
    assert "labs.tsh.value" in event.detail["fields"]
    assert event.actor is None


def test_results_wait_for_the_study_of_their_patient(tell: Tell, sonographer: User) -> None:
    assert tell(labs("1", (TSH, "1.9", "m[IU]/L", "20260102"))).code == "AA"
    waiting = ReceivedMessage.objects.get()
    assert waiting.state == MessageState.WAITING
    assert "wait for it" in waiting.words
    tell(order("2"))
    begun = begin_expected(ExpectedStudy.objects.get(), by=sonographer)
    assert lab_in(begun, "tsh") == 1.9
    waiting.refresh_from_db()
    assert waiting.state == MessageState.APPLIED


def test_results_without_a_study_hold_up_nothing_and_find_a_study_begun_by_hand(
    tell: Tell, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deeppcos.app.web.connections.messages.MOST_AT_ONCE", 2)
    for number in range(3):
        tell(labs(f"1{number}", (TSH, "1.9", "m[IU]/L", "20260102"), patient=f"P-{number}"))
    tell(order("2"))
    assert ExpectedStudy.objects.exists(), "an order behind them is not held up"
    patient = Patient.objects.create(site=site, identifier="P-0")
    study = Study.objects.create(site=site, patient=patient, accession="B-1")
    assert apply_waiting(places.connections()) == 1
    assert lab_in(study, "tsh") == 1.9


def test_the_latest_up_to_the_study_counts(tell: Tell, study: Study) -> None:
    results = [
        (TSH, "1.5", "m[IU]/L", "20251201"),
        (TSH, "1.9", "m[IU]/L", "20260103"),
        (TSH, "9.9", "m[IU]/L", "20260201"),
    ]
    tell(labs("1", *results))
    assert lab_in(study, "tsh") == 1.9
    assert "after the study" in ReceivedMessage.objects.get().words


def test_what_contradicts_itself_is_asked_and_left_open(
    tell: Tell, study: Study, clinician_client: Client
) -> None:
    results = [(TSH, "1.9", "m[IU]/L", "20260102"), (TSH, "5.9", "m[IU]/L", "20260102")]
    tell(labs("1", *results, (PROLACTIN, "300", "m[IU]/L", "20260102")))
    assert lab_in(study, "tsh") is None
    assert lab_in(study, "prolactin") == 300
    assert ReceivedMessage.objects.get().state == MessageState.ASKED
    page = clinician_client.get(f"/studies/{study.pk}/sent/").content.decode()
    assert "more than one answer" in page
    asked = clinician_client.post(f"/studies/{study.pk}/sent/labs/")
    assert asked.status_code == 409
    assert "1.9" in asked.content.decode()
    assert "5.9" in asked.content.decode()
    clinician_client.post(f"/studies/{study.pk}/sent/labs/done/")
    assert ReceivedMessage.objects.get().state == MessageState.APPLIED


def test_what_contradicts_the_chart_never_replaces_it(tell: Tell, study: Study) -> None:
    study.chart = {"labs": [{"analyte": "tsh", "value": 2.5, "unit": "m[IU]/L"}]}
    study.save()
    tell(labs("1", (TSH, "1.9", "m[IU]/L", "20260102")))
    assert lab_in(study, "tsh") == 2.5
    assert ReceivedMessage.objects.get().state == MessageState.ASKED


def test_a_message_that_cannot_be_used_is_refused_kept_and_shown(tell: Tell) -> None:
    said = tell(message("ORU^R01", "9", "OBX|1|NM|x", patient=""))
    assert said.code == "AE"
    kept = ReceivedMessage.objects.get()
    assert kept.state == MessageState.REFUSED
    assert bytes(kept.content).startswith(b"MSH")
    assert kept.words


def test_a_correction_changes_the_patient_and_says_so(tell: Tell, study: Study) -> None:
    tell(message("ADT^A08^ADT_A01", "1").replace("Doe^Jane", "Roe^Jane"))
    study.patient.refresh_from_db()
    assert study.patient.name == "Jane Roe"
    [event] = AuditEvent.objects.filter(action="patient.corrected")
    assert event.detail == {"fields": ["name", "birth_date"]}
    assert "Roe" not in str(event.detail)


def test_a_merge_moves_the_studies_and_what_comes_later_under_the_old_number(
    tell: Tell, study: Study, site: Site
) -> None:
    merge = message("ADT^A40^ADT_A39", "1", "MRG|P-1^^^RIVERSIDE^MR", patient="P-2")
    assert tell(merge).code == "AA"
    study.refresh_from_db()
    assert study.patient.identifier == "P-2"
    [event] = AuditEvent.objects.filter(action="study.patient_merged")
    assert event.about == f"study:{study.pk}"
    tell(order("2", accession="A-78"))
    assert ExpectedStudy.objects.get(accession="A-78").patient == "P-2"
    back = message("ADT^A40^ADT_A39", "3", "MRG|P-2^^^RIVERSIDE^MR", patient="P-1")
    tell(back)
    refused = ReceivedMessage.objects.get(control_id="3")
    assert refused.state == MessageState.REFUSED
    assert "circle" in refused.words
    study.refresh_from_db()
    assert study.patient.identifier == "P-2"
