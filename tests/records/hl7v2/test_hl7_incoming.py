"""Orders, changes of patients, batches: what they say, and what is refused at which field."""

import datetime as dt
from typing import Any

import pytest

from deeppcos.errors import TemporaryFailure

pytest.importorskip("hl7", reason="the records extra is not installed")

from deeppcos.records.hl7v2.acknowledgement import read_answer
from deeppcos.records.hl7v2.answering import answer, explain
from deeppcos.records.hl7v2.batch import batch_of, messages_of
from deeppcos.records.hl7v2.messages import Irrelevant, Reading, Refused, read
from deeppcos.records.hl7v2.orders import Order, OrderControl
from deeppcos.records.hl7v2.patient_changes import (
    PatientLink,
    PatientMerge,
    PatientMove,
    PatientUpdate,
)
from deeppcos.records.hl7v2.problems import MessageProblem
from deeppcos.records.hl7v2.site import NO_SITE, Site

SITE = Site.model_validate(
    {
        "orders": {"last_menstrual_period": ["8665-2^LN", "LMP^L"], "procedures": ["USPELV"]},
        "doctors": {"77": "Dr Ö"},
        "places": {"G1": "Gynaecology"},
        "patient": {"issuer": "WARD"},
    }
)
ORDER = [
    "PID|1||17^^^^MR||Kaya^Elif||19980104|F",
    "PV1|1|O|G1^^^H||||||||||||||||V-9",
    "ORC|NW|PL-1|FI-1|||||||||77^Öz^A",
    "OBR|1|PL-1|FI-1|USPELV^US pelvis^L|||||||||oligomenorrhoea|||||ACC-5",
    "OBX|1|DT|LMP^Last period^L||20251220||||||F",
]


def message(kind: str, *segments: str, control_id: str = "C-1") -> bytes:
    header = f"MSH|^~\\&|RIS|H|DEEPPCOS|H|20260105||{kind}|{control_id}|P|2.5.1||||||UNICODE UTF-8"
    return ("\r".join([header, *segments]) + "\r").encode()


@pytest.mark.parametrize("kind", ["ORM^O01", "OMG^O19^OMG_O19", "OMI^O23^OMI_O23"])
def test_an_order_says_who_what_why_and_under_which_number(kind: str) -> None:
    order = read(message(kind, *ORDER), SITE)
    assert isinstance(order, Order)
    assert (order.patient.number.issuer, order.patient.number.value) == ("WARD", "17")
    assert order.patient.birth_date == dt.date(1998, 1, 4)
    assert (order.visit_number, order.place) == ("V-9", "Gynaecology")
    [one] = order.examinations
    assert one.control is OrderControl.NEW
    assert (one.placer_number, one.filler_number, one.accession_number) == (
        "PL-1",
        "FI-1",
        "ACC-5",
    )
    assert (one.code, one.words, one.reason, one.doctor) == (
        "USPELV",
        "US pelvis",
        "oligomenorrhoea",
        "Dr Ö",
    )
    assert order.last_menstrual_period == dt.date(2025, 12, 20)
    assert not order.questions


def test_an_examination_of_others_is_passed_over_by_name() -> None:
    order = read(message("ORM^O01", *ORDER, "ORC|NW|PL-2", "OBR|2|PL-2||XR^Chest X-ray^L"), SITE)
    assert isinstance(order, Order)
    assert [one.placer_number for one in order.examinations] == ["PL-1"]
    assert "Chest X-ray" in order.others[0]


@pytest.mark.parametrize("control", ["CA", "DC", "XO"])
def test_a_cancelled_order_is_never_a_new_one(control: str) -> None:
    order = read(message("ORM^O01", *ORDER).replace(b"ORC|NW", f"ORC|{control}".encode()), SITE)
    assert isinstance(order, Order)
    assert order.examinations[0].control is not OrderControl.NEW


@pytest.mark.parametrize(
    "stated", ["around Christmas", "202512", "29991231"], ids=["words", "month", "future"]
)
def test_a_last_period_that_is_no_day_is_asked_back(stated: str) -> None:
    order = read(message("ORM^O01", *ORDER).replace(b"20251220", stated.encode()), SITE)
    assert isinstance(order, Order)
    assert order.last_menstrual_period is None
    assert len(order.questions) == 1


def test_two_different_last_periods_are_asked_back() -> None:
    other = "OBX|2|DT|8665-2^LMP^LN||20251227||||||F"
    order = read(message("ORM^O01", *ORDER, other), SITE)
    assert isinstance(order, Order)
    assert order.last_menstrual_period is None
    assert "2025-12-20, 2025-12-27" in order.questions[0]


@pytest.mark.parametrize("event", ["A08", "A31", "A04"])
def test_a_correction_says_who_she_is_now(event: str) -> None:
    update = read(message(f"ADT^{event}", "EVN|A08", ORDER[0]), NO_SITE)
    assert isinstance(update, PatientUpdate)
    assert (update.patient.family_name, update.patient.given_name) == ("Kaya", "Elif")


@pytest.mark.parametrize("event", ["A40", "A34", "A18", "A30", "A36", "A47"])
def test_a_merge_names_survivor_and_prior_number(event: str) -> None:
    merge = read(message(f"ADT^{event}", "PID|1||17", "MRG|4"), SITE)
    assert isinstance(merge, PatientMerge)
    [one] = merge.merged
    assert (one.survivor.number.value, one.prior.value, one.prior.issuer) == ("17", "4", "WARD")


def test_a_move_names_the_right_patient_and_the_number_whose_records_are_hers() -> None:
    move = read(message("ADT^A43", "PID|1||17", "MRG|4"), SITE)
    assert isinstance(move, PatientMove)
    [one] = move.moved
    assert (one.survivor.number.value, one.prior.value) == ("17", "4")


def test_a_number_that_moves_with_its_records_changes_only_what_is_said_of_her() -> None:
    numbers = "PID|1||17^^^WARD^MR~E-2^^^WARD^PI||Kaya^Elif"
    update = read(message("ADT^A43", numbers, "MRG|17^^^WARD^MR"), SITE)
    assert isinstance(update, PatientUpdate)
    assert (update.patient.number.value, update.patient.family_name) == ("17", "Kaya")


@pytest.mark.parametrize(("event", "is_link"), [("A24", True), ("A37", False)])
def test_a_link_names_two_numbers_that_may_have_two_issuers(event: str, is_link: bool) -> None:
    link = read(message(f"ADT^{event}", "PID|1||17", "PV1|1|O", "PID|2||9^^^LAB"), SITE)
    assert isinstance(link, PatientLink)
    assert link.is_link is is_link
    numbers = [(one.number.issuer, one.number.value) for one in (link.one, link.other)]
    assert numbers == [("WARD", "17"), ("LAB", "9")]


def test_a_merge_of_several_is_read_pair_by_pair() -> None:
    merge = read(message("ADT^A40", "PID|1||17", "MRG|4", "PID|2||18", "PV1|1|O"), SITE)
    assert isinstance(merge, Refused)
    assert merge.place == "MRG"
    merge = read(message("ADT^A40", "PID|1||17", "MRG|4", "PID|2||18", "MRG|5"), SITE)
    assert isinstance(merge, PatientMerge)
    assert [one.prior.value for one in merge.merged] == ["4", "5"]


def _without(name: str) -> list[str]:
    return [one for one in ORDER if not one.startswith(name)]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (message("ORM^O01", *_without("PID")), "PID"),
        (message("ORM^O01", *_without("ORC")), "ORC"),
        (message("ORM^O01", *_without("OBR")), "OBR"),
        (message("ORM^O01", *ORDER).replace(b"ORC|NW", b"ORC|ZZ"), "ORC-1"),
        (message("ORM^O01", ORDER[0], "ORC|NW", "OBR|1|||USPELV"), "ORC-2"),
        (message("ORM^O01", ORDER[0], "OBR|1|X||USPELV", "ORC|NW|X"), "OBR"),
        (message("ORM^O01", "PID|1||", *ORDER[1:]), "PID-3"),
        (message("ORM^O01", "PID|1||17~18", *ORDER[1:]), "PID-3"),
        (message("ORM^O01", "PID|1||17||||19989999", *ORDER[1:]), "PID-7"),
        (message("ORM^O01", "PID|1||17||||19980104|female", *ORDER[1:]), "PID-8"),
        (message("ORM^O01", *ORDER, "PID|2||18"), "PID-3"),
        (message("ADT^A40", "PID|1||17"), "MRG"),
        (message("ADT^A40", "PID|1||17", "MRG|17"), "MRG-1"),
        (message("ADT^A40", "PID|1||17", "MRG|"), "MRG-1"),
        (message("ADT^A40", "PID|1||17", "MRG|4^^^OTHER"), "MRG-1.4"),
        (message("ADT^A40", "MRG|4", "PID|1||17"), "PID"),
        (message("ADT^A44", "PID|1||17", "MRG|4||A-1"), "MSH-9"),
        (message("ADT^A45", "PID|1||17", "MRG|4", "PV1|1|O"), "MSH-9"),
        (message("ADT^A43", "PID|1||17", "MRG|17", "PID|2||18", "MRG|4"), "MRG-1"),
        (message("ADT^A43", "PID|1||17"), "MRG"),
        (message("ADT^A24", "PID|1||17"), "PID-3"),
        (message("ADT^A24", "PID|1||17", "PID|2||17"), "PID-3"),
        (message("ADT^A37", "PID|1||17", "PID|2||18", "PID|3||19"), "PID-3"),
        (message("SIU^S12", "PID|1||17"), "MSH-9"),
        (message("ORM^O01", *ORDER, control_id=""), "MSH-10"),
        (message("ORM^O01", *ORDER).replace(b"UNICODE UTF-8", b"8859/3"), "MSH-18"),
        (message("ORM^O01", *ORDER).replace(b"UNICODE UTF-8", b"ASCII"), "MSH-18"),
        (message("ORM^O01", *ORDER) + message("ORM^O01", *ORDER), "MSH"),
        (b"\xff\xfe\x00M", "MSH"),
    ],
    ids=[
        "no PID",
        "no ORC",
        "no OBR",
        "control",
        "no number",
        "order of segments",
        "no patient",
        "two numbers",
        "birth",
        "sex",
        "two patients",
        "no MRG",
        "herself",
        "no prior",
        "issuer",
        "MRG first",
        "accounts",
        "visits",
        "moved and kept",
        "moved from nobody",
        "one alone",
        "with herself",
        "three",
        "kind",
        "no control id",
        "unknown set",
        "wrong set",
        "two messages",
        "UTF-16",
    ],
)
def test_what_cannot_be_used_is_refused_at_its_place(content: bytes, place: str) -> None:
    refused = read(content, SITE if place != "PID-3" else NO_SITE)
    assert isinstance(refused, Refused), refused
    assert refused.place == place
    kept: list[Any] = []
    said = read_answer(answer(content, keep=lambda *what: kept.append(what), site=NO_SITE))
    assert said is not None
    assert said.code in ("AE", "AR")
    assert len(kept) == 1, "what is refused is kept too"
    assert explain(content).problem


def test_an_event_that_changes_nothing_is_taken_and_said_so() -> None:
    content = message("ADT^A03", "PID|1||17")
    assert isinstance(read(content), Irrelevant)
    said = read_answer(answer(content, keep=lambda content, reading: None))
    assert said is not None
    assert (said.code, said.words) == ("AA", "ADT^A03 changes nothing here")


def test_nothing_is_acknowledged_before_it_is_kept() -> None:
    def full(content: bytes, reading: Reading) -> None:
        raise TemporaryFailure("the disk is full")

    said = read_answer(answer(message("ORM^O01", *ORDER), keep=full, site=SITE))
    assert said is not None
    assert (said.code, said.error) == ("AR", "207")
    assert "the disk is full" in said.words


def test_a_refusal_does_not_tell_the_sender_the_value() -> None:
    said = answer(message("ADT^A40", "PID|1||17", "MRG|17"), keep=lambda *what: None)
    assert b"|17" not in said.split(b"\r", 1)[1]


def test_a_batch_is_answered_message_by_message() -> None:
    kept: list[str] = []

    def keep(content: bytes, reading: Reading) -> None:
        kept.append(getattr(reading, "control_id", ""))

    batch = batch_of(
        [
            message("ORM^O01", *ORDER, control_id="1"),
            message("ADT^A40", "PID|1||17", control_id="2"),
        ]
    )
    answered = answer(b"FHS|^~\\&|RIS\r" + batch + b"FTS|1\r", keep=keep, site=SITE)
    codes = [read_answer(one) for one in messages_of(answered)]
    assert [(one.control_id, one.code) for one in codes if one] == [("1", "AA"), ("2", "AE")]
    assert kept == ["1", "2"]


@pytest.mark.parametrize(
    ("batch", "place"),
    [
        (b"BHS|^~\\&|A\rMSH|^~\\&|1\rBTS|2\r", "BTS-1"),
        (b"BHS|^~\\&|A\rMSH|^~\\&|1\r", "BTS"),
        (b"FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|^~\\&|1\rBTS|1\r", "FTS"),
        (b"FHS|^~\\&|A\rBHS|^~\\&|A\rBTS|0\rFTS|2\r", "FTS-1"),
        (b"FHS|^~\\&|A\rMSH|^~\\&|1\rFTS|0\r", "BHS"),
        (b"BHS|^~\\&|A\rPID|1\rBTS|0\r", "PID"),
        (b"BHS|^~\\&|A\rBHS|^~\\&|A\rBTS|0\r", "BHS"),
        (b"FHS|^~\\&|A\rBHS|^~\\&|A\rBTS|0\rFTS|1\rMSH|^~\\&|1\r", "BHS"),
    ],
    ids=["count", "open", "open file", "batches", "bare", "stray", "nested", "after"],
)
def test_a_batch_with_something_missing_is_refused_whole_and_kept(batch: bytes, place: str) -> None:
    with pytest.raises(MessageProblem) as problem:
        messages_of(batch)
    assert problem.value.place == place
    kept: list[bytes] = []
    answer(batch, keep=lambda content, reading: kept.append(content))
    assert kept == [batch]


def test_an_explanation_names_sender_number_and_segments() -> None:
    content = message("ADT^A40", "PID|1||17")
    said = explain(content, site=SITE)
    assert said.what == "ADT^A40 C-1 from RIS^H"
    assert "MRG" in said.problem
    assert said.segments == (("MSH", 1), ("PID", 1))
