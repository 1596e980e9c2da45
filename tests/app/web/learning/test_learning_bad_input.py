"""Feedback nobody should give: on what is gone, against another's, left behind; a full disk."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.learning.doing import NAME, approved
from tests.app.web.learning.test_learning_draw import (
    adjudicator,
    begin,
    contradiction,
    drawn_by_hand,
    eve,
    send,
    settle,
)
from tests.app.web.learning.test_learning_export import exported, one_still
from tests.app.web.viewer.conftest import correction, new_mark

from deeppcos.app.web import audit
from deeppcos.app.web.learning.exporting import UNREAD
from deeppcos.app.web.models import AuditEvent, Edit, MarkSet, Purpose, Role, Study, User
from deeppcos.app.web.served import shelf
from deeppcos.app.web.trail.verifying import verify

__all__ = ["adjudicator", "contradiction", "eve", "one_still"]
ELSEWHERE_AGAIN = (60.0, 60.0)


def delete(study: Study) -> None:
    """Take a study away with everything that was said of it."""
    Edit.objects.filter(mark_set__study=study).delete()
    study.mark_sets.all().delete()
    study.assessments.all().delete()
    study.delete()


def test_feedback_on_a_study_that_was_deleted_is_refused_and_kept_nowhere(
    contradiction: Study, eve: Client
) -> None:
    begin(eve, contradiction, "A")
    key, image = contradiction.pk, contradiction.images.get()
    late = correction(image, "missed", adds=[new_mark(*ELSEWHERE_AGAIN)])
    delete(contradiction)
    for address, body in (
        (reverse("viewer:edits", args=[key]), {"base_version": 1, "edits": [late]}),
        (reverse("viewer:edits", args=[key]) + "?as=adjudicate", {"base_version": 1, "edits": []}),
        (reverse("learning:settle", args=[key]), {}),
        (reverse("learning:draw", args=[key]), {"draw": "A|x"}),
    ):
        assert eve.post(address, body, content_type="application/json").status_code == 404
    assert not Edit.objects.exists()
    assert verify().is_whole


def test_a_study_that_was_reidentified_while_it_was_settled_waits_for_consent(
    contradiction: Study, eve: Client, tmp_path: Path
) -> None:
    drawn_by_hand(eve, contradiction, "A")
    audit.record("study.patient_merged", actor=None, study=contradiction)
    assert settle(eve, contradiction, "own").status_code == 302, "what she saw stays what she saw"
    done, document = exported(tmp_path / "out")
    assert document.studies == []
    assert done.left_out == {"studies: re-identified since consent was given": 1}


def test_of_two_windows_of_one_adjudicator_the_slower_is_shown_what_the_other_kept(
    contradiction: Study, eve: Client
) -> None:
    begin(eve, contradiction, "A")
    image = contradiction.images.get()
    first, second = (
        correction(image, "missed", adds=[new_mark(*place)])
        for place in ((230.0, 120.0), ELSEWHERE_AGAIN)
    )
    assert send(eve, contradiction, first, since=1).status_code == 200
    late = send(eve, contradiction, second, since=1)
    assert late.status_code == 409
    assert [one["id"] for one in late.json()["edits"]] == [first["id"]]
    assert MarkSet.objects.get(purpose=Purpose.ADJUDICATION).version == 2


def test_an_adjudicator_who_leaves_blocks_nobody(
    contradiction: Study, eve: Client, make_user: MakeUser, client_of: ClientOf, tmp_path: Path
) -> None:
    drawn_by_hand(eve, contradiction, "A")
    gone = User.objects.get(username="eve")
    gone.is_active = False
    gone.save()
    other = client_of(make_user("fay", Role.CLINICIAN))
    assert settle(other, contradiction, "B").status_code == 302
    _, document = exported(tmp_path / "out")
    said = [r.reader for r in document.studies[0].images[0].readings]
    assert sum(one.startswith("adjudicator") for one in said) == 1


def test_without_a_reading_there_is_nothing_to_learn(one_still: Study, tmp_path: Path) -> None:
    assert exported(tmp_path / "out")[0].left_out == {UNREAD: 1}


@pytest.mark.parametrize("touch", range(4), ids=lambda touch: f"touch-{touch}")
def test_a_disk_that_fills_up_during_a_promotion_leaves_what_was_served(
    make_user: MakeUser, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, touch: int
) -> None:
    approved("One", "Two")
    before, root = shelf().current(), client_of(make_user("root", Role.ADMINISTRATOR))
    promote = reverse("learning:promote", args=[NAME])
    left, real = [touch], os.fsync

    def filling(descriptor: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", filling)
        answer = root.post(promote)
    if answer.status_code == 302:
        assert left[0] >= 0, "the disk was not full before it was done"
        return
    assert answer.status_code == 503
    assert "room" in answer.content.decode()
    assert shelf().current() == before
    assert shelf().place_of(before).is_dir()
    assert not AuditEvent.objects.filter(action="release.promoted").exists()
    assert root.post(promote).status_code == 302
    assert shelf().current().name == NAME
    assert verify().is_whole
