"""Where a new value lies among all values before it.

Owns the one comparison that every test here rests on. As long as the order of values means
nothing (nothing drifts), these ranks are independent and uniform between 0 and 1, whatever the
values are distributed like and however few the reference has: the tests need no other assumption.
"""

import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from deeppcos.research.monitoring.signals import Kind

Value = float | str | bool


class Ranking(Protocol):
    """Everything seen so far of one signal."""

    def add(self, value: Value, tie: float) -> float:
        """Take a value in and say its rank.

        Args:
            value: The value.
            tie: Where among equal values it is put, from 0 to 1; must not depend on the value.

        Returns:
            Its rank from 0 to 1.
        """
        ...


class NumberRanking:
    """Ranks numbers by size: small numbers have small ranks."""

    def __init__(self, seen: Iterable[float] = ()) -> None:
        self._sorted = sorted(seen)

    def add(self, value: Value, tie: float) -> float:
        """Take a number in and say its rank."""
        number = float(value)
        below = bisect.bisect_left(self._sorted, number)
        self._sorted.insert(below, number)
        equal = bisect.bisect_right(self._sorted, number) - below
        return (below + tie * equal) / len(self._sorted)


class CategoryRanking:
    """Ranks words by how often they were seen: rare and new words have small ranks."""

    def __init__(self, seen: Iterable[str] = ()) -> None:
        self._counts = Counter(seen)

    def add(self, value: Value, tie: float) -> float:
        """Take a word in and say its rank."""
        self._counts[str(value)] += 1
        own = self._counts[str(value)]
        rarer = sum(count for count in self._counts.values() if count < own)
        alike = sum(count for count in self._counts.values() if count == own)
        return (rarer + tie * alike) / self._counts.total()


def ranking_of(kind: Kind, reference: Sequence[Value]) -> Ranking:
    """A ranking that has seen the reference.

    Args:
        kind: How values compare.
        reference: Values of the frozen window.
    """
    if kind is Kind.CATEGORY:
        return CategoryRanking(str(value) for value in reference)
    return NumberRanking(float(value) for value in reference)


def ranks(
    kind: Kind, reference: Sequence[Value], stream: Iterable[tuple[Value, float]]
) -> Iterator[float]:
    """Ranks of a stream, each among the reference and everything before it.

    Args:
        kind: How values compare.
        reference: Values of the frozen window.
        stream: Value and tie of each new woman, in the order they came.

    Yields:
        A rank a value.

    Examples:
        >>> list(ranks(Kind.NUMBER, [1, 2, 3], [(10, 0.5)]))
        [0.875]
        >>> list(ranks(Kind.CATEGORY, ["a"] * 9, [("new", 0.5)]))
        [0.05]
    """
    seen = ranking_of(kind, reference)
    for value, tie in stream:
        yield seen.add(value, tie)
