"""One study's way through a hospital, against peers that are not ours, with kills on the way.

    python -m benchmarks.hospital_journey [--kill STEP ...] [--stills 2] [--sweep]

DCMTK's storescu pushes a study of the synthetic example to ``deeppcos serve``; it is analysed and
signed in the desk, and must appear in Orthanc as SR, SEG and PDF, in a FHIR server as a report and
at an MLLP peer as ORU^R01, each read back equal. With ``--kill`` everything of ours is ended by
SIGKILL at a step and started again. Prints when each step was reached, seconds from the push.

The settings of Orthanc and the file of the connections are those of ``docs/integration.md``.
"""

import argparse
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.hospital_peers import (
    ROOT,
    Engine,
    FhirServer,
    NotHere,
    Orthanc,
    engine,
    fhir_server,
    free_port,
    orthanc,
    router_packages,
)

STEPS = (
    "half pushed",
    "pushed",
    "on the worklist",
    "being read",
    "read",
    "signed",
    "prepared",
    "half sent",
    "sent",
)
"""Where everything of ours may be killed."""

PASSWORD = "a long enough phrase"
PATIENCE_S = 300.0
LOOK_S = 0.05


class Lost(Exception):
    """Something that was acknowledged is not there, or not as it was sent."""


@dataclass(slots=True, kw_only=True)
class Hospital:
    """Everything of the journey.

    Attributes:
        folder: Where all of it lies.
        archive: Orthanc.
        record: The FHIR server.
        engine: The MLLP receiver.
        home: The desk's data folder.
        web_port: Of the desk.
        dicom_port: Of our listener.
        reached: When each step was reached, seconds since the push began.
        kills: How often everything of ours was killed.
    """

    folder: Path
    archive: Orthanc
    record: FhirServer
    engine: Engine
    home: Path
    web_port: int
    dicom_port: int
    reached: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    began: float = 0.0
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> str:
        """Start ``deeppcos serve``; gives what it said."""
        log = self.folder / "desk.log"
        kept = {name: text for name, text in os.environ.items() if not name.startswith("DEEPPCOS_")}
        command = [*(sys.executable, "-u", "-m", "deeppcos", "serve", "--no-example")]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.web_port), "--home", str(self.home)],
                stdout=output, stderr=subprocess.STDOUT, env=kept, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: "receiving images" in log.read_text(), "deeppcos listens", log)
        wait_until(self._answers, "the desk answers", log)
        return log.read_text()

    def kill(self) -> None:
        """SIGKILL to everything of ours, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End everything."""
        self.kill()
        self.archive.peer.stop()
        self.engine.peer.stop()
        self.record.stop()

    def at(self, step: str, kills: Collection[str]) -> None:
        """Note that a step is reached; kill and start again where that is asked for."""
        self.reached[step] = time.monotonic() - self.began
        if step in kills:
            self.kill()
            self.kills += 1
            self.start()

    def ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the desk's data base."""
        with closing(sqlite3.connect(self.home / "desk.sqlite3", timeout=30)) as base:
            return base.execute(question, values).fetchall()

    def outbox(self) -> Any:
        """The desk's outbox."""
        from deeppcos.app.connections.outbox import Outbox

        return Outbox(self.home / "connections")

    def _answers(self) -> bool:
        import requests

        try:
            return requests.get(f"http://127.0.0.1:{self.web_port}/health/", timeout=5).ok
        except requests.RequestException:
            return False


def hospital(folder: Path, packages: Path | None = None) -> Hospital:
    """A hospital whose peers run and whose desk is written but not started.

    Raises:
        NotHere: If a peer's program is not installed.
    """
    if shutil.which("storescu") is None:
        raise NotHere("dcmtk is not installed")
    our_port = free_port()
    record = fhir_server(packages or router_packages(folder / "router"))
    archive = orthanc(folder / "orthanc", json.loads(recipe("orthanc-json")), our_port=our_port)
    receiver = engine(folder / "engine")
    archive.peer.start()
    receiver.peer.start()
    made = Hospital(
        folder=folder,
        archive=archive,
        record=record,
        engine=receiver,
        home=folder / "home",
        web_port=free_port(),
        dicom_port=our_port,
    )
    write_connections(made)
    return made


def recipe(name: str) -> str:
    """A recipe of ``docs/integration.md``, as it stands there."""
    page = (ROOT / "docs/integration.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- recipe:{name} -->\n```\w+\n(.*?)\n```", page, re.DOTALL)
    if found is None:
        raise LookupError(f"docs/integration.md has no recipe {name}")
    return found[1]


def write_connections(made: Hospital) -> None:
    """The recipes as one file, with the ports of this run."""
    text = "\n".join(recipe(name) for name in ("orthanc-toml", "fhir-toml", "hl7-toml"))
    told = tomllib.loads(text)
    ports = {
        "port = 4242": f"port = {made.archive.peer.port}",
        "port = 2575": f"port = {made.engine.peer.port}",
        "port = 2576": f"port = {free_port()}",
        told["peers"]["ehr"]["url"]: made.record.url,
    }
    for was, now in ports.items():
        if was not in text:
            raise LookupError(f"the recipe has lost its {was}")
        text = text.replace(was, now)
    # The pauses of a hospital's day would make the journey one.
    text += (
        f"\n[listeners.dicom]\nport = {made.dicom_port}\nquiet_s = 2\n"
        "[sending]\nfirst_pause_s = 1\nlongest_pause_s = 2\n"
    )
    made.home.mkdir(parents=True, exist_ok=True)
    (made.home / "connections.toml").write_text(text, encoding="utf-8")


def walk(
    made: Hospital,
    images: Sequence[Path],
    *,
    kills: Collection[str] = (),
    away: Callable[[], None] = lambda: None,
    back: Callable[[], None] = lambda: None,
) -> None:
    """Go the whole way.

    Args:
        made: The hospital.
        images: The study, DICOM.
        kills: Steps at which everything of ours is killed and started again.
        away: Called before the signature, such as to stop a peer.
        back: Called after it, such as to start the peer again.
    """
    desk = Desk(made.web_port)
    desk.join(made.start())
    made.began = time.monotonic()
    push(made, images[: len(images) // 2])
    made.at("half pushed", kills)
    push(made, images[len(images) // 2 :])
    made.at("pushed", kills)
    wait_until(lambda: _studies(made) == 1, "the study is on the worklist", made.folder)
    made.at("on the worklist", kills)
    wait_until(lambda: _reading(made), "the study is being read", made.folder)
    made.at("being read", kills)
    wait_until(lambda: _is_read(made, len(images)), "the study is read", made.folder)
    made.at("read", kills)
    away()
    desk.sign(_study(made))
    made.at("signed", kills)
    wait_until(lambda: bool(made.outbox().items()), "the results are prepared", made.folder)
    made.at("prepared", kills)
    wait_until(lambda: _sent(made) > 0, "something is sent", made.folder)
    made.at("half sent", kills)
    back()
    wait_until(lambda: _state(made) == "sent", "the study is sent", made.folder)
    made.at("sent", kills)


def push(made: Hospital, images: Sequence[Path]) -> None:
    """C-STORE by DCMTK, again until every image is acknowledged, as a scanner does."""
    if not images:
        return
    command = ["storescu", "-xy", "-aet", "SCANNER", "-aec", "DEEPPCOS", "127.0.0.1"]
    for _ in range(20):
        done = subprocess.run(
            [*command, str(made.dicom_port), *map(str, images)],
            capture_output=True, env={**os.environ, "TCP_NODELAY": "1"}, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return
        time.sleep(0.5)
    raise Lost(f"storescu: {done.stderr.decode()}")


def compare(made: Hospital, images: Sequence[Path]) -> dict[str, int]:
    """Hold what every peer has against what was sent.

    Returns:
        How many objects, resources and measurements were compared.

    Raises:
        Lost: If one is missing, is there twice or is another.
    """
    from deeppcos.app.connections.outbox_items import ItemState

    outbox = made.outbox()
    items = outbox.items()
    waiting = [one for one in items if one.state is not ItemState.SENT]
    if waiting:
        raise Lost(f"not sent: {waiting}")
    by_peer: dict[str, list[Path]] = {}
    for item in items:
        by_peer.setdefault(item.peer, []).extend(map(outbox.payloads.path, item.files))
    return {
        "images kept": _same_images(made, images),
        "objects in Orthanc": _same_objects(made, by_peer["pacs"]),
        "measurements in FHIR": _same_resources(made, by_peer["ehr"]),
        "messages at the engine": _same_messages(made, by_peer["engine"]),
    }


def _same_images(made: Hospital, images: Sequence[Path]) -> int:
    import hashlib

    from pydicom import dcmread

    kept = list((made.home / "studies").glob("*/images/*.dcm"))
    sent = {str(dcmread(one).SOPInstanceUID): dcmread(one) for one in images}
    held = {str(dcmread(one).SOPInstanceUID): dcmread(one) for one in kept}
    if sent != held or len(kept) != len(images):
        digests = {one.name: hashlib.sha256(one.read_bytes()).hexdigest()[:8] for one in kept}
        raise Lost(f"{len(images)} images were acknowledged, {len(kept)} are kept: {digests}")
    return len(kept)


def _same_objects(made: Hospital, files: Sequence[Path]) -> int:
    import io

    from pydicom import dcmread

    held = {uid: dcmread(io.BytesIO(content)) for uid, content in made.archive.files().items()}
    sent = {str(one.SOPInstanceUID): one for one in map(dcmread, files)}
    if held != sent:
        raise Lost(f"Orthanc holds {sorted(held)}, sent were {sorted(sent)}")
    kinds = {str(one.Modality) for one in held.values()}
    if not {"SR", "SEG", "DOC"} <= kinds:
        raise Lost(f"Orthanc has only {kinds}")
    for one in held.values():
        if one.Modality == "SR" and (one.CompletionFlag, one.VerificationFlag) != (
            "COMPLETE",
            "VERIFIED",
        ):
            raise Lost("a signed report is not marked as verified")
    return len(held)


def _same_resources(made: Hospital, files: Sequence[Path]) -> int:
    from deeppcos.records.fhir.observations import read_measurements

    [bundle] = [json.loads(one.read_text(encoding="utf-8")) for one in files]
    sent = [
        one["resource"]
        for one in bundle["entry"]
        if one["resource"]["resourceType"] == "Observation"
    ]
    held = made.record.held("Observation")
    mine, theirs = (
        {
            one.identifier.uid: (one.side, one.quantity, one.value, one.low, one.high)
            for one in read_measurements(resources)
        }
        for resources in (sent, held)
    )
    reports = made.record.held("DiagnosticReport")
    if mine != theirs or len(held) != len(sent):
        raise Lost(f"the record holds {len(held)} observations of {len(sent)}")
    if [one["status"] for one in reports] != ["final"]:
        raise Lost(f"the record holds {[one['status'] for one in reports]}")
    return len(mine)


def _same_messages(made: Hospital, files: Sequence[Path]) -> int:
    sent = [one.read_bytes().strip() for one in files]
    held = [one.strip() for one in made.engine.messages()]
    # At least once: a repetition is the same message under the same MSH-10.
    if set(held) != set(sent):
        raise Lost(f"the engine has {held}, sent was {sent}")
    return len(set(held))


class Desk:
    """A clinician at the desk, by HTTP."""

    def __init__(self, port: int) -> None:
        import requests

        self.address = f"http://127.0.0.1:{port}"
        self.session = requests.Session()

    def join(self, said: str) -> None:
        """Set up the first account with the link the terminal shows."""
        [link] = re.findall(r"works once: (http://\S+)", said)
        names = {"full_name": "Dr Ada Adams", "username": "ada"}
        passwords = {"new_password1": PASSWORD, "new_password2": PASSWORD}
        self.submit(link, names | passwords)

    def sign(self, study: str) -> None:
        """Sign a study."""
        address = f"{self.address}/studies/{study}/sign/"
        page = self.session.get(address, timeout=120)
        page.raise_for_status()
        [number] = re.findall(r'name="assessment" value="(\d+)"', page.text)
        fields = {"assessment": number, "role": "gynaecologist", "looked": "on"}
        self.submit(address, fields)

    def submit(self, address: str, fields: dict[str, str]) -> None:
        """Fill in a form and send it."""
        page = self.session.get(address, timeout=120)
        page.raise_for_status()
        [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        answer = self.session.post(
            page.url, fields | {"csrfmiddlewaretoken": token}, timeout=120,
            headers={"Referer": page.url},
        )  # fmt: skip
        if not answer.ok or 'class="error"' in answer.text:
            raise Lost(f"{address}: {answer.status_code} {answer.text[:2000]}")


def wait_until(is_true: Callable[[], bool], what: str, log: Path) -> None:
    """Wait for something, or say that it did not come."""
    until = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > until:
            said = log.read_text()[-3000:] if log.is_file() else ""
            raise Lost(f"in {PATIENCE_S:g} s not: {what}\n{said}")
        time.sleep(LOOK_S)


def example_images(folder: Path, *, stills: int, sweep: bool) -> list[Path]:
    """DICOM of the synthetic example."""
    from deeppcos.app.example_study import write_example_study

    study = write_example_study(folder)
    every = [*study.stills[:stills], *([study.sweep] if sweep else [])]
    return [Path(one) for one in every]


def _studies(made: Hospital) -> int:
    return int(made.ask("select count(*) from web_study")[0][0])


def _study(made: Hospital) -> str:
    import uuid

    return str(uuid.UUID(made.ask("select id from web_study")[0][0]))


def _state(made: Hospital) -> str:
    return str(made.ask("select state from web_study")[0][0])


def _reading(made: Hospital) -> bool:
    return bool(made.ask("select 1 from web_job where kind = 'analyse' and state != 'waiting'"))


def _is_read(made: Hospital, images: int) -> bool:
    """Whether all images are there and read, and nobody is at it any more."""
    there = made.ask("select count(*) from web_image where is_ready")[0][0]
    working = made.ask("select count(*) from web_job where state in ('waiting', 'running')")[0][0]
    return bool(there == images and not working and _state(made) == "analysed")


def _sent(made: Hospital) -> int:
    from deeppcos.app.connections.outbox_items import ItemState

    return len(made.outbox().items(states=[ItemState.SENT]))


def main() -> None:
    """Walk once, and print when each step was reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kill", action="append", choices=STEPS, default=[])
    parser.add_argument("--stills", type=int, default=2)
    parser.add_argument("--sweep", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hospital-") as there:
        folder = Path(there)
        images = example_images(folder / "study", stills=asked.stills, sweep=asked.sweep)
        made = hospital(folder)
        try:
            walk(made, images, kills=asked.kill)
            compared = compare(made, images)
        finally:
            made.stop()
    for step, seconds in made.reached.items():
        print(f"{step:<18} {seconds:7.1f} s")
    print(f"kills {made.kills}; " + ", ".join(f"{n} {what}" for what, n in compared.items()))


if __name__ == "__main__":
    main()
