"""Signing in: limits on guessing, nothing given away, sessions that end."""

from collections.abc import Callable
from datetime import timedelta
from time import time

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from deeppcos.app.web.accounts import sessions
from deeppcos.app.web.models import AuditEvent, User

ClientOf = Callable[[User], Client]
RIGHT = {"username": "ada", "password": "correct horse battery"}
WRONG = {"username": "ada", "password": "wrong"}


def sign_in(client: Client, fields: dict[str, str], address: str = "10.0.0.1") -> int:
    answer = client.post(reverse("accounts:sign-in"), fields, REMOTE_ADDR=address)
    return answer.status_code


def test_five_wrong_passwords_lock_the_name_for_that_address_only(
    clinician: User, client: Client
) -> None:
    said = [sign_in(client, WRONG) for _ in range(5)]
    assert said == [200, 200, 200, 200, 429]
    assert sign_in(client, RIGHT) == 429
    assert sign_in(client, RIGHT, address="10.0.0.2") == 302


def test_the_lock_ends_after_a_quarter_of_an_hour(clinician: User, client: Client) -> None:
    for _ in range(5):
        sign_in(client, WRONG)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert sign_in(client, RIGHT) == 302


def test_a_name_nobody_has_is_answered_like_one_somebody_has(
    clinician: User, client: Client
) -> None:
    nobody = {"username": "nobody", "password": "wrong"}
    for _ in range(6):
        answers = [
            client.post(reverse("accounts:sign-in"), fields, REMOTE_ADDR="10.0.0.1")
            for fields in (WRONG, nobody)
        ]
        texts = [
            answer.content.decode().replace(fields["username"], "NAME")
            for answer, fields in zip(answers, (WRONG, nobody), strict=True)
        ]
        assert answers[0].status_code == answers[1].status_code
        assert _without_tokens(texts[0]) == _without_tokens(texts[1])


def _without_tokens(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(line for line in lines if "csrf" not in line.lower())


def test_a_refusal_is_told_to_the_trail_without_what_was_typed(
    clinician: User, client: Client
) -> None:
    sign_in(client, WRONG)
    sign_in(client, {"username": "my-secret-password", "password": "ada"})
    events = list(AuditEvent.objects.filter(action="account.sign_in_refused"))
    assert [event.about for event in events] == [f"user:{clinician.pk}", "user:unknown"]
    assert not any("secret" in str(event.detail) + event.about for event in events)


def test_signing_in_begins_a_new_session(clinician: User, client: Client) -> None:
    client.get(reverse("accounts:sign-in"))
    client.session["planted"] = "x"
    before = client.session.session_key
    sign_in(client, RIGHT)
    assert client.session.session_key != before


def test_nobody_is_led_out_of_the_application(clinician: User, client: Client) -> None:
    answer = client.post(reverse("accounts:sign-in"), RIGHT | {"next": "https://evil.example/"})
    assert answer.headers["Location"] == reverse("worklist:list")


def test_an_idle_session_ends(
    clinician: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    client = client_of(clinician)
    assert client.get(reverse("accounts:me")).status_code == 200
    now = time()
    monkeypatch.setattr(sessions, "time", lambda: now + settings.SESSION_IDLE_SECONDS - 5)
    assert client.get(reverse("accounts:me")).status_code == 200
    monkeypatch.setattr(sessions, "time", lambda: now + 2 * settings.SESSION_IDLE_SECONDS)
    assert client.get(reverse("accounts:me")).status_code == 302


def test_a_session_ends_after_twelve_hours_even_when_used(
    clinician: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(clinician)
    now = time()
    said = []
    for half_hours in range(26):
        monkeypatch.setattr(sessions, "time", lambda hours=half_hours / 2: now + hours * 3600)
        said.append(client.get(reverse("accounts:me")).status_code)
    assert said[:24] == [200] * 24
    assert said[24:] == [302, 302]


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(
    clinician: User, client_of: ClientOf
) -> None:
    here, elsewhere = client_of(clinician), client_of(clinician)
    new = "an even longer way home"
    fields = {"old_password": RIGHT["password"], "new_password1": new, "new_password2": new}
    assert here.post(reverse("accounts:change-password"), fields).status_code == 302
    assert here.get(reverse("accounts:me")).status_code == 200
    assert elsewhere.get(reverse("accounts:me")).status_code == 302


def test_a_password_is_not_changed_without_the_old_one(
    clinician: User, client_of: ClientOf
) -> None:
    new = "an even longer way home"
    fields = {"old_password": "guessed", "new_password1": new, "new_password2": new}
    assert client_of(clinician).post(reverse("accounts:change-password"), fields).status_code == 400
    clinician.refresh_from_db()
    assert clinician.check_password(RIGHT["password"])


def test_behind_a_proxy_the_address_the_proxy_saw_counts(
    clinician: User, client: Client, settings: Settings
) -> None:
    settings.IS_BEHIND_PROXY = True
    for number in range(5):
        client.post(
            reverse("accounts:sign-in"),
            WRONG,
            headers={"X-Forwarded-For": f"1.2.3.{number}, 10.9.9.9"},
        )
    locked = client.post(
        reverse("accounts:sign-in"), RIGHT, headers={"X-Forwarded-For": "8.8.8.8, 10.9.9.9"}
    )
    assert locked.status_code == 429


def test_nobody_has_a_password_before_they_set_one(db: None) -> None:
    from deeppcos.app.web.preparing import prepare

    link = prepare()
    assert link is not None
    assert link.startswith("/accounts/join/")
    assert not any(user.has_usable_password() for user in User.objects.all())
