import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from deeppcos.app.web.models import ApiToken, AuditEvent, Role, User

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

MakeUser = Callable[..., User]
ClientOf = Callable[[User], Client]
SignIn = Callable[["Page", User], None]
PAGE = "/accounts/tokens/"


def test_a_token_is_made_shown_once_and_revoked(
    clinician: User, clinician_client: Client, client: Client
) -> None:
    sent = {
        "name": "archive sender",
        "site": clinician.grants.get().site_id,
        "scopes": ["studies:read"],
        "days": 30,
    }
    made = clinician_client.post(PAGE, sent, follow=True).content.decode()
    found = re.search(r'value="(deeppcos_[^"]+)"', made)
    assert found is not None
    bearer = {"Authorization": f"Bearer {found[1]}"}
    assert client.get("/api/v1/token", headers=bearer).json()["scopes"] == ["studies:read"]
    assert found[1] not in clinician_client.get(PAGE).content.decode()
    token = ApiToken.objects.get()
    clinician_client.post(f"{PAGE}{token.pk}/revoke/")
    assert client.get("/api/v1/token", headers=bearer).status_code == 401
    assert AuditEvent.objects.filter(action="token.revoked", actor=clinician).exists()


def test_a_form_is_offered_only_what_its_owner_may(sonographer: User, client_of: ClientOf) -> None:
    browser = client_of(sonographer)
    assert "reports:sign" not in browser.get(PAGE).content.decode()
    sent = {
        "name": "x",
        "site": sonographer.grants.get().site_id,
        "scopes": ["reports:sign"],
        "days": 3,
    }
    assert browser.post(PAGE, sent).status_code == 422
    assert not ApiToken.objects.exists()


def test_an_administrator_revokes_tokens_of_her_site_and_a_colleague_does_not(
    clinician: User, administrator: User, make_user: MakeUser, client_of: ClientOf
) -> None:
    from deeppcos.app.web.api.tokens.making import make_token

    site = clinician.grants.get().site
    make_token(clinician, site=site, name="x", scopes=["studies:read"], days=3)
    token = ApiToken.objects.get()
    colleague = client_of(make_user("bea", Role.CLINICIAN))
    assert colleague.post(f"{PAGE}{token.pk}/revoke/").status_code == 404
    client_of(administrator).post(f"{PAGE}{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_by == administrator


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_calls_are_described_offline_under_the_strict_policy(
    live_server: "LiveServer", page: "Page"
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}/api/v1/docs")
    page.get_by_text("Release to the patient").wait_for()
    page.get_by_text("Create a study").click()
    page.get_by_text("Idempotency-Key").first.wait_for()
    foreign = [url for url in asked if not url.startswith((live_server.url, "data:", "blob:"))]
    assert foreign == []


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_token_is_made_in_the_browser(
    live_server: "LiveServer", page: "Page", sign_in: SignIn, clinician: User
) -> None:
    sign_in(page, clinician)
    page.goto(live_server.url + PAGE)
    page.get_by_label("What it is for").fill("archive sender")
    page.get_by_label("see studies, pictures").check()
    page.get_by_role("button", name="Make a token").click()
    assert page.get_by_role("textbox", name="Your token").input_value().startswith("deeppcos_")
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("revoked").wait_for()
