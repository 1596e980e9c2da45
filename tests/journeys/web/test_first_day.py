"""A new clinic's first day on a real ``deeppcos serve``: files sent, charts merged, people invited.

Gunicorn, its worker and Chromium are real; only the hand that drops the files is the browser's own
debugging protocol.
"""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from tests.journeys.web.camera import Camera
from tests.journeys.web.conftest import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_MS = 120_000
PASSWORD = "a long enough phrase"
TOO_LARGE = 3_000_000_000
REFUSED_WITHIN_SECONDS = 10.0


def picture(path: Path, seed: int) -> Path:
    """A grey picture nobody will find an ovary in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 90, (48, 64), dtype=np.uint8)
    assert cv2.imwrite(str(path), noise)
    return path


@pytest.fixture(scope="module")
def page(empty_desk: Desk, browser: "Browser") -> "Iterator[Page]":
    """The first person of a new clinic, signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(empty_desk.one_time_link)
    page.get_by_label("Your name, as it is signed with").fill("Dr Ada Adams")
    page.get_by_label("Sign-in name").fill("ada")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    page.get_by_role("heading", name="Worklist").wait_for()
    yield page
    context.close()


def begin(page: "Page", desk: Desk, identifier: str) -> None:
    page.goto(f"{desk.address}/studies/new/")
    page.get_by_label("Patient identifier").fill(identifier)


def drop(page: "Page", *paths: Path) -> None:
    """Let files and folders fall on the page as a file manager does."""
    box = page.locator("[data-drop]").bounding_box()
    assert box is not None
    protocol = page.context.new_cdp_session(page)
    event: dict[str, Any] = {
        "x": box["x"] + box["width"] / 2,
        "y": box["y"] + box["height"] / 2,
        "data": {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1},
    }
    for kind in ("dragEnter", "dragOver", "drop"):
        protocol.send("Input.dispatchDragEvent", {"type": kind, **event})


def states(page: "Page") -> list[str]:
    return page.locator("[data-list] .is").all_inner_texts()


def test_dropped_files_and_a_dropped_folder_are_sent_and_read(
    page: "Page", empty_desk: Desk, tmp_path: Path
) -> None:
    begin(page, empty_desk, "MRN-DROP")
    one = picture(tmp_path / "left.png", 1)
    picture(tmp_path / "visit" / "series" / "right.png", 2)
    drop(page, one, tmp_path / "visit")
    page.locator("[data-list] li").nth(1).wait_for()
    names = page.locator("[data-list] .name").all_inner_texts()
    assert sorted(names) == ["left.png", "visit/series/right.png"]
    page.get_by_role("button", name="Begin study").click()
    page.wait_for_url("**/studies/*-*/")
    page.get_by_role("heading", name="Next: look at the marks").wait_for()
    assert sorted(page.locator(".picture-name").all_inner_texts()) == [
        "left.png",
        "series_right.png",
    ]
    stored = list((empty_desk.home / "studies").glob("*/images/*"))
    assert one.read_bytes() in [path.read_bytes() for path in stored]


def test_a_picture_of_somebody_else_is_withdrawn_and_put_back(
    page: "Page", empty_desk: Desk, tmp_path: Path
) -> None:
    begin(page, empty_desk, "MRN-WRONG")
    files = [picture(tmp_path / f"{name}.png", seed) for name, seed in (("hers", 7), ("wrong", 8))]
    page.set_input_files("#files", [str(path) for path in files])
    page.get_by_role("button", name="Begin study").click()
    page.get_by_role("heading", name="Next: look at the marks").wait_for()
    wrong = page.locator(".pictures li").filter(has_text="wrong.png")
    wrong.locator("summary").focus()
    page.keyboard.press("Enter")
    wrong.get_by_label("Why it does not belong here").fill("shows another patient")
    wrong.get_by_role("button", name="Withdraw").scroll_into_view_if_needed()
    Camera().take(page, "withdraw")
    page.keyboard.press("Enter")
    page.get_by_text("wrong.png is withdrawn").wait_for()
    assert page.locator(".picture-name").all_inner_texts() == ["hers.png"]
    told = page.get_by_role("region", name="One picture was withdrawn")
    assert "shows another patient" in told.inner_text()
    assert "Dr Ada Adams" in told.inner_text()
    told.scroll_into_view_if_needed()
    Camera().take(page, "withdrawn")
    page.get_by_role("link", name="Look at the pictures").click()
    page.wait_for_selector("#viewer[data-ready=yes]")
    assert page.locator("#strip button").count() == 1
    page.go_back()
    page.get_by_role("button", name="Put back: wrong.png").click()
    page.get_by_text("wrong.png counts again").wait_for()
    assert page.locator(".picture-name").count() == 2


def test_what_is_too_large_is_refused_before_it_is_sent(
    page: "Page", empty_desk: Desk, tmp_path: Path
) -> None:
    """In the browser in words; and by the server on its announcement alone."""
    begin(page, empty_desk, "MRN-LARGE")
    huge = tmp_path / "sweep.avi"
    with huge.open("wb") as file:
        file.truncate(TOO_LARGE)
    page.set_input_files("#files", [str(huge), str(picture(tmp_path / "small.png", 3))])
    page.get_by_role("button", name="Begin study").click()
    page.get_by_text("larger than one upload may be (2 GB)").wait_for()
    page.get_by_text("The others are being read").wait_for()
    assert states(page) == ["not kept", "kept"]

    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    head = (
        f"POST /studies/new/ HTTP/1.1\r\nHost: 127.0.0.1:{empty_desk.port}\r\n"
        f"Cookie: {'; '.join(f'{name}={value}' for name, value in cookies.items())}\r\n"
        f"X-CSRFToken: {token}\r\nContent-Length: {TOO_LARGE}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", empty_desk.port), timeout=60) as line:
        line.sendall(head.encode())
        answer = line.recv(200).decode()
    assert " 413 " in answer.splitlines()[0], answer
    assert time.monotonic() - begun < REFUSED_WITHIN_SECONDS


def test_a_lost_connection_loses_no_file(page: "Page", empty_desk: Desk, tmp_path: Path) -> None:
    begin(page, empty_desk, "MRN-LOST")
    files = [picture(tmp_path / f"{name}.png", seed) for seed, name in enumerate("abc", start=4)]
    sent = 0

    def cut(route: Any) -> None:
        nonlocal sent
        sent += 1
        route.abort("internetdisconnected") if sent == 2 else route.continue_()

    page.route("**/files/", cut)
    page.set_input_files("#files", [str(path) for path in files])
    page.get_by_role("button", name="Begin study").click()
    page.get_by_text("The connection was lost").wait_for()
    assert states(page) == ["kept", "waiting", "waiting"]
    page.get_by_role("button", name="Send the rest").click()
    page.get_by_role("heading", name="Next: look at the marks").wait_for()
    assert page.locator(".picture-name").count() == 3
    page.unroute("**/files/")


def test_two_people_who_change_the_same_entry_are_shown_both_and_choose(
    page: "Page", empty_desk: Desk
) -> None:
    begin(page, empty_desk, "MRN-TWO")
    page.get_by_role("button", name="Begin study").click()
    page.get_by_role("link", name="Fill in the chart").click()
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("Waist").fill("92")
    other.get_by_role("button", name="Save chart").click()
    other.get_by_text("Chart saved.").wait_for()
    other.close()
    page.get_by_label("Waist").fill("95")
    page.get_by_label("Weight").fill("70")
    page.get_by_role("button", name="Save chart").click()
    page.get_by_role("heading", name="Somebody else changed the same entries").wait_for()
    Camera().take(page, "theirs-or-yours")
    said = page.locator(".choice-row").inner_text()
    assert "Theirs, saved" in said
    assert "92" in said
    assert "Yours" in said
    assert "95" in said
    assert "Weight" in page.locator("main").inner_text(), "what joins by itself is told"
    page.locator("label", has_text="Theirs").click()
    page.get_by_role("button", name="Save this chart").click()
    page.get_by_text("Chart saved.").wait_for()
    assert page.get_by_label("Waist").input_value() == "92"
    assert page.get_by_label("Weight").input_value() == "70"


def test_a_file_with_two_results_asks_and_a_chart_alone_is_assessed(
    page: "Page", empty_desk: Desk, tmp_path: Path
) -> None:
    camera = Camera()
    begin(page, empty_desk, "MRN-CHART")
    page.get_by_role("button", name="Begin study").click()
    page.get_by_role("link", name="Fill in the chart").click()
    (tmp_path / "laboratory.csv").write_text(
        "field,value,unit,date\nTSH,2.1,mIU/L,2026-01-05\nTSH,5.5,mIU/L,2026-03-01\n"
        "cycles.interval_days,60,,\npatient.population,Turkish,,\n"
    )
    page.set_input_files("#import", str(tmp_path / "laboratory.csv"))
    page.get_by_role("heading", name="Which of these counts?").wait_for()
    camera.take(page, "chart-choice")
    page.get_by_role("button", name="Fill in the form").click()
    page.get_by_text("Look it over, then save").wait_for()
    assert page.locator("[name='labs.tsh.value']").input_value() == "5.5"
    assert page.locator("[name='patient.population']").input_value() == "turkish"
    page.get_by_role("button", name="Save chart").click()
    page.get_by_text("Chart saved.").wait_for()
    parts = page.get_by_role("navigation", name="Parts of this study")
    parts.get_by_text("Overview").click()
    camera.take(page, "without-pictures")
    page.get_by_role("button", name="Assess without pictures").click()
    page.get_by_role("heading", name="Next: look at the assessment").wait_for()
    parts.get_by_text("Assessment").click()
    assert "From the chart alone" in page.locator("main").inner_text()
    assert parts.get_by_text("Pictures and marks").count() == 0


def test_every_page_of_an_administrator_opens(page: "Page", empty_desk: Desk) -> None:
    camera = Camera()
    address = empty_desk.address
    page.goto(f"{address}/accounts/people/invite/")
    page.locator("[name=full_name]").fill("Dr Bo Bell")
    page.get_by_label("Sonographer").first.check()
    camera.take(page, "invite")
    page.get_by_role("button", name="Make the link").click()
    page.get_by_role("heading", name="One-time link for Dr Bo Bell").wait_for()
    camera.take(page, "invitation")
    for name, place, heading in (
        ("people", "accounts/people/", "People"),
        ("sites", "accounts/sites/", "Sites"),
        ("audit-trail", "trail/", "Audit trail"),
        ("my-account", "accounts/me/", "Dr Ada Adams"),
        ("second-factor", "accounts/second-factor/device/", "Set up a second factor"),
        ("tokens", "accounts/tokens/", "Tokens for programs"),
        ("nothing-there", "nowhere/", "There is nothing at this address"),
    ):
        page.goto(f"{address}/{place}")
        page.get_by_role("heading", name=heading, exact=True).first.wait_for()
        camera.take(page, name)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    camera.take(page, "sign-in")
