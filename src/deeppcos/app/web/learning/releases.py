"""Releases as the page shows them, and who stands behind a name on the shelf.

Owns reading what lies on the shelf for people to look at, and the check that one person does not
agree twice under two spellings. When the pointer may move is the business of ``app.releases``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deeppcos.app.desk.audit_chain import Event
from deeppcos.app.releases import history
from deeppcos.app.releases.promotion import ADDED, APPROVED, LEAST_APPROVALS, approvals, verdict_of
from deeppcos.app.releases.shadowing import ShadowSummary, summary
from deeppcos.app.releases.shelf import REPORT_FILE, Pointer, Shelf, shipped
from deeppcos.app.web.models import User
from deeppcos.errors import ContractBroken, DeepPCOSError, InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A release on the shelf.

    Attributes:
        pointer: Name and hash.
        is_served: Whether it reads new studies now.
        is_in_shadow: Whether it reads beside, unseen.
        is_passed: What the gate said; None where no report came with it.
        is_current_pair: Whether the gate compared it with what is served now.
        approved_by: Who agreed to the report.
        approvals_needed: How many must.
    """

    pointer: Pointer
    is_served: bool
    is_in_shadow: bool
    is_passed: bool | None
    is_current_pair: bool
    approved_by: tuple[str, ...]
    approvals_needed: int

    @property
    def may_be_promoted(self) -> bool:
        """Whether everything that a promotion needs is there."""
        return (
            bool(self.is_passed)
            and self.is_current_pair
            and not self.is_served
            and len(self.approved_by) >= self.approvals_needed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfView:
    """Everything on the page.

    Attributes:
        served: What reads new studies; None where the pointer is broken.
        problem: What is wrong with the pointer, or None.
        candidates: Releases on the shelf.
        shadow: What reads beside, or None.
        shadow_summary: What it would have said.
        events: The history, newest first.
        history_problems: What is wrong with it; none when it is whole.
        may_roll_back: Whether a promotion stands that can be taken back.
    """

    served: Pointer | None
    problem: DeepPCOSError | None
    candidates: tuple[Candidate, ...]
    shadow: Pointer | None
    shadow_summary: ShadowSummary | None
    events: tuple[tuple[Event, str], ...]
    history_problems: tuple[str, ...]
    may_roll_back: bool


def view_of(shelf: Shelf) -> ShelfView:
    """Look at a shelf; a broken pointer or history is shown, not raised.

    Args:
        shelf: The shelf.
    """
    served, problem = _served(shelf)
    try:
        events = tuple(event for event, _ in history.events(shelf.folder))
        wrong = tuple(history.problems(shelf.folder))
    except ContractBroken as broken:
        events, wrong = (), (str(broken),)
    try:
        shadow = shelf.shadow()
    except ContractBroken as broken:
        shadow, problem = None, problem or broken
    promoted = sum(event.action == "promoted" for event in events)
    taken_back = sum(event.action == "rolled_back" for event in events)
    return ShelfView(
        served=served,
        problem=problem,
        candidates=tuple(
            _candidate(shelf, one, served=served, shadow=shadow) for one in shelf.releases()
        ),
        shadow=shadow,
        shadow_summary=summary(shelf, shadow.name) if shadow else None,
        events=tuple((event, _words(event)) for event in reversed(events)),
        history_problems=wrong,
        may_roll_back=promoted > taken_back,
    )


def _words(event: Event) -> str:
    """What the person said: the reason of a way back, the remark of an approval."""
    return str(event.detail.get("why") or event.detail.get("remark") or "")


def _served(shelf: Shelf) -> tuple[Pointer | None, DeepPCOSError | None]:
    """The pointer, checked against what it points to."""
    try:
        pointer = shelf.current()
        shelf.place_of(pointer)
    except DeepPCOSError as broken:
        return None, broken
    return pointer, None


def _candidate(
    shelf: Shelf, pointer: Pointer, *, served: Pointer | None, shadow: Pointer | None
) -> Candidate:
    try:
        verdict = verdict_of(shelf.folder / pointer.name)
        agreed = approvals(shelf, pointer)
    except DeepPCOSError:
        verdict, agreed = None, ()
    return Candidate(
        pointer=pointer,
        is_served=pointer == served,
        is_in_shadow=pointer == shadow,
        is_passed=verdict.is_passed if verdict else None,
        is_current_pair=bool(
            verdict and served and verdict.current_sha256 == served.weights_sha256
        ),
        approved_by=agreed,
        approvals_needed=verdict.approvals if verdict else LEAST_APPROVALS,
    )


def named(shelf: Shelf, name: str) -> Pointer:
    """A release on the shelf by name.

    Raises:
        InvalidInput: If there is none of that name.
    """
    for pointer in shelf.releases():
        if pointer.name == name:
            return pointer
    raise InvalidInput(
        "no such release on the shelf",
        value=name[:70],
        accepted=", ".join(one.name for one in shelf.releases()) or "none yet",
        remedy="add it with `deeppcos learn add`",
    )


def report_of(shelf: Shelf, pointer: Pointer) -> dict[str, Any] | None:
    """The gate report of a release as it stands on the shelf; None where none can be read."""
    try:
        report = json.loads((shelf.folder / pointer.name / REPORT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) else None


def signed_name(user: User) -> str:
    """Full name and user name: two people may share the one, never the other."""
    return f"{user.get_full_name()} ({user.username})"


def refuse_second_hat(
    shelf: Shelf, pointer: Pointer, user: User, colleagues: Sequence[str]
) -> None:
    """Refuse the approval of somebody who brought the candidate, or agreed, under another spelling.

    At the terminal people write their names as they like.

    Args:
        shelf: The shelf.
        pointer: The candidate.
        user: Who would agree.
        colleagues: Names that are somebody else's, if the person's full name is not unique.

    Raises:
        InvalidInput: If it is the same person.
    """
    own = {_plain(one) for one in (user.get_full_name(), user.username, signed_name(user))}
    own -= {_plain(one) for one in colleagues}
    for event, _ in history.events(shelf.folder):
        if event.about != pointer.name or event.action not in (ADDED, APPROVED):
            continue
        if _plain(event.actor_name) in own:
            done = "brought" if event.action == ADDED else "approved"
            raise InvalidInput(
                f"you have {done} {pointer.name} before, as {event.actor_name}",
                accepted="two named people, neither of whom brought it",
                remedy="ask a colleague",
            )


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def is_shipped(pointer: Pointer | None) -> bool:
    """Whether it is the release that comes with the program."""
    return pointer is not None and pointer == shipped()
