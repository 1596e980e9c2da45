"""When the pointer may move: a gate report that passed, on this very pair, agreed to by people.

Owns the conditions, each refused in words. One person cannot agree twice, and the one who trained
the candidate does not count as one of those who check it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeppcos.app.releases.history import events, remember
from deeppcos.app.releases.shelf import CURRENT_FILE, REPORT_FILE, Pointer, Shelf, shipped
from deeppcos.errors import InvalidInput

ADDED, APPROVED, PROMOTED, ROLLED_BACK = "added", "approved", "promoted", "rolled_back"
LEAST_APPROVALS = 2
"""Two named people approve, whatever the plan says; a plan may ask for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a promotion needs of a gate report.

    Attributes:
        sha256: Of the report as it stands on the shelf.
        is_passed: Whether the gate let the candidate through.
        current_sha256: Weights of the release it was compared with.
        candidate_sha256: Its own weights.
        approvals: People who must agree.
    """

    sha256: str
    is_passed: bool
    current_sha256: str
    candidate_sha256: str
    approvals: int


def verdict_of(place: Path) -> Verdict:
    """The gate report that came with a release.

    Args:
        place: Folder of the release on the shelf.

    Returns:
        The verdict.

    Raises:
        InvalidInput: If there is none.
    """
    file = place / REPORT_FILE
    try:
        content = file.read_bytes()
        report: dict[str, Any] = json.loads(content)
        return Verdict(
            sha256=hashlib.sha256(content).hexdigest(),
            is_passed=report["is_passed"] is True,
            current_sha256=report["current_sha256"],
            candidate_sha256=report["candidate_sha256"],
            approvals=max(LEAST_APPROVALS, int(report.get("approvals", LEAST_APPROVALS))),
        )
    except (OSError, ValueError, KeyError) as problem:
        raise InvalidInput(
            f"{place.name} has no gate report",
            value=str(problem),
            accepted=f"{REPORT_FILE} beside the manifest",
            remedy="ask the gate with `deeppcos learn gate`, then add the candidate",
        ) from problem


def add_candidate(shelf: Shelf, source: Path, *, by: str) -> Pointer:
    """Put a candidate on the shelf, unserved.

    Args:
        shelf: The shelf.
        source: Folder of the candidate with its gate report.
        by: Who brings it.

    Returns:
        Its pointer.
    """
    pointer = shelf.add(source)
    if not any(e.action == ADDED and e.about == pointer.name for e, _ in events(shelf.folder)):
        remember(
            shelf.folder,
            action=ADDED,
            about=pointer.name,
            by=by,
            detail={"weights_sha256": pointer.weights_sha256},
        )
    return pointer


def approve(shelf: Shelf, pointer: Pointer, *, by: str, remark: str = "") -> int:
    """Agree to one gate report, by name.

    Args:
        shelf: The shelf.
        pointer: The candidate.
        by: Who agrees.
        remark: What that person adds.

    Returns:
        How many have agreed to this report by now.

    Raises:
        InvalidInput: If the gate refused it, the person trained it, or has agreed before.
    """
    verdict = verdict_of(shelf.place_of(pointer))
    if not verdict.is_passed:
        raise InvalidInput(
            f"the gate refused {pointer.name}",
            value="not passed",
            accepted="a candidate that passed every question of the plan",
            remedy="read gate.md beside it, and train another",
        )
    if not by.strip():
        raise InvalidInput("an approval needs a name", value=repr(by), accepted="a person's name")
    if by in _bringers(shelf, pointer):
        raise InvalidInput(
            f"{by} brought {pointer.name} and cannot approve it",
            accepted="two other named people",
            remedy="ask a colleague who did not train it",
        )
    agreed = approvals(shelf, pointer)
    if by in agreed:
        raise InvalidInput(f"{by} has already approved {pointer.name}", accepted="another person")
    remember(
        shelf.folder,
        action=APPROVED,
        about=pointer.name,
        by=by,
        detail={"report_sha256": verdict.sha256, "remark": remark},
    )
    return len(agreed) + 1


def approvals(shelf: Shelf, pointer: Pointer) -> tuple[str, ...]:
    """Who has agreed to the gate report that stands on the shelf.

    Args:
        shelf: The shelf.
        pointer: The candidate.

    Returns:
        Names in the order of agreeing; agreement to another report does not count.
    """
    report = verdict_of(shelf.place_of(pointer)).sha256
    return tuple(
        event.actor_name
        for event, _ in events(shelf.folder)
        if event.action == APPROVED
        and event.about == pointer.name
        and event.detail.get("report_sha256") == report
    )


def promote(shelf: Shelf, pointer: Pointer, *, by: str) -> Pointer:
    """Serve a candidate from now on.

    The history is written first: after a power cut between the two the pointer still names the
    old, complete release, and promoting again moves it.

    Args:
        shelf: The shelf.
        pointer: The candidate.
        by: Who promotes.

    Returns:
        What was served before.

    Raises:
        InvalidInput: If the gate refused it, compared it with something else than what is served
            now, or too few people agreed.
        ContractBroken: If the candidate is not whole.
        TemporaryFailure: If the disk refuses; the old release stays.
    """
    verdict = verdict_of(shelf.place_of(pointer))
    before = shelf.current()
    _refuse_unless_earned(verdict, pointer, before)
    agreed = approvals(shelf, pointer)
    if len(agreed) < verdict.approvals:
        raise InvalidInput(
            f"{pointer.name} is not approved",
            value=f"{len(agreed)} ({', '.join(agreed) or 'nobody'})",
            accepted=f"{verdict.approvals} named people",
            remedy="let them read gate.md and approve",
        )
    detail = {
        "weights_sha256": pointer.weights_sha256,
        "before": before.name,
        "before_sha256": before.weights_sha256,
        "approved_by": list(agreed),
    }
    if not _is_last_event(shelf, PROMOTED, pointer.name, detail):
        remember(shelf.folder, action=PROMOTED, about=pointer.name, by=by, detail=detail)
    shelf.point_to(pointer)
    if shelf.shadow() == pointer:
        shelf.run_in_shadow(None)
    return before


def _refuse_unless_earned(verdict: Verdict, pointer: Pointer, before: Pointer) -> None:
    """The report is about this candidate, against what is served now, and passed."""
    if not verdict.is_passed:
        raise InvalidInput(
            f"the gate refused {pointer.name}", remedy="read gate.md beside it, and train another"
        )
    if verdict.candidate_sha256 != pointer.weights_sha256:
        raise InvalidInput(
            f"the gate report beside {pointer.name} is about another candidate",
            value=verdict.candidate_sha256[:12],
            accepted=pointer.weights_sha256[:12],
        )
    if verdict.current_sha256 != before.weights_sha256:
        raise InvalidInput(
            f"{pointer.name} was compared with a release that is no longer served",
            value=verdict.current_sha256[:12],
            accepted=f"{before.weights_sha256[:12]} ({before.name})",
            remedy="ask the gate again, against what is served now",
        )


def roll_back(shelf: Shelf, *, by: str, why: str) -> Pointer:
    """Serve again what was served before the last promotion that still stands.

    Needs neither gate nor approvals: the way back must be short. Rolling back twice goes back
    twice.

    Args:
        shelf: The shelf.
        by: Who goes back.
        why: The reason, in words.

    Returns:
        What is served now.

    Raises:
        InvalidInput: If there is nothing to go back to.
        ContractBroken: If the earlier release is not whole.
    """
    standing = _standing_promotions(shelf)
    if not standing:
        raise InvalidInput(
            "there is nothing to go back to",
            value="no promotion stands",
            accepted="an installation in which a candidate was promoted",
        )
    last = standing[-1]
    target = Pointer(name=last["before"], weights_sha256=last["before_sha256"])
    shelf.place_of(target)
    remember(
        shelf.folder,
        action=ROLLED_BACK,
        about=target.name,
        by=by,
        detail={"weights_sha256": target.weights_sha256, "from": last["about"], "why": why},
    )
    if target == shipped():
        (shelf.folder / CURRENT_FILE).unlink(missing_ok=True)
    else:
        shelf.point_to(target)
    return target


def _is_last_event(shelf: Shelf, action: str, about: str, detail: Mapping[str, Any]) -> bool:
    """Whether a power cut came between this very event and the pointer."""
    known = list(events(shelf.folder))
    if not known:
        return False
    last = known[-1][0]
    return (last.action, last.about, last.detail) == (action, about, detail)


def _standing_promotions(shelf: Shelf) -> list[dict[str, str]]:
    """Promotions that no rollback has taken back, oldest first."""
    standing: list[dict[str, str]] = []
    for event, _ in events(shelf.folder):
        if event.action == PROMOTED:
            before = {key: str(event.detail[key]) for key in ("before", "before_sha256")}
            standing.append({"about": event.about, **before})
        elif event.action == ROLLED_BACK and standing:
            standing.pop()
    return standing


def _bringers(shelf: Shelf, pointer: Pointer) -> set[str]:
    """Who brought a candidate."""
    return {
        event.actor_name
        for event, _ in events(shelf.folder)
        if event.action == ADDED and event.about == pointer.name
    }
