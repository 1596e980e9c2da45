"""A patient's chart filled in from the record system, in a real browser."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from deeppcos.app.web.models import AuditEvent, Study, User

pytest.importorskip("fhir.resources", reason="the records extra is not installed")

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer
    from tests.app.web.conftest import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.network]


def test_the_record_system_opens_the_chart_of_the_patient_on_its_screen(
    page: "Page",
    live_server: "LiveServer",
    study: Study,
    clinician: User,
    ehr: dict[str, Any],
    sign_in: "SignIn",
) -> None:
    study.chart = {}
    study.save()
    sign_in(page, clinician)
    query = urlencode({"iss": ehr["url"], "launch": "launch-0"})
    page.goto(f"{live_server.url}/smart/launch/?{query}")
    expect(page.get_by_role("heading", name="Let DeepPCOS read the chart?")).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    # Her only open study is taken; two results of prolactin are a choice.
    expect(page.get_by_role("heading", name="Which of these counts?")).to_be_visible()
    expect(page.get_by_text("14 ng/mL")).to_be_visible()
    page.get_by_role("button", name="Fill in the form").click()
    expect(page.get_by_label("LH", exact=True)).to_have_value("9.5")
    expect(page.get_by_label("Prolactin", exact=True)).to_have_value("14")
    assert not Study.objects.get().chart, "nothing is saved before somebody has looked"
    page.get_by_role("button", name="Save chart").click()
    expect(page.get_by_text("Chart saved.")).to_be_visible()
    saved = Study.objects.get().chart
    assert {one["analyte"]: one["value"] for one in saved["labs"]} == {"lh": 9.5, "prolactin": 14}
    assert saved["patient"]["age_years"] >= 28
    [event] = AuditEvent.objects.filter(action="smart.patient_read")
    assert event.actor == clinician
    for kept in Session.objects.all():
        assert "access_token" not in str(kept.get_decoded())


def test_a_chart_asks_the_record_system_itself(
    page: "Page",
    live_server: "LiveServer",
    study: Study,
    clinician: User,
    ehr: dict[str, Any],
    sign_in: "SignIn",
) -> None:
    study.chart = {}
    study.save()
    sign_in(page, clinician)
    page.goto(f"{live_server.url}/studies/{study.pk}/chart/")
    page.get_by_role("link", name="Ask the record system").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Which of these counts?")).to_be_visible()


def test_a_no_at_the_record_system_is_told_in_words(
    page: "Page",
    live_server: "LiveServer",
    study: Study,
    clinician: User,
    ehr: dict[str, Any],
    sign_in: "SignIn",
) -> None:
    sign_in(page, clinician)
    query = urlencode({"iss": ehr["url"], "launch": "launch-0"})
    page.goto(f"{live_server.url}/smart/launch/?{query}")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text("the EHR did not let us in")).to_be_visible()


def test_a_patient_without_a_study_gets_one(
    page: "Page",
    live_server: "LiveServer",
    site: Any,
    clinician: User,
    ehr: dict[str, Any],
    sign_in: "SignIn",
) -> None:
    sign_in(page, clinician)
    query = urlencode({"iss": ehr["url"], "launch": "launch-0"})
    page.goto(f"{live_server.url}/smart/launch/?{query}")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("She has no open study here.")).to_be_visible()
    page.get_by_role("button", name="Begin a study and fill in its chart").click()
    expect(page.get_by_role("heading", name="Which of these counts?")).to_be_visible()
    begun = Study.objects.select_related("patient").get()
    assert (begun.patient.identifier, begun.patient.name) == ("MRN-1", "Musterfrau, Erika")
    assert str(begun.patient.birth_date) == "1998-01-04"
