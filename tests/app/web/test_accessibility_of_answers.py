"""Pages that only a form, a refusal or a fault leads to: WCAG 2.2 AA, every width, both colours."""

import datetime
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings
from tests.app.web.conftest import PASSWORD, MakeUser, SignIn
from tests.app.web.looking import problems_here
from tests.app.web.patient.conftest import signed_report

from deeppcos.app.web import upload_guard
from deeppcos.app.web.accounts import second_factor
from deeppcos.app.web.models import Assessment, PatientLink, Role, SecondFactor, Study, User
from deeppcos.app.web.patient.releasing import release_to_patient
from deeppcos.app.web.worklist import views as worklist_views

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

RESULTS = "field,value,unit,date\nprolactin,12,ng/mL,2026-01-05\nprolactin,30,ng/mL,2026-03-01\n"


def clean(page: "Page", name: str, *, says: str) -> None:
    """The page says what it should, and nothing is wrong with how."""
    text = page.locator("main").inner_text()
    assert says in text, text
    assert json.dumps(problems_here(page, name), indent=1) == "[]"


@pytest.fixture
def everyone(make_user: MakeUser) -> User:
    return make_user("ada", Role.CLINICIAN, Role.SONOGRAPHER, Role.ADMINISTRATOR, Role.RESEARCHER)


def test_what_administrators_are_answered(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, everyone: User, analysed_study: Study
) -> None:
    sign_in(page, everyone)
    page.goto(live_server.url + reverse("trail:list"))
    page.get_by_role("button", name="Verify").click()
    clean(page, "trail verified", says="The trail is whole")
    page.goto(live_server.url + reverse("accounts:invite"))
    page.get_by_label("Name").fill("Dr Bo Bell")
    page.get_by_label("Sonographer").first.check()
    page.locator("main form button").last.click()
    clean(page, "invitation", says="once")
    page.goto(live_server.url + reverse("tokens:list"))
    page.locator("[name=name]").fill("a program")
    page.locator("main input[type=checkbox]").first.check()
    page.get_by_role("button", name="Make a token").click()
    clean(page, "new token", says="shown")


def test_the_second_factor_from_setting_up_to_signing_in(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, everyone: User
) -> None:
    sign_in(page, everyone)
    page.goto(live_server.url + reverse("accounts:set-up-second-factor"))
    secret = SecondFactor.objects.get(user=everyone).secret
    page.locator("[name=code]").fill(pyotp.TOTP(secret).now())
    page.locator("main form button").last.click()
    clean(page, "recovery codes", says="recovery codes")
    page.context.clear_cookies()
    page.goto(live_server.url + reverse("accounts:sign-in"))
    page.get_by_label("Sign-in name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("[name=code]").fill("000000")
    page.locator("main form button").last.click()
    clean(page, "wrong code", says="That code is not right")
    assert second_factor.has_second_factor(everyone)


def test_whoever_may_not_is_told_so_in_words(
    page: "Page",
    live_server: "LiveServer",
    sign_in: SignIn,
    make_user: MakeUser,
    settings: Settings,
) -> None:
    sign_in(page, make_user("rita", Role.RESEARCHER))
    page.goto(live_server.url + reverse("studies:new"))
    clean(page, "403", says="Your account may not do this")
    page.context.clear_cookies()
    page.goto(live_server.url + reverse("accounts:sign-in"))
    page.context.clear_cookies()
    page.get_by_label("Sign-in name").fill("rita")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    clean(page, "form too old", says="This form is too old")
    page.goto(live_server.url + "/accounts/join/MQ/nothing/")
    clean(page, "invitation void", says="link")
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = "http://127.0.0.1:9", "deeppcos"
    settings.OIDC_NAME = "Riverside Hospital"
    page.goto(live_server.url + reverse("accounts:provider"))
    clean(page, "provider silent", says="does not answer")
    page.goto(live_server.url + reverse("accounts:provider-answer") + "?error=access_denied")
    clean(page, "provider refused", says="could not be believed")


def test_somebody_who_guesses_is_locked_out_in_words(
    page: "Page", live_server: "LiveServer", make_user: MakeUser
) -> None:
    make_user("rita", Role.RESEARCHER)
    for _ in range(6):
        page.goto(live_server.url + reverse("accounts:sign-in"))
        page.get_by_label("Sign-in name").fill("rita")
        page.get_by_label("Password").fill("a wrong one")
        page.get_by_role("button", name="Sign in").click()
    clean(page, "locked", says="15 minutes")


def test_faults_of_the_server_are_told_without_blame(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, everyone: User, analysed_study: Study,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    sign_in(page, everyone)
    chart = live_server.url + reverse("studies:chart", args=[analysed_study.pk])
    (tmp_path / "chart.csv").write_text(RESULTS)
    with monkeypatch.context() as patch:
        patch.setattr(upload_guard, "SMALL_BYTES", 10)
        page.goto(chart)
        page.set_input_files("#import", str(tmp_path / "chart.csv"))
        page.get_by_text("too large").first.wait_for()
        clean(page, "413", says="That upload is too large")

    def breaks(*arguments: object) -> None:
        raise RuntimeError("on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(worklist_views, "_counts", breaks)
        page.goto(live_server.url + reverse("worklist:list"))
        clean(page, "500", says="Something went wrong on our side")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        page.goto(live_server.url + reverse("signoff:sign", args=[analysed_study.pk]))
        page.get_by_label("I have looked").check()
        page.get_by_role("button", name="Sign as").click()
        page.get_by_text("disk is full").first.wait_for()
        clean(page, "disk full", says="The server's disk is full")
    assert not analysed_study.reports.exists(), "nothing is signed that is not on the disk"


def test_what_a_chart_asks_back(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, everyone: User, analysed_study: Study,
    tmp_path: Path,
) -> None:  # fmt: skip
    sign_in(page, everyone)
    (tmp_path / "chart.csv").write_text(RESULTS + "body.waist_cm,1.2,,\n")
    page.goto(live_server.url + reverse("studies:chart", args=[analysed_study.pk]))
    page.set_input_files("#import", str(tmp_path / "chart.csv"))
    page.get_by_role("heading", name="Which of these count").wait_for()
    clean(page, "chart choice", says="not the latest")
    page.get_by_label("1.2 cm").check()
    page.get_by_role("button", name="Fill in the form").click()
    page.get_by_text("Look it over, then save").wait_for()
    clean(page, "chart asked back", says="Is this right?")


def test_a_link_that_has_run_out_tells_the_patient_nothing_else(
    page: "Page", live_server: "LiveServer", everyone: User, analysed_study: Study,
    assessment: Assessment,
) -> None:  # fmt: skip
    signed_report(analysed_study, assessment, everyone)
    secret = release_to_patient(analysed_study, by=everyone, language="en", days=3)
    address = live_server.url + reverse("patient:page", args=[secret])
    page.goto(address)
    assert "Your ultrasound, explained" in page.locator("h1").inner_text()
    yesterday = timezone.now() - datetime.timedelta(days=1)
    PatientLink.objects.update(expires_at=yesterday)
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 404
    clean(page, "link run out", says="This link no longer works")
    said = page.content()
    assert analysed_study.patient.name not in said
    assert "follicle" not in said
    picture = page.request.get(live_server.url + reverse("patient:picture", args=[secret]))
    assert picture.status == 404
