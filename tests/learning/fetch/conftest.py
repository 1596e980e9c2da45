"""A real HTTP server for the tests: ranges, dropped connections, redirections, changed files."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(kw_only=True)
class Served:
    """One address and how it behaves."""

    content: bytes = b""
    etag: str = '"v1"'
    last_modified: str = ""
    content_type: str = "application/octet-stream"
    has_ranges: bool = True
    drop_after: list[int] = field(default_factory=list)
    """Bytes after which each of the next answers breaks off."""
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Answers that come before the content does."""
    announced: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]


class Handler(BaseHTTPRequestHandler):
    """Answers as the address is told to."""

    @property
    def owner(self) -> "Server":
        return self.server.owner  # type: ignore[attr-defined, no-any-return]

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        del format, args

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        self.owner.asked.append(Asked(method=self.command, path=path, headers=dict(self.headers)))
        served = self.owner.served.get(path)
        if served is None:
            self._short(404, {})
        elif served.statuses:
            self._short(*served.statuses.pop(0))
        else:
            self._content(served)

    def _short(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": "0", **headers}.items():
            self.send_header(key, value)
        self.end_headers()

    def _content(self, served: Served) -> None:
        start, total = self._start(served), len(served.content)
        if start >= total > 0:
            self._short(416, {"Content-Range": f"bytes */{total}"})
            return
        body = served.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if served.etag:
            self.send_header("ETag", served.etag)
        if served.last_modified:
            self.send_header("Last-Modified", served.last_modified)
        for key, value in served.headers.items():
            self.send_header(key, value)
        self.send_header("Content-Type", served.content_type)
        self.send_header("Content-Length", str(served.announced or len(body)))
        self.end_headers()
        if served.drop_after:
            self.wfile.write(body[: served.drop_after.pop(0)])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _start(self, served: Served) -> int:
        asked = self.headers.get("Range", "")
        fits = self.headers.get("If-Range") in (None, served.etag, served.last_modified)
        if not (asked and served.has_ranges and fits):
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))


class Server:
    """The server, its addresses and what was asked."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.served: dict[str, Served] = {}
        self.asked: list[Asked] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.owner = self  # type: ignore[attr-defined]
        self._http.daemon_threads = True
        scheme = "https" if context else "http"
        if context:
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_address[1]
        self.base = f"{scheme}://localhost:{self.port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def file(self, path: str, content: bytes, **behaviour: Any) -> str:
        self.served[path] = Served(content=content, **behaviour)
        return self.base + path

    def json(self, path: str, document: Any) -> str:
        return self.file(path, json.dumps(document).encode(), content_type="application/json")

    def redirect(self, path: str, target: str) -> str:
        self.served[path] = Served(statuses=[(302, {"Location": target})] * 99)
        return self.base + path

    def ranges(self, path: str) -> list[str]:
        return [a.headers.get("Range", "") for a in self.asked if a.path == path]


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server with a certificate, and the file of the authority that signed it."""
    trustme = pytest.importorskip("trustme", reason="the certificates of this test need trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    running = Server(context)
    yield running, str(path)
    running.close()
