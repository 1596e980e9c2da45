"""Settling: readings side by side without names, by somebody who took no part."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.learning.test_learning_export import CENTRES, exported, one_still, read_blind

from deeppcos.app.web.learning.adjudicating import cases_of
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.app.web.models import AuditEvent, MarkSet, Purpose, Role, Study, User

__all__ = ["one_still"]
ELSEWHERE = ((110.0, 160.0), (150.0, 160.0), (190.0, 160.0))


@pytest.fixture
def readers(make_user: MakeUser) -> list[User]:
    return [make_user(name, Role.CLINICIAN) for name in ("bo", "cy", "di")]


@pytest.fixture
def contradiction(one_still: Study, readers: list[User]) -> Study:
    """Two readers who share no follicle."""
    read_blind(one_still, readers[0], *CENTRES)
    read_blind(one_still, readers[1], *ELSEWHERE)
    return one_still


def address(study: Study) -> str:
    return reverse("learning:settle", args=[study.pk])


def form(study: Study, choice: str) -> dict[str, str]:
    (case,) = cases_of(study, pseudonyms())
    return {f"choice:{case.key}": choice, f"seal:{case.key}": case.seal}


def test_a_contradiction_waits_for_somebody_who_took_no_part(
    contradiction: Study, readers: list[User], client_of: ClientOf
) -> None:
    waiting = reverse("learning:waiting")
    assert "ACC-1" in client_of(readers[2]).get(waiting).content.decode()
    assert "ACC-1" not in client_of(readers[0]).get(waiting).content.decode()
    refused = client_of(readers[0]).get(address(contradiction))
    assert refused.status_code == 400
    assert "you read this study yourself" in refused.content.decode().lower()


def test_who_may_not_sign_may_not_settle(
    contradiction: Study, make_user: MakeUser, client_of: ClientOf
) -> None:
    for name, role in (("sona", Role.SONOGRAPHER), ("rob", Role.RESEARCHER)):
        client = client_of(make_user(name, role))
        assert client.get(reverse("learning:waiting")).status_code == 403
        assert client.get(address(contradiction)).status_code == 403


def test_the_page_names_nobody_and_shows_both(
    contradiction: Study, readers: list[User], client_of: ClientOf
) -> None:
    page = client_of(readers[2]).get(address(contradiction)).content.decode()
    assert page.count("<polygon") == 8
    for told in ("Dr Bo", "Dr Cy", "reader-", "made-up-1", "machine"):
        assert told not in page
    assert AuditEvent.objects.filter(action="reading.compared").exists()


def test_what_was_chosen_is_kept_beside_the_readings_and_goes_out(
    contradiction: Study, readers: list[User], client_of: ClientOf, tmp_path: Path
) -> None:
    before = list(MarkSet.objects.order_by("pk").values("pk", "version", "finished_at"))
    client = client_of(readers[2])
    assert client.post(address(contradiction), form(contradiction, "A")).status_code == 302
    mark_set = MarkSet.objects.get(purpose=Purpose.ADJUDICATION)
    assert mark_set.reader == readers[2]
    assert mark_set.machine_shown_first is False
    kept = MarkSet.objects.exclude(pk=mark_set.pk).order_by("pk")
    assert list(kept.values("pk", "version", "finished_at")) == before
    _, document = exported(tmp_path / "out")
    said = {r.reader.split("-")[0]: r for r in document.studies[0].images[0].readings}
    assert len(said["adjudicator"].follicles or []) == 3
    assert len(document.studies[0].images[0].readings) == 3
    assert "ACC-1" not in client.get(reverse("learning:waiting")).content.decode()


def test_a_picture_nobody_can_judge_is_settled_as_that(
    contradiction: Study, readers: list[User], client_of: ClientOf, tmp_path: Path
) -> None:
    answer = form(contradiction, "not_assessable")
    assert client_of(readers[2]).post(address(contradiction), answer).status_code == 302
    _, document = exported(tmp_path / "out")
    shown = {r.reader.split("-")[0]: r.shows for r in document.studies[0].images[0].readings}
    assert shown == {"reader": "ovary", "adjudicator": "not_assessable"}


@pytest.mark.parametrize(
    ("change", "told"),
    [({"choice": "Z"}, "what was chosen"), ({"seal": "old"}, "another reading came in")],
    ids=["unknown-choice", "stale"],
)
def test_a_form_that_does_not_fit_settles_nothing(
    contradiction: Study,
    readers: list[User],
    client_of: ClientOf,
    change: dict[str, str],
    told: str,
) -> None:
    sent = {k: change.get(k.split(":")[0], v) for k, v in form(contradiction, "A").items()}
    refused = client_of(readers[2]).post(address(contradiction), sent)
    assert refused.status_code == 422
    assert told in refused.content.decode().lower()
    assert not MarkSet.objects.filter(purpose=Purpose.ADJUDICATION).exists()


def test_a_third_reading_in_between_makes_it_another_case(
    contradiction: Study, readers: list[User], make_user: MakeUser, client_of: ClientOf
) -> None:
    looked_at = form(contradiction, "A")
    read_blind(contradiction, readers[2], *CENTRES)
    adjudicator = client_of(make_user("eve", Role.CLINICIAN))
    assert adjudicator.post(address(contradiction), looked_at).status_code == 422


def test_the_slower_of_two_adjudicators_is_told(
    contradiction: Study, readers: list[User], make_user: MakeUser, client_of: ClientOf
) -> None:
    both = [client_of(readers[2]), client_of(make_user("eve", Role.CLINICIAN))]
    sent = form(contradiction, "B")
    assert both[0].post(address(contradiction), sent).status_code == 302
    late = both[1].post(address(contradiction), sent)
    assert late.status_code == 422
    assert "somebody was quicker" in late.content.decode().lower()


def test_consent_is_recorded_by_who_signs_and_by_nobody_else(
    study: Study, clinician_client: Client, sonographer: User, client_of: ClientOf
) -> None:
    place = reverse("learning:consent", args=[study.pk])
    assert client_of(sonographer).post(place, {"consent": "given"}).status_code == 403
    assert clinician_client.post(place, {"consent": "perhaps"}).status_code == 400
    assert clinician_client.post(place, {"consent": "given"}).status_code == 302
    study.patient.refresh_from_db()
    assert study.patient.may_teach is True
    assert AuditEvent.objects.get(action="learning.consent").detail["after"] == "given"
