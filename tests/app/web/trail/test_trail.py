"""The audit trail as a page, and ``deeppcos audit-log verify``."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from deeppcos.app.web import audit
from deeppcos.app.web.models import AuditEvent, Role, Site, Study, User
from deeppcos.app.web.trail.verifying import Noted, read_noted, verify
from deeppcos.errors import InvalidInput

ClientOf = Callable[[User], Client]
MakeUser = Callable[..., User]


@pytest.fixture
def _events(clinician: User, study: Study) -> None:
    audit.record("study.viewed", actor=clinician, study=study)
    audit.record("report.signed", actor=clinician, study=study, detail={"report": 1})
    audit.record("account.signed_in", actor=clinician)


def shown(client: Client, **query: str) -> list[str]:
    answer = client.get(reverse("trail:list"), query)
    return [row["event"].action for row in answer.context["events"]]


@pytest.mark.usefixtures("_events")
def test_the_trail_is_filtered_by_who_what_study_and_day(
    administrator: User, client_of: ClientOf
) -> None:
    ours = client_of(administrator)
    assert shown(ours, action="report.") == ["report.signed"]
    assert shown(ours, study="ACC-1") == ["report.signed", "study.viewed"]
    assert shown(ours, study="ACC-2") == []
    assert shown(ours, who="ada", action="study") == ["study.viewed"]
    assert shown(ours, until="2001-01-01") == []
    assert shown(ours, since="nonsense", action="account.") == ["account.signed_in"]


@pytest.mark.usefixtures("_events")
def test_reading_the_trail_is_an_event(administrator: User, client_of: ClientOf) -> None:
    client_of(administrator).get(reverse("trail:list"), {"study": "ACC-1", "who": "ada"})
    event = AuditEvent.objects.get(action="trail.viewed")
    assert event.actor == administrator
    assert event.detail == {"study": "ACC-1", "by": "name"}


@pytest.mark.usefixtures("_events")
def test_an_administrator_of_another_site_reads_none_of_it(
    make_user: MakeUser, client_of: ClientOf
) -> None:
    hillside = Site.objects.create(name="Hillside", slug="hillside")
    stranger = make_user("eve", Role.ADMINISTRATOR, at=hillside)
    assert shown(client_of(stranger)) == ["trail.viewed"]


def test_a_clinician_does_not_read_the_trail(clinician: User, client_of: ClientOf) -> None:
    for name in ("list", "export"):
        assert client_of(clinician).get(reverse(f"trail:{name}")).status_code == 403


@pytest.mark.usefixtures("_events")
def test_the_button_says_that_the_trail_is_whole_or_which_event_is_broken(
    administrator: User, client_of: ClientOf
) -> None:
    ours = client_of(administrator)
    assert "The trail is whole: 3 events" in ours.post(reverse("trail:verify")).content.decode()
    AuditEvent.objects.filter(number=2).update(actor_name="Somebody else")
    said = ours.post(reverse("trail:verify")).content.decode()
    assert "event 2 was changed after it was written" in said
    assert AuditEvent.objects.filter(action="trail.verified").count() == 2


@pytest.mark.usefixtures("_events")
def test_the_file_holds_no_formula(
    administrator: User, clinician: User, client_of: ClientOf
) -> None:
    clinician.full_name = '=HYPERLINK("x")'
    clinician.save()
    audit.record("study.viewed", actor=clinician)
    answer = client_of(administrator).get(reverse("trail:export"))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.startswith("number,at,actor_name,action")
    assert "'=HYPERLINK" in text
    assert ",=HYPERLINK" not in text


@pytest.mark.usefixtures("_events")
def test_a_chain_that_was_made_anew_is_betrayed_by_a_note() -> None:
    before = verify()
    assert before.is_whole
    note = Noted(number=before.events, hash=before.head)
    first = AuditEvent.objects.get(number=1)
    AuditEvent.objects.filter(number__gte=2).delete()
    from deeppcos.app.web.models import AuditHead

    AuditHead.objects.update(number=1, hash=first.hash)
    audit.record("study.viewed", actor=None)
    audit.record("study.viewed", actor=None)
    assert verify().is_whole
    assert verify([note]).problems == ("event 3 is not the one that was noted outside",)


@pytest.mark.parametrize("word", ["", "12", "x:00ff00ff00ff00ff", "12:xyz", "12:00ff"])
def test_a_note_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_noted(word)


def run(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DEEPPCOS_")}
    return subprocess.run(
        [sys.executable, "-m", "deeppcos", "audit-log", "verify", "--home", str(home), *words],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=280,
    )


@pytest.mark.slow
def test_the_verb_names_the_first_broken_event_and_says_so_by_its_status(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run(home).returncode == 2
    home.mkdir()
    make = (
        "from deeppcos.app.web.preparing import set_up_django, prepare; set_up_django(); prepare();"
        "from deeppcos.app.web import audit;"
        "[audit.record('study.viewed', actor=None) for _ in range(3)]"
    )
    environment = os.environ | {"DEEPPCOS_HOME": str(home)}
    subprocess.run([sys.executable, "-c", make], check=True, env=environment, timeout=280)
    whole = run(home, "--format", "json")
    said = json.loads(whole.stdout)
    assert whole.returncode == 0
    assert said["problems"] == []
    with sqlite3.connect(home / "desk.sqlite3") as database:
        database.execute("update web_auditevent set actor_name = 'nobody' where number = 2")
    broken = run(home, "--noted", f"{said['events']}:{said['head']}")
    assert broken.returncode == 1
    assert broken.stdout.startswith("broken: event 2 was changed after it was written")
