"""Seeing in a real Chromium: volumes, an earlier visit, overlays, zoom and pace, by keys too."""

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.app.web.conftest import add_image
from tests.app.web.viewer.conftest import (
    SEEN,
    Open,
    at,
    drag,
    wait_for_count,
    wait_until_saved,
)

from deeppcos.app.web.models import Edit, Image, ImageKind, MarkSet, Sitting, Study, User

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def told(page: "Page") -> str:
    """What was last read out to those who listen to the page."""
    return page.locator("#live").inner_text()


def test_what_looks_like_a_corpus_luteum_is_ringed_named_and_explained(
    page: "Page", opened: Open, clinician: User, seen_study: Study, tmp_path: Path
) -> None:
    assessment = seen_study.assessments.get()
    content = assessment.document
    content["frames"][0]["ovaries"][0]["luteal_like"] = [0]
    seen_study.assessments.filter(pk=assessment.pk).update(document=content)
    opened(page, clinician)
    legend = page.locator("#luteal-legend")
    assert legend.is_visible()
    assert legend.inner_text() == "corpus-luteum-like, research flag"
    named = page.locator(".mark-row[aria-label*='corpus-luteum-like']")
    assert named.count() == 1
    look = os.environ.get("DEEPPCOS_LOOK", str(tmp_path))
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        page.screenshot(path=Path(look) / f"luteal-{theme}.png")
    named.click()
    page.keyboard.press("Delete")
    wait_until_saved(page, 1)
    assert legend.is_hidden()


def test_a_volume_is_gone_through_in_three_planes(
    page: "Page", opened: Open, clinician: User, seen_study: Study
) -> None:
    volume = add_image(seen_study, "volume.mha", frames=6, side="left")
    Image.objects.filter(pk=volume.pk).update(kind=ImageKind.VOLUME, slice_spacing_mm=0.5)
    opened(page, clinician)
    page.locator("#strip button").nth(3).click()
    page.wait_for_function("() => viewer.picture.kind === 'volume' && viewer.isLoaded")
    assert "Slice 1 of 6" in page.locator("#when").inner_text()
    page.focus("#stage")
    page.keyboard.press("t")
    planes = page.locator("#planes canvas")
    assert planes.count() == 2
    page.wait_for_function("() => document.querySelector('#planes canvas').dataset.shows")
    box = planes.first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] * 0.75)
    page.wait_for_function("() => viewer.frame === 4")
    assert "2.0 mm" in page.locator("#when").inner_text()
    planes.nth(1).focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function("() => viewer.frame === 3")
    before = planes.first.get_attribute("data-shows")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "was => document.querySelector('#planes canvas').dataset.shows !== was", arg=before
    )
    assert "Slice 4" in told(page)
    page.mouse.click(*at(page, (200, 60)))
    page.wait_for_function(
        "() => document.querySelector('#planes canvas').dataset.shows.startsWith('60 3')"
    )


def test_the_picture_is_moved_zoomed_flipped_and_brightened_by_keys(
    page: "Page", opened: Open, clinician: User
) -> None:
    opened(page, clinician)
    page.focus("#stage")
    press = page.keyboard.press
    press("+")
    zoom, x = page.evaluate("[viewer.pane.view.zoom, viewer.pane.view.x]")
    assert zoom > page.evaluate("viewer.pane.view.fitting")
    press("Control+ArrowRight")
    assert page.evaluate("viewer.pane.view.x") < x
    press("b")
    press("ArrowLeft")
    assert page.evaluate("viewer.pane.view.x") == pytest.approx(x)
    press("0")
    assert page.evaluate("viewer.pane.view.isFitted")
    press("f")
    assert page.evaluate("viewer.pane.view.isFlipped")
    assert "flipped" in page.locator("#corner-view").inner_text()
    press("w")
    press("ArrowUp")
    press("ArrowLeft")
    assert page.evaluate("[viewer.window.level, viewer.window.width]") == [123, 251]
    assert "level 123, width 251" in page.locator("#corner-view").inner_text()
    press("q")
    assert page.evaluate("viewer.window.isWhole")


def test_an_ovary_and_a_length_are_drawn_with_keys(
    page: "Page", opened: Open, clinician: User
) -> None:
    opened(page, clinician)
    page.focus("#stage")
    press = page.keyboard.press
    press("r")
    press("Enter")
    press("Enter")
    for _ in range(3):
        press("ArrowRight")
    press("Shift+ArrowRight")
    press("Enter")
    length = page.evaluate("viewer.ruled.to[0] - viewer.ruled.from[0]") * 0.2
    assert told(page).strip() == f"Ruler: {length:.1f} mm"
    press("Escape")
    press("o")
    press("Enter")
    press("Enter")
    for _ in range(6):
        press("ArrowDown")
    press("Enter")
    page.wait_for_function("() => viewer.marks.marks.filter(m => m.kind === 'ovary').length === 2")
    wait_until_saved(page, 1)


def test_an_earlier_visit_stands_beside_with_its_own_marks(
    page: "Page", opened: Open, clinician: User, seen_study: Study
) -> None:
    Study.objects.filter(pk=seen_study.pk).update(performed_on=date(2026, 11, 20))
    earlier = Study.objects.create(
        site=seen_study.site, patient=seen_study.patient, accession="ACC-0", chart={},
        performed_on=date(2025, 3, 1),
    )  # fmt: skip
    add_image(earlier, "left.png", side="left")
    add_image(earlier, "sweep.mp4", frames=3, side="left")
    assessment = seen_study.assessments.get()
    assessment.pk, assessment.study = None, earlier
    assessment._state.adding = True
    assessment.save()
    opened(page, clinician)
    page.focus("#stage")
    page.keyboard.press("e")
    page.wait_for_function(
        "() => document.getElementById('earlier-words').textContent.includes('3 follicles')"
    )
    assert "machine’s marks" in page.locator("#earlier-words").inner_text()
    assert "ACC-0 · 1 Mar 2025" in page.locator("#earlier-visit").inner_text()
    page.select_option("#earlier-picture", "1")
    page.wait_for_function("() => document.getElementById('earlier-frame').max === '2'")
    page.focus("#earlier")
    page.keyboard.press(".")
    page.wait_for_function("() => document.getElementById('earlier-frame').value === '1'")
    assert page.evaluate("viewer.frame") == 0  # the visit that is read stays where it was
    page.keyboard.press("e")
    assert page.locator("#earlier").is_hidden()


def test_how_sure_the_machine_is_and_where_it_looked_are_shown_or_said_why_not(
    page: "Page", opened: Open, clinician: User
) -> None:
    opened(page, clinician)
    page.focus("#stage")
    page.keyboard.press("c")
    assert page.evaluate("viewer.pane.overlay.drawing.confidence")
    assert "80 %" in page.locator("#toast").inner_text()
    assert page.locator("[data-action=confidence]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("l")
    page.wait_for_function(
        "() => document.getElementById('toast').textContent.includes('another release')"
    )
    heat = "document.querySelector('#stage .heat')"
    page.keyboard.press("l")
    page.route(
        "**/saliency/*",
        lambda route: route.fulfill(path=str(grey_picture()), content_type="image/png"),
    )
    page.keyboard.press("l")
    page.wait_for_function(f"() => !{heat}.hidden && {heat}.width === 320")
    page.keyboard.press("l")
    assert page.evaluate(f"{heat}.hidden")


def grey_picture() -> str:
    image = Image.objects.get(name="left.png")
    return str(image.frame_path(0))


def test_numbers_of_machine_reader_and_signed_stay_apart_and_follow_at_once(
    page: "Page", opened: Open, clinician: User
) -> None:
    opened(page, clinician)
    page.mouse.click(*at(page, SEEN[0]))
    page.keyboard.press("Delete")
    wait_for_count(page, 2)
    assert page.locator("#section .big b").first.inner_text() == "3"
    page.wait_for_function(
        """() => viewer.measures?.version === 1
          && document.getElementById('measures-state').textContent === ''"""
    )
    row = page.locator(".measure-table", has_text="Left ovary").locator("tr").nth(1)
    # The made-up machine measured nothing, nobody has signed: unknown is not her number.
    assert [
        one.split("\n")[0].removesuffix("unknown") for one in row.locator("td").all_inner_texts()
    ] == ["–", "2", "–"]


def test_a_person_signed_out_meanwhile_keeps_her_corrections(
    page: "Page", opened: Open, clinician: User, sign_in: "object", live_server: "LiveServer"
) -> None:
    opened(page, clinician)
    [cookie] = [one for one in page.context.cookies() if one["name"] == "sessionid"]
    page.context.clear_cookies(name="sessionid")
    page.mouse.click(*at(page, SEEN[0]))
    page.keyboard.press("Delete")
    page.wait_for_selector("#standing[data-standing=signed_out]")
    said = page.locator("#standing").inner_text()
    assert said.startswith("1 correction not sent. Signed out: kept on this computer")
    assert page.locator("#measures-state").inner_text() == "not up to date"
    assert not Edit.objects.exists()
    again = {key: cookie[key] for key in ("name", "value", "domain", "path")}
    page.context.add_cookies([again])  # type: ignore[list-item]
    wait_until_saved(page, 1)
    assert [row.kind for row in Edit.objects.all()] == ["extra"]


def test_time_and_what_was_seen_are_kept_also_without_a_correction(
    page: "Page", opened: Open, clinician: User, seen_study: Study
) -> None:
    opened(page, clinician, sits=True)
    page.mouse.move(*at(page, SEEN[0]))
    with page.expect_response(re.compile(r"/viewer/sitting(\?|$)")) as heard:
        page.wait_for_timeout(4500)
    assert heard.value.status == 204
    page.evaluate("() => { window.fetch = () => Promise.reject(new Error('the test is over')); }")
    kept = Sitting.objects.get()
    assert (kept.reader, kept.purpose, kept.machine_shown_first) == (clinician, "review", True)
    assert kept.release_shown == seen_study.assessments.get().release
    assert 1 < kept.seconds < 60
    assert not MarkSet.objects.exists()


def test_a_sweep_is_played_slower_when_asked(
    page: "Page", opened: Open, clinician: User, seen_study: Study
) -> None:
    seen_study.images.filter(name="sweep.mp4").update(frame_times_s=[0.0, 0.05, 0.1])
    opened(page, clinician)
    page.locator("#strip button").nth(2).click()
    page.wait_for_function("() => viewer.picture.kind === 'sweep' && viewer.isLoaded")
    page.focus("#stage")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("#pace-is").inner_text() == "0.25×"
    assert "5/s" in page.locator("#when").inner_text()
    page.evaluate(
        """() => { window.seen = [];
          viewer.addEventListener("frame", () => seen.push(performance.now())); }"""
    )
    page.keyboard.press("p")
    page.wait_for_function("() => seen.length > 4")
    page.keyboard.press("p")
    times = page.evaluate("seen")
    assert times[3] - times[0] > 3 * 180


def test_the_window_follows_the_hand(page: "Page", opened: Open, clinician: User) -> None:
    opened(page, clinician)
    page.click("[data-action=window]")
    drag(page, (160, 150), (190, 110))
    level, width = page.evaluate("[viewer.window.level, viewer.window.width]")
    assert level < 128  # up is brighter
    assert width > 256  # to the right is softer
    assert json.loads(page.locator("#level").input_value()) == pytest.approx(level, abs=1)
    page.click("[data-action=window-reset]")
    assert page.evaluate("viewer.window.isWhole")
