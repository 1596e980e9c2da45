"""Peers on this machine: our own listeners, and a FHIR server that only states what it is."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deeppcos.app.connections.settings import Connections, connections_from


@pytest.fixture
def inbox_listener(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A DICOM listener of ours; gives its port and its inbox's folder."""
    pytest.importorskip("pynetdicom", reason="the records extra is not installed")
    from deeppcos.app.connections.listeners import open_doors
    from deeppcos.records.dicom_network import Inbox

    folder = tmp_path / "inbox"
    with Inbox(folder) as inbox, open_doors(listening(), inbox) as doors:
        assert doors.dicom_port is not None
        yield doors.dicom_port, folder


def listening() -> Connections:
    table = {"port": 0, "host": "127.0.0.1", "ae_title": "ARCHIVE", "quiet_s": 0}
    return connections_from({"listeners": {"dicom": table}}, Path("connections.toml"))


@contextmanager
def fhir_that_states(statement: object, *, token: str = "") -> Iterator[str]:
    """A FHIR server that answers every GET with a statement, where the token is right."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_in = not token or self.headers.get("Authorization") == f"Bearer {token}"
            is_open = self.path.startswith("/metadata")
            self.send_response(200 if is_in or is_open else 401)
            self.send_header("Content-Type", "application/fhir+json")
            self.end_headers()
            said = statement if is_open else {"resourceType": "Bundle", "type": "searchset"}
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
