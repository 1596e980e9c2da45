import pytest
from django.db import transaction

from deeppcos.app.desk.audit_chain import problems_of
from deeppcos.app.web import audit
from deeppcos.app.web.models import AuditEvent, AuditHead, Study, User


def problems() -> list[str]:
    head = AuditHead.objects.get()
    chain = ((audit.as_event(row), row.hash) for row in AuditEvent.objects.all())
    return list(problems_of(chain, head_number=head.number, head_hash=head.hash))


@pytest.fixture
def _three_events(clinician: User, study: Study) -> None:
    for action in ("study.viewed", "study.edited", "study.signed"):
        audit.record(action, actor=clinician, study=study, detail={"was": 1, "now": "ü"})


@pytest.mark.usefixtures("_three_events")
def test_a_whole_chain_has_no_problem() -> None:
    assert problems() == []
    assert AuditHead.objects.get().number == 3


@pytest.mark.usefixtures("_three_events")
def test_a_changed_event_is_found() -> None:
    AuditEvent.objects.filter(number=2).update(actor_name="Somebody else")
    assert problems() == ["event 2 was changed after it was written"]


@pytest.mark.usefixtures("_three_events")
def test_a_removed_event_is_found() -> None:
    AuditEvent.objects.filter(number=2).delete()
    assert "events 2 to 2 are missing" in problems()


@pytest.mark.usefixtures("_three_events")
def test_an_end_that_was_cut_off_is_found() -> None:
    AuditEvent.objects.filter(number=3).delete()
    assert problems() == ["the trail ends at event 2, but event 3 was the last one added"]


def test_an_event_goes_with_the_work_it_tells_of(clinician: User) -> None:
    with transaction.atomic():
        audit.record("study.edited", actor=clinician)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()
    audit.record("study.edited", actor=clinician)
    assert problems() == []


@pytest.mark.usefixtures("_three_events")
def test_an_event_is_neither_changed_nor_removed_through_its_row() -> None:
    event = AuditEvent.objects.get(number=1)
    with pytest.raises(TypeError, match="never changed"):
        event.save()
    with pytest.raises(TypeError, match="never removed"):
        event.delete()
