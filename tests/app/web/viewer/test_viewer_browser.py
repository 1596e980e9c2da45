"""The viewer in a real Chromium: mouse, keys alone, a lost network, two people, a second reader."""

import json
import shutil
import subprocess
import tarfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.app.web.conftest import MakeUser
from tests.app.web.viewer.conftest import (
    MISSED,
    SEEN,
    Open,
    at,
    drag,
    image_named,
    machine_id,
    wait_for_count,
    wait_until_saved,
)

from deeppcos.app.web.models import Edit, MarkSet, Study, User

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

AXE = "axe-core@4.10.3"


def kinds() -> list[str]:
    return [row.kind for row in Edit.objects.order_by("number")]


def test_follicles_are_corrected_with_the_mouse(
    page: "Page", opened: Open, clinician: User, seen_study: Study
) -> None:
    opened(page, clinician)
    page.click("[data-action='tool:add']")
    page.mouse.click(*at(page, MISSED))
    wait_for_count(page, 4)
    page.click("[data-action='tool:select']")
    page.mouse.click(*at(page, SEEN[0]))
    page.click("[data-action='delete']")
    wait_for_count(page, 3)
    page.click("[data-action='tool:split']")
    drag(page, (SEEN[1][0], SEEN[1][1] - 25), (SEEN[1][0], SEEN[1][1] + 25))
    wait_for_count(page, 4)
    page.click("[data-action='merge']")
    wait_for_count(page, 3)
    page.click("[data-action='tool:select']")
    page.mouse.click(*at(page, (20, 20)))
    page.mouse.click(*at(page, SEEN[2]))
    drag(page, SEEN[2], (SEEN[2][0] + 4, SEEN[2][1] + 6))
    page.click("[data-action='kind:cyst']")
    wait_for_count(page, 2)
    page.keyboard.press("Control+z")
    wait_for_count(page, 3)
    page.keyboard.press("Control+Shift+z")
    wait_for_count(page, 2)
    wait_until_saved(page, 8)
    assert kinds() == [
        "missed", "extra", "split", "merge", "boundary", "wrong_kind", "undo", "undo",
    ]  # fmt: skip
    assert all(row.content["machine_marks_seen"] for row in Edit.objects.all())
    snapped = Edit.objects.get(kind="missed").content["adds"][0]
    assert len(snapped["polygon"]) != 32  # an edge was found, no circle was drawn
    page.reload()
    page.wait_for_selector("#viewer[data-ready=yes]")
    wait_for_count(page, 2)


def test_points_of_an_outline_are_pulled(page: "Page", opened: Open, clinician: User) -> None:
    opened(page, clinician)
    page.locator(".mark-row", has_text="ovary").click()
    before = page.evaluate("viewer.onlySelected.polygon")
    drag(page, (250, 120), (270, 120))
    wait_until_saved(page, 1)
    after = page.evaluate("viewer.onlySelected.polygon")
    assert max(x for x, _ in after) > max(x for x, _ in before) + 15
    assert min(x for x, _ in after) == pytest.approx(min(x for x, _ in before), abs=1)
    assert kinds() == ["boundary"]


def test_everything_is_done_with_the_keyboard_alone(
    page: "Page", opened: Open, clinician: User
) -> None:
    opened(page, clinician)
    press = page.keyboard.press
    page.focus("#stage")
    press("a")
    press("ArrowRight")
    for _ in range(60):
        x, y = page.evaluate("viewer.crosshair")
        if abs(x - MISSED[0]) < 6 and abs(y - MISSED[1]) < 6:
            break
        press("ArrowRight" if x < MISSED[0] - 5 else "ArrowLeft" if x > MISSED[0] + 5 else
              "ArrowDown" if y < MISSED[1] else "ArrowUp")  # fmt: skip
    press("Enter")
    wait_for_count(page, 4)
    press("v")
    press("Alt+ArrowLeft")
    press("]")
    press("x")
    press("Alt+ArrowUp")
    press("Escape")
    press("2")
    wait_for_count(page, 3)
    press("1")
    wait_for_count(page, 4)
    press("Shift+ArrowUp")
    press("m")
    wait_for_count(page, 3)
    press("s")
    press("Enter")
    wait_for_count(page, 4)
    press("v")
    press("Delete")
    wait_for_count(page, 2)
    press("Control+z")
    wait_for_count(page, 4)
    press("n")
    page.keyboard.type("Shadow over the ovary")
    page.focus("#ask .primary")
    press("Enter")
    page.wait_for_selector("#remarks li")
    wait_until_saved(page)
    page.focus("#stage")
    press("PageDown")
    press("PageDown")
    page.wait_for_function("() => viewer.picture.kind === 'sweep' && viewer.isLoaded")
    press("Home")
    press(".")
    page.wait_for_function("() => viewer.frame === 1")
    press("?")
    page.wait_for_selector("#help[open]")
    press("Escape")
    assert {"missed", "boundary", "wrong_kind", "merge", "split", "extra", "undo",
            "not_assessable"} <= set(kinds())  # fmt: skip


def test_an_ovary_is_outlined_and_a_length_is_measured(
    page: "Page", opened: Open, clinician: User
) -> None:
    opened(page, clinician)
    page.keyboard.press("r")
    drag(page, (60, 200), (160, 200))
    page.wait_for_function("() => document.getElementById('live').textContent.includes('20.0 mm')")
    page.keyboard.press("o")
    drag(page, (20, 30), (70, 40))
    page.wait_for_function("() => viewer.marks.marks.filter(m => m.kind === 'ovary').length === 2")
    wait_until_saved(page, 1)


def test_without_a_scale_no_length_is_given(
    page: "Page", opened: Open, clinician: User, seen_study: Study
) -> None:
    assessment = seen_study.assessments.get()
    document = assessment.document
    for frame in document["frames"]:
        frame["mm_per_pixel"] = None
        frame["scale_problem"] = "the file states no pixel size"
    type(assessment).objects.filter(pk=assessment.pk).update(document=document)
    opened(page, clinician)
    page.keyboard.press("r")
    drag(page, (60, 200), (160, 200))
    page.wait_for_function("() => document.getElementById('live').textContent.includes('no scale')")
    assert page.locator("#corner-scale").inner_text() == "no scale"
    assert page.locator("#scale-bar").is_hidden()
    assert "No scale, no millimetres" in page.locator("#hints").inner_text()


def test_a_lost_network_loses_nothing_even_when_the_window_closes(
    page: "Page", opened: Open, clinician: User
) -> None:
    opened(page, clinician)
    context = page.context
    context.set_offline(True)
    page.keyboard.press("v")
    page.mouse.click(*at(page, SEEN[0]))
    page.keyboard.press("Delete")
    wait_for_count(page, 2)
    page.click("[data-action='tool:add']")
    page.mouse.click(*at(page, MISSED))
    wait_for_count(page, 3)
    page.wait_for_selector("#standing[data-standing=offline]")
    assert "2 corrections not sent" in page.locator("#standing").inner_text()
    assert not Edit.objects.exists()
    page.close()
    context.set_offline(False)
    fresh = context.new_page()
    opened(fresh, clinician)
    wait_until_saved(fresh, 2)
    wait_for_count(fresh, 3)
    assert kinds() == ["extra", "missed"]


def test_corrections_go_out_by_themselves_when_the_network_is_back(
    page: "Page", opened: Open, clinician: User
) -> None:
    opened(page, clinician)
    page.context.set_offline(True)
    page.mouse.click(*at(page, SEEN[0]))
    page.keyboard.press("Delete")
    page.wait_for_selector("#standing[data-standing=offline]")
    page.context.set_offline(False)
    wait_until_saved(page, 1)
    assert kinds() == ["extra"]


def test_two_people_keep_what_fits_and_decide_on_the_rest(
    browser: "Browser", page: "Page", opened: Open, clinician: User, sonographer: User
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    other = context.new_page()
    opened(page, clinician)
    opened(other, sonographer)
    page.mouse.click(*at(page, SEEN[0]))
    page.keyboard.press("Delete")
    wait_until_saved(page, 1)
    other.mouse.click(*at(other, SEEN[0]))
    other.keyboard.press("]")
    other.mouse.click(*at(other, (300, 20)))
    other.mouse.click(*at(other, SEEN[2]))
    other.keyboard.press("Delete")
    other.wait_for_selector("#ask[open]")
    asked = other.locator("#ask").inner_text()
    assert "Dr Ada: deleted a mark" in asked
    assert "You: changed an outline" in asked
    other.check("#ask input[value=mine]")
    other.click("#ask .primary")
    wait_until_saved(other, 3)
    wait_for_count(other, 2)
    assert [row.reader.username for row in Edit.objects.order_by("number")] == [
        "ada", "sona", "sona",
    ]  # fmt: skip
    context.close()


def test_a_second_reader_starts_from_an_empty_picture_and_finishes(
    page: "Page", opened: Open, clinician: User, make_user: MakeUser, seen_study: Study
) -> None:
    from deeppcos.app.web.models import Role
    from deeppcos.app.web.viewer.keeping import begin_second_reading

    second = make_user("bo", Role.CLINICIAN)
    begin_second_reading(seen_study, second)
    bodies: list[str] = []
    page.on(
        "response",
        lambda answer: bodies.append(answer.text()) if answer.url.endswith("second") else None,
    )
    opened(page, second, "?as=second")
    assert page.locator(".badge-blind").inner_text() == "Blinded second reading"
    assert page.locator(".mark-row").count() == 0
    page.keyboard.press("a")
    page.mouse.click(*at(page, MISSED))
    wait_for_count(page, 1)
    wait_until_saved(page, 1)
    assert machine_id(image_named(seen_study, "left.png"), "o0") not in "".join(bodies)
    page.locator("#finish-form button").click()
    page.wait_for_selector("#viewer[data-ready=yes]")
    page.wait_for_function("() => viewer.isLoaded")
    assert page.locator("#section .big").count() == 3
    assert MarkSet.objects.get(reader=second).finished_at is not None
    assert [row.content["machine_marks_seen"] for row in Edit.objects.all()] == [False]


def test_a_sweep_plays_at_its_own_rate(
    page: "Page", opened: Open, clinician: User, seen_study: Study
) -> None:
    seen_study.images.filter(name="sweep.mp4").update(frame_times_s=[0.0, 0.2, 0.4])
    opened(page, clinician)
    page.locator("#strip button").nth(2).click()
    page.wait_for_function("() => viewer.picture.kind === 'sweep' && viewer.isLoaded")
    assert "5/s" in page.locator("#when").inner_text()
    page.evaluate(
        """() => {
          window.seen = [];
          viewer.addEventListener("frame", () => seen.push([viewer.frame, performance.now()]));
        }"""
    )
    page.focus("#stage")
    page.keyboard.press("p")
    page.wait_for_function("() => seen.length > 8")
    page.keyboard.press("p")
    shown = page.evaluate("seen")
    changes = [b[1] - a[1] for a, b in pairwise(shown) if a[0] != b[0]]
    assert min(changes) > 120


def test_a_signed_study_can_be_looked_at_and_not_changed(
    page: "Page", opened: Open, clinician: User, seen_study: Study
) -> None:
    Study.objects.filter(pk=seen_study.pk).update(state="signed")
    opened(page, clinician)
    assert page.locator("[data-action='tool:add']").is_disabled()
    page.focus("#stage")
    page.keyboard.press("a")
    assert "amendment" in page.locator("#toast").inner_text()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The accessibility checker, fetched for the tests only (MPL-2.0, never shipped)."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed (Debian: apt install npm)")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        [npm, "pack", AXE, "--silent"],
        cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"npm cannot fetch {AXE} here")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


def violations(page: "Page", axe: str) -> list[dict[str, Any]]:
    """What axe finds against WCAG 2.2 A and AA, with where."""
    page.evaluate(axe)
    found = page.evaluate(
        """() => axe.run(document, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
        })"""
    )
    return [
        {"rule": one["id"], "where": [node["html"][:160] for node in one["nodes"][:3]]}
        for one in found["violations"]
    ]


@pytest.mark.network
@pytest.mark.parametrize(
    ("theme", "size"),
    [("dark", (1280, 800)), ("light", (1280, 800)), ("dark", (820, 1180)), ("light", (390, 844))],
    ids=["dark-desk", "light-desk", "dark-tablet", "light-phone"],
)
def test_axe_finds_nothing(
    page: "Page", opened: Open, clinician: User, axe: str, theme: str, size: tuple[int, int],
    live_server: "LiveServer", tmp_path: Path,
) -> None:  # fmt: skip
    page.context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    page.set_viewport_size({"width": size[0], "height": size[1]})
    opened(page, clinician)
    page.locator(".mark-row").nth(1).click()
    page.screenshot(path=tmp_path / f"viewer-{theme}-{size[0]}.png")
    assert json.dumps(violations(page, axe), indent=1) == "[]"
    page.focus("#stage")
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    assert json.dumps(violations(page, axe), indent=1) == "[]"


@pytest.mark.parametrize(
    "size", [(1280, 800), (820, 1180), (390, 844)], ids=["desk", "tablet", "phone"]
)
def test_nothing_runs_off_the_screen(
    page: "Page", opened: Open, clinician: User, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    opened(page, clinician)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator("#stage").bounding_box()
    assert box is not None
    assert box["height"] > 0.25 * size[1]
