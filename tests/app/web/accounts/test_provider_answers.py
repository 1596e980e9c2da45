"""Answers of a provider that must not be believed, over real HTTP, with real signatures."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from joserfc import jwt
from joserfc.jwk import RSAKey
from pytest_django.fixtures import Settings

from deeppcos.app.web.accounts import provider
from deeppcos.app.web.models import AuditEvent, ExternalIdentity, Role, Site, User

Claims = dict[str, Any]


class Impostor:
    """A provider that can be told to lie."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.other = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.issuer = self.nonce = self.challenge = ""
        self.change: Callable[[Claims], Claims] = lambda claims: claims
        self.signed_with = self.key
        self.leaves_out_token = False
        self.unsigned = False
        self.verifier_was_right: bool | None = None

    def answer(self, path: str, body: str) -> Claims:
        """What is said at each address."""
        if path.endswith("openid-configuration"):
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        return self.token(parse_qs(body)["code_verifier"][0])

    def token(self, verifier: str) -> Claims:
        digest = hashlib.sha256(verifier.encode()).digest()
        given = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self.verifier_was_right = given == self.challenge
        said: Claims = {"access_token": "x", "token_type": "Bearer", "expires_in": 60}
        now = int(time.time())
        claims = self.change(
            {
                "iss": self.issuer, "aud": "deeppcos", "sub": "ada", "nonce": self.nonce,
                "iat": now, "exp": now + 60, "name": "Dr Ada", "groups": ["gyn-doctors"],
            }
        )  # fmt: skip
        if self.unsigned:
            parts = ({"alg": "none"}, claims)
            said["id_token"] = ".".join(_b64(json.dumps(part)) for part in parts) + "."
        elif not self.leaves_out_token:
            header = {"alg": "RS256", "kid": "one"}
            said["id_token"] = jwt.encode(header, claims, self.signed_with)
        return said


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.fixture
def impostor(settings: Settings) -> Iterator[Impostor]:
    there = Impostor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say("")

        def do_POST(self) -> None:
            self._say(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _say(self, body: str) -> None:
            content = json.dumps(there.answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    there.issuer = f"http://127.0.0.1:{server.server_port}"
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = there.issuer, "deeppcos"
    settings.OIDC_CLIENT_SECRET = "between the two"
    settings.OIDC_GROUPS_CLAIM = "groups"
    settings.OIDC_ROLES = (
        ("gyn-doctors", "clinician", "riverside"),
        ("gyn-admins", "administrator", "riverside"),
        ("far-away", "clinician", "a-site-that-is-not-there"),
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield there
    server.shutdown()
    server.server_close()
    thread.join()


def come_back(client: Client, impostor: Impostor, *, state: str = "") -> Any:
    """Go there and come back, as a browser does."""
    away = client.get(reverse("accounts:provider")).headers["Location"]
    asked = parse_qs(urlsplit(away).query)
    assert asked["code_challenge_method"] == ["S256"]
    impostor.nonce, impostor.challenge = asked["nonce"][0], asked["code_challenge"][0]
    query = {"code": "c", "state": state or asked["state"][0]}
    return client.get(reverse("accounts:provider-answer"), query)


def is_in(client: Client) -> bool:
    return client.get(reverse("accounts:me")).status_code == 200


def test_an_honest_answer_lets_its_person_in_with_pkce(
    client: Client, impostor: Impostor, site: Site
) -> None:
    assert come_back(client, impostor).status_code == 302
    assert impostor.verifier_was_right is True
    assert is_in(client)


LIES: dict[str, Callable[[Claims], Claims]] = {
    "made for another application": lambda claims: claims | {"aud": "another"},
    "for nobody": lambda claims: {k: v for k, v in claims.items() if k != "aud"},
    "made by another provider": lambda claims: claims | {"iss": "https://evil.example"},
    "of an earlier sign-in": lambda claims: claims | {"nonce": "another"},
    "without a nonce": lambda claims: {k: v for k, v in claims.items() if k != "nonce"},
    "too old": lambda claims: claims | {"iat": 1, "exp": 2},
    "about nobody": lambda claims: {k: v for k, v in claims.items() if k != "sub"},
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_is_not_believed_when_it_is(
    client: Client, impostor: Impostor, site: Site, lie: str
) -> None:
    impostor.change = LIES[lie]
    answer = come_back(client, impostor)
    assert answer.status_code == 403
    assert "could not be believed" in answer.content.decode()
    assert not is_in(client)
    assert not User.objects.exists()
    assert AuditEvent.objects.get().action == "account.provider_refused"


@pytest.mark.parametrize("how", ["signed by another key", "not signed", "without an id token"])
def test_an_answer_nobody_vouches_for_is_not_believed(
    client: Client, impostor: Impostor, site: Site, how: str
) -> None:
    impostor.signed_with = impostor.other if how == "signed by another key" else impostor.key
    impostor.unsigned = how == "not signed"
    impostor.leaves_out_token = how == "without an id token"
    assert come_back(client, impostor).status_code == 403
    assert not is_in(client)


def test_an_answer_nobody_asked_for_is_not_believed(
    client: Client, impostor: Impostor, site: Site
) -> None:
    assert come_back(client, impostor, state="made-up").status_code == 403
    assert not is_in(client)


def test_a_provider_that_does_not_answer_is_said_so(client: Client, settings: Settings) -> None:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = "http://127.0.0.1:9", "deeppcos"
    answer = client.get(reverse("accounts:provider"))
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()


def test_without_a_provider_there_is_no_such_page(client: Client, db: None) -> None:
    for name in ("provider", "provider-answer"):
        assert client.get(reverse(f"accounts:{name}")).status_code == 404


def claims_of(impostor: Impostor, *groups: str, **more: str) -> Claims:
    return {"iss": impostor.issuer, "sub": "ada", "groups": list(groups)} | more


def test_roles_follow_the_groups_at_every_sign_in(impostor: Impostor, site: Site) -> None:
    ada = provider.account_for(claims_of(impostor, "gyn-doctors", "gyn-admins"))
    assert ada is not None
    assert set(ada.grants.values_list("role", flat=True)) == {"clinician", "administrator"}
    assert provider.account_for(claims_of(impostor, "gyn-doctors")) == ada
    assert [grant.role for grant in ada.grants.all()] == ["clinician"]
    assert provider.account_for(claims_of(impostor)) is None
    assert not ada.grants.exists()


def test_a_group_of_a_site_that_is_not_there_gives_nothing(impostor: Impostor, site: Site) -> None:
    assert provider.account_for(claims_of(impostor, "far-away", "everybody")) is None
    assert not User.objects.exists()


def test_a_name_chosen_at_the_provider_opens_no_account_of_ours(
    impostor: Impostor, clinician: User
) -> None:
    claims = claims_of(impostor, "gyn-doctors", preferred_username="ada", email="ada@x.example")
    theirs = provider.account_for(claims)
    assert theirs is not None
    assert theirs != clinician
    assert theirs.username == "ada-2"
    assert not ExternalIdentity.objects.filter(user=clinician).exists()


def test_an_account_closed_here_stays_closed(
    client: Client, impostor: Impostor, site: Site
) -> None:
    ada = provider.account_for(claims_of(impostor, "gyn-doctors"))
    assert ada is not None
    User.objects.update(is_active=False)
    answer = come_back(client, impostor)
    assert "was closed" in answer.content.decode()
    assert not is_in(client)


def test_the_roles_of_an_account_of_the_provider_are_not_changed_here(
    impostor: Impostor, administrator: User, client_of: Callable[[User], Client], site: Site
) -> None:
    ada = provider.account_for(claims_of(impostor, "gyn-doctors"))
    assert ada is not None
    fields = {f"site-{site.pk}": [Role.ADMINISTRATOR]}
    answer = client_of(administrator).post(reverse("accounts:person", args=[ada.pk]), fields)
    assert answer.status_code == 400
    assert [grant.role for grant in ada.grants.all()] == ["clinician"]
