"""MLLP both ways with simple-hl7 of npm, a peer in another language."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deeppcos.errors import TemporaryFailure

pytest.importorskip("hl7", reason="the records extra is not installed")

from deeppcos.records.hl7v2.answering import answer
from deeppcos.records.hl7v2.messages import Reading
from deeppcos.records.hl7v2.mllp import Acknowledgement, MllpPeer, MllpSettings, send, serving
from deeppcos.records.hl7v2.patient_changes import PatientUpdate

pytestmark = [pytest.mark.slow, pytest.mark.network]
PACKAGE = "simple-hl7@3.3.0"
SCRIPT = str(Path(__file__).with_name("simple_hl7.mjs"))
MESSAGE = "MSH|^~\\&|A|B|C|D|2026||ORU^R01^ORU_R01|K-7|P|2.5.1\rPID|1||17\r"


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> str:
    there = os.environ.get("DEEPPCOS_SIMPLE_HL7")
    if there:
        return there
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("simple_hl7")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    if subprocess.run(command, cwd=folder, capture_output=True, timeout=240).returncode != 0:
        pytest.skip(f"npm cannot install {PACKAGE} here")
    return str(folder)


def test_simple_hl7_sends_and_understands_our_answer(modules: str) -> None:
    kept: list[Reading] = []
    settings = MllpSettings(port=0)
    with serving(
        settings, lambda content: answer(content, keep=lambda _, said: kept.append(said))
    ) as listener:
        done = subprocess.run(
            ["node", SCRIPT, modules, "send", str(listener.port)],
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
    assert "MSA|AA|18" in done.stdout, done.stdout + done.stderr
    [update] = kept
    assert isinstance(update, PatientUpdate)
    assert update.patient.family_name == "Kaya"


@pytest.fixture
def server(modules: str) -> Iterator[int]:
    running = subprocess.Popen(
        ["node", SCRIPT, modules, "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        assert running.stdout is not None
        yield int(running.stdout.readline())
    finally:
        running.terminate()
        running.communicate(timeout=30)


def test_simple_hl7_takes_what_we_send(server: int) -> None:
    peer = MllpPeer(host="127.0.0.1", port=server, timeout_s=20)
    said = _once_up(peer)
    assert (said.code, said.control_id) == ("AA", "K-7")


def _once_up(peer: MllpPeer) -> Acknowledgement:
    for _ in range(40):
        try:
            return send(MESSAGE, peer=peer)
        except TemporaryFailure:
            time.sleep(0.25)
    return send(MESSAGE, peer=peer)
