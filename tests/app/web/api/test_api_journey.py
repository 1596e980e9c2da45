"""A program's whole way through a real server and a real worker, by HTTP and nothing else."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from deeppcos.app.example_study import write_example_study
from deeppcos.app.web.serving import Serving, commands_of

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 270.0
MAKE_TOKEN = """
from deeppcos.app.web import preparing
preparing.set_up_django()
preparing.prepare()
from deeppcos.app.web.api.scopes import scopes_for
from deeppcos.app.web.api.tokens.making import make_token
from deeppcos.app.web.models import Grant, Role, Site, User
site = Site.objects.get()
user = User.objects.create_user("ada", full_name="Dr Ada Example")
Grant.objects.create(user=user, site=site, role=Role.CLINICIAN)
print(make_token(user, site=site, name="journey", scopes=scopes_for(user, site), days=1))
"""


class Server:
    """A server as a program reaches it."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Status and body; a dictionary is sent as JSON, a list as files."""
        content, sent = None, {**self.headers, **headers}
        if isinstance(body, list):
            content, sent["Content-Type"] = (
                encode_multipart(BOUNDARY, {"files": body}),
                (MULTIPART_CONTENT),
            )
        elif body is not None:
            content, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        address = path if path.startswith("http") else f"{self.address}/api/v1{path}"
        try:
            with urlopen(Request(address, content, sent, method=method), timeout=60) as answer:
                return answer.status, answer.read()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def json(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The body of an answer that is no refusal."""
        status, content = self.call(method, path, body, **headers)
        assert status < 400, (status, content)
        return json.loads(content)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A new installation with one clinician and her token; server and worker run."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DEEPPCOS_")}
    environment = kept | {"DEEPPCOS_HOME": str(tmp_path / "home")}
    made = subprocess.run(
        [sys.executable, "-c", MAKE_TOKEN], env=environment, check=True, capture_output=True
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serving = Serving(host="127.0.0.1", port=port, home=None, with_example=False)
    with running(commands_of(serving), environment):
        there = Server(f"http://127.0.0.1:{port}", made.stdout.decode().strip())
        wait_for(there)
        yield there


@contextmanager
def running(commands: tuple[list[str], ...], environment: dict[str, str]) -> Iterator[None]:
    """Run commands beside the test and end them with it."""
    processes = [subprocess.Popen(one, env=environment) for one in commands]
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(server: Server) -> None:
    """Until the server answers."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            server.json("GET", "/health")
        except URLError:
            assert time.monotonic() < end, "the server did not come"
            time.sleep(0.3)
        else:
            return


def packed(folder: Path) -> bytes:
    """The example study with its chart as one ZIP."""
    written = write_example_study(folder / "example")
    archive = folder / "example.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in (*written.stills, written.sweep, written.chart):
            zipped.write(path, path.name)
    return archive.read_bytes()


@pytest.mark.timeout(600)
def test_from_files_to_a_signed_report_and_the_patients_page(
    server: Server, tmp_path: Path
) -> None:
    study = server.json(
        "POST",
        "/studies",
        {"identifier": "PHANTOM", "name": "Example, Phantom"},
        **{"Idempotency-Key": "journey"},
    )
    at = f"/studies/{study['id']}"
    zipped = SimpleUploadedFile("example.zip", packed(tmp_path))
    delivery = server.json("POST", f"{at}/files", [zipped])
    assert len(delivery["kept"]) >= 3
    assert delivery["refused"] == []
    assert delivery["chart_from"]

    job = server.json("POST", f"{at}/readings")
    end = time.monotonic() + PATIENCE_SECONDS
    while job["state"] in ("waiting", "running"):
        assert time.monotonic() < end, job
        time.sleep(1)
        job = server.json("GET", f"/jobs/{job['id']}")
    assert job["state"] == "done", job

    assessment = server.json("GET", f"{at}/assessments/current")
    measured = assessment["document"]["measurements"]
    assert measured["left"] is not None or measured["right"] is not None
    images = server.json("GET", f"{at}/images")["items"]
    status, picture = server.call("GET", f"{at}/images/{images[0]['id']}/frames/0")
    assert (status, picture[:4]) == (200, b"\x89PNG")

    status, refused = server.call("POST", f"{at}/patient-links", {"days": 7})
    assert status == 400, refused
    signing = {"assessment": assessment["number"], "role": "clinician", "looked": True}
    report = server.json("POST", f"{at}/reports", signing)
    assert report["signer"] == "Dr Ada Example"
    status, pdf = server.call("GET", f"{at}/reports/1/files/pdf")
    assert (status, pdf[:5]) == (200, b"%PDF-")

    link = server.json("POST", f"{at}/patient-links", {"language": "en", "days": 7})
    status, page = server.call("GET", link["address"])
    assert status == 200
    assert b"follicle" in page
    server.json("POST", f"{at}/patient-links/{link['id']}/take-back")
    assert server.call("GET", link["address"])[0] == 404
    assert server.json("GET", at)["state"] == "signed"
