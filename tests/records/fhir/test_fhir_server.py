"""Against @medplum/fhir-router, an implementation of FHIR R4 that is not ours."""

import datetime as dt
import json
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from deeppcos.errors import TemporaryFailure
from deeppcos.records.result_content import ResultContent

pytest.importorskip("fhir.resources", reason="the records extra is not installed")

from deeppcos.records.fhir.context import Addressee
from deeppcos.records.fhir.exchange import post
from deeppcos.records.fhir.observations import read_measurements
from deeppcos.records.fhir.reading import read_bundle
from deeppcos.records.fhir.result_bundle import result_bundle
from deeppcos.records.fhir.server import (
    FhirPeer,
    read_patient_bundle,
    send_transaction,
    transact,
)

WARD = Addressee(identifier_system="urn:ward")
PDF = b"%PDF-1.4\n%%EOF"
pytestmark = [pytest.mark.slow, pytest.mark.network]


def held(server: str, kind: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{server}/{kind}?_count=100", timeout=60) as answer:
        return [entry["resource"] for entry in json.load(answer).get("entry", [])]


def counted(server: str) -> dict[str, int]:
    kinds = ("Patient", "Device", "ImagingStudy", "Observation", "DiagnosticReport")
    return {kind: len(held(server, kind)) for kind in (*kinds, "DocumentReference", "Provenance")}


def test_a_draft_then_its_signed_result_sent_twice_each_is_one_result(
    server: str, make_content: Callable[..., ResultContent]
) -> None:
    draft, signed = make_content(), make_content(signed=True)
    first = transact(result_bundle(draft, addressee=WARD, pdf=PDF), peer=FhirPeer(url=server))
    assert not first.replaced_or_kept
    again = transact(result_bundle(draft, addressee=WARD, pdf=PDF), peer=FhirPeer(url=server))
    assert not again.created
    once = counted(server)
    assert once["DiagnosticReport"] == once["Patient"] == once["Provenance"] == 1
    for _ in range(2):
        transact(result_bundle(signed, addressee=WARD, pdf=PDF), peer=FhirPeer(url=server))
    # The signed version has a PDF and a provenance of its own, and nothing else of its own.
    assert counted(server) == {**once, "DocumentReference": 2, "Provenance": 2}
    assert {one["status"] for one in held(server, "Observation")} == {"final"}
    transact(result_bundle(draft, addressee=WARD), peer=FhirPeer(url=server))
    assert held(server, "DiagnosticReport")[0]["status"] == "final", "a draft undid a signature"


def test_a_correction_takes_the_place_of_what_was_signed(
    server: str, make_content: Callable[..., ResultContent]
) -> None:
    signed = make_content(signed=True)
    transact(result_bundle(signed, addressee=WARD), peer=FhirPeer(url=server))
    before = counted(server)
    amended = result_bundle(signed, addressee=WARD, amends=True)
    for _ in range(2):
        assert transact(amended, peer=FhirPeer(url=server)).created == ()
    assert counted(server) == before
    assert {one["status"] for one in held(server, "Observation")} == {"amended"}
    assert held(server, "DiagnosticReport")[0]["status"] == "amended"
    transact(result_bundle(signed, addressee=WARD), peer=FhirPeer(url=server))


def test_what_the_server_holds_reads_back_equal(
    server: str, make_content: Callable[..., ResultContent]
) -> None:
    content = make_content(signed=True)
    transact(result_bundle(content, addressee=WARD), peer=FhirPeer(url=server))
    read = {one.identifier.uid: one for one in read_measurements(held(server, "Observation"))}
    assert {
        uid: (one.side, one.quantity, one.value, one.low, one.high) for uid, one in read.items()
    } == {
        one.identifier.uid: (one.side, one.quantity, one.value, one.low, one.high)
        for one in content.measured
    }


def test_a_server_that_is_down_is_told_as_such(make_content: Callable[..., ResultContent]) -> None:
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        send_transaction(
            result_bundle(make_content()), peer=FhirPeer(url="http://127.0.0.1:9", timeout_s=5)
        )


def test_an_answer_that_was_lost_makes_no_second_result(
    server: str, make_content: Callable[..., ResultContent]
) -> None:
    """The server does its work and the line breaks: sending again finds what is there."""
    content = make_content(signed=True)
    bundle = result_bundle(content, addressee=Addressee(identifier_system="urn:lost"), pdf=PDF)

    class Losing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = urllib.request.Request(
                f"{server}/", data=body, headers={"Content-Type": "application/fhir+json"}
            )
            urllib.request.urlopen(request, timeout=60).read()
            self.close_connection = True

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Losing) as losing:
        thread = threading.Thread(target=losing.handle_request)
        thread.start()
        with pytest.raises(TemporaryFailure):
            send_transaction(
                bundle, peer=FhirPeer(url=f"http://127.0.0.1:{losing.server_port}", timeout_s=60)
            )
        thread.join(60)
    once = counted(server)
    assert transact(bundle, peer=FhirPeer(url=server)).created == ()
    assert counted(server) == once


def test_a_patient_is_read_from_the_server_into_a_chart(server: str) -> None:
    peer = FhirPeer(url=server)
    patient = post(peer, {"resourceType": "Patient", "birthDate": "1998-01-04"}, at="Patient")
    subject = {"reference": f"Patient/{patient['id']}"}
    for number in range(110):
        lab = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "3016-3"}]},
            "subject": subject,
            "effectiveDateTime": f"2025-{1 + number % 12:02}-{1 + number % 28:02}",
            "valueQuantity": {"value": 1 + number / 100, "unit": "mIU/L"},
        }
        post(peer, lab, at="Observation")
    pill = {"coding": [{"system": "http://www.whocc.no/atc", "code": "G03AA07"}]}
    medication = post(peer, {"resourceType": "Medication", "code": pill}, at="Medication")
    taken = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "subject": subject,
        "medicationReference": {"reference": f"Medication/{medication['id']}"},
    }
    post(peer, taken, at="MedicationStatement")
    bundle = read_patient_bundle(f"Patient/{patient['id']}", peer=peer)
    assert len(bundle["entry"]) == 113, "every page, and the medication that was not included"
    known = read_bundle(json.dumps(bundle), study_day=dt.date(2026, 1, 5))
    assert known.chart["patient"] == {"age_years": 28, "hormonal_contraception": "combined"}
    assert known.chart["labs"][0]["analyte"] == "tsh"
    assert len(known.others) == 109
