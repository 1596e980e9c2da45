"""From nothing to a signed report, as a new clinician does it in a browser."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deeppcos.app.example_study import write_example_study
from deeppcos.app.web import jobs, preparing
from deeppcos.app.web.models import Job, JobState, SignedReport, Study

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


def do_waiting_jobs() -> None:
    """What the worker would do."""
    for job in Job.objects.filter(state=JobState.WAITING):
        jobs.run.func(str(job.pk))


@pytest.mark.timeout(600)
def test_from_the_one_time_link_to_a_signed_report(
    live_server: "LiveServer", page: "Page", tmp_path: Path
) -> None:
    page.set_default_timeout(60_000)
    study_files = write_example_study(tmp_path / "files")
    link = preparing.prepare()
    assert link is not None

    page.goto(live_server.url + link)
    page.get_by_label("Your name, as it is signed with").fill("Dr Ada Adams")
    page.get_by_label("Sign-in name").fill("ada")
    page.get_by_label("New password", exact=True).fill("a long enough phrase")
    page.get_by_label("New password confirmation").fill("a long enough phrase")
    page.get_by_role("button", name="Set up and sign in").click()
    page.get_by_role("link", name="New study").first.click()

    page.get_by_label("Patient identifier").fill("MRN-42")
    page.get_by_label("Name", exact=False).nth(0).fill("Doe, Jane")
    notes = tmp_path / "notes.txt"
    notes.write_text("left ovary looks large", encoding="utf-8")
    page.set_input_files("#files", [*map(str, study_files.stills[:2]), str(study_files.chart)])
    page.get_by_role("button", name="Begin study").click()
    page.wait_for_url(re.compile(r"/studies/[0-9a-f-]{36}/$"))
    page.get_by_role("heading", name="Waiting to be read").wait_for()
    study = Study.objects.get()
    assert study.images.count() == 2
    assert study.chart["cycles"]["interval_days"] == 52

    do_waiting_jobs()
    page.get_by_role("heading", name="Next: look at the marks, then sign").wait_for()
    page.get_by_role("navigation", name="Parts of this study").get_by_text("Chart").click()
    page.get_by_label("Prolactin", exact=True).fill("1200000")
    page.get_by_label("Prolactin", exact=True).press("Tab")
    page.get_by_text("Is this right?").wait_for()
    page.get_by_label("Prolactin", exact=True).fill("12,5")
    page.get_by_label("Prolactin, upper limit").fill("25")
    page.get_by_role("button", name="Save chart").click()
    page.get_by_text("Chart saved.").wait_for()

    page.get_by_role("navigation", name="Parts of this study").get_by_text("Sign-off").click()
    page.get_by_role("button", name="Sign as Dr Ada Adams").click()
    page.get_by_text("Say that you have looked before you sign.").wait_for()
    page.get_by_label("I have looked at the pictures").check()
    page.get_by_role("button", name="Sign as Dr Ada Adams").click()
    page.get_by_role("heading", name="Version 1, signed").wait_for()
    report = page.frame_locator("iframe")
    report.get_by_text("Signed by Dr Ada Adams").first.wait_for()
    assert SignedReport.objects.get().signer_name == "Dr Ada Adams"
    study.refresh_from_db()
    assert study.state == "signed"
