"""The headers every answer carries, and the cookies every browser is given."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings
from tests.app.web.addresses import addresses, values_for

from deeppcos.app.web.models import Grant, Role, Study, User

ClientOf = Callable[[User], Client]


GUARDED_BY = {
    "X-Content-Type-Options": {"nosniff"},
    "X-Frame-Options": {"DENY", "SAMEORIGIN"},
    "Referrer-Policy": {"same-origin", "no-referrer"},
    "Cross-Origin-Opener-Policy": {"same-origin"},
}


def test_every_answer_is_guarded_by_its_headers(
    analysed_study: Study, clinician: User, client_of: ClientOf
) -> None:
    for role in (Role.ADMINISTRATOR, Role.RESEARCHER):
        Grant.objects.create(user=clinician, site=analysed_study.site, role=role)
    values = values_for(analysed_study, clinician)
    known, stranger = client_of(clinician), Client()
    for address in sorted(set(addresses()), key=lambda one: one.name):
        url = reverse(address.name, kwargs={key: values[key] for key in address.takes})
        for client in (known, stranger):
            answer = client.get(url)
            answer.close()
            assert answer.status_code < 500, address.name
            assert what_is_missing(answer.headers) == [], address.name


def what_is_missing(headers: Mapping[str, str]) -> list[str]:
    """Headers that do not guard as they should."""
    missing = [name for name, right in GUARDED_BY.items() if headers.get(name) not in right]
    policy = headers.get("Content-Security-Policy", "")
    is_strict = "default-src 'none'" in policy and "frame-ancestors" in policy
    is_loose = "unsafe-eval" in policy or "script-src 'unsafe" in policy
    return missing + ([] if is_strict and not is_loose else [policy])


def test_a_form_without_its_token_is_refused(clinician: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(clinician)
    assert client.post(reverse("accounts:sign-out")).status_code == 403
    fields = {"username": "ada", "password": "correct horse battery"}
    assert (
        Client(enforce_csrf_checks=True).post(reverse("accounts:sign-in"), fields).status_code
        == 403
    )


def test_the_session_travels_in_a_guarded_cookie(clinician: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client()
    fields = {"username": "ada", "password": "correct horse battery"}
    answer = client.post(reverse("accounts:sign-in"), fields, secure=True)
    cookie = answer.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"


def test_https_by_the_environment_sets_hsts_and_secure_cookies(tmp_path: Path) -> None:
    code = (
        "from deeppcos.app.web import settings as s;"
        "print(s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE)"
    )
    said = {}
    for https in ("yes", "no"):
        environment = os.environ | {
            "DEEPPCOS_HOME": str(tmp_path),
            "DEEPPCOS_SECRET_KEY": "x" * 60,
            "DEEPPCOS_HTTPS": https,
        }
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", check=True
        )
        said[https] = done.stdout.split()
    assert said == {"yes": ["31536000", "True", "True"], "no": ["0", "False", "False"]}


def test_hsts_is_sent_over_https(client: Client, settings: Settings, db: None) -> None:
    settings.SECURE_HSTS_SECONDS = 31536000
    # The middleware reads the setting when it is made: with a client's first request.
    answer = Client().get(reverse("accounts:sign-in"), secure=True)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
