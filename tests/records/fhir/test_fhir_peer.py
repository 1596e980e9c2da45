"""What a FHIR server may answer, over HTTP: what is tried again, what is refused, what is read."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.fhir.exchange import FhirPeer, Refusal, get
from deeppcos.records.fhir.server import read_patient_bundle, send_transaction

pytestmark = pytest.mark.network
BUNDLE = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {}}]}
DONE = {
    "resourceType": "Bundle",
    "type": "transaction-response",
    "entry": [{"response": {"status": "201 Created", "location": "Observation/1/_history/1"}}],
}
WORDS = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "invalid", "diagnostics": "status is missing"}],
}
Answer = Callable[[str, str, dict[str, str]], tuple[int, Any]]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """A server on this machine; ``answer`` gets method, path and headers."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = answer(self.command, self.path, dict(self.headers))
            if status == 0:  # the answer is lost
                self.close_connection = True
                return
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", said)
                body = b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/fhir"
    finally:
        running.shutdown()
        running.server_close()
        thread.join(5)


def always(status: int, said: Any) -> Answer:
    return lambda method, path, headers: (status, said)


def test_the_references_are_those_of_the_server_without_versions() -> None:
    with server(always(200, DONE)) as url:
        assert send_transaction(BUNDLE, peer=FhirPeer(url=url)) == ("Observation/1",)


@pytest.mark.parametrize("status", [400, 412, 413, 422])
def test_what_the_server_says_of_the_content_is_a_refusal_in_its_words(status: int) -> None:
    with (
        server(always(status, WORDS)) as url,
        pytest.raises(Refusal, match="status is missing") as refusal,
    ):
        send_transaction(BUNDLE, peer=FhirPeer(url=url))
    assert refusal.value.words == "status is missing"


@pytest.mark.parametrize("status", [0, 408, 409, 423, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    with server(always(status, WORDS)) as url, pytest.raises(TemporaryFailure):
        send_transaction(BUNDLE, peer=FhirPeer(url=url, timeout_s=5))


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_what_is_wrong_with_our_settings_is_no_refusal_of_the_content(status: int) -> None:
    with server(always(status, WORDS)) as url, pytest.raises(InvalidInput) as problem:
        send_transaction(BUNDLE, peer=FhirPeer(url=url))
    assert not isinstance(problem.value, Refusal)


def test_a_transaction_that_was_refused_in_part_is_refused() -> None:
    said = {**DONE, "entry": [{"response": {"status": "400 Bad Request", "location": "x"}}]}
    with server(always(200, said)) as url, pytest.raises(Refusal, match="refused part"):
        send_transaction(BUNDLE, peer=FhirPeer(url=url))


@pytest.mark.parametrize(
    "said",
    [b"<html>", b"[]", {"resourceType": "Bundle", "entry": []}, {"resourceType": "Patient"}],
    ids=["html", "list", "nothing", "another"],
)
def test_an_answer_that_is_none_is_tried_again(said: Any) -> None:
    with server(always(200, said)) as url, pytest.raises(TemporaryFailure):
        send_transaction(BUNDLE, peer=FhirPeer(url=url))


def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    def elsewhere(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        seen.append(path)
        return 302, "/other"

    with server(elsewhere) as url, pytest.raises(InvalidInput):
        send_transaction(BUNDLE, peer=FhirPeer(url=url, token=lambda: "secret"))
    assert seen == ["/fhir/"]


def test_a_token_goes_to_no_other_server_and_never_in_the_clear() -> None:
    with pytest.raises(InvalidInput, match="without encryption"):
        get(FhirPeer(url="http://ehr.example/fhir", token=lambda: "secret"), "Patient/1")
    with pytest.raises(InvalidInput, match="another server"):
        get(FhirPeer(url="https://ehr.example/fhir"), "https://evil.example/fhir?page=2")
    with pytest.raises(InvalidInput, match="no address"):
        get(FhirPeer(url="ehr.example"), "Patient/1")


class Tokens:
    """Gives a token until told that it is too old."""

    def __init__(self) -> None:
        self.given = ["old", "new"]

    def __call__(self) -> str:
        return self.given[0]

    def forget(self) -> None:
        self.given.pop(0)


def test_a_token_that_is_too_old_is_renewed_once() -> None:
    def guarded(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        return (200, DONE) if headers["Authorization"] == "Bearer new" else (401, WORDS)

    with server(guarded) as url:
        tokens = Tokens()
        assert send_transaction(BUNDLE, peer=FhirPeer(url=url, token=tokens))
        assert tokens.given == ["new"]


def searchset(*resources: dict[str, Any], total: int | None = None, **more: Any) -> dict[str, Any]:
    entries = [{"resource": one} for one in resources]
    made = {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}
    return made if total is None else {**made, "total": total}


def observation(number: int) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": f"o{number}"}


PATIENT = {"resourceType": "Patient", "id": "p"}
STATES = {
    "resourceType": "CapabilityStatement",
    "rest": [{"resource": [{"type": "Patient", "operation": [{"name": "everything"}]}]}],
}


def hospital(pages: Callable[[str], Any], *, offers: bool = False) -> Answer:
    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        asked = path.removeprefix("/fhir/")
        if asked == "metadata":
            return (200, STATES) if offers else (404, WORDS)
        if asked == "Patient/p":
            return 200, PATIENT
        found = pages(asked)
        return (200, found) if found is not None else (200, searchset(total=0))

    return answer


def kinds(bundle: dict[str, Any]) -> list[str]:
    return [
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in bundle["entry"]
    ]


def test_everything_at_once_is_asked_where_it_is_offered() -> None:
    asked: list[str] = []

    def pages(path: str) -> Any:
        asked.append(path)
        return searchset(PATIENT, observation(1))

    with server(hospital(pages, offers=True)) as url:
        bundle = read_patient_bundle("Patient/p", peer=FhirPeer(url=url))
    assert kinds(bundle) == ["Patient/p", "Observation/o1"]
    assert asked == ["Patient/p/$everything?_count=100"]
    assert bundle["entry"][1]["fullUrl"] == f"{url}/Observation/o1"
    assert bundle["link"][0]["url"] == f"{url}/Patient/p"


def test_every_page_is_read_and_a_resource_counts_once() -> None:
    following: list[str] = []

    def pages(path: str) -> Any:
        if not path.startswith("Observation?"):
            return None
        number = 2 if "page=2" in path else 1
        link = [{"relation": "next", "url": following[0]}] if number == 1 else []
        return searchset(observation(number), observation(9), link=link)

    with server(hospital(pages)) as url:
        following.append(f"{url}/Observation?page=2")
        bundle = read_patient_bundle("Patient/p", peer=FhirPeer(url=url))
    assert kinds(bundle) == ["Patient/p", "Observation/o1", "Observation/o9", "Observation/o2"]


def test_a_next_page_on_another_server_is_refused() -> None:
    link = [{"relation": "next", "url": "https://evil.example/fhir?page=2"}]
    with (
        server(hospital(lambda path: searchset(observation(1), link=link))) as url,
        pytest.raises(InvalidInput, match="another server"),
    ):
        read_patient_bundle("Patient/p", peer=FhirPeer(url=url))


def test_pages_without_end_are_refused() -> None:
    number = iter(range(10_000))

    def pages(path: str) -> Any:
        link = [{"relation": "next", "url": f"{root[0]}/Observation?page={next(number)}"}]
        return searchset(observation(1), link=link)

    root: list[str] = []
    with server(hospital(pages)) as url:
        root.append(url)
        with pytest.raises(InvalidInput, match="pages without end"):
            read_patient_bundle("Patient/p", peer=FhirPeer(url=url))


def test_a_list_cut_without_a_next_page_is_asked_whole_or_refused() -> None:
    def pages(path: str) -> Any:
        if not path.startswith("Observation?"):
            return None
        whole = path.endswith("_count=3") and gives_all
        return searchset(*(observation(n) for n in range(3 if whole else 2)), total=3)

    for gives_all in (True, False):
        with server(hospital(pages)) as url:
            if gives_all:
                assert len(kinds(read_patient_bundle("Patient/p", peer=FhirPeer(url=url)))) == 4
            else:
                with pytest.raises(InvalidInput, match="does not give all"):
                    read_patient_bundle("Patient/p", peer=FhirPeer(url=url))


def test_what_is_included_counts_as_no_match() -> None:
    pill = {"resource": {"resourceType": "Medication", "id": "m"}, "search": {"mode": "include"}}

    def pages(path: str) -> Any:
        if not path.startswith("MedicationStatement?"):
            return None
        found = searchset({"resourceType": "MedicationStatement", "id": "s"}, total=2)
        found["entry"].append(pill)
        return found

    with (
        server(hospital(pages)) as url,
        pytest.raises(InvalidInput, match="1 of 2"),
    ):
        read_patient_bundle("Patient/p", peer=FhirPeer(url=url))


@pytest.mark.parametrize("reference", ["", "Patient/", "p", "Device/1", "Patient/1?x=y"])
def test_what_is_no_patient_is_not_asked_for(reference: str) -> None:
    with pytest.raises(InvalidInput, match="no reference of a patient"):
        read_patient_bundle(reference, peer=FhirPeer(url="http://127.0.0.1:9"))


def test_a_patient_merged_into_another_is_not_read() -> None:
    merged = {**PATIENT, "link": [{"other": {"reference": "Patient/q"}, "type": "replaced-by"}]}
    with (
        server(always(200, merged)) as url,
        pytest.raises(InvalidInput, match=r"merged into another.*Patient/q"),
    ):
        read_patient_bundle("Patient/p", peer=FhirPeer(url=url))
