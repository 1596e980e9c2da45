"""SMART on FHIR against node oidc-provider in front of @medplum/fhir-router."""

import http.cookiejar
import json
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from deeppcos.errors import InvalidInput, TemporaryFailure

pytest.importorskip("authlib", reason="the records extra is not installed")
pytest.importorskip("requests", reason="the records extra is not installed")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from deeppcos.records.fhir.server import FhirPeer, read_patient_bundle
from deeppcos.records.fhir.smart import (
    LaunchState,
    SigningKey,
    SmartClient,
    SmartConfiguration,
    backend_token,
    begin_launch,
    discover,
    finish_launch,
)

BACK = "http://127.0.0.1/back"
APP = SmartClient(client_id="app")


def key_file(folder: Path, key: Any, name: str) -> SigningKey:
    path = folder / name
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return SigningKey(file=path)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SigningKey]:
    folder = tmp_path_factory.mktemp("keys")
    return {
        "RS384": key_file(folder, rsa.generate_private_key(65537, 2048), "rsa.pem"),
        "ES384": key_file(folder, ec.generate_private_key(ec.SECP384R1()), "ec.pem"),
    }


def clients(keys: dict[str, SigningKey]) -> list[dict[str, Any]]:
    services = [
        {
            "client_id": name,
            "grant_types": ["client_credentials"],
            "redirect_uris": [],
            "response_types": [],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": name,
            "jwks": key.public_keys(),
            "scope": "system/*.cruds",
        }
        for name, key in keys.items()
    ]
    app = {
        "client_id": "app",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "redirect_uris": [BACK],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }
    confidential = {
        **app,
        "client_id": "app-with-key",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES384",
        "jwks": keys["ES384"].public_keys(),
    }
    return [*services, app, confidential]


Started = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def started(smart_packages: Path, keys: dict[str, SigningKey]) -> Iterator[Started]:
    """Start a hospital; what it says of itself comes back."""
    with ExitStack() as stack:

        def start(**settings: Any) -> dict[str, Any]:
            given = {
                "clients": clients(keys),
                "patients": [{"birthDate": "1998-01-04"}, {"birthDate": "2001-05-06"}],
                **settings,
            }
            script = Path(__file__).with_name("smart_server.mjs")
            running = subprocess.Popen(
                ["node", "--no-warnings", str(script), str(smart_packages), json.dumps(given)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
            stack.callback(running.communicate, timeout=30)
            stack.callback(running.terminate)
            assert running.stdout is not None
            for line in running.stdout:
                if line.startswith("{"):
                    return dict(json.loads(line))
            raise AssertionError("the hospital did not start")

        yield start


@pytest.fixture(scope="module")
def hospital(started: Started) -> dict[str, Any]:
    return started()


def tokens_given(hospital: dict[str, Any]) -> int:
    with urllib.request.urlopen(f"{hospital['origin']}/tokens-given", timeout=10) as answer:
        return int(json.load(answer)["given"])


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_service_proves_itself_with_its_key_and_keeps_its_token(
    hospital: dict[str, Any], keys: dict[str, SigningKey], algorithm: str
) -> None:
    me = SmartClient(client_id=algorithm, key=keys[algorithm])
    token = backend_token(hospital["url"], client=me)
    before = tokens_given(hospital)
    peer = FhirPeer(url=hospital["url"], token=token)
    bundle = read_patient_bundle(f"Patient/{hospital['patients'][0]}", peer=peer)
    assert bundle["entry"][0]["resource"]["birthDate"] == "1998-01-04"
    assert tokens_given(hospital) == before + 1, "one token for all requests"
    assert "_token" not in repr(token)


@pytest.mark.slow
@pytest.mark.network
def test_without_a_token_the_server_says_nothing(hospital: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="does not take our token"):
        read_patient_bundle("Patient/1", peer=FhirPeer(url=hospital["url"]))


@pytest.mark.slow
@pytest.mark.network
def test_a_token_is_renewed_before_and_after_its_end(
    started: Started, keys: dict[str, SigningKey]
) -> None:
    hospital = started(seconds=32)
    me = SmartClient(client_id="RS384", key=keys["RS384"])
    now = [0.0]
    token = backend_token(hospital["url"], client=me)
    token.clock = lambda: now[0]
    first = token()
    now[0] = 1.0
    assert token() == first
    now[0] = 2.5
    second = token()
    assert second != first, "30 s before its end a token is not used any more"
    short = started(seconds=1)
    token = backend_token(short["url"], client=me)
    token.clock = lambda: 0.0  # a clock that stands still: only the server knows that it ended
    token._ends_at = 1.0
    token._token = token_that_ended(token)
    peer = FhirPeer(url=short["url"], token=token)
    patient = f"Patient/{short['patients'][0]}"
    assert read_patient_bundle(patient, peer=peer)["entry"], "refused once, renewed, read"


def token_that_ended(token: Any) -> str:
    ended = str(token())
    time.sleep(1.6)
    return ended


@pytest.mark.slow
@pytest.mark.network
def test_a_stranger_with_another_key_gets_no_token(
    hospital: dict[str, Any], tmp_path: Path
) -> None:
    stranger = key_file(tmp_path, rsa.generate_private_key(65537, 2048), "other.pem")
    token = backend_token(hospital["url"], client=SmartClient(client_id="RS384", key=stranger))
    with pytest.raises(InvalidInput, match=r"gives us no token.*invalid_client"):
        token()


@pytest.mark.slow
@pytest.mark.network
def test_a_scope_that_is_not_ours_is_refused_in_the_servers_words(
    hospital: dict[str, Any], keys: dict[str, SigningKey]
) -> None:
    me = SmartClient(client_id="RS384", key=keys["RS384"])
    with pytest.raises(InvalidInput, match="invalid_scope"):
        backend_token(hospital["url"], client=me, scope="patient/Patient.rs")()


class Browser(urllib.request.HTTPRedirectHandler):
    """Follows redirects as a browser would, as far as the address that is ours."""

    def __init__(self) -> None:
        self.back = ""
        self._opener = urllib.request.build_opener(
            self, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if newurl.startswith(BACK):
            self.back = newurl
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def allows(self, url: str, *, says: str = "yes") -> dict[str, str]:
        with self._opener.open(url, timeout=20) as page:
            place = page.url
        with pytest.raises(urllib.error.HTTPError) as ended:
            self._opener.open(place, data=f"say={says}".encode(), timeout=20)
        ended.value.close()
        query = urllib.parse.urlsplit(self.back).query
        return dict(urllib.parse.parse_qsl(query))


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("launch", "place"), [("launch-1", 1), ("", 0)], ids=["EHR", "standalone"])
def test_a_launch_gives_a_token_for_the_patient_on_the_screen(
    hospital: dict[str, Any], launch: str, place: int
) -> None:
    configuration = discover(hospital["url"])
    assert "launch-ehr" in configuration.capabilities
    url, remembered = begin_launch(configuration, APP, redirect_uri=BACK, launch=launch)
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    assert asked["aud"] == hospital["url"]
    assert asked["code_challenge_method"] == "S256"
    assert remembered.verifier not in url
    context = finish_launch(Browser().allows(url), remembered, APP, configuration)
    assert context.patient == f"Patient/{hospital['patients'][place]}"
    peer = FhirPeer(url=context.server, token=lambda: context.access_token)
    assert read_patient_bundle(context.patient, peer=peer)["entry"]


@pytest.mark.slow
@pytest.mark.network
def test_a_launch_may_prove_itself_with_a_key(
    hospital: dict[str, Any], keys: dict[str, SigningKey]
) -> None:
    me = SmartClient(client_id="app-with-key", key=keys["ES384"])
    configuration = discover(hospital["url"])
    url, remembered = begin_launch(configuration, me, redirect_uri=BACK, launch="launch-0")
    answer = Browser().allows(url)
    with pytest.raises(InvalidInput, match="gives us no token"):
        finish_launch(answer, remembered, SmartClient(client_id="app-with-key"), configuration)
    url, remembered = begin_launch(configuration, me, redirect_uri=BACK, launch="launch-0")
    context = finish_launch(Browser().allows(url), remembered, me, configuration)
    assert context.patient == f"Patient/{hospital['patients'][0]}"


@pytest.mark.slow
@pytest.mark.network
def test_a_code_without_its_verifier_or_used_twice_is_worth_nothing(
    hospital: dict[str, Any],
) -> None:
    configuration = discover(hospital["url"])
    url, remembered = begin_launch(configuration, APP, redirect_uri=BACK, launch="launch-0")
    answer = Browser().allows(url)
    stolen = replace(remembered, verifier="a" * 64)
    with pytest.raises(InvalidInput, match="invalid_grant"):
        finish_launch(answer, stolen, APP, configuration)
    url, remembered = begin_launch(configuration, APP, redirect_uri=BACK, launch="launch-0")
    answer = Browser().allows(url)
    finish_launch(answer, remembered, APP, configuration)
    with pytest.raises(InvalidInput, match="invalid_grant"):
        finish_launch(answer, remembered, APP, configuration)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(
    ("launch", "says", "words"),
    [("launch-0", "no", "access_denied"), ("launch-9", "yes", "unknown launch")],
    ids=["denied", "unknown"],
)
def test_a_no_is_told_in_the_servers_words(
    hospital: dict[str, Any], launch: str, says: str, words: str
) -> None:
    configuration = discover(hospital["url"])
    url, remembered = begin_launch(configuration, APP, redirect_uri=BACK, launch=launch)
    with pytest.raises(InvalidInput, match=words):
        finish_launch(Browser().allows(url, says=says), remembered, APP, configuration)


@pytest.mark.slow
@pytest.mark.network
def test_a_launch_that_names_no_patient_is_refused(started: Started) -> None:
    hospital = started(namesNoPatient=True)
    configuration = discover(hospital["url"])
    url, remembered = begin_launch(configuration, APP, redirect_uri=BACK, launch="launch-0")
    with pytest.raises(InvalidInput, match="names no patient"):
        finish_launch(Browser().allows(url), remembered, APP, configuration)


@pytest.mark.network
@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({}, "says nothing of SMART"),
        ({"token_endpoint": "http://ehr.example/token"}, "no address with encryption"),
        (
            {
                "token_endpoint": "https://ehr.example/token",
                "authorization_endpoint": "https://ehr.example/auth",
                "code_challenge_methods_supported": ["plain"],
            },
            "does not protect the code",
        ),
    ],
    ids=["nothing", "open", "plain"],
)
def test_a_server_that_cannot_be_trusted_is_not_used(stated: dict[str, Any], words: str) -> None:
    class Stating(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(stated).encode())

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Stating) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(InvalidInput, match=words):
            discover(f"http://127.0.0.1:{server.server_port}/fhir")
        thread.join(5)


HERE = SmartConfiguration(
    server="https://ehr.example/fhir",
    token_endpoint="https://ehr.example/token",
    authorization_endpoint="https://ehr.example/auth",
)
REMEMBERED = LaunchState(
    state="s",
    verifier="v",
    redirect_uri=BACK,
    server=HERE.server,
    token_endpoint=HERE.token_endpoint,
)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"state": "forged", "code": "c"}, "no launch of ours"),
        ({"code": "c"}, "no launch of ours"),
        ({"state": "s"}, "has no code"),
    ],
    ids=["forged", "no state", "no code"],
)
def test_a_forged_answer_is_refused_without_asking_anybody(
    answer: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        finish_launch(answer, REMEMBERED, APP, HERE)


def test_an_answer_of_another_server_is_refused() -> None:
    other = replace(HERE, server="https://evil.example/fhir")
    with pytest.raises(InvalidInput, match="another server"):
        finish_launch({"state": "s", "code": "c"}, REMEMBERED, APP, other)


@pytest.mark.parametrize("server", ["http://ehr.example/fhir", "ehr.example"])
def test_a_server_without_encryption_is_not_asked(server: str) -> None:
    with pytest.raises(InvalidInput, match="no address with encryption"):
        discover(server)


def test_an_authorisation_server_that_is_down_is_tried_again_later(
    keys: dict[str, SigningKey],
) -> None:
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        discover("http://127.0.0.1:9/fhir")
    me = SmartClient(client_id="x", key=keys["ES384"])
    token = backend_token(
        "http://127.0.0.1:9/fhir", client=me, token_endpoint="http://127.0.0.1:9/token"
    )
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        token()


def test_a_key_that_proves_nothing_is_refused_by_name(
    tmp_path: Path, keys: dict[str, SigningKey]
) -> None:
    public = tmp_path / "public.json"
    public.write_text(json.dumps(keys["RS384"].public_keys()["keys"][0]), encoding="utf-8")
    (tmp_path / "none.pem").write_text("hello", encoding="utf-8")
    weak = key_file(tmp_path, ec.generate_private_key(ec.SECP256R1()), "weak.pem")
    short = key_file(tmp_path, rsa.generate_private_key(65537, 1024), "short.pem")
    for key in (weak, short, *map(_key, (public, tmp_path / "none.pem", tmp_path / "gone.pem"))):
        with pytest.raises(InvalidInput, match="no key to sign with"):
            _ = key.algorithm
    with pytest.raises(InvalidInput, match="must prove who it is"):
        backend_token("https://ehr.example/fhir", client=APP)


def _key(path: Path) -> SigningKey:
    return SigningKey(file=path)


def test_only_the_public_part_of_a_key_is_shown(keys: dict[str, SigningKey]) -> None:
    for name, key in keys.items():
        [shown] = key.public_keys()["keys"]
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(shown)
        assert shown["alg"] == key.algorithm == name
