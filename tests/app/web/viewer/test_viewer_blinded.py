"""The second reader: the server sends her nothing of the machine or of the first reader."""

import json

import pytest
from django.test import Client
from django.urls import reverse
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.viewer.conftest import (
    MISSED,
    Send,
    correction,
    image_named,
    machine_id,
    new_mark,
    said,
)

from deeppcos.app.web.models import AuditEvent, MarkSet, Purpose, Study, User

SECOND = "?as=second"


@pytest.fixture
def second(make_user: MakeUser, client_of: ClientOf, seen_study: Study) -> Client:
    """A colleague who has begun a blinded reading."""
    from deeppcos.app.web.models import Role

    client = client_of(make_user("bo", Role.CLINICIAN))
    begun = client.post(f"/studies/{seen_study.pk}/viewer/second/")
    assert begun.status_code == 302
    assert begun["Location"].endswith(SECOND)
    return client


def everything_she_is_sent(client: Client, study: Study, query: str) -> str:
    start = f"/studies/{study.pk}/viewer/"
    urls = [f"{start}{name}{query}" for name in ("manifest.json", "edits", "measures.json", "")]
    for image in study.images.all():
        urls += [
            f"{start}pictures/{image.pk}/marks.json{query}",
            f"{start}pictures/{image.pk}/saliency/0{query}",
        ]
    return "".join(client.get(url).content.decode() for url in urls)


@pytest.mark.parametrize("query", [SECOND, ""], ids=["asking-rightly", "asking-for-the-review"])
def test_nothing_of_the_machine_or_the_first_reader_reaches_her(
    clinician_client: Client, second: Client, seen_study: Study, send: Send, query: str
) -> None:
    image = image_named(seen_study, "left.png")
    first = correction(image, "missed", adds=[new_mark(*MISSED)])
    assert send(clinician_client, seen_study, first).status_code == 200
    sent = everything_she_is_sent(second, seen_study, query)
    assert f"m:{image.pk}" not in sent
    assert first["adds"][0]["id"] not in sent
    for word in ('"probability"', '"machine"', '"signed"', '"interval"', "made-up-1"):
        assert word not in sent


def test_her_marks_start_from_nothing_and_are_her_own(
    clinician_client: Client, second: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    hers = correction(image, "missed", adds=[new_mark(*MISSED)], machine_marks_seen=False)
    assert said(send(second, seen_study, hers, query=SECOND)) == {"version": 1}
    mine = said(
        clinician_client.get(f"/studies/{seen_study.pk}/viewer/pictures/{image.pk}/marks.json")
    )
    assert "reader" not in mine["frames"][0]
    assert {one.purpose for one in MarkSet.objects.all()} == {Purpose.SECOND_READING}


def test_she_cannot_touch_a_machine_mark_she_guesses(
    second: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    guess = correction(image, "extra", removes=[machine_id(image, "o0f0")])
    assert send(second, seen_study, guess, query=SECOND).status_code == 409


def test_after_finishing_she_sees_the_others_and_hers_stay(
    second: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    hers = correction(image, "missed", adds=[new_mark(*MISSED)])
    send(second, seen_study, hers, query=SECOND)
    assert second.post(f"/studies/{seen_study.pk}/viewer/finish{SECOND}").status_code == 302
    url = f"/studies/{seen_study.pk}/viewer/pictures/{image.pk}/marks.json{SECOND}"
    [frame] = said(second.get(url))["frames"]
    assert len(frame["machine"]["marks"]) == 4
    assert [m["id"] for m in frame["reader"]["marks"]] == [hers["adds"][0]["id"]]
    again = correction(image, "missed", adds=[new_mark(60, 60)])
    answer = send(second, seen_study, again, base=1, query=SECOND)
    assert answer.status_code == 423


def test_the_first_reader_cannot_be_the_second(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    send(clinician_client, seen_study, correction(image, "missed", adds=[new_mark(*MISSED)]))
    answer = clinician_client.post(f"/studies/{seen_study.pk}/viewer/second/")
    assert answer.status_code == 400
    assert "first reader" in answer.content.decode()


def test_who_had_seen_the_marks_before_is_recorded_as_such(
    make_user: MakeUser, client_of: ClientOf, seen_study: Study
) -> None:
    from deeppcos.app.web.models import Role

    client = client_of(make_user("cleo", Role.CLINICIAN))
    client.get(f"/studies/{seen_study.pk}/viewer/")
    client.post(f"/studies/{seen_study.pk}/viewer/second/")
    reading = MarkSet.objects.get()
    assert (reading.is_blinded, reading.machine_shown_first) == (True, True)


def test_who_had_not_is_recorded_too(second: Client, seen_study: Study) -> None:
    reading = MarkSet.objects.get()
    assert (reading.is_blinded, reading.machine_shown_first) == (True, False)
    [begun] = AuditEvent.objects.filter(action="reading.begun")
    assert begun.detail["had_seen_marks"] is False


def test_her_measurements_are_her_own(second: Client, seen_study: Study, send: Send) -> None:
    image = image_named(seen_study, "left.png")
    ovary = new_mark(160, 120, 90, kind="ovary")
    hers = correction(image, "missed", adds=[ovary, new_mark(*MISSED)])
    send(second, seen_study, hers, query=SECOND)
    told = said(second.get(f"/studies/{seen_study.pk}/viewer/measures.json{SECOND}"))
    assert set(told) == {"version", "reader"}
    assert told["reader"]["left"]["fnps"]["value"] == 1
    assert json.dumps(told["reader"]["right"]["fnps"]["value"]) == "null"


def test_nobody_but_its_reader_sees_a_second_reading(
    clinician: User, clinician_client: Client, second: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    hers = correction(image, "missed", adds=[new_mark(*MISSED)])
    send(second, seen_study, hers, query=SECOND)
    seen = everything_she_is_sent(clinician_client, seen_study, "")
    assert hers["adds"][0]["id"] not in seen


@pytest.mark.parametrize(
    "name", ["studies:study", "assessment:page", "signoff:sign", "patient:share"]
)
def test_pages_that_tell_of_others_lead_her_back_to_her_own_marks(
    second: Client, clinician_client: Client, seen_study: Study, name: str
) -> None:
    address = reverse(name, args=[seen_study.pk])
    answer = second.get(address)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("viewer:page", args=[seen_study.pk])
    assert clinician_client.get(address).status_code == 200


def test_the_time_lines_withhold_what_was_measured_while_she_reads(
    second: Client, clinician_client: Client, seen_study: Study
) -> None:
    latest = seen_study.assessments.get()
    latest.document["measurements"]["left"] = {"volume_ml": {"value": 7.7}}
    latest.save()
    address = reverse("trends:timeline", args=[seen_study.patient_id])
    assert "7.70" in clinician_client.get(address).content.decode()
    assert "7.70" not in second.get(address).content.decode()
