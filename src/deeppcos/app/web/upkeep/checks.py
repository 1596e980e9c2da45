"""What a check of an installation says: what was looked at, how it came out, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check came out."""

    FINE = "fine"
    LOOK = "look at this"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        what: What was looked at.
        verdict: How it came out.
        said: What was found.
        remedy: What to do; empty when it is fine.
    """

    what: str
    verdict: Verdict
    said: str
    remedy: str = ""


def worst(checks: Iterable[Check]) -> Verdict:
    """The worst verdict."""
    order = [Verdict.FINE, Verdict.LOOK, Verdict.WRONG]
    return max((check.verdict for check in checks), key=order.index, default=Verdict.FINE)


def fine(what: str, said: str) -> Check:
    """Nothing to do."""
    return Check(what=what, verdict=Verdict.FINE, said=said)


def look(what: str, said: str, remedy: str) -> Check:
    """Somebody should look at it."""
    return Check(what=what, verdict=Verdict.LOOK, said=said, remedy=remedy)


def wrong(what: str, said: str, remedy: str) -> Check:
    """It does not work, or is not safe."""
    return Check(what=what, verdict=Verdict.WRONG, said=said, remedy=remedy)
