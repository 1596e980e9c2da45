"""The administrator's and the account's pages in a real browser: one journey, every page seen."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest
from playwright.sync_api import expect
from tests.app.web.conftest import PASSWORD, MakeUser

from deeppcos.app.web.models import Role, SecondFactor, Site, Study

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


def look(page: "Page", name: str, heading: str) -> None:
    """No page is wider than its window; pictures go to DEEPPCOS_SCREENSHOTS where it is set."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    folder = os.environ.get("DEEPPCOS_SCREENSHOTS")
    for size, window in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(window)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, size)
        for colours in ("light", "dark") if folder else ():
            page.emulate_media(color_scheme=colours)
            path = Path(str(folder)) / f"{name}-{size}-{colours}.png"
            page.screenshot(path=str(path), full_page=True)
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


def test_an_administrator_invites_and_the_invited_joins_with_a_second_factor(
    page: "Page", live_server: "LiveServer", make_user: MakeUser, site: Site, study: Study
) -> None:
    make_user("root", Role.ADMINISTRATOR)
    make_user("ada", Role.CLINICIAN, Role.RESEARCHER)
    site.second_factor_roles = [Role.CLINICIAN]
    site.save()
    page.goto(f"{live_server.url}/")
    look(page, "sign-in", "Sign in")
    page.get_by_label("Sign-in name").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    look(page, "people", "People")
    page.get_by_role("link", name="Sites").click()
    look(page, "sites", "Sites")
    page.get_by_role("link", name=site.name).click()
    look(page, "site", "Riverside clinic")
    page.goto(f"{live_server.url}/accounts/people/invite/")
    page.get_by_label("Name of the person").fill("Dr Grace Hopper")
    page.get_by_label("clinician").check()
    look(page, "invite", "Invite somebody")
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("One-time link").input_value()
    look(page, "link", "One-time link for Dr Grace Hopper")
    page.get_by_role("link", name="To the person's page").click()
    look(page, "person", "Dr Grace Hopper")
    page.goto(f"{live_server.url}/trail/")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("The trail is whole")).to_be_visible()
    look(page, "trail", "Audit trail")
    page.get_by_role("button", name="Sign out").click()
    page.goto(link)
    look(page, "join", "Set up your account")
    page.get_by_label("Sign-in name").fill("grace")
    for label in ("Password", "Password confirmation"):
        page.get_by_label(re.compile(f"^{label}$|^New {label.lower()}$")).fill(PASSWORD + "!")
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    look(page, "set-up-second-factor", "Set up a second factor")
    code = pyotp.TOTP(SecondFactor.objects.get(user__username="grace").secret).now()
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    recovery = page.locator(".codes code").first.inner_text()
    look(page, "recovery-codes", "Your recovery codes")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.get_by_role("link", name="Dr Grace Hopper").click()
    look(page, "me", "Dr Grace Hopper")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Sign-in name").fill("grace")
    page.get_by_label("Password").fill(PASSWORD + "!")
    page.get_by_role("button", name="Sign in").click()
    look(page, "second-factor", "The code of your device")
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
