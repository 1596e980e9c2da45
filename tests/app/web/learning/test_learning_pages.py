"""The reading list and the readers' page; and all pages of learning in a browser."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings
from tests.app.web.conftest import ClientOf, MakeUser, SignIn
from tests.app.web.learning.doing import NAME, approved, colleague, contradicted, promoted
from tests.app.web.learning.test_learning_export import CENTRES, read_blind
from tests.app.web.looking import problems_of
from tests.app.web.viewer.conftest import correction, new_mark

from deeppcos.app.web import urls
from deeppcos.app.web.learning.lot import is_drawn_blind
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.app.web.models import Role, Study, User
from deeppcos.app.web.served import shelf

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer


def test_an_unread_study_stands_in_the_list_until_somebody_has_finished(
    analysed_study: Study, clinician_client: Client
) -> None:
    place = reverse("learning:reading-list")
    assert "ACC-1" in clinician_client.get(place).content.decode()
    read_blind(analysed_study, colleague(analysed_study, "bo"), *CENTRES)
    assert "ACC-1" not in clinician_client.get(place).content.decode()


def test_a_study_of_another_site_is_not_in_the_list(
    analysed_study: Study, make_user: MakeUser, client_of: ClientOf
) -> None:
    from deeppcos.app.web.models import Site

    elsewhere = Site.objects.create(name="Hillside", slug="hillside")
    eve = client_of(make_user("eve", Role.CLINICIAN, at=elsewhere))
    assert "ACC-1" not in eve.get(reverse("learning:reading-list")).content.decode()


def test_readers_stand_by_pseudonym_with_what_reading_costs(
    analysed_study: Study, administrator: User, client_of: ClientOf
) -> None:
    read_blind(analysed_study, colleague(analysed_study, "bo"), *CENTRES)
    read_blind(analysed_study, colleague(analysed_study, "cy"), *CENTRES, has_seen=True)
    answer = client_of(administrator).get(reverse("learning:readers"))
    figures, page = answer.context["figures"], answer.content.decode()
    assert figures.pairs[0].f1.value == 1.0
    assert (figures.blind.edits.n, figures.with_machine.edits.n) == (1, 1)
    assert figures.blind.seconds.value == 42.0
    assert figures.blind.seconds.low is None, "one woman makes no interval"
    assert "Dr Bo" not in page
    assert page.count("reader-") == 8


def test_a_study_drawn_blind_is_sent_out_blind_read_so_and_counted_so(
    analysed_study: Study, administrator: User, clinician: User, client_of: ClientOf,
    settings: Settings,
) -> None:  # fmt: skip
    reader, place = client_of(clinician), reverse("learning:reading-list")
    settings.BLIND_SHARE = 0.0
    assert "Read blind" not in reader.get(place).content.decode()
    settings.BLIND_SHARE = 1.0
    for order in ("", "?by=gain"):
        assert "Read blind" in reader.get(place + order).content.decode()
    sent = reader.post(reverse("viewer:second", args=[analysed_study.pk]), follow=True)
    assert "Blinded second reading" in sent.content.decode()
    manifest = reader.get(reverse("viewer:manifest", args=[analysed_study.pk])).json()
    assert manifest["reading"]["is_blinded"] is True
    image = analysed_study.images.all()[0]
    edit = correction(image, "missed", adds=[new_mark(110.0, 120.0)], machine_marks_seen=False)
    kept = reader.post(
        reverse("viewer:edits", args=[analysed_study.pk]),
        {"base_version": 0, "edits": [edit]},
        content_type="application/json",
    )
    assert kept.status_code == 200
    assert reader.post(reverse("viewer:finish", args=[analysed_study.pk])).status_code == 302
    figures = client_of(administrator).get(reverse("learning:readers")).context["figures"]
    assert (figures.drawn, figures.kept) == (1, 1)
    assert (figures.bias.blind.n, figures.bias.off_lot) == (1, 0)
    settings.BLIND_SHARE = 0.0
    figures = client_of(administrator).get(reverse("learning:readers")).context["figures"]
    assert (figures.drawn, figures.bias.off_lot) == (0, 1)


def test_the_lot_of_a_study_never_changes_and_falls_as_often_as_it_should(
    study: Study, settings: Settings
) -> None:
    names = pseudonyms()
    settings.BLIND_SHARE = 0.2
    made_up = [Study(site=study.site, patient=study.patient) for _ in range(1000)]
    drawn = [is_drawn_blind(one, names) for one in made_up]
    assert drawn == [is_drawn_blind(one, names) for one in made_up]
    assert 150 <= sum(drawn) <= 250
    settings.BLIND_SHARE = 0.3
    more = [is_drawn_blind(one, names) for one in made_up]
    assert all(later for earlier, later in zip(drawn, more, strict=True) if earlier)


def test_an_unfinished_reading_of_a_closed_account_is_told(
    analysed_study: Study, administrator: User, client_of: ClientOf
) -> None:
    gone = colleague(analysed_study, "bo")
    read_blind(analysed_study, gone, *CENTRES, has_finished=False)
    gone.is_active = False
    gone.save()
    read_blind(analysed_study, colleague(analysed_study, "cy"), *CENTRES)
    page = client_of(administrator).get(reverse("learning:readers")).content.decode()
    assert "1 reading was begun by somebody whose account is closed" in page


@pytest.mark.parametrize("area", ["learning", "monitoring"])
def test_no_rule_of_an_area_reaches_what_every_page_shares(area: str) -> None:
    folder = Path(urls.__file__).parent / "static"
    own, shared = (lone_classes(folder / name / f"{name}.css") for name in (area, "desk"))
    assert own
    assert own & shared == set()


def lone_classes(sheet: Path) -> set[str]:
    """Classes that a sheet gives rules of their own."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    chosen = (one.strip() for many in re.findall(r"([^{}]+){", text) for one in many.split(","))
    return {one for one in chosen if re.fullmatch(r"\.[\w-]+", one)}


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_page_of_learning_holds_wcag_and_fits_every_screen(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, make_user: MakeUser,
    analysed_study: Study,
) -> None:  # fmt: skip
    everyone = make_user("ada", *Role)
    sign_in(page, everyone)
    wrong = problems_of(
        page,
        live_server.url,
        {
            "reading list": reverse("learning:reading-list"),
            "reading list by gain": reverse("learning:reading-list") + "?by=gain",
            "nothing to settle": reverse("learning:waiting"),
            "no readers": reverse("learning:readers"),
            "no releases": reverse("learning:releases"),
        },
    )
    contradicted(analysed_study)
    approved("Dr Root (root)")
    (pointer,) = shelf().releases()
    shelf().run_in_shadow(pointer)
    later = {
        "to settle": reverse("learning:waiting"),
        "settle": reverse("learning:settle", args=[analysed_study.pk]),
        "readers": reverse("learning:readers"),
        "releases": reverse("learning:releases"),
        "release": reverse("learning:release", args=[NAME]),
        "all read": reverse("learning:reading-list"),
    }
    wrong += problems_of(page, live_server.url, later)
    for name, address in later.items():
        answer = page.goto(live_server.url + address)
        wrong += [] if answer and answer.ok else [f"{name}: not shown"]
    assert json.dumps(wrong, indent=1) == "[]"


@pytest.mark.django_db
def test_a_served_candidate_is_shown_as_such(administrator: User, client_of: ClientOf) -> None:
    promoted()
    page = client_of(administrator).get(reverse("learning:releases")).content.decode()
    assert "reads new studies" in page
    assert "Go back" in page
