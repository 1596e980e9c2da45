"""Which counts to withhold: the small ones, and as many more as hide them.

Owns primary and complementary suppression. A count of one to nine women is small; zero is shown,
since it tells of nobody. What is withheld is marked in one way, so that the mark does not tell
the small counts from those that hide them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deeppcos.research.disclosure.bounds import Fact, Range, feasible_range

FEWEST = 10
"""Fewest women a published count may stand for: under it a count is withheld."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What to withhold, and whether that is enough.

    Attributes:
        withheld: Keys of facts that must not be shown.
        is_enough: Whether everything small is then hidden; where not, none of the facts may be
            shown.
    """

    withheld: frozenset[Key]
    is_enough: bool


def protect(values: Sequence[int], facts: Sequence[Fact], *, fewest: int = FEWEST) -> Protection:
    """Choose what to withhold.

    Every group of fewer than ``fewest`` women must stay open by at least ``fewest``: from all
    that is published a reader can work out no narrower range, not even knowing that zeros are
    shown.

    Args:
        values: Women in each atom; atoms are the finest groups the facts tell apart, none empty.
        facts: Sums of atoms that are, or are to be, published.
        fewest: Fewest women a published count may stand for.

    Returns:
        What to withhold.
    """
    filled = [fact for fact in facts if fact.value > 0]
    shown = {fact.key: fact for fact in filled if fact.is_fixed or fact.value >= fewest}
    hidden = {fact.key: fact for fact in filled if fact.key not in shown}
    targets = _targets(values, filled, fewest)
    while targets:
        found = _range(len(values), [*shown.values()], [*hidden.values()], targets[-1])
        if found.width >= fewest:
            # Withholding more only widens it: it need never be asked again.
            targets.pop()
            continue
        victim = _next_victim(shown, targets[-1])
        if victim is None:
            return Protection(withheld=frozenset(hidden), is_enough=False)
        hidden[victim] = shown.pop(victim)
    return Protection(withheld=frozenset(hidden), is_enough=True)


def _targets(values: Sequence[int], facts: Sequence[Fact], fewest: int) -> list[tuple[int, ...]]:
    """Everything small: single atoms, and sums that would have been published."""
    single = [(atom,) for atom, value in enumerate(values) if value < fewest]
    sums = [
        tuple(sorted(fact.atoms)) for fact in facts if fact.value < fewest and not fact.is_fixed
    ]
    return list(dict.fromkeys([*single, *sums]))


def _range(
    atoms: int, shown: Sequence[Fact], hidden: Sequence[Fact], target: Sequence[int]
) -> Range:
    """The range of a target, with atoms that nothing tells apart taken together."""
    wanted = set(target)
    inside: list[list[int]] = [[] for _ in range(atoms)]
    for number, fact in enumerate((*shown, *hidden)):
        for atom in fact.atoms:
            inside[atom].append(number)
    columns: dict[tuple[tuple[int, ...], bool], int] = {}
    place = [
        columns.setdefault((tuple(member), atom in wanted), len(columns))
        for atom, member in enumerate(inside)
    ]

    def merged(facts: Sequence[Fact]) -> list[Fact]:
        return [
            Fact(key=f.key, atoms=frozenset(place[a] for a in f.atoms), value=f.value)
            for f in facts
        ]

    return feasible_range(
        len(columns), merged(shown), {place[a] for a in wanted}, withheld=merged(hidden)
    )


def _next_victim(shown: dict[Key, Fact], target: Sequence[int]) -> Key | None:
    """The smallest count that still helps to work the target out; None when none is left."""
    free = [fact for fact in shown.values() if not fact.is_fixed]
    wanted = set(target)
    near = [fact for fact in free if fact.atoms & wanted]
    choice = min(near or free, key=lambda fact: (fact.value, fact.key), default=None)
    return None if choice is None else choice.key
