"""Files on their way to a real ``deeppcos serve``: dropped, too large, cut off; and two at once.

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
