"""Research, monitoring, learning and connections with something in them, as the tour shows them.

With DEEPPCOS_PICTURES set to a folder, the pages are kept there for ``docs/desk.md``.
"""

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone
from tests.app.web.conftest import MakeUser, SignIn
from tests.app.web.connections.doing import connect
from tests.app.web.learning.doing import ELSEWHERE, bring, colleague
from tests.app.web.learning.test_learning_export import CENTRES, read_blind
from tests.app.web.looking import cut_off
from tests.app.web.monitoring.conftest import add_readings
from tests.app.web.research.conftest import add_women
from tests.journeys.web.camera import Camera

from deeppcos.app.connections.outbox_items import NewItem
from deeppcos.app.connections.reach import note_reach
from deeppcos.app.web.models import Role, Site, Study, User
from deeppcos.app.web.monitoring import watching
from deeppcos.app.web.research.releasing import consented, release
from deeppcos.research.query import Take, parse_criteria

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

See = Callable[[str, str, str], None]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]

PEERS = """
[peers.archive]
kind = "dicom"
host = "127.0.0.1"
port = 104
ae_title = "ARCHIVE"
[peers.record]
kind = "fhir"
url = "http://127.0.0.1:9/fhir"
"""


@pytest.fixture
def everybody(make_user: MakeUser) -> User:
    return make_user("ada", *Role)


@pytest.fixture
def see(page: "Page", live_server: "LiveServer", sign_in: SignIn, everybody: User) -> See:
    """Open a page, find its heading, see that nothing is cut off, and keep a picture."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.set_default_timeout(120_000)
    sign_in(page, everybody)

    def seen(address: str, heading: str, name: str) -> None:
        page.goto(live_server.url + address)
        page.get_by_role("heading", name=heading).first.wait_for()
        page.wait_for_timeout(600)
        assert cut_off(page) == []
        Camera().take(page, name)

    return seen


def test_a_cohort_shows_its_figures(see: See, everybody: User, site: Site) -> None:
    add_women(site, 200)
    criteria = consented(parse_criteria(["age_years=16..45"]), Take.LATEST)
    made = release(everybody, criteria, name="Women of 16 to 45")
    see(reverse("research:cohort", args=[made.pk]), "Women of 16 to 45", "research-cohort")
    see(reverse("research:cohorts"), "Research", "research")


def test_the_watch_shows_what_changed(see: See, everybody: User, site: Site) -> None:
    add_readings(site, 60, days_ago=9)
    day = timezone.localdate()
    watching.name_window(
        site,
        name="Usual weeks",
        first=day - datetime.timedelta(days=12),
        last=day - datetime.timedelta(days=7),
        by=everybody,
    )
    add_readings(site, 30, days_ago=2, seed=3, scanner="Mindray Resona-7", more=20)
    watching.look(site)
    see(reverse("monitoring:page"), "Monitoring", "monitoring")


def test_readers_and_releases_are_compared(see: See, analysed_study: Study) -> None:
    analysed_study.patient.may_teach = True
    analysed_study.patient.save()
    read_blind(analysed_study, colleague(analysed_study, "cy"), *CENTRES)
    read_blind(analysed_study, colleague(analysed_study, "di"), *ELSEWHERE)
    bring()
    see(reverse("learning:settle", args=[analysed_study.pk]), "", "learning-settle")
    see(reverse("learning:readers"), "Readers", "learning-readers")
    see(reverse("learning:releases"), "Releases", "learning-releases")


def test_connections_say_who_can_be_reached(see: See, analysed_study: Study) -> None:
    outbox = connect(PEERS)
    file = outbox.payloads.keep(b"MSH", name="report.dcm")
    items = [NewItem(what=what, peer="archive", files=(file,)) for what in ("report", "pdf")]
    outbox.put("signed:1", items, study=str(analysed_study.pk), about="ACC-1")
    note_reach(outbox, "archive", words="")
    note_reach(outbox, "record", words="http://127.0.0.1:9/fhir cannot be reached; got refused")
    see(reverse("connections:page"), "Connections", "connections")
    see(reverse("connections:study", args=[analysed_study.pk]), "Musterfrau", "connections-study")
