"""The page of the connections, a study's own part, and who is expected."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client
from tests.app.web.connections.conftest import (
    EVERYBODY_TAKES,
    Connect,
    read_by_machine,
    sign,
)
from tests.app.web.looking import problems_of, violations

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import ItemState, NewItem
from deeppcos.app.connections.reach import note_reach
from deeppcos.app.connections.sending import Answer, send_due
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.dispatching import dispatch_due
from deeppcos.app.web.models import (
    AuditEvent,
    ExpectedStudy,
    MessageState,
    ReceivedMessage,
    Role,
    Site,
    Study,
    User,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytest.importorskip("highdicom", reason="the records extra is not installed")


def refuse(peer: Any, files: Any) -> Answer:
    return Answer(is_taken=False, words="1 of 1 refused: no such patient (status 0xA900)")


@pytest.fixture
def keeper(client_of: Any, administrator: User) -> Client:
    client: Client = client_of(administrator)
    return client


@pytest.fixture
def refused(connect: Connect, dicom_study: Study, clinician: User) -> Outbox:
    """A signed study that the archive does not want."""
    outbox = connect()
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    dispatch_due(outbox, places.connections())
    send_due(outbox, places.connections(), senders={**EVERYBODY_TAKES, "dicom": refuse})
    return outbox


def test_without_a_file_the_page_says_where_to_write_one(keeper: Client) -> None:
    page = keeper.get("/connections/").content.decode()
    assert "Nobody is connected yet" in page
    assert str(Path(settings.DEEPPCOS_HOME) / "connections.toml") in page


def test_a_wrong_file_is_shown_with_what_is_wrong(keeper: Client, connect: Connect) -> None:
    connect('[peers.pacs]\nkind = "dicom"\n')
    page = keeper.get("/connections/").content.decode()
    assert "cannot be used" in page
    assert "host is missing" in page


def test_what_was_refused_stands_there_with_its_words_and_can_be_tried_or_given_up(
    keeper: Client, refused: Outbox
) -> None:
    page = keeper.get("/connections/").content.decode()
    assert "A-77" in page
    assert "no such patient" in page
    assert "Jane" not in page, "who keeps connections sees no patient"
    first, *rest = refused.items(states=[ItemState.REFUSED])
    assert keeper.post(f"/connections/items/{first.id}/retry/").status_code == 302
    assert refused.item(first.id).state is ItemState.WAITING
    assert keeper.post(f"/connections/items/{rest[0].id}/give-up/").status_code == 302
    assert refused.item(rest[0].id).state is ItemState.GIVEN_UP
    done = AuditEvent.objects.filter(action__startswith="connection.").values_list(
        "action", flat=True
    )
    assert {"connection.viewed", "connection.retried", "connection.given_up"} <= set(done)


def test_only_who_keeps_the_connections_may_touch_them(
    refused: Outbox, clinician_client: Client, client_of: Any, make_user: Any
) -> None:
    assert clinician_client.get("/connections/").status_code == 403
    [first, *_] = refused.items(states=[ItemState.REFUSED])
    elsewhere = Site.objects.create(name="Hillside", slug="hillside")
    stranger = client_of(make_user("eve", Role.ADMINISTRATOR, at=elsewhere))
    assert stranger.post(f"/connections/items/{first.id}/retry/").status_code == 403
    assert "A-77" not in stranger.get("/connections/").content.decode()
    assert refused.item(first.id).state is ItemState.REFUSED


def test_a_test_says_step_by_step_what_fails(keeper: Client, connect: Connect) -> None:
    connect()
    answer = keeper.post("/connections/peers/pacs/test/", headers={"HX-Request": "true"})
    said = answer.content.decode()
    assert "pacs does not work yet" in said
    assert "nobody answers on 127.0.0.1:9" in said
    assert AuditEvent.objects.get(action="connection.tested").detail["works"] is False
    assert "does not answer" in keeper.get("/connections/").content.decode()
    assert keeper.post("/connections/peers/nobody/test/").status_code == 400


@pytest.mark.slow
def test_a_study_says_who_has_what(
    refused: Outbox, dicom_study: Study, clinician_client: Client
) -> None:
    page = clinician_client.get(f"/studies/{dicom_study.pk}/sent/").content.decode()
    assert page.count("lamp-sent") == 2, "the record and the engine have it"
    assert page.count("lamp-refused") == 6
    assert ">Sent<" in page


@pytest.mark.slow
def test_what_could_not_be_made_can_be_made_again(
    connect: Connect, dicom_study: Study, clinician: User, clinician_client: Client
) -> None:
    outbox = connect()
    read_by_machine(dicom_study)
    sign(dicom_study, clinician)
    event = dicom_study.dispatches.get(event="signed").key
    bad = NewItem(what="hl7", peer="engine", problem="no image names the patient")
    outbox.put(event, [bad], study=str(dicom_study.pk), about="A-77")
    page = clinician_client.get(f"/studies/{dicom_study.pk}/sent/").content.decode()
    assert "could not be made" in page
    clinician_client.post(f"/studies/{dicom_study.pk}/sent/make/")
    dispatch_due(outbox, places.connections())
    assert all(one.is_made for one in outbox.items())


def test_tabs_and_navigation_speak_of_connections_only_where_there_are_any(
    connect: Connect, dicom_study: Study, clinician_client: Client
) -> None:
    page = clinician_client.get(f"/studies/{dicom_study.pk}/").content.decode()
    assert "/sent/" not in page
    assert "/expected/" not in page
    connect()
    page = clinician_client.get(f"/studies/{dicom_study.pk}/").content.decode()
    assert f"/studies/{dicom_study.pk}/sent/" in page
    assert "/expected/" in page


def test_an_expected_examination_is_begun_with_one_press(
    connect: Connect, site: Site, clinician_client: Client
) -> None:
    connect()
    expected = ExpectedStudy.objects.create(
        site=site, accession="A-1", patient="P-7", name="Ann Other", source="RIS"
    )
    assert "Ann Other" in clinician_client.get("/expected/").content.decode()
    answer = clinician_client.post(f"/expected/{expected.pk}/begin/")
    study = Study.objects.get(accession="A-1")
    assert answer.headers["Location"] == f"/studies/{study.pk}/"
    assert study.patient.identifier == "P-7"
    clinician_client.post(f"/expected/{expected.pk}/begin/")
    assert Study.objects.count() == 1, "pressing twice begins one"


def test_a_refused_message_can_be_read_again(connect: Connect, site: Site, keeper: Client) -> None:
    connect()
    message = ReceivedMessage.objects.create(
        site=site, sha256="0" * 64, content=b"MSH|", kind="ORU^R01", state=MessageState.REFUSED,
        words="PID-3: names several numbers",
    )  # fmt: skip
    assert "names several numbers" in keeper.get("/connections/").content.decode()
    keeper.post(f"/connections/messages/{message.pk}/retry/")
    message.refresh_from_db()
    assert message.state == MessageState.WAITING


# --- in a browser -----------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_pages_in_a_browser_at_every_width_and_in_both_colours(
    page: "Page",
    live_server: "LiveServer",
    sign_in: Any,
    refused: Outbox,
    dicom_study: Study,
    site: Site,
    make_user: Any,
) -> None:
    for number, name in enumerate(("Ann Other", "Maria-Magdalena Wolfeschlegelsteinhausen")):
        ExpectedStudy.objects.create(
            site=site, accession=f"A-{number}", patient=f"P-{number}", name=name, source="RIS",
            description="US pelvis transvaginal: irregular cycles",
        )  # fmt: skip
    ReceivedMessage.objects.create(
        site=site, sha256="0" * 64, content=b"MSH|", kind="ORU^R01", control_id="4711",
        sender="LAB^RIVERSIDE", state=MessageState.REFUSED,
        words="PID-3: names several numbers, and the site does not say which counts",
    )  # fmt: skip
    note_reach(refused, "pacs", words="")
    note_reach(refused, "ehr", words="http://127.0.0.1:9/fhir cannot be reached; got refused")
    sign_in(page, make_user("kim", Role.ADMINISTRATOR, Role.CLINICIAN))
    pages = {
        "connections": "/connections/",
        "connections-study": f"/studies/{dicom_study.pk}/sent/",
        "connections-expected": "/expected/",
    }
    assert problems_of(page, live_server.url, pages) == []
    page.goto(f"{live_server.url}/connections/")
    page.get_by_role("button", name="Test pacs").click()
    page.get_by_text("pacs does not work yet").wait_for()
    assert page.get_by_text("nobody answers on 127.0.0.1:9").is_visible()
    assert violations(page) == []
