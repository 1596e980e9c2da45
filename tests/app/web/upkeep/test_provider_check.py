"""What the doctor says of the hospital's sign-in, asked of a server that answers as told."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from deeppcos.app.web.models import Site
from deeppcos.app.web.upkeep.checks import Check, Verdict, worst
from deeppcos.app.web.upkeep.provider_check import provider_checks, provider_sites

Answers = dict[str, Any]
ROLES = (("gyn-doctors", "clinician", "riverside"),)


@pytest.fixture
def answers(settings: Settings) -> Iterator[Answers]:
    """What a provider answers by path; its own well-known answer is sound."""
    said: Answers = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = said.get(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            text = content if isinstance(content, str) else json.dumps(content)
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    issuer = f"http://127.0.0.1:{server.server_port}"
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = issuer, "deeppcos"
    settings.OIDC_ROLES, settings.OIDC_GROUPS_CLAIM = ROLES, "groups"
    said["/.well-known/openid-configuration"] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorise",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/keys",
        "claims_supported": ["sub", "groups"],
        "code_challenge_methods_supported": ["S256"],
    }
    said["/keys"] = {"keys": [{"kty": "EC"}]}
    yield said
    server.shutdown()
    server.server_close()


def said_of() -> str:
    return " ".join(f"{check.verdict}: {check.said}; {check.remedy}" for check in provider_checks())


def test_a_provider_that_answers_is_fine(answers: Answers) -> None:
    assert worst(provider_checks()) is Verdict.FINE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"issuer": "https://elsewhere"}, "calls itself https://elsewhere"),
        ({"token_endpoint": None}, "does not say its token_endpoint"),
        ({"claims_supported": ["sub", "roles"]}, "does not list the claim groups"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE with S256"),
    ],
)
def test_what_would_not_work_is_said_in_words(
    answers: Answers, change: dict[str, Any], words: str
) -> None:
    answers["/.well-known/openid-configuration"].update(change)
    assert words in said_of()


@pytest.mark.parametrize("keys", [None, {"keys": []}, "no JSON"], ids=["gone", "none", "broken"])
def test_keys_that_cannot_be_fetched_are_wrong(answers: Answers, keys: object) -> None:
    answers["/keys"] = keys
    assert "signatures cannot be checked" in said_of()


def test_a_provider_that_does_not_answer_is_wrong_and_names_the_way_around(
    answers: Answers, settings: Settings
) -> None:
    del answers["/.well-known/openid-configuration"]
    assert "answers 404" in said_of()
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert "cannot be reached" in said_of()
    assert "can still sign in" in said_of()


def test_groups_that_lead_nowhere_are_wrong(
    site: Site, answers: Answers, settings: Settings
) -> None:
    def verdicts() -> list[tuple[Verdict, str]]:
        return [(check.verdict, check.said) for check in provider_sites()]

    assert verdicts() == [(Verdict.FINE, "1 group, every site exists")]
    settings.OIDC_ROLES = (*ROLES, ("gyn-it", "administrator", "hillside"))
    [(verdict, words)] = verdicts()
    assert verdict is Verdict.WRONG
    assert "gyn-it (administrator at hillside)" in words
    settings.OIDC_ROLES = ()
    assert verdicts() == []
    assert "nobody can sign in through it" in said_of()


def test_roles_without_a_provider_are_worth_a_look(settings: Settings) -> None:
    settings.OIDC_ISSUER, settings.OIDC_ROLES = "", ROLES
    [check] = provider_checks()
    assert isinstance(check, Check)
    assert check.verdict is Verdict.LOOK


def test_no_provider_is_nothing_to_say(settings: Settings) -> None:
    settings.OIDC_ISSUER, settings.OIDC_ROLES = "", ()
    assert list(provider_checks()) == []
