"""The page of releases: two people, a reason, a way back, and every move in both trails."""

import pytest
from django.test import Client
from django.urls import reverse
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.learning.doing import NAME, approved, bring, promoted

from deeppcos.app.releases import promotion
from deeppcos.app.releases.history import HISTORY_FILE, events
from deeppcos.app.web.models import AuditEvent, Role, User
from deeppcos.app.web.served import shelf

PAGE = "/learning/releases/"


@pytest.fixture
def both(make_user: MakeUser, client_of: ClientOf) -> tuple[Client, Client]:
    """Two administrators."""
    one, two = (client_of(make_user(name, Role.ADMINISTRATOR)) for name in ("root", "ruth"))
    return one, two


def approve(client: Client, **more: str) -> int:
    answer = client.post(reverse("learning:approve", args=[NAME]), {"has_read": "yes", **more})
    return answer.status_code


def promote(client: Client) -> int:
    return client.post(reverse("learning:promote", args=[NAME])).status_code


def test_a_candidate_is_served_after_two_administrators_agree_and_goes_back_with_a_reason(
    both: tuple[Client, Client],
) -> None:
    bring()
    before = shelf().current()
    assert approve(both[0], remark="margins kept") == 302
    assert promote(both[0]) == 400
    assert approve(both[1]) == 302
    assert promote(both[1]) == 302
    assert shelf().current().name == NAME
    assert both[0].post(reverse("learning:rollback"), {"why": " "}).status_code == 400
    back = both[0].post(reverse("learning:rollback"), {"why": "it misses follicles"})
    assert back.status_code == 302
    assert shelf().current() == before
    names = [event.actor_name for event, _ in events(shelf().folder)]
    assert names == [
        "Terry Trainer", "Dr Root (root)", "Dr Ruth (ruth)", "Dr Ruth (ruth)", "Dr Root (root)",
    ]  # fmt: skip
    told = AuditEvent.objects.filter(action__startswith="release.").values_list("action", flat=True)
    assert list(told.order_by("number")) == [
        "release.approved", "release.approved", "release.promoted", "release.rolled_back",
    ]  # fmt: skip
    page = both[0].get(PAGE).content.decode()
    assert "it misses follicles" in page
    assert "The history is whole: 5 moves" in page


def test_nobody_agrees_twice_and_a_refused_move_leaves_no_event(
    both: tuple[Client, Client],
) -> None:
    bring()
    assert approve(both[0]) == 302
    assert approve(both[0]) == 400
    assert AuditEvent.objects.filter(action="release.approved").count() == 1


@pytest.mark.parametrize("spelt", ["root", "Dr Root", "dr  root", "Dr Root (root)"])
def test_who_agreed_at_the_terminal_does_not_agree_again_here(
    both: tuple[Client, Client], spelt: str
) -> None:
    approved(spelt)
    assert approve(both[0]) == 400
    assert approve(both[1]) == 302


def test_who_brought_the_candidate_does_not_agree_to_it(both: tuple[Client, Client]) -> None:
    bring()
    (pointer,) = shelf().releases()
    User.objects.filter(username="root").update(full_name="Terry Trainer")
    assert approve(both[0]) == 400
    assert promotion.approvals(shelf(), pointer) == ()


def test_an_approval_needs_the_report_read_and_a_gate_that_passed(
    both: tuple[Client, Client],
) -> None:
    bring(is_passed=False)
    assert both[0].post(reverse("learning:approve", args=[NAME])).status_code == 400
    assert approve(both[0]) == 400
    page = both[0].get(reverse("learning:release", args=[NAME])).content.decode()
    assert "The gate refused site-1" in page
    assert "I have read the gate report" not in page


def test_what_a_report_says_is_text_and_never_markup(both: tuple[Client, Client]) -> None:
    bring()
    page = both[0].get(reverse("learning:release", args=[NAME])).content.decode()
    assert "<b>site-1</b>" not in page
    assert "&lt;b&gt;site-1&lt;/b&gt;" in page


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.SONOGRAPHER, Role.RESEARCHER])
def test_only_administrators_see_or_move_releases(
    make_user: MakeUser, client_of: ClientOf, role: Role
) -> None:
    bring()
    client = client_of(make_user("nobody", role))
    assert client.get(PAGE).status_code == 403
    assert approve(client) == 403
    assert promote(client) == 403
    assert client.post(reverse("learning:rollback"), {"why": "x"}).status_code == 403


def test_a_shadow_is_begun_and_stopped_here(both: tuple[Client, Client]) -> None:
    bring()
    assert both[0].post(reverse("learning:shadow"), {"name": NAME}).status_code == 302
    assert "in shadow" in both[0].get(PAGE).content.decode()
    assert both[0].post(reverse("learning:shadow"), {}).status_code == 302
    assert shelf().shadow() is None
    assert both[0].post(reverse("learning:shadow"), {"name": "../x"}).status_code == 400


def test_a_changed_history_is_said_and_the_page_still_stands(both: tuple[Client, Client]) -> None:
    promoted()
    file = shelf().folder / HISTORY_FILE
    file.write_text(file.read_text().replace("Terry Trainer", "Somebody Else", 1))
    page = both[0].get(PAGE)
    assert page.status_code == 200
    assert "The history is broken" in page.content.decode()


def test_a_broken_pointer_is_said_and_the_way_back_stays_open(both: tuple[Client, Client]) -> None:
    promoted()
    (shelf().folder / "current.json").write_text('{"name": "site-1", "weights_sha256": "0"}')
    page = both[0].get(PAGE).content.decode()
    assert "is not the one that was meant" in page.lower()
    assert "Go back" in page
    assert both[0].post(reverse("learning:rollback"), {"why": "broken"}).status_code == 302
    assert both[0].get(PAGE).status_code == 200
