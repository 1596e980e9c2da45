"""The page of the watch in a browser: every width, both colours, axe, alarms and none."""

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from tests.app.web.conftest import MakeUser, SignIn
from tests.app.web.looking import problems_here, problems_of
from tests.app.web.monitoring.conftest import add_readings

from deeppcos.app.web.models import DriftAlarm, Role, Site, WatchWindow
from deeppcos.app.web.monitoring import watching

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_the_page_is_clear_with_alarms_and_without(
    page: "Page",
    live_server: "LiveServer",
    sign_in: SignIn,
    make_user: MakeUser,
    site: Site,
    window: WatchWindow,
) -> None:
    person = make_user("rosa", Role.CLINICIAN, Role.RESEARCHER)
    sign_in(page, person)
    address = reverse("monitoring:page")
    add_readings(site, 8, days_ago=3, seed=4)
    wrong = problems_of(page, live_server.url, {"monitoring quiet": address})
    add_readings(site, 30, days_ago=2, seed=3, scanner="Mindray Resona-7", more=20)
    watching.look(site)
    watching.acknowledge(DriftAlarm.objects.get(signal="scanner"), by=person, remark="New machine.")
    page.goto(live_server.url + address)
    wrong += problems_here(page, "monitoring alarm")
    page.get_by_label("What did you find").first.fill("Counts rose with the new scanner.")
    page.get_by_role("button", name="Acknowledge").first.click()
    page.get_by_text("Acknowledged. The alarm stays").wait_for()
    assert wrong == []


def test_the_page_without_a_window_asks_for_one(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, make_user: MakeUser, site: Site
) -> None:
    add_readings(site, 12, days_ago=3)
    sign_in(page, make_user("rosa", Role.CLINICIAN, Role.RESEARCHER))
    address = reverse("monitoring:page")
    assert problems_of(page, live_server.url, {"monitoring empty": address}) == []
