"""A new clinic's first hour: ``deeppcos serve``, a power cut, corrections, a signed report.

With DEEPPCOS_PICTURES set to a folder, the pages on the way are kept there for ``docs/desk.md``:

    DEEPPCOS_PICTURES=docs/pictures/desk pytest tests/journeys/web -m slow -n 0
"""

import re
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.journeys.web.camera import Camera
from tests.journeys.web.conftest import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

PATIENCE_MS = 240_000
READING_MS = 600_000
PASSWORD = "a long enough phrase"
DESK: Any = {"width": 1280, "height": 800}
PHONE: Any = {"width": 380, "height": 760}
BOMB_BYTES = 130_000_000
"""Zeros: a hundred times what they are packed in, and over the room a small archive is given."""


def fits(page: "Page") -> bool:
    """Whether nothing is cut off sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_from_serve_through_a_power_cut_to_the_patients_phone(
    desk: Desk, browser: "Browser", tmp_path: Path
) -> None:
    camera = Camera()
    context = browser.new_context(viewport=DESK, locale="en-GB", color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if "Security Policy" in m.text else None)

    set_up_the_first_account(page, desk, camera)
    cut_the_power_while_the_example_is_read(page, desk, camera)
    correct_a_follicle(page, camera)
    look_at_every_part(page, camera)
    paper = sign(page, camera)
    assert paper.startswith(b"%PDF")
    link = release_to_the_patient(page, camera)
    read_on_a_phone(browser, link, camera)
    refuse_what_is_no_picture(page, desk, tmp_path, camera)
    the_desk_on_a_phone(page, context, desk, camera)
    assert problems == []
    context.close()


def set_up_the_first_account(page: "Page", desk: Desk, camera: Camera) -> None:
    """The link works once and asks for a name and a password."""
    page.goto(desk.one_time_link)
    page.get_by_label("Your name, as it is signed with").fill("Dr Ada Adams")
    page.get_by_label("Sign-in name").fill("ada")
    camera.take(page, "set-up")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    page.get_by_role("heading", name="Worklist").wait_for()
    camera.take(page, "worklist-reading")
    stranger = page.context.browser
    assert stranger is not None
    again = stranger.new_page()
    again.goto(desk.one_time_link)
    assert again.get_by_role("button", name="Set up and sign in").count() == 0
    again.close()


def cut_the_power_while_the_example_is_read(page: "Page", desk: Desk, camera: Camera) -> None:
    """Everything is killed in the middle; after a restart the reading ends once, by itself."""
    page.locator("table.studies a").first.click()
    page.get_by_role("heading", name="Being read").wait_for()
    camera.take(page, "being-read")
    wait_until_a_worker_has_begun(desk)
    desk.kill()
    desk.start()
    assert not any("works once" in line for line in desk.said), "there is an account now"
    page.reload()
    assert page.get_by_text("Dr Ada Adams").first.is_visible(), "still signed in"
    page.get_by_role("heading", name="Next: look at the marks, then sign").wait_for(
        timeout=READING_MS
    )
    page.reload()
    with closing(sqlite3.connect(desk.home / "desk.sqlite3", timeout=20)) as base:
        [[read, attempts]] = base.execute(
            "select (select count(*) from web_assessment), max(attempts) from web_job"
        ).fetchall()
    assert read == 1, "read once, in spite of the cut"
    assert attempts == 2
    camera.take_both(page, "study")


def wait_until_a_worker_has_begun(desk: Desk) -> None:
    """The page says "being read" from the moment the study stands in the queue."""
    ends = time.monotonic() + READING_MS / 1000
    with closing(sqlite3.connect(desk.home / "desk.sqlite3", timeout=20)) as base:
        while base.execute("select max(attempts) from web_job").fetchone() != (1,):
            assert time.monotonic() < ends, "no worker took the study"
            time.sleep(0.05)


def correct_a_follicle(page: "Page", camera: Camera) -> None:
    """Remove a mark, bring it back, remove it again; each is kept by the server."""
    page.get_by_role("link", name="Look at the pictures").click()
    page.wait_for_selector("#viewer[data-ready=yes]")
    page.wait_for_function("() => viewer.pane.painted !== null && viewer.isLoaded")
    page.locator(".mark-row").nth(1).click()
    camera.take_both(page, "viewer")
    before = page.locator(".mark-row").count()
    page.focus("#stage")
    page.keyboard.press("Delete")
    page.wait_for_function(
        """() => viewer.reading.unsent.length === 0 && viewer.reading.version === 1
          && document.getElementById("standing").dataset.standing === "saved" """
    )
    page.reload()
    page.wait_for_selector("#viewer[data-ready=yes]")
    page.wait_for_function(
        "n => document.querySelectorAll('.mark-row').length === n", arg=before - 1
    )
    page.get_by_role("link", name="Back to the study").click()


def look_at_every_part(page: "Page", camera: Camera) -> None:
    """Chart, assessment and time lines say what they should."""
    parts = page.get_by_role("navigation", name="Parts of this study")
    parts.get_by_text("Chart").click()
    page.get_by_role("heading", name="Chart", exact=True).wait_for()
    camera.take(page, "chart")
    parts.get_by_text("Assessment").click()
    page.get_by_text("With one correction by a reader").wait_for()
    assert "diagnosed" not in page.locator("main").inner_text().lower()
    camera.take_both(page, "assessment")
    page.get_by_role("link", name="time lines").click()
    page.locator(".uplot").first.wait_for()
    camera.take(page, "time-lines")
    page.go_back()


def sign(page: "Page", camera: Camera) -> bytes:
    """Sign after looking; the PDF of the locked report."""
    page.get_by_role("navigation", name="Parts of this study").get_by_text("Sign-off").click()
    page.get_by_label("I have looked at the pictures").check()
    camera.take(page, "sign-off")
    page.get_by_role("button", name="Sign as Dr Ada Adams").click()
    page.get_by_role("heading", name="Version 1, signed").wait_for()
    page.frame_locator("iframe").get_by_text("Signed by Dr Ada Adams").first.wait_for()
    camera.take(page, "signed-report")
    address = page.get_by_role("link", name="PDF").get_attribute("href")
    assert address is not None
    return page.request.get(re.sub(r"(//[^/]+).*", r"\1", page.url) + address).body()


def release_to_the_patient(page: "Page", camera: Camera) -> str:
    """The link that the clinician gives to the patient."""
    page.get_by_role("navigation", name="Parts of this study").get_by_text("For the").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#new-link").input_value()
    camera.take(page, "for-the-patient")
    return link


def read_on_a_phone(browser: "Browser", link: str, camera: Camera) -> None:
    """The patient sees her own picture in plain words, and nothing is cut off."""
    phone = browser.new_context(viewport=PHONE, is_mobile=True, device_scale_factor=2)
    page = phone.new_page()
    page.goto(link)
    assert page.locator("h1").inner_text() == "Your ultrasound, explained"
    assert page.locator("figure img").evaluate("one => one.naturalWidth") > 100
    words = page.locator("main").inner_text().lower()
    assert "follicle" in words
    assert "cyst" not in words.replace("polycystic", "")
    assert fits(page)
    camera.take(page, "patient-phone")
    page.goto(link[:-3] + "xyz")
    assert page.locator("h1").inner_text() == "This link no longer works"
    phone.close()


def refuse_what_is_no_picture(page: "Page", desk: Desk, tmp_path: Path, camera: Camera) -> None:
    """A text, a ZIP with a path out of its folder and a ZIP bomb are refused in words."""
    (tmp_path / "notes.docx").write_text("not a picture")
    with zipfile.ZipFile(tmp_path / "tricky.zip", "w") as archive:
        archive.writestr("../../outside.png", b"x")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", b"\0" * BOMB_BYTES)
    page.goto(desk.address + "/studies/new/")
    page.get_by_label("Patient identifier").fill("MRN-9")
    page.set_input_files(
        "#files", [str(tmp_path / name) for name in ("notes.docx", "tricky.zip", "bomb.zip")]
    )
    page.get_by_role("button", name="Begin study").click()
    page.get_by_text("not kept").nth(2).wait_for()
    said = page.locator("[data-list]").inner_text()
    assert "unpacks to far more than a study holds" in said
    assert "points outside of it" in said
    camera.take(page, "refused-files")
    assert not list(desk.home.parent.rglob("outside.png"))
    with closing(sqlite3.connect(desk.home / "desk.sqlite3", timeout=20)) as base:
        [[images]] = base.execute(
            "select count(*) from web_image where name like '%outside%' or name like '%bomb%'"
        ).fetchall()
    assert images == 0


def the_desk_on_a_phone(
    page: "Page", context: "BrowserContext", desk: Desk, camera: Camera
) -> None:
    """The worklist, signed study and viewer fit a phone."""
    page.set_viewport_size(PHONE)
    page.goto(desk.address)
    assert fits(page)
    camera.take_both(page, "worklist-phone")
    page.set_viewport_size(DESK)
    camera.take_both(page, "worklist")
