"""Signing in through a real OpenID Connect provider, in a real browser."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from deeppcos.app.web.models import AuditEvent, ExternalIdentity, Site, User

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer
    from tests.app.web.accounts.conftest import Provider

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.network]


def sign_in_there(page: "Page", live_server: "LiveServer", name: str) -> None:
    """Follow the button, give a name and any password, and agree."""
    page.goto(f"{live_server.url}/accounts/sign-in/")
    page.get_by_role("link", name="Sign in through Riverside Hospital").click()
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_the_groups_at_the_hospital_are_the_roles_here(
    page: "Page", live_server: "LiveServer", site: Site, provider: "Provider"
) -> None:
    sign_in_there(page, live_server, "ada")
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    expect(page.get_by_role("link", name="Dr Ada Lovelace")).to_be_visible()
    ada = User.objects.get(username="ada")
    assert not ada.has_usable_password()
    assert list(ada.grants.values_list("role", "site__slug")) == [("clinician", "riverside")]
    identity = ExternalIdentity.objects.get(user=ada)
    assert (identity.issuer, identity.subject) == (provider.issuer, "ada")
    event = AuditEvent.objects.get(action="account.signed_in")
    assert (event.actor, event.detail) == (ada, {"how": "provider"})


def test_whoever_has_no_group_with_a_role_gets_no_account(
    page: "Page", live_server: "LiveServer", site: Site, provider: "Provider"
) -> None:
    sign_in_there(page, live_server, "nora")
    expect(page.get_by_text("none of your groups there has a role here")).to_be_visible()
    assert not User.objects.exists()
    page.goto(f"{live_server.url}/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
