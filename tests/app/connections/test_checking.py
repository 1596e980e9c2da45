"""What a test of a connection says, against real listeners that work, refuse or lie."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.app.connections.conftest import fhir_that_states
from typer.testing import CliRunner

pytest.importorskip("pynetdicom", reason="the records extra is not installed")
pytest.importorskip("hl7", reason="the records extra is not installed")

from deeppcos.app.cli import app
from deeppcos.app.connections.check_writing import INSTANCE_UID
from deeppcos.app.connections.checking import Step, Verdict, check, sign_of_life
from deeppcos.app.connections.settings import connections_from
from deeppcos.app.connections.tables import PeerTable
from deeppcos.errors import TemporaryFailure
from deeppcos.records.dicom_network import Inbox
from deeppcos.records.hl7v2.acknowledgement import acknowledge
from deeppcos.records.hl7v2.mllp import MllpSettings, serving
from deeppcos.records.hl7v2.problems import Code, Reason
from deeppcos.records.tls import TlsFiles

pytestmark = pytest.mark.network

STATEMENT = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "Ward record"},
}


def peer(**keys: Any) -> PeerTable:
    table = {"timeout_s": 5.0, **keys}
    return connections_from({"peers": {"it": table}}, Path("/nowhere/connections.toml")).peer("it")


def dicom(port: int, **keys: Any) -> PeerTable:
    return peer(
        **{"kind": "dicom", "host": "127.0.0.1", "port": port, "ae_title": "ARCHIVE"} | keys
    )


def said(steps: Iterator[Step]) -> dict[str, tuple[str, str]]:
    return {one.name: (str(one.verdict), one.words) for one in steps}


@contextmanager
def receiver(code: Code = Code.TAKEN, tls: TlsFiles | None = None) -> Iterator[int]:
    settings = MllpSettings(host="127.0.0.1", port=0, tls=tls)

    def answer(content: bytes) -> bytes:
        return acknowledge(content, code, words="so", reason=Reason.FIELD_MISSING)

    with serving(settings, answer) as listener:
        yield listener.port


def test_an_archive_that_works_is_said_to_take_every_kind(
    inbox_listener: tuple[int, Path],
) -> None:
    found = said(check(dicom(inbox_listener[0])))
    assert {verdict for verdict, _ in found.values()} == {"works"}
    assert "C-ECHO" in found["echo"][1]
    assert "segmentations" in found["kinds of object"][1]
    assert "key objects" in found["kinds of object"][1]


def test_nothing_is_written_unless_it_is_asked_for_and_then_one_test(
    inbox_listener: tuple[int, Path],
) -> None:
    port, folder = inbox_listener
    list(check(dicom(port)))
    with Inbox(folder) as inbox:
        assert inbox.instances() == ()
    for _ in range(2):
        assert said(check(dicom(port), is_writing=True))["writing"][0] == "works"
    with Inbox(folder) as inbox:
        [written] = inbox.instances()
    assert written.sop_instance_uid == INSTANCE_UID


def test_a_wrong_title_is_told_as_one(inbox_listener: tuple[int, Path]) -> None:
    *_, last = check(dicom(inbox_listener[0], ae_title="OTHER"))
    assert last.verdict is Verdict.FAILS
    assert "AE title" in last.words


def test_a_name_nobody_knows_and_a_port_nobody_listens_on_end_the_test() -> None:
    *_, last = check(dicom(104, host="pacs.invalid"))
    assert (last.name, last.verdict) == ("name", Verdict.FAILS)
    assert "check the name" in last.words
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        *_, last = check(dicom(closed.getsockname()[1]))
    assert (last.name, last.verdict) == ("line", Verdict.FAILS)
    assert "firewall" in last.words


def test_a_server_that_is_no_dicom_is_told_in_time() -> None:
    with fhir_that_states(STATEMENT) as url:
        *_, last = check(dicom(int(url.rsplit(":", 1)[1]), timeout_s=2.0))
    assert last.verdict is Verdict.FAILS


def test_a_receiver_of_messages_acknowledges_a_test_only_when_asked() -> None:
    with receiver() as port:
        it = peer(kind="hl7", host="127.0.0.1", port=port)
        assert said(check(it))["acknowledgement"][0] == "note"
        found = said(check(it, is_writing=True))["acknowledgement"]
    assert found == ("works", "a message marked as a test was acknowledged with AA")


def test_a_receiver_that_refuses_is_quoted() -> None:
    with receiver(Code.WRONG) as port:
        *_, last = check(peer(kind="hl7", host="127.0.0.1", port=port), is_writing=True)
    assert last.verdict is Verdict.FAILS
    assert "AE so" in last.words


def test_encryption_is_a_step_of_its_own(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "wrong", "certificate", "key")}
    authority.cert_pem.write_to_path(str(files["ca"]))
    other.cert_pem.write_to_path(str(files["wrong"]))
    certificate.cert_chain_pems[0].write_to_path(str(files["certificate"]))
    certificate.private_key_pem.write_to_path(str(files["key"]))
    tls = TlsFiles(certificate_file=files["certificate"], key_file=files["key"])
    with receiver(tls=tls) as port:
        trusted = peer(kind="hl7", host="127.0.0.1", port=port, tls={"ca_file": str(files["ca"])})
        found = said(check(trusted, is_writing=True))
        assert "TLSv1" in found["encryption"][1]
        assert found["acknowledgement"][0] == "works"
        stranger = peer(
            kind="hl7", host="127.0.0.1", port=port, tls={"ca_file": str(files["wrong"])}
        )
        *_, last = check(stranger)
    assert (last.name, last.verdict) == ("encryption", Verdict.FAILS)
    assert "ca_file" in last.words


def test_a_fhir_server_says_what_it_is_and_whether_our_token_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EHR_TOKEN", "right")
    with fhir_that_states(STATEMENT, token="right") as url:
        it = peer(kind="fhir", url=url, token_variable="EHR_TOKEN")
        found = said(check(it))
        assert found["statement"] == ("works", "Ward record with FHIR 4.0.1")
        assert found["access"] == ("works", "our token is taken")
        monkeypatch.setenv("EHR_TOKEN", "wrong")
        *_, last = check(it)
        assert last.verdict is Verdict.FAILS
        assert "wrong" not in last.words
        monkeypatch.delenv("EHR_TOKEN")
        *_, last = check(it)
        assert "EHR_TOKEN is not set" in last.words


@pytest.mark.parametrize(
    ("statement", "verdict", "words"),
    [
        ({"resourceType": "Basic"}, "note", "does not state"),
        ({**STATEMENT, "fhirVersion": "3.0.2"}, "fails", "R4 is needed"),
    ],
    ids=["no-statement", "stu3"],
)
def test_a_server_of_another_version_is_told(statement: object, verdict: str, words: str) -> None:
    with fhir_that_states(statement) as url:
        found = said(check(peer(kind="fhir", url=url)))["statement"]
    assert found[0] == verdict
    assert words in found[1]


def test_a_sign_of_life_is_short_and_raises_why_not(inbox_listener: tuple[int, Path]) -> None:
    sign_of_life(dicom(inbox_listener[0]))
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        sign_of_life(peer(kind="hl7", host="127.0.0.1", port=9))


def test_the_verb_ends_with_a_status_that_says_whether_it_works(
    inbox_listener: tuple[int, Path], tmp_path: Path
) -> None:
    (tmp_path / "connections.toml").write_text(
        '[peers.pacs]\nkind = "dicom"\nhost = "127.0.0.1"\nae_title = "ARCHIVE"\n'
        f"port = {inbox_listener[0]}\n"
        '[peers.away]\nkind = "hl7"\nhost = "127.0.0.1"\nport = 9\n',
        encoding="utf-8",
    )
    run = CliRunner()
    works = run.invoke(app, ["connect", "test", "pacs", "--home", str(tmp_path)])
    assert works.exit_code == 0, works.output
    assert works.output.endswith("pacs works\n")
    away = run.invoke(app, ["connect", "test", "away", "--home", str(tmp_path)])
    assert away.exit_code == 1
    assert "[-] line: nobody answers on 127.0.0.1:9" in away.output
    unknown = run.invoke(app, ["connect", "test", "nobody", "--home", str(tmp_path)])
    assert unknown.exit_code == 2
    assert "accepted: pacs, away" in unknown.output
    listed = run.invoke(app, ["connect", "list", "--home", str(tmp_path)])
    assert "pacs: dicom; nothing was sent yet" in listed.output


def test_a_peer_with_a_key_of_ours_is_let_in_by_its_own_tokens(tmp_path: Path) -> None:
    from deeppcos.app.connections import peers as as_peers
    from deeppcos.app.connections.tables import FhirPeerTable
    from deeppcos.records.fhir.smart import BackendToken

    table = peer(
        kind="fhir",
        url="http://127.0.0.1:9/fhir",
        smart={
            "client_id": "deeppcos",
            "private_key_file": "key.pem",
            "token_url": "http://127.0.0.1:9/token",
        },
    )
    assert isinstance(table, FhirPeerTable)
    assert table.smart is not None
    assert table.smart.private_key_file == Path("/nowhere/key.pem")
    token = as_peers.fhir(table).token
    assert isinstance(token, BackendToken)
    assert as_peers.fhir(table).token is token, "kept until it ends"
