"""Servers that are down, slow, refusing or wrong: what callers are told."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from deeppcos.errors import DeepPCOSError, InvalidInput, TemporaryFailure
from deeppcos.records.dicom_web import DicomWebPeer, fetch_study, search_studies, stow

pytest.importorskip("requests", reason="the records extra is not installed")


class _Server:
    """Answers as the test says; remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.kind, self.body = 200, "application/dicom+json", b"[]"
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.delay = threading.Event()
        self.is_slow = False
        self.answer: Callable[[bytes], tuple[int, bytes]] | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.path, dict(self.headers.items()), body))
                if outer.is_slow:
                    outer.delay.wait(20)
                status, text = outer.answer(body) if outer.answer else (outer.status, outer.body)
                self.send_response(status)
                self.send_header("Content-Type", outer.kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = _serve  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/dicom-web"


@pytest.fixture
def server() -> Iterator[_Server]:
    running = _Server()
    thread = threading.Thread(target=running.http.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield running
    finally:
        running.delay.set()
        running.http.shutdown()
        running.http.server_close()
        thread.join()


@pytest.fixture
def image(write_dicom: Callable[..., Path]) -> Path:
    return write_dicom(np.zeros((8, 8), np.uint8))


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, InvalidInput, "does not let us in"),
        (403, InvalidInput, "does not let us in"),
        (404, InvalidInput, "refuses the question"),
        (302, InvalidInput, "refuses the question"),
        (429, TemporaryFailure, "cannot answer now"),
        (500, TemporaryFailure, "cannot answer now"),
        (503, TemporaryFailure, "cannot answer now"),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else None,
)
def test_a_status_says_whether_to_try_again(
    server: _Server, status: int, error: type[DeepPCOSError], words: str
) -> None:
    server.status, server.body = status, b"closed on Sundays"
    with pytest.raises(error, match=words) as caught:
        search_studies(DicomWebPeer(url=server.url))
    assert "closed on Sundays" in str(caught.value)


def test_the_token_travels_with_every_question(server: _Server) -> None:
    search_studies(DicomWebPeer(url=server.url, token=lambda: "secret"), PatientID="1")
    path, headers, _ = server.asked[0]
    assert headers["Authorization"] == "Bearer secret"
    assert "PatientID=1" in path


def test_a_token_never_travels_in_the_open() -> None:
    with pytest.raises(InvalidInput, match="unencrypted"):
        DicomWebPeer(url="http://pacs.example/dicom-web", token=lambda: "secret")


def test_a_server_that_is_not_there_is_tried_later(free_port: Callable[[], int]) -> None:
    with pytest.raises(TemporaryFailure, match="does not answer"):
        search_studies(DicomWebPeer(url=f"http://127.0.0.1:{free_port()}"))


def test_a_slow_server_is_tried_later(server: _Server) -> None:
    server.is_slow = True
    with pytest.raises(TemporaryFailure, match="does not answer"):
        search_studies(DicomWebPeer(url=server.url, timeout_s=0.3))


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'[{"00100010": {"vr": "PN"}}]', b"[{}]"])
def test_an_answer_that_is_no_search_result_is_refused(server: _Server, body: bytes) -> None:
    server.body = body
    with pytest.raises(InvalidInput):
        search_studies(DicomWebPeer(url=server.url))


def test_a_study_that_ends_early_is_tried_later_and_leaves_no_half_file(
    server: _Server, image: Path, tmp_path: Path
) -> None:
    server.kind = 'multipart/related; type="application/dicom"; boundary=b0'
    head = b"\r\n--b0\r\nContent-Type: application/dicom\r\n\r\n"
    server.body = head + image.read_bytes() + head + image.read_bytes()[:300]
    with pytest.raises(TemporaryFailure, match="ended early"):
        fetch_study(DicomWebPeer(url=server.url), "1.2", into=tmp_path / "in")
    (whole,) = (tmp_path / "in").iterdir()
    assert dcmread(whole) == dcmread(image)


def test_parts_that_are_no_dicom_are_refused(server: _Server, tmp_path: Path) -> None:
    server.kind = "multipart/related; boundary=b0"
    server.body = b"--b0\r\n\r\nnot DICOM\r\n--b0--"
    with pytest.raises(InvalidInput, match="cannot be sent as DICOM"):
        fetch_study(DicomWebPeer(url=server.url), "1.2", into=tmp_path / "in")
    assert list((tmp_path / "in").iterdir()) == []


def test_an_instance_over_the_limit_is_refused(
    server: _Server, image: Path, tmp_path: Path
) -> None:
    server.kind = "multipart/related; boundary=b0"
    server.body = b"--b0\r\n\r\n" + image.read_bytes() + b"\r\n--b0--"
    peer = DicomWebPeer(url=server.url)
    with pytest.raises(InvalidInput, match="too large"):
        fetch_study(peer, "1.2", into=tmp_path / "in", largest_instance_bytes=100)
    assert list((tmp_path / "in").iterdir()) == []


def test_a_uid_that_is_a_path_is_never_asked_for(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Study Instance UID"):
        fetch_study(DicomWebPeer(url=server.url), "../patients", into=tmp_path)
    assert server.asked == []


def _report(uid: str, *, failed: int | None) -> bytes:
    item: dict[str, Any] = {"00081155": {"vr": "UI", "Value": [uid]}}
    if failed is None:
        return json.dumps({"00081199": {"vr": "SQ", "Value": [item]}}).encode()
    item["00081197"] = {"vr": "US", "Value": [failed]}
    return json.dumps({"00081198": {"vr": "SQ", "Value": [item]}}).encode()


def test_the_servers_reason_is_told_in_words(server: _Server, image: Path) -> None:
    server.status = 409
    server.body = _report(dcmread(image).SOPInstanceUID, failed=0x0122)
    (outcome,) = stow([image], peer=DicomWebPeer(url=server.url))
    assert (outcome.state, outcome.words) == ("refused", "SOP class not supported")


def test_a_server_out_of_resources_is_tried_later(server: _Server, image: Path) -> None:
    server.status = 409
    server.body = _report(dcmread(image).SOPInstanceUID, failed=0xA700)
    with pytest.raises(TemporaryFailure, match="out of resources"):
        stow([image], peer=DicomWebPeer(url=server.url))


def test_the_file_a_whole_request_is_refused_for_is_found(
    server: _Server, write_dicom: Callable[..., Path]
) -> None:
    files = [write_dicom(np.zeros((8, 8), np.uint8), name=f"{n}.dcm") for n in range(5)]
    bad = dcmread(files[3]).SOPInstanceUID.encode()
    server.answer = lambda body: (400, b"no") if bad in body else (200, b"{}")
    outcomes = stow(files, peer=DicomWebPeer(url=server.url))
    assert [one.state for one in outcomes] == [*["stored"] * 3, "refused", "stored"]


def test_files_travel_byte_for_byte(server: _Server, image: Path) -> None:
    server.body = _report(dcmread(image).SOPInstanceUID, failed=None)
    (outcome,) = stow([image], peer=DicomWebPeer(url=server.url))
    assert outcome.state == "stored"
    _, headers, body = server.asked[0]
    assert int(headers["Content-Length"]) == len(body)
    assert image.read_bytes() in body
