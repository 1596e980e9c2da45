"""From a signature to the outbox, and from the last acknowledgement to the state ``sent``."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pydicom import dcmread
from tests.app.web.connections.conftest import (
    EVERYBODY_TAKES,
    PEERS,
    Connect,
    read_by_machine,
    sign,
    take_all,
)

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import ItemState
from deeppcos.app.connections.sending import Answer, send_due
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.dispatching import dispatch_due, mark_sent
from deeppcos.app.web.models import AuditEvent, Dispatch, Study, StudyState, User
from deeppcos.app.web.signoff.signing import begin_amendment
from deeppcos.errors import TemporaryFailure

pytest.importorskip("highdicom", reason="the records extra is not installed")


def put_out(outbox: Outbox) -> int:
    return dispatch_due(outbox, places.connections())


def sent_files(outbox: Outbox, what: str) -> list[bytes]:
    [item] = [one for one in outbox.items() if one.what == what and "signed" in one.event]
    return [outbox.payloads.path(one).read_bytes() for one in item.files]


def test_a_signature_is_put_out_whole_and_of_its_standing(
    connect: Connect, dicom_study: Study, clinician: User
) -> None:
    outbox = connect()
    read_by_machine(dicom_study)
    report = sign(dicom_study, clinician)
    assert put_out(outbox) == 2
    made = {(one.event.split(":")[0], one.what, one.peer) for one in outbox.items()}
    assert made == {
        ("analysed", "report", "pacs"),
        *(("signed", what, "pacs") for what in ("segmentation", "report", "ob_gyn_report", "pdf")),
        ("signed", "key_objects", "pacs"),
        ("signed", "fhir", "ehr"),
        ("signed", "hl7", "engine"),
    }
    assert all(one.state is ItemState.WAITING for one in outbox.items()), "none was refused"
    for item in outbox.items():
        if item.what == "report":
            structured = dcmread(outbox.payloads.path(item.files[0]))
            flags = (structured.CompletionFlag, structured.VerificationFlag)
            is_signed = item.event.startswith("signed")
            assert flags == (("COMPLETE", "VERIFIED") if is_signed else ("PARTIAL", "UNVERIFIED"))
    [bundle] = sent_files(outbox, "fhir")
    resources = [one["resource"] for one in json.loads(bundle)["entry"]]
    [told] = [one for one in resources if one["resourceType"] == "DiagnosticReport"]
    assert told["status"] == "final"
    [message] = sent_files(outbox, "hl7")
    assert b"||F\r" in message
    [document] = [dcmread(outbox.payloads.path(p)) for i in outbox.items() if i.what == "pdf"
                  for p in i.files]  # fmt: skip
    assert (report.folder / "report.pdf").read_bytes() in bytes(document.EncapsulatedDocument)


def test_what_a_signature_needs_is_noted_with_it_or_not_at_all(
    connect: Connect, dicom_study: Study, clinician: User
) -> None:
    connect()
    read_by_machine(dicom_study)

    class PowerCut(Exception):
        """The transaction never ends."""

    @transaction.atomic
    def sign_and_lose_power() -> None:
        sign(dicom_study, clinician)
        raise PowerCut

    with pytest.raises(PowerCut):
        sign_and_lose_power()
    assert not Dispatch.objects.filter(event="signed").exists()
    assert Dispatch.objects.filter(event="analysed").count() == 1


@pytest.mark.slow
def test_a_kill_between_the_outbox_and_the_row_queues_nothing_twice(
    connect: Connect, dicom_study: Study, clinician: User
) -> None:
    outbox = connect()
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    put_out(outbox)
    before = outbox.items()
    Dispatch.objects.update(done_at=None)
    assert put_out(outbox) == 2
    assert outbox.items() == before


def test_nothing_is_noted_where_nobody_is_connected(dicom_study: Study, clinician: User) -> None:
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    assert not Dispatch.objects.exists()


def test_a_study_is_sent_when_everybody_has_acknowledged_and_not_before(
    connect: Connect, dicom_study: Study, clinician: User
) -> None:
    outbox = connect()
    told = places.connections()
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    put_out(outbox)

    def down(peer: object, files: object) -> Answer:
        raise TemporaryFailure("the engine is down")

    send_due(outbox, told, senders={**EVERYBODY_TAKES, "hl7": down})
    assert mark_sent(outbox) == 0
    dicom_study.refresh_from_db()
    assert dicom_study.state == StudyState.SIGNED
    [waiting] = outbox.items(states=[ItemState.WAITING])
    outbox.retry(waiting.id, by="Dr Ada")
    send_due(outbox, told, senders={"hl7": take_all})
    assert mark_sent(outbox) == 1
    dicom_study.refresh_from_db()
    assert dicom_study.state == StudyState.SENT
    assert dicom_study.sent_at is not None
    assert AuditEvent.objects.filter(action="report.sent").count() == 1
    assert mark_sent(outbox) == 0


@pytest.mark.slow
def test_an_amendment_goes_where_the_signed_report_went_and_says_that_it_corrects(
    connect: Connect, dicom_study: Study, clinician: User
) -> None:
    outbox = connect()
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    put_out(outbox)
    send_due(outbox, places.connections(), senders=EVERYBODY_TAKES)
    mark_sent(outbox)
    begin_amendment(dicom_study, by=clinician)
    sign(dicom_study, clinician, because="the side was wrong")
    put_out(outbox)
    amended = [one for one in outbox.items() if one.event.startswith("amended")]
    assert {one.what for one in amended} >= {"report", "pdf", "fhir", "hl7"}
    [message] = [one for one in amended if one.what == "hl7"]
    assert b"||C\r" in outbox.payloads.path(message.files[0]).read_bytes()
    dicom_study.refresh_from_db()
    assert dicom_study.state == StudyState.SIGNED, "signed again, and not sent yet"


@pytest.mark.slow
def test_what_cannot_be_made_now_waits_with_its_reason(
    connect: Connect, dicom_study: Study, clinician: User
) -> None:
    outbox = connect()
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    image = dicom_study.images.all()[0]
    content = image.original.read_bytes()
    image.original.unlink()
    put_out(outbox)
    assert not [one for one in outbox.items() if one.is_made]
    image.original.write_bytes(content)
    Dispatch.objects.update(done_at=None, next_try=timezone.now() - timedelta(seconds=1))
    put_out(outbox)
    assert all(one.is_made for one in outbox.items())


@pytest.mark.slow
def test_an_outbox_that_a_restored_backup_lacks_is_filled_again(
    connect: Connect, dicom_study: Study, clinician: User
) -> None:
    outbox = connect()
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    put_out(outbox)
    before = {(one.event, one.what, one.files) for one in outbox.items() if "signed" in one.event}
    (places.folder() / "outbox.sqlite3").unlink()
    outbox = places.outbox()
    assert outbox.items() == ()
    mark_sent(outbox)
    put_out(outbox)
    assert {(one.event, one.what, one.files) for one in outbox.items()} == before


@pytest.mark.slow
def test_rules_of_another_station_send_nothing(
    connect: Connect, dicom_study: Study, clinician: User
) -> None:
    outbox = connect(PEERS.replace('when = "signed"', 'when = "signed"\nstations = ["ROOM9"]'))
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    put_out(outbox)
    assert {one.event.split(":")[0] for one in outbox.items()} == {"analysed"}
    assert mark_sent(outbox) == 0
