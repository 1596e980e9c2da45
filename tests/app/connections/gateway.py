"""A gateway before a real server: asks for a bearer token, and fails in the ways networks do."""

import http.client
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mood(StrEnum):
    """What it does with a request."""

    OPEN = "open"  # hands it on
    BUSY = "busy"  # 503
    SLOW = "slow"  # answers after the caller gave up
    LOST = "lost"  # hands it on, and drops the line instead of answering
    REFUSING = "refusing"  # 422 with words


@dataclass
class Gateway:
    """A gateway that runs.

    Attributes:
        server: Where it hands requests on to, such as ``http://127.0.0.1:8042``.
        token: Bearer token it asks for; empty asks for none and hands headers on.
        mood: What it does now.
        url: Its own address.
        asked: How many requests came.
        lets_in: Headers that let it in at the server.
    """

    server: str
    token: str = ""
    mood: Mood = Mood.OPEN
    url: str = ""
    asked: int = 0
    lets_in: dict[str, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    """Does what the gateway's mood says."""

    state: Gateway

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.state.asked += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.state.mood is Mood.SLOW:
            self.state.over.wait(20)
            self.close_connection = True
            return
        if self.state.token and self.headers.get("Authorization") != f"Bearer {self.state.token}":
            self._say(401, b"no valid token")
        elif self.state.mood is Mood.BUSY:
            self._say(503, b"the archive is being maintained")
        elif self.state.mood is Mood.REFUSING:
            outcome = b'{"resourceType": "OperationOutcome", "issue": [{"severity": "error",'
            outcome += b' "code": "business-rule", "diagnostics": "the order is closed"}]}'
            self._say(422, outcome, kind="application/fhir+json")
        else:
            self._hand_on(body)

    def _hand_on(self, body: bytes) -> None:
        address = urllib.parse.urlsplit(self.state.server)
        line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        hidden = {"host", "connection", *(("authorization",) if self.state.token else ())}
        headers = {n: v for n, v in self.headers.items() if n.lower() not in hidden}
        line.request(self.command, self.path, body or None, {**headers, **self.state.lets_in})
        answer = line.getresponse()
        said = answer.read()
        line.close()
        if self.state.mood is Mood.LOST:
            self.close_connection = True
            return
        self._say(
            answer.status,
            said,
            kind=answer.headers.get("Content-Type") or "",
            encoding=answer.headers.get("Content-Encoding") or "identity",
        )

    def _say(
        self, status: int, body: bytes, *, kind: str = "text/plain", encoding: str = "identity"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@contextmanager
def gateway(
    server: str, *, token: str = "", lets_in: dict[str, str] | None = None
) -> Iterator[Gateway]:
    """Run one."""
    state = Gateway(server=server, token=token, lets_in=lets_in or {})
    handler = type("Handler", (_Handler,), {"state": state})

    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    running.daemon_threads = True
    state.url = f"http://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.over.set()
        running.shutdown()
        running.server_close()
        thread.join()
