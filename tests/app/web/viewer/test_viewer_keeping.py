"""Keeping corrections: never twice, never over someone else's, never after the signature."""

from uuid import uuid4

import pytest
from django.test import Client
from tests.app.web.conftest import ClientOf
from tests.app.web.viewer.conftest import (
    MISSED,
    Send,
    correction,
    image_named,
    machine_id,
    new_mark,
    said,
)

from deeppcos.app.web.models import AuditEvent, Edit, MarkSet, Purpose, Study, StudyState, User
from deeppcos.app.web.viewer.reading import log_of, reading_for


def test_a_correction_is_kept_with_reader_role_time_and_what_was_shown(
    clinician_client: Client, clinician: User, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    send(clinician_client, seen_study, correction(image, "missed", adds=[new_mark(*MISSED)]))
    row = Edit.objects.get()
    assert (row.reader, row.reader_role, row.kind) == (clinician, "clinician", "missed")
    assert (row.milliseconds, row.number, row.image) == (2500, 1, image)
    [kept] = log_of(row.mark_set)
    assert (kept.edit.release, kept.edit.machine_marks_seen) == ("made-up-1", True)
    assert row.mark_set.seconds_spent == 2.5
    [event] = AuditEvent.objects.filter(action="marks.corrected")
    assert event.detail["kinds"] == ["missed"]


def test_sending_twice_after_a_lost_answer_keeps_once(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    first = correction(image, "missed", adds=[new_mark(*MISSED)])
    second = correction(image, "extra", removes=[machine_id(image, "o0f0")])
    assert said(send(clinician_client, seen_study, first)) == {"version": 1}
    assert said(send(clinician_client, seen_study, first, second)) == {"version": 2}
    assert said(send(clinician_client, seen_study, first, second)) == {"version": 2}
    assert Edit.objects.count() == 2


def test_a_slower_colleague_is_told_and_nothing_of_hers_is_stored(
    clinician_client: Client, sonographer: User, client_of: ClientOf, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    quick = correction(image, "extra", removes=[machine_id(image, "o0f0")])
    slow = correction(image, "extra", removes=[machine_id(image, "o0f1")])
    send(clinician_client, seen_study, quick)
    answer = send(client_of(sonographer), seen_study, slow)
    assert answer.status_code == 409
    told = said(answer)
    assert told["version"] == 1
    assert [(e["id"], e["reader"]) for e in told["edits"]] == [(quick["id"], "Dr Ada")]
    assert Edit.objects.count() == 1
    assert said(send(client_of(sonographer), seen_study, slow, base=1)) == {"version": 2}
    assert [e.reader.username for e in Edit.objects.order_by("number")] == ["ada", "sona"]
    assert MarkSet.objects.count() == 1


def test_a_correction_of_what_is_gone_is_answered_with_what_stands(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    gone = [machine_id(image, "o0f0")]
    send(clinician_client, seen_study, correction(image, "extra", removes=gone))
    again = correction(image, "extra", removes=gone)
    answer = send(clinician_client, seen_study, again, base=1)
    assert answer.status_code == 409
    assert said(answer)["misfit"] == again["id"]


def test_one_bad_correction_keeps_all_of_them_out(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    good = correction(image, "missed", adds=[new_mark(*MISSED)])
    bad = correction(image, "missed", adds=[new_mark(*MISSED)], frame=7)
    answer = send(clinician_client, seen_study, good, bad)
    assert answer.status_code == 400
    assert "not in this study" in said(answer)["problem"]
    assert not Edit.objects.exists()


def test_a_picture_of_another_study_cannot_be_corrected_through_this_one(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    foreign = correction(image, "missed", adds=[new_mark(*MISSED)], picture=str(uuid4()))
    assert send(clinician_client, seen_study, foreign).status_code == 400


@pytest.mark.parametrize("state", [StudyState.SIGNED, StudyState.SENT])
def test_a_signed_study_takes_no_more_corrections_and_says_what_to_do(
    clinician_client: Client, seen_study: Study, send: Send, state: StudyState
) -> None:
    Study.objects.filter(pk=seen_study.pk).update(state=state)
    image = image_named(seen_study, "left.png")
    answer = send(
        clinician_client, seen_study, correction(image, "missed", adds=[new_mark(*MISSED)])
    )
    assert answer.status_code == 423
    assert "amendment" in said(answer)["problem"]
    assert not Edit.objects.exists()


def test_an_undo_names_the_correction_it_takes_back(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    more = correction(image, "missed", adds=[new_mark(*MISSED)])
    back = correction(image, "undo", removes=[more["adds"][0]["id"]], undoes=more["id"])
    assert said(send(clinician_client, seen_study, more, back)) == {"version": 2}
    first, second = Edit.objects.order_by("number")
    assert second.undoes == first
    reading = reading_for(seen_study, first.reader, Purpose.REVIEW)
    assert reading.version == 2


def test_a_second_analysis_does_not_leave_corrections_behind(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    from deeppcos.app.web.studies.analysis import store_assessment

    image = image_named(seen_study, "left.png")
    send(clinician_client, seen_study, correction(image, "missed", adds=[new_mark(*MISSED)]))
    first = seen_study.assessments.get()
    store_assessment(seen_study, first.document, made_by=None)
    file = said(
        clinician_client.get(f"/studies/{seen_study.pk}/viewer/pictures/{image.pk}/marks.json")
    )
    assert len(file["frames"][0]["reader"]["marks"]) == 5


def test_what_cannot_be_read_is_refused_in_words(
    clinician_client: Client, seen_study: Study
) -> None:
    answer = clinician_client.post(
        f"/studies/{seen_study.pk}/viewer/edits", b"{not json", content_type="application/json"
    )
    assert answer.status_code == 400
    assert "cannot be read" in said(answer)["problem"]
