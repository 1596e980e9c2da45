"""How long somebody sat at the pictures, and what she had been shown, kept with her reading."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.viewer.conftest import Send, correction, image_named, new_mark

from deeppcos.app.web.models import AuditEvent, MarkSet, Role, Sitting, Study
from deeppcos.app.web.viewer.keeping import begin_second_reading


def tell(client: Client, study: Study, *, query: str = "", **what: object) -> HttpResponse:
    body = {"id": str(uuid4()), "seconds": 12.5, "machine_marks_seen": True} | what
    response = client.post(
        f"/studies/{study.pk}/viewer/sitting{query}",
        json.dumps(body), content_type="application/json",
    )  # fmt: skip
    assert isinstance(response, HttpResponse)
    return response


def test_time_is_kept_with_who_looked_and_which_release_was_shown(
    clinician_client: Client, seen_study: Study
) -> None:
    assert tell(clinician_client, seen_study).status_code == 204
    kept = Sitting.objects.get()
    base = seen_study.assessments.get()
    assert (kept.base, kept.purpose, kept.seconds) == (base, "review", 12.5)
    assert (kept.machine_shown_first, kept.release_shown) == (True, base.release)
    assert kept.release_shown
    assert AuditEvent.objects.filter(action="reading.timed").count() == 1


def test_what_is_told_again_is_not_counted_again_and_never_shrinks(
    clinician_client: Client, seen_study: Study
) -> None:
    sitting = str(uuid4())
    for seconds in (10.0, 25.0, 3.0):
        tell(clinician_client, seen_study, id=sitting, seconds=seconds)
    assert [one.seconds for one in Sitting.objects.all()] == [25.0]


def test_nobody_works_longer_than_the_clock_runs(
    clinician_client: Client, seen_study: Study
) -> None:
    sitting = str(uuid4())
    for seconds in (500.0, 5000.0):
        tell(clinician_client, seen_study, id=sitting, seconds=seconds)
    assert Sitting.objects.get().seconds < 65


def test_a_sitting_belongs_to_one_person(
    clinician_client: Client, seen_study: Study, make_user: MakeUser, client_of: ClientOf
) -> None:
    sitting = str(uuid4())
    tell(clinician_client, seen_study, id=sitting)
    other = client_of(make_user("bo", Role.SONOGRAPHER))
    assert tell(other, seen_study, id=sitting, seconds=90).status_code == 400
    assert Sitting.objects.get().seconds == 12.5


@pytest.mark.parametrize(
    "wrong", [{"seconds": -1}, {"seconds": "long"}, {"id": "7"}, {"more": 1}], ids=str
)
def test_nonsense_is_refused(
    clinician_client: Client, seen_study: Study, wrong: dict[str, Any]
) -> None:
    assert tell(clinician_client, seen_study, **wrong).status_code == 400
    assert not Sitting.objects.exists()


def test_a_blinded_reading_is_shown_no_release_whatever_the_page_says(
    seen_study: Study, make_user: MakeUser, client_of: ClientOf
) -> None:
    second = make_user("bo", Role.CLINICIAN)
    mark_set = begin_second_reading(seen_study, second)
    tell(client_of(second), seen_study, query="?as=second")
    kept = Sitting.objects.get()
    assert (kept.purpose, kept.machine_shown_first, kept.release_shown) == ("second", False, "")
    assert (mark_set.machine_shown_first, mark_set.release_shown) == (False, "")
    assert mark_set.seconds_at_work == 12.5


def test_a_reading_says_what_was_shown_and_how_long_all_its_readers_took(
    clinician_client: Client, seen_study: Study, send: Send, make_user: MakeUser,
    client_of: ClientOf,
) -> None:  # fmt: skip
    image = image_named(seen_study, "left.png")
    send(clinician_client, seen_study, correction(image, "missed", adds=[new_mark(60, 60)]))
    tell(clinician_client, seen_study, seconds=40)
    tell(client_of(make_user("bo", Role.SONOGRAPHER)), seen_study, seconds=7)
    mark_set = MarkSet.objects.get()
    assert (mark_set.machine_shown_first, mark_set.release_shown) == (True, mark_set.base_release)
    assert (mark_set.seconds_spent, mark_set.seconds_at_work) == (2.5, 47.0)


def test_a_reader_who_had_hidden_the_marks_was_not_shown_them(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    added = correction(
        image, "missed", adds=[new_mark(60, 60)], machine_marks_seen=False, release=""
    )
    send(clinician_client, seen_study, added)
    mark_set = MarkSet.objects.get()
    assert (mark_set.machine_shown_first, mark_set.release_shown) == (False, "")
