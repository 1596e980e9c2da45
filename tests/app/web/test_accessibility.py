"""Every page in a browser: WCAG 2.2 AA by axe, light and dark, and no sideways scrolling.

Owns the pages of ordinary, empty and very long studies. The viewer's own states are walked in
``viewer/test_viewer_browser.py``, pages that only a form or an error leads to in
``test_accessibility_of_answers.py``.
"""

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from tests.app.web.conftest import MakeUser, SignIn, add_image
from tests.app.web.looking import cut_off, problems_here, problems_of, violations
from tests.app.web.patient.conftest import signed_report

from deeppcos.app.web.accounts.invitations import invitation_path
from deeppcos.app.web.models import (
    Assessment,
    Patient,
    Role,
    SignedReport,
    Site,
    Study,
    StudyState,
    User,
)
from deeppcos.app.web.patient.releasing import release_to_patient
from deeppcos.app.web.studies.withdrawing import withdraw_picture

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh, Maria-Magdalena Theodora " * 2
UNBROKEN = "ACC" + "0123456789" * 6


@pytest.fixture
def everyone(make_user: MakeUser) -> User:
    """Somebody with every role, who sees every page."""
    return make_user("ada", Role.CLINICIAN, Role.SONOGRAPHER, Role.ADMINISTRATOR, Role.RESEARCHER)


@pytest.fixture
def addresses(analysed_study: Study, assessment: Assessment, everyone: User) -> dict[str, str]:
    """Address of every page, of a study under review and of a signed one."""
    key = analysed_study.pk
    pages = {
        "worklist": reverse("worklist:list"),
        "no study fits": reverse("worklist:list") + "?q=nobody",
        "new study": reverse("studies:new"),
        "study": reverse("studies:study", args=[key]),
        "chart": reverse("studies:chart", args=[key]),
        "assessment": reverse("assessment:page", args=[key]),
        "comparison": reverse("assessment:page", args=[key]) + "?profile=rotterdam_2003",
        "sign-off": reverse("signoff:sign", args=[key]),
        "patient before signing": reverse("patient:share", args=[key]),
        "time lines": reverse("trends:timeline", args=[analysed_study.patient_id]),
        "people": reverse("accounts:people"),
        "person": reverse("accounts:person", args=[everyone.pk]),
        "invite": reverse("accounts:invite"),
        "sites": reverse("accounts:sites"),
        "site": reverse("accounts:site", args=[analysed_study.site_id]),
        "audit trail": reverse("trail:list"),
        "no event": reverse("trail:list") + "?who=nobody",
        "tokens": reverse("tokens:list"),
        "set up second factor": reverse("accounts:set-up-second-factor"),
        "my account": reverse("accounts:me"),
        "nothing there": "/nothing/",
    }
    signed = Study.objects.create(
        site=analysed_study.site, patient=analysed_study.patient, accession="ACC-2",
        chart=analysed_study.chart, state=StudyState.SIGNED, status=analysed_study.status,
    )  # fmt: skip
    copy = Assessment.objects.get(pk=assessment.pk)
    copy.pk, copy.study = None, signed
    copy._state.adding = True
    copy.save()
    report = signed_report(signed, copy, everyone)
    add_image(signed, "left.png", side="left")
    folder = report.folder
    folder.mkdir(parents=True, exist_ok=True)
    content = b"<!doctype html><html lang='en'><title>Report</title><h1>Report</h1></html>"
    (folder / "report.html").write_bytes(content)
    hashed = hashlib.sha256(content).hexdigest()
    SignedReport.objects.filter(pk=report.pk).update(html_sha256=hashed)
    secret = release_to_patient(signed, by=everyone, language="en", days=3)
    return pages | {
        "signed study": reverse("studies:study", args=[signed.pk]),
        "signed report": reverse("signoff:report", args=[signed.pk, report.number]),
        "signed chart": reverse("studies:chart", args=[signed.pk]),
        "patient to release": reverse("patient:share", args=[signed.pk]),
        "patient": reverse("patient:page", args=[secret]),
        "patient, German": reverse("patient:page", args=[secret]) + "?language=de",
        "patient, void": reverse("patient:page", args=["nothing"]),
    }


def test_the_checker_would_find_something(page: "Page") -> None:
    page.set_content("<html lang='en'><title>t</title><main><img src='x.png'></main></html>")
    assert [one.split(":")[0] for one in violations(page)] == ["image-alt"]
    page.set_content("<div id='wide'>wide</div>")
    page.evaluate("document.getElementById('wide').style.width = '3000px'")
    assert cut_off(page)


def test_every_page_holds_wcag_and_fits_every_screen(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, everyone: User,
    addresses: dict[str, str],
) -> None:  # fmt: skip
    sign_in(page, everyone)
    assert json.dumps(problems_of(page, live_server.url, addresses), indent=1) == "[]"


def test_withdrawing_a_picture_holds_wcag_and_fits_every_screen(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, everyone: User, analysed_study: Study
) -> None:
    first = analysed_study.images.all()[0]
    withdraw_picture(first, because="shows another patient " * 8, by=everyone)
    sign_in(page, everyone)
    page.goto(live_server.url + reverse("studies:study", args=[analysed_study.pk]))
    page.locator(".withdraw summary").last.click()
    assert page.get_by_label("Why it does not belong here").last.is_visible()
    assert json.dumps(problems_here(page, "withdraw"), indent=1) == "[]"


def test_areas_that_hold_nothing_yet_hold_wcag_and_fit_every_screen(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, everyone: User
) -> None:
    sign_in(page, everyone)
    names = ("learning:reading-list", "learning:releases", "connections:page", "research:cohorts")
    empty = {name.replace(":", " "): reverse(name) for name in names}
    assert json.dumps(problems_of(page, live_server.url, empty), indent=1) == "[]"


def test_the_pages_before_signing_in_hold_wcag(
    page: "Page", live_server: "LiveServer", make_user: MakeUser
) -> None:
    invited = make_user("nina", Role.CLINICIAN)
    addresses = {"sign-in": reverse("accounts:sign-in"), "join": invitation_path(invited)}
    assert json.dumps(problems_of(page, live_server.url, addresses), indent=1) == "[]"


def test_long_words_and_many_studies_stay_readable(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, site: Site,
    everyone: User, study: Study,
) -> None:  # fmt: skip
    long = Patient.objects.create(site=site, identifier=UNBROKEN, name=LONG_NAME)
    Study.objects.bulk_create(
        Study(
            site=site, patient=long if number % 2 else study.patient, urgency=number % 3,
            accession=f"{UNBROKEN[:58]}{number:03d}", chart={},
        )
        for number in range(200)
    )  # fmt: skip
    last = Study.objects.filter(patient=long).latest("accession")
    key = last.pk
    addresses = {
        "long worklist": reverse("worklist:list"),
        "last page": reverse("worklist:list") + "?page=4",
        "long study": reverse("studies:study", args=[key]),
        "long chart": reverse("studies:chart", args=[key]),
        "nothing assessed": reverse("assessment:page", args=[key]),
        "nothing to sign": reverse("signoff:sign", args=[key]),
        "no time line": reverse("trends:timeline", args=[long.pk]),
    }
    sign_in(page, everyone)
    assert json.dumps(problems_of(page, live_server.url, addresses), indent=1) == "[]"


def test_the_keyboard_reaches_the_page_first_and_everything_in_order(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, everyone: User, analysed_study: Study
) -> None:
    sign_in(page, everyone)
    page.goto(live_server.url + reverse("worklist:list"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    seen: list[tuple[float, float]] = []
    for _ in range(12):
        page.keyboard.press("Tab")
        box = page.evaluate(
            """() => { const one = document.activeElement, box = one.getBoundingClientRect();
              const seen = getComputedStyle(one).outlineStyle;
              return one.closest("main") && [seen, box.top + scrollY, box.left, box.width]; }"""
        )
        if box is None:
            break
        assert box[0] != "none", "what has the focus can be seen"
        assert box[3] > 0
        seen.append((round(box[1] / 60), box[2]))
    assert len(seen) >= 8
    assert seen == sorted(seen), "the focus goes as one reads: down, and from left to right"
