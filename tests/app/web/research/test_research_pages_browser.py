"""The pages of cohorts in a real browser: built, looked at, taken along, light, dark and small."""

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from tests.app.web.conftest import SignIn
from tests.app.web.looking import problems_of
from tests.app.web.research.conftest import add_women

from deeppcos.app.web import jobs
from deeppcos.app.web.models import Job, JobState, Site, User
from deeppcos.app.web.research.releasing import consented, release
from deeppcos.research.query import Take, parse_criteria

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PICTURES = os.environ.get("DEEPPCOS_PICTURES", "")


def keep(page: "Page", name: str) -> None:
    """Keep a picture where somebody asked for them."""
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def wait_for_charts(page: "Page") -> None:
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-chart]')].every(c => c.querySelector('canvas'))"
    )


def test_a_researcher_builds_a_cohort_and_takes_its_figures_along(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, researcher: User, site: Site
) -> None:
    add_women(site, 300)
    sign_in(page, researcher)
    page.goto(live_server.url + reverse("research:cohorts"))
    keep(page, "empty")
    page.get_by_role("link", name="New cohort").first.click()
    page.get_by_label("Name of the cohort").fill("Women of 16 to 45")
    page.get_by_label("Age from").fill("16")
    page.get_by_label("Age to").fill("45")
    page.get_by_label("Age to").blur()
    page.wait_for_function(
        "() => /about [0-9]+/.test(document.querySelector('#about').textContent)"
    )
    keep(page, "build")
    page.get_by_role("button", name="Release the figures").click()
    page.wait_for_url("**/research/*-*/")
    wait_for_charts(page)
    keep(page, "cohort-light")
    assert page.locator(".flow .ribbon").count() > 3
    page.locator(".flow .block").first.hover()
    assert page.locator(".ribbon.is-lit").count() >= 1
    page.locator("[data-chart=ages] .u-over").hover()
    assert "%" in page.locator(".tip").inner_text()
    with page.expect_download() as taken:
        page.get_by_role("link", name="From Rotterdam 2003 to the 2023 guideline, SVG").click()
    svg = Path(taken.value.path()).read_text(encoding="utf-8")
    assert svg.startswith("<?xml")
    assert "<svg" in svg
    page.goto(live_server.url + reverse("research:cohorts"))
    keep(page, "cohorts")


def test_the_pages_pass_axe_in_light_and_dark_and_never_scroll_sideways(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, researcher: User, women: Site
) -> None:
    sign_in(page, researcher)
    criteria = parse_criteria(["age_years=16..45"])
    saved = release(researcher, consented(criteria, Take.LATEST), name="Women of 16 to 45")
    few = parse_criteria(["axis_reproductive=2", "route=transvaginal"])
    small = release(researcher, consented(few, Take.FIRST), name="Few " + "long" * 24)
    addresses = {
        "cohorts": reverse("research:cohorts"),
        "new": reverse("research:new"),
        "cohort": reverse("research:cohort", args=[saved.pk]),
        "small": reverse("research:cohort", args=[small.pk]),
        "dictionary": reverse("research:dictionary"),
    }
    assert problems_of(page, live_server.url, addresses) == []


def test_an_export_tells_how_far_it_is_and_turns_into_a_download_by_itself(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, researcher: User, women: Site
) -> None:
    sign_in(page, researcher)
    saved = release(researcher, consented((), Take.LATEST), name="Every woman who agreed")
    page.goto(live_server.url + reverse("research:cohort", args=[saved.pk]))
    page.get_by_text("Export rows").click()
    page.get_by_role("checkbox", name="csv").check()
    keep(page, "export-asked")
    page.get_by_role("button", name="Make the export").click()
    page.get_by_text("Waiting for its turn").wait_for()
    job = Job.objects.get(kind="export_rows")
    Job.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING, message="pictures", done=31, total=112
    )
    page.get_by_text("Cleaning pictures: study 31 of 112").wait_for()
    keep(page, "export-running")
    Job.objects.filter(pk=job.pk).update(state=JobState.WAITING)
    jobs.run.func(str(job.pk))
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download").click()
    assert zipfile.is_zipfile(taken.value.path())
    assert (
        problems_of(page, live_server.url, {"exports": reverse("research:cohort", args=[saved.pk])})
        == []
    )
    keep(page, "export-ready")
    page.set_viewport_size({"width": 380, "height": 800})
    page.emulate_media(color_scheme="dark")
    keep(page, "export-ready-phone")


def test_the_dashboard_is_clear_on_a_phone_and_in_the_dark(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, researcher: User, site: Site
) -> None:
    add_women(site, 300)
    sign_in(page, researcher)
    saved = release(researcher, consented((), Take.LATEST), name="Every woman who agreed")
    page.goto(live_server.url + reverse("research:cohort", args=[saved.pk]))
    wait_for_charts(page)
    keep(page, "cohort-all-light")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(200)
    keep(page, "cohort-all-dark")
    before = page.locator("[data-chart=ages] canvas").evaluate("c => c.width")
    page.set_viewport_size({"width": 380, "height": 800})
    page.wait_for_function(
        "before => document.querySelector('[data-chart=ages] canvas').width < before", arg=before
    )
    keep(page, "cohort-all-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_a_query_that_is_too_small_is_refused_on_the_page(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, researcher: User, women: Site
) -> None:
    sign_in(page, researcher)
    page.goto(live_server.url + reverse("research:new"))
    page.get_by_label("Name of the cohort").fill("Nobody")
    page.get_by_label("Age from").fill("100")
    page.get_by_label("Age from").blur()
    page.get_by_text("fewer than 10").wait_for()
    page.get_by_role("button", name="Release the figures").click()
    page.get_by_text("the cohort is too small to be shown").wait_for()
    keep(page, "refused")
