"""Drawing what no reader drew: from a reading or from nothing, in the viewer, then settled."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.app.web.conftest import ClientOf, MakeUser, SignIn
from tests.app.web.learning.test_learning_export import CENTRES, exported, one_still, read_blind
from tests.app.web.learning.test_learning_settle import ELSEWHERE
from tests.app.web.looking import problems_here
from tests.app.web.viewer.conftest import correction, new_mark

from deeppcos.app.web.learning.adjudicating import Case, cases_of
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.app.web.models import AuditEvent, MarkSet, Purpose, Role, Study, User
from deeppcos.app.web.trail.verifying import verify

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

__all__ = ["one_still"]
HERS = (230.0, 120.0)


@pytest.fixture
def contradiction(one_still: Study, make_user: MakeUser) -> Study:
    """Two readers who share no follicle."""
    for name, places in (("bo", CENTRES), ("cy", ELSEWHERE)):
        read_blind(one_still, make_user(name, Role.CLINICIAN), *places)
    return one_still


@pytest.fixture
def adjudicator(make_user: MakeUser) -> User:
    return make_user("eve", Role.CLINICIAN)


@pytest.fixture
def eve(adjudicator: User, client_of: ClientOf) -> Client:
    return client_of(adjudicator)


def only_case(study: Study) -> Case:
    (case,) = cases_of(study, pseudonyms())
    return case


def begin(client: Client, study: Study, start: str, *, seal: str | None = None) -> Any:
    case = only_case(study)
    form = {"draw": f"{start}|{case.key}", f"seal:{case.key}": seal or case.seal}
    return client.post(reverse("learning:draw", args=[study.pk]), form)


def settle(client: Client, study: Study, choice: str) -> Any:
    case = only_case(study)
    form = {f"choice:{case.key}": choice, f"seal:{case.key}": case.seal}
    return client.post(reverse("learning:settle", args=[study.pk]), form)


def send(client: Client, study: Study, *edits: dict[str, Any], since: int) -> Any:
    return client.post(
        reverse("viewer:edits", args=[study.pk]) + "?as=adjudicate",
        {"base_version": since, "edits": list(edits)},
        content_type="application/json",
    )


def drawn_by_hand(client: Client, study: Study, start: str) -> None:
    """She begins from something and adds one follicle."""
    assert begin(client, study, start).status_code == 302
    version = MarkSet.objects.get(purpose=Purpose.ADJUDICATION).version
    edit = correction(
        study.images.get(), "missed", adds=[new_mark(*HERS)], machine_marks_seen=False, release=""
    )
    assert send(client, study, edit, since=version).status_code == 200


def said(folder: Path) -> int:
    """How many follicles the adjudicator's exported reading holds."""
    _, document = exported(folder)
    (reading,) = [
        one
        for one in document.studies[0].images[0].readings
        if one.reader.startswith("adjudicator")
    ]
    return len(reading.follicles or [])


@pytest.mark.parametrize(("start", "follicles"), [("A", 4), ("nothing", 1)])
def test_what_she_drew_is_what_goes_out(
    contradiction: Study, eve: Client, tmp_path: Path, start: str, follicles: int
) -> None:
    before = list(MarkSet.objects.order_by("pk").values("pk", "version", "finished_at"))
    drawn_by_hand(eve, contradiction, start)
    page = eve.get(reverse("learning:settle", args=[contradiction.pk])).content.decode()
    assert "Your own drawing" in page
    assert 'value="own" checked' in page
    assert settle(eve, contradiction, "own").status_code == 302
    assert said(tmp_path / "out") == follicles
    hers = MarkSet.objects.get(purpose=Purpose.ADJUDICATION)
    assert {one.kind for one in hers.edits.all()} == {"missed"}
    assert hers.edits.filter(milliseconds__gt=0).count() == 1, "her own delta keeps its time"
    others = MarkSet.objects.exclude(pk=hers.pk).order_by("pk")
    assert list(others.values("pk", "version", "finished_at")) == before
    assert AuditEvent.objects.get(action="reading.settled").detail["drawn"] == 1
    assert verify().is_whole


def test_a_drawing_that_was_not_chosen_leaves_nothing_behind(
    contradiction: Study, eve: Client, tmp_path: Path
) -> None:
    drawn_by_hand(eve, contradiction, "A")
    assert settle(eve, contradiction, "B").status_code == 302
    assert said(tmp_path / "out") == 3
    kinds = MarkSet.objects.get(purpose=Purpose.ADJUDICATION).edits.values_list("kind", flat=True)
    assert "extra" in kinds, "what she drew stays in the log, taken away by a correction"


def test_beginning_again_takes_the_first_drawing_away(
    contradiction: Study, eve: Client, tmp_path: Path
) -> None:
    drawn_by_hand(eve, contradiction, "A")
    drawn_by_hand(eve, contradiction, "nothing")
    drawn_by_hand(eve, contradiction, "own")
    assert settle(eve, contradiction, "own").status_code == 302
    assert said(tmp_path / "out") == 2


def test_nothing_drawn_settles_nothing(contradiction: Study, eve: Client) -> None:
    begin(eve, contradiction, "nothing")
    refused = settle(eve, contradiction, "own")
    assert refused.status_code == 422
    assert "you have drawn nothing" in refused.content.decode().lower()
    assert not MarkSet.objects.filter(
        purpose=Purpose.ADJUDICATION, finished_at__isnull=False
    ).exists()


def test_an_unsettled_drawing_counts_for_nothing(
    contradiction: Study, eve: Client, tmp_path: Path
) -> None:
    drawn_by_hand(eve, contradiction, "A")
    done, document = exported(tmp_path / "out")
    assert document.studies == []
    assert done.left_out


def test_she_draws_without_the_machines_marks(contradiction: Study, eve: Client) -> None:
    begin(eve, contradiction, "A")
    image = contradiction.images.get()
    start = f"/studies/{contradiction.pk}/viewer/"
    names = ("manifest.json", "measures.json", "edits", "", f"pictures/{image.pk}/marks.json")
    sent = "".join(eve.get(f"{start}{name}?as=adjudicate").content.decode() for name in names)
    for word in (f"m:{image.pk}", '"machine"', '"probability"', '"signed"', "made-up-1", "Dr Bo"):
        assert word not in sent
    manifest = json.loads(eve.get(f"{start}manifest.json?as=adjudicate").content)
    assert manifest["reading"]["is_blinded"] is True
    assert manifest["urls"]["finish"] is None
    assert manifest["urls"]["edits"].endswith("?as=adjudicate")


def test_only_who_may_settle_draws(
    contradiction: Study, eve: Client, make_user: MakeUser, client_of: ClientOf
) -> None:
    page = f"/studies/{contradiction.pk}/viewer/?as=adjudicate"
    assert eve.get(page).status_code == 404, "nothing was begun"
    reader = client_of(User.objects.get(username="bo"))
    assert begin(reader, contradiction, "A").status_code == 400
    assert (
        begin(client_of(make_user("sona", Role.SONOGRAPHER)), contradiction, "A").status_code == 403
    )
    assert begin(eve, contradiction, "A", seal="old").status_code == 400
    assert begin(eve, contradiction, "Z").status_code == 400
    assert not MarkSet.objects.filter(purpose=Purpose.ADJUDICATION).exists()
    begin(eve, contradiction, "A")
    assert eve.get(page).status_code == 200
    assert client_of(make_user("di", Role.CLINICIAN)).get(page).status_code == 404


def test_a_settled_drawing_takes_no_more_corrections(contradiction: Study, eve: Client) -> None:
    drawn_by_hand(eve, contradiction, "A")
    settle(eve, contradiction, "own")
    version = MarkSet.objects.get(purpose=Purpose.ADJUDICATION).version
    late = correction(contradiction.images.get(), "missed", adds=[new_mark(60.0, 60.0)])
    assert send(eve, contradiction, late, since=version).status_code == 423


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_she_draws_in_the_viewer_and_settles_with_it(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, contradiction: Study,
    adjudicator: User,
) -> None:  # fmt: skip
    sign_in(page, adjudicator)
    page.goto(live_server.url + reverse("learning:settle", args=[contradiction.pk]))
    page.get_by_role("button", name="reading A").click()
    page.locator("#viewer[data-ready=yes]").wait_for()
    assert "Adjudication" in page.locator(".badge").inner_text()
    before = page.locator("#mark-list li").count()
    page.locator("#mark-list button").last.click()
    page.keyboard.press("Delete")
    page.locator("#standing[data-standing=saved]").wait_for()
    page.wait_for_function(
        "n => document.querySelectorAll('#mark-list li').length === n", arg=before - 1
    )
    wrong = problems_here(page, "drawing")
    page.get_by_role("link", name="Back to the readings").last.click()
    page.get_by_label("Your own drawing").first.wait_for()
    wrong += problems_here(page, "settle drawn")
    page.get_by_role("button", name="Settle", exact=True).click()
    page.get_by_text("The readings are settled.").wait_for()
    kinds = MarkSet.objects.get(purpose=Purpose.ADJUDICATION).edits.values_list("kind", flat=True)
    assert list(kinds) == ["missed", "extra"]
    assert wrong == []
