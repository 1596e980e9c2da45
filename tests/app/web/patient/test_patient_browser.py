"""The patient's page in a real browser, on a phone and on paper."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from deeppcos.app.web.models import SignedReport, User
from deeppcos.app.web.patient.releasing import release_to_patient

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_she_reads_her_page_on_a_phone_and_prints_it(
    browser: "Browser",
    live_server: "LiveServer",
    report: SignedReport,
    clinician: User,
    tmp_path: Path,
) -> None:
    secret = release_to_patient(report.study, by=clinician, language="en", days=3)
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.goto(live_server.url + reverse("patient:page", args=[secret]))
    assert page.locator("h1").inner_text() == "Your ultrasound, explained"
    assert page.locator("figure img").evaluate("e => e.naturalWidth") > 300
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, "nothing is cut off"
    page.get_by_role("link", name="Deutsch").click()
    assert page.locator("h1").inner_text() == "Ihr Ultraschall, einfach erklärt"
    paper = page.pdf(path=str(tmp_path / "page.pdf"), format="A4")
    assert paper.startswith(b"%PDF")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=str(tmp_path / "dark.png"), full_page=True)
    page.emulate_media(color_scheme="light")
    page.screenshot(path=str(tmp_path / "light.png"), full_page=True)
    context.close()


def test_a_clinician_releases_the_page_and_takes_it_back(
    page: "Page",
    live_server: "LiveServer",
    report: SignedReport,
    clinician: User,
    sign_in: "object",
) -> None:
    sign_in(page, clinician)  # type: ignore[operator]
    page.goto(live_server.url + reverse("patient:share", args=[report.study.pk]))
    preview = page.frame_locator("iframe")
    assert preview.locator("h1").inner_text() == "Your ultrasound, explained"
    page.get_by_role("button", name="Make a link").click()
    address = page.locator("#new-link").input_value()
    assert address.startswith(live_server.url)
    page.goto(address)
    assert "Signed by Dr Ada" in page.locator(".signed").inner_text()
    page.goto(live_server.url + reverse("patient:share", args=[report.study.pk]))
    page.get_by_role("button", name="Take back").click()
    page.goto(address)
    assert page.locator("h1").inner_text() == "This link no longer works"
