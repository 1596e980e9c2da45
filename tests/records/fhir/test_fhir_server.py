"""Against @medplum/fhir-router, an implementation of FHIR R4 that is not ours."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from deeppcos.errors import TemporaryFailure
from deeppcos.records.result_content import ResultContent

pytest.importorskip("fhir.resources", reason="the records extra is not installed")

from deeppcos.records.fhir.context import Addressee
from deeppcos.records.fhir.observations import read_measurements
from deeppcos.records.fhir.result_bundle import result_bundle
from deeppcos.records.fhir.server import FhirPeer, send_transaction, transact

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
