"""What somebody who sees published counts can work out of those that were withheld.

Owns the linear programme: the smallest and the largest number of women that a group can hold
while every published sum stays true. Deciding what to withhold is the business of ``protect``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deeppcos.errors import ContractBroken

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A sum of atoms that is published, or could be.

    Attributes:
        key: What it is called, unique in its problem.
        atoms: Numbers of the atoms it adds up.
        value: How many women.
        is_fixed: Whether it is public already and cannot be withheld any more.
    """

    key: tuple[str, ...]
    atoms: frozenset[int]
    value: int
    is_fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a sum can be, as far as published counts tell.

    Attributes:
        low: Smallest possible number.
        high: Largest possible number; infinite where nothing bounds it.
    """

    low: float
    high: float

    @property
    def width(self) -> float:
        """How much stays open."""
        return self.high - self.low


def feasible_range(
    atoms: int,
    facts: Sequence[Fact],
    target: Collection[int],
    *,
    withheld: Sequence[Fact] = (),
) -> Range:
    """The range of a sum of atoms under published facts.

    Args:
        atoms: How many atoms there are, numbered from 0; each holds zero women or more.
        facts: Published sums, all true at once.
        target: Atoms of the sum that is asked.
        withheld: Sums that were withheld. A zero would have been shown, so each holds somebody.

    Returns:
        Its range.

    Raises:
        ContractBroken: If the facts contradict each other, which true counts cannot.
    """
    from scipy.optimize import linprog

    goal = np.zeros(atoms)
    goal[list(target)] = 1.0
    bounded = frozenset[int]().union(*(fact.atoms for fact in facts))
    options = {
        "A_eq": _matrix(facts, atoms) if facts else None,
        "b_eq": [fact.value for fact in facts] or None,
        "A_ub": -_matrix(withheld, atoms) if withheld else None,
        "b_ub": [-1.0] * len(withheld) or None,
    }
    ends = []
    for sign in (1.0, -1.0):
        if sign < 0 and not set(target) <= bounded:
            ends.append(float("inf"))
            continue
        found = linprog(sign * goal, bounds=(0, None), method="highs", **options)
        if found.status != 0:
            raise ContractBroken("published counts contradict each other", value=found.message)
        ends.append(sign * float(found.fun))
    low, high = ends
    # Women are whole: the programme's rounding must neither widen nor narrow what is known.
    return Range(low=float(np.ceil(low - TOLERANCE)), high=float(np.floor(high + TOLERANCE)))


def _matrix(facts: Sequence[Fact], atoms: int) -> Any:
    """Facts as rows, atoms as columns."""
    from scipy.sparse import csr_matrix

    places = [(row, atom) for row, fact in enumerate(facts) for atom in fact.atoms]
    rows, columns = ([place[n] for place in places] for n in (0, 1))
    return csr_matrix((np.ones(len(places)), (rows, columns)), shape=(len(facts), atoms))
