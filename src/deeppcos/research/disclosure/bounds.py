"""What somebody who sees published counts can work out of those that were withheld.

Owns the linear programme: the smallest and the largest number of women that a group can hold
while every published sum stays true, and which published sums that rests on. Deciding what to
withhold is the business of ``protect``.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deeppcos.errors import ContractBroken

TOLERANCE = 1e-6
IDLE = 1e-9
"""A multiplier of the programme below it is none: the sum was not needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A sum of atoms that is published, or could be.

    Attributes:
        key: What it is called, unique in its problem.
        atoms: Numbers of the atoms it adds up.
        value: How many women.
        is_fixed: Whether it is public already and cannot be withheld any more.
        weight: How much readers lose when it is withheld.
    """

    key: tuple[str, ...]
    atoms: frozenset[int]
    value: int
    is_fixed: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a sum can be, as far as published counts tell.

    Attributes:
        low: Smallest possible number.
        high: Largest possible number; infinite where nothing bounds it.
        rests_on: Numbers of the published sums that both ends follow from: as long as all of
            them are shown, the range is no wider.
    """

    low: float
    high: float
    rests_on: frozenset[int] = frozenset()

    @property
    def width(self) -> float:
        """How much stays open."""
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Everything published of some atoms, ready to be asked many times.

    Attributes:
        columns: Column of each atom; atoms that nothing tells apart share one.
        sizes: Atoms of each column.
        bounded: Whether any published sum holds a column.
        equations: Matrices of the linear programme.
        answers: What was asked before.
    """

    columns: Any
    sizes: Any
    bounded: Any
    equations: Mapping[str, Any]
    answers: dict[tuple[bytes, bytes], Range] = field(default_factory=dict)

    def range_of(self, target: Collection[int]) -> Range:
        """The range of a sum of atoms.

        Args:
            target: Its atoms.

        Raises:
            ContractBroken: If what is published contradicts itself, which true counts cannot.
        """
        there = np.bincount(self.columns[list(target)], minlength=self.sizes.size)
        # Of a column that holds other atoms too, all may be the target's, or none.
        least, most = there == self.sizes, there > 0
        asked = (least.tobytes(), most.tobytes())
        if asked not in self.answers:
            self.answers[asked] = self._worked_out(least, most)
        return self.answers[asked]

    def _worked_out(self, least: Any, most: Any) -> Range:
        low, needed = _smallest(least.astype(float), self.equations)
        high = float("inf")
        if self.bounded[most].all():
            negative, also = _smallest(-most.astype(float), self.equations)
            high, needed = -negative, needed | also
        # Women are whole: the programme's rounding must neither widen nor narrow what is known.
        return Range(
            low=float(np.ceil(low - TOLERANCE)),
            high=float(np.floor(high + TOLERANCE)),
            rests_on=needed,
        )


def published(atoms: int, facts: Sequence[Fact], *, withheld: Sequence[Fact] = ()) -> Published:
    """Make what is published ready to be asked.

    Args:
        atoms: How many atoms there are, numbered from 0; each holds zero women or more.
        facts: Published sums, all true at once; ``Range.rests_on`` numbers them.
        withheld: Sums that were withheld. A zero would have been shown, so each holds somebody.
    """
    inside: list[list[int]] = [[] for _ in range(atoms)]
    for number, fact in enumerate((*facts, *withheld)):
        for atom in fact.atoms:
            inside[atom].append(number)
    seen: dict[tuple[int, ...], int] = {}
    columns = np.array([seen.setdefault(tuple(one), len(seen)) for one in inside], dtype=int)
    told, hidden = (_matrix(some, columns, len(seen)) for some in (facts, withheld))
    return Published(
        columns=columns,
        sizes=np.bincount(columns, minlength=len(seen)),
        bounded=np.asarray(told.sum(axis=0)).ravel() > 0,
        equations={
            "A_eq": told if facts else None,
            "b_eq": [fact.value for fact in facts] or None,
            "A_ub": -hidden if withheld else None,
            "b_ub": [-1.0] * len(withheld) or None,
        },
    )


def _smallest(goal: Any, equations: Mapping[str, Any]) -> tuple[float, frozenset[int]]:
    """The smallest value of a goal, and the equations whose multipliers prove it."""
    from scipy.optimize import linprog

    found = linprog(goal, bounds=(0, None), method="highs", **equations)
    if found.status != 0:
        raise ContractBroken("published counts contradict each other", value=found.message)
    used = np.flatnonzero(np.abs(np.asarray(found.eqlin.marginals)) > IDLE)
    return float(found.fun), frozenset(int(one) for one in used)


def _matrix(facts: Sequence[Fact], columns: Any, width: int) -> Any:
    """Facts as rows; each holds the columns of its atoms once."""
    from scipy.sparse import csr_matrix

    places = [
        (row, int(one))
        for row, fact in enumerate(facts)
        for one in np.unique(columns[sorted(fact.atoms)])
    ]
    rows, across = ([place[n] for place in places] for n in (0, 1))
    return csr_matrix((np.ones(len(places)), (rows, across)), shape=(len(facts), width))
