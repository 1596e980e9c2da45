"""What an audit finds: one thing a finding, weighed by what it does to an evaluation.

Owns the shape of a finding, of a refused file and of a share with its interval. What is looked
for is the business of the modules beside it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Weight(StrEnum):
    """What a finding means for a figure measured on the data."""

    SPOILS = "spoils"
    """A figure measured on this split says something else than it seems to."""

    CAUTION = "caution"
    """May mislead; somebody has to look."""

    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found.

    Attributes:
        code: Stable name, such as ``copies_across_splits``.
        weight: What it does to an evaluation.
        title: One sentence with the figures in it.
        meaning: Why it matters.
        remedy: What to do.
        figures: The numbers of the title by name; None where a number is unknown.
        examples: Files, rows or columns to look at, not necessarily all.
    """

    code: str
    weight: Weight
    title: str
    meaning: str
    remedy: str
    figures: Mapping[str, float | int | None] = field(default_factory=dict)
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file or row that could not be used.

    Attributes:
        name: The file, relative to the data set, or the row.
        reason: Why, in words.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its 95 % interval.

    Attributes:
        value: Between 0 and 1; None where nothing was counted.
        low: Lower end.
        high: Upper end.
        n: Number counted.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


Z_95 = 1.959964


def wilson(successes: int, n: int) -> Share:
    """A share of independent items with Wilson's 95 % interval.

    Args:
        successes: How many.
        n: Of how many.

    Examples:
        >>> share = wilson(9, 10)
        >>> round(share.low, 2), round(share.high, 2)
        (0.6, 0.98)
        >>> wilson(0, 0).value is None
        True
    """
    if n == 0:
        return Share(value=None, low=None, high=None, n=0)
    p = successes / n
    spread = Z_95 * math.sqrt(p * (1 - p) / n + Z_95**2 / (4 * n * n))
    scale = 1 + Z_95**2 / n
    middle = p + Z_95**2 / (2 * n)
    return Share(
        value=p,
        low=max(0.0, (middle - spread) / scale),
        high=min(1.0, (middle + spread) / scale),
        n=n,
    )


def counted(n: int, singular: str, plural: str = "") -> str:
    """A number with its noun.

    Args:
        n: How many.
        singular: Noun for one.
        plural: Noun for several; ``s`` is added when empty.

    Examples:
        >>> counted(1, "copy", "copies"), counted(1200, "image")
        ('1 copy', '1,200 images')
    """
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def percent(share: float | None) -> str:
    """A share for people.

    Examples:
        >>> percent(0.934), percent(None)
        ('93 %', 'unknown')
    """
    return "unknown" if share is None else f"{100 * share:.0f} %"
