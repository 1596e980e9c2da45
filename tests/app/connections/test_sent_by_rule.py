"""Results by rule to Orthanc over STOW-RS and to a FHIR server behind SMART, in bad weather too."""

import io
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("authlib", reason="the records extra is not installed")
pytest.importorskip("highdicom", reason="the records extra is not installed")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydicom import dcmread
from tests.app.connections.gateway import Gateway, Mood, gateway
from tests.records.conftest import Orthanc
from tests.records.dicom_results.conftest import SIGNATURE, write_study
from tests.records.fhir.conftest import AUTHORISATION, PACKAGES, npm_packages

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import Item, ItemState
from deeppcos.app.connections.results import Happened, put_results
from deeppcos.app.connections.rules import StudyFacts
from deeppcos.app.connections.sending import send_due
from deeppcos.app.connections.settings import Connections, connections_from
from deeppcos.app.connections.tables import When
from deeppcos.records.fhir.smart import SigningKey

pytestmark = [pytest.mark.slow, pytest.mark.network]

WEATHER = (Mood.BUSY, Mood.SLOW, Mood.LOST)
PACE = {"first_pause_s": 0.001, "longest_pause_s": 0.002}


@dataclass
class Desk:
    """An outbox, and a clock that never has to be waited for."""

    outbox: Outbox
    connections: Connections
    now: float = 1_000_000.0

    def look(self) -> list[Item]:
        """Try what is due; gives every item afterwards."""
        self.now += 3600.0
        send_due(self.outbox, self.connections)
        return list(reversed(self.outbox.items()))


def desk(folder: Path, peer: dict[str, Any], send: list[str], *, signed: bool = True) -> Desk:
    """A signed study whose results are put out by rule."""
    told = connections_from(
        {
            "peers": {"it": {"timeout_s": 10.0, **peer}},
            "rules": [{"when": "signed", "send": send, "to": "it"}],
            "sending": PACE,
        },
        folder / "connections.toml",
    )
    (folder / "study").mkdir()
    study = write_study(folder / "study", signature=SIGNATURE if signed else None)
    made = Desk(Outbox(folder / "connections", pace=told.sending), told)
    made.outbox.clock = lambda: made.now
    happened = Happened(
        when=When.SIGNED,
        key="signed:1",
        study="1",
        about="A-77",
        facts=StudyFacts(),
        paths={str(one): one for one in study.files},
        document=study.document,
        pdf=lambda: b"%PDF-1.4\n1 0 obj\nendobj\n%%EOF",
    )
    put_results(happened, outbox=made.outbox, connections=told)
    assert all(one.is_made for one in made.outbox.items())
    return made


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An Orthanc that asks for a password."""
    if shutil.which("Orthanc") is None or not Orthanc.PLUGINS.is_dir():
        pytest.skip("orthanc and orthanc-dicomweb are not installed")
    running = Orthanc(tmp_path_factory.mktemp("orthanc"), users={"deeppcos": "pa:ss wörd"})
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def held(archive: Orthanc) -> dict[str, Any]:
    """What the archive holds, by SOP Instance UID."""
    return {
        uid: dcmread(io.BytesIO(archive.get(f"/instances/{one}/file")))
        for uid, one in archive.ids_by_uid().items()
    }


def put_aside(made: Desk) -> dict[str, Any]:
    """What was to be sent, by SOP Instance UID."""
    files = [path for item in made.outbox.items() for path in item.files]
    read = [dcmread(made.outbox.payloads.path(one)) for one in files]
    return {str(one.SOPInstanceUID): one for one in read}


def test_an_archive_with_a_password_gets_results_by_rule_and_wrong_ones_wait(
    archive: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = {
        "kind": "dicomweb",
        "url": f"http://127.0.0.1:{archive.http}/dicom-web",
        "user": "deeppcos",
        "password_variable": "PACS_PASSWORD",
        "timeout_s": 30.0,
    }
    made = desk(tmp_path, peer, ["report", "segmentation", "ob_gyn_report", "pdf"])
    for value, said in ((None, "PACS_PASSWORD is not set"), ("wrong", "does not let us in")):
        if value:
            monkeypatch.setenv("PACS_PASSWORD", value)
        items = made.look()
        assert {one.state for one in items} == {ItemState.WAITING}
        assert said in items[0].words
        assert "wrong" not in items[0].words
    monkeypatch.setenv("PACS_PASSWORD", "pa:ss wörd")
    items = made.look()
    assert {one.state for one in items} == {ItemState.SENT}
    there, sent = held(archive), put_aside(made)
    assert len(sent) == 6, "three segmentations, two reports, a PDF"
    assert all(there[uid] == one for uid, one in sent.items())


def test_an_archive_behind_a_gateway_gets_everything_once_whatever_happens_on_the_way(
    archive: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATE_TOKEN", "let-me-in")
    with _before(archive) as front:
        peer = {"kind": "dicomweb", "url": f"{front.url}/dicom-web", "token_variable": "GATE_TOKEN"}
        made = desk(tmp_path, peer, ["segmentation"])
        for mood in WEATHER:
            front.mood = mood
            items = made.look()
            assert {one.state for one in items} == {ItemState.WAITING}, mood
            assert all(one.words for one in items)
        front.mood = Mood.REFUSING
        items = made.look()
        assert {one.state for one in items} == {ItemState.REFUSED}
        assert "the order is closed" in items[0].words
        front.mood = Mood.OPEN
        for one in items:
            made.outbox.retry(one.id, by="the archive's keeper")
        items = made.look()
        assert {one.state for one in items} == {ItemState.SENT}, items[0].words
    there, sent = held(archive), put_aside(made)
    assert all(there[uid] == one for uid, one in sent.items())
    tries = [one.outcome for one in made.outbox.tries(items[0].id)]
    assert tries == ["failed"] * 3 + ["refused", "asked again", "sent"]


def test_an_archive_that_is_down_is_waited_for(tmp_path: Path) -> None:
    peer = {"kind": "dicomweb", "url": "http://127.0.0.1:9/dicom-web"}
    made = desk(tmp_path, peer, ["report"])
    [item] = made.look()
    assert item.state is ItemState.WAITING
    assert "does not answer" in item.words


def _before(archive: Orthanc) -> Any:
    """A gateway with a token that knows the archive's password, as hospitals put before one."""
    return gateway(
        f"http://127.0.0.1:{archive.http}", token="let-me-in", lets_in=archive.authorization()
    )


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return written_key(tmp_path_factory.mktemp("key") / "ec.pem")


def written_key(path: Path) -> SigningKey:
    made = ec.generate_private_key(ec.SECP384R1())
    path.write_bytes(
        made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return SigningKey(file=path)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Iterator[dict[str, Any]]:
    """node oidc-provider before @medplum/fhir-router; what it says of itself."""
    packages = npm_packages(tmp_path_factory.mktemp("smart"), [*PACKAGES, AUTHORISATION])
    client = {
        "client_id": "deeppcos",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES384",
        "jwks": key.public_keys(),
        "scope": "system/*.cruds",
    }
    script = Path(__file__).parents[2] / "records/fhir/smart_server.mjs"
    given = json.dumps({"clients": [client], "patients": []})
    running = subprocess.Popen(
        ["node", "--no-warnings", str(script), str(packages), given],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        assert running.stdout is not None
        said = next(line for line in running.stdout if line.startswith("{"))
        yield dict(json.loads(said))
    finally:
        running.terminate()
        running.communicate(timeout=30)


def kept(record: dict[str, Any], key: SigningKey, kind: str) -> list[dict[str, Any]]:
    """Every resource of a kind, by a token of the test's own."""
    from deeppcos.records.fhir.smart import SmartClient, backend_token

    token = backend_token(record["url"], client=SmartClient(client_id="deeppcos", key=key))
    asked = urllib.request.Request(f"{record['url']}/{kind}?_count=200")
    asked.add_header("Authorization", f"Bearer {token()}")
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return [one["resource"] for one in json.load(answer).get("entry", [])]


def test_a_record_behind_smart_gets_one_report_by_rule_whatever_happens_on_the_way(
    record: dict[str, Any], key: SigningKey, tmp_path: Path
) -> None:
    with gateway(record["origin"]) as front:
        made = desk(tmp_path, smart_peer(front, record, key), ["fhir"])
        for mood in WEATHER:
            front.mood = mood
            [item] = made.look()
            assert item.state is ItemState.WAITING, (mood, item.words)
            assert item.words
        assert len(kept(record, key, "DiagnosticReport")) == 1, "its answer was lost, it was not"
        front.mood = Mood.REFUSING
        [item] = made.look()
        assert item.state is ItemState.REFUSED
        assert "the order is closed" in item.words
        front.mood = Mood.OPEN
        made.outbox.retry(item.id, by="the record's keeper")
        [item] = made.look()
        assert item.state is ItemState.SENT, item.words
    [report] = kept(record, key, "DiagnosticReport")
    assert report["status"] == "final"
    bundle = json.loads(made.outbox.payloads.path(item.files[0]).read_bytes())
    sent = [one["resource"] for one in bundle["entry"]]
    wanted = {one["identifier"][0]["value"] for one in sent if one["resourceType"] == "Observation"}
    there = [one["identifier"][0]["value"] for one in kept(record, key, "Observation")]
    assert sorted(there) == sorted(wanted), "each measurement once"


def test_a_key_the_record_does_not_know_leaves_the_result_waiting_with_its_words(
    record: dict[str, Any], key: SigningKey, tmp_path: Path
) -> None:
    with gateway(record["origin"]) as front:
        peer = smart_peer(front, record, written_key(tmp_path / "other.pem"))
        made = desk(tmp_path, peer, ["fhir"])
        [item] = made.look()
        assert item.state is ItemState.WAITING
        assert "gives us no token" in item.words
        assert front.asked == 0, "nothing was said without a token"
        shutil.copyfile(key.file, tmp_path / "other.pem")
        [item] = made.look()
        assert item.state is ItemState.SENT, item.words


def smart_peer(front: Gateway, record: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    return {
        "kind": "fhir",
        "url": f"{front.url}/fhir",
        "patient_system": "urn:oid:1.2.3",
        "smart": {
            "client_id": "deeppcos",
            "private_key_file": str(key.file),
            "token_url": f"{record['origin']}/token",
        },
    }
