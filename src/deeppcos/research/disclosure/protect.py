"""Which counts to withhold: the small ones, and the cheapest set of others that hides them.

Owns primary and complementary suppression. A count of one to nine women is small; zero is shown,
since it tells of nobody. What is withheld is marked in one way, so that the mark does not tell
the small counts from those that hide them.

Every way to work a small group out rests on some counts that are shown (``Range.rests_on``); of
each, one must be withheld. The cheapest set that breaks them all is chosen and tried again, until
no group can be worked out: nothing is withheld that need not be.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deeppcos.research.disclosure.bounds import Fact, published
from deeppcos.research.disclosure.cheapest import cheapest_hitting_set

FEWEST = 10
"""Fewest women a published count may stand for: under it a count is withheld."""
MOST_ROUNDS = 60
"""After as many tries what was withheld stays withheld: it ends soon, if not at the least."""
MOST_ASKED = 400
"""Beyond as many small groups, the same from the start."""

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


def protect(
    values: Sequence[int],
    facts: Sequence[Fact],
    *,
    withheld_before: Sequence[Fact] = (),
    fewest: int = FEWEST,
) -> Protection:
    """Choose what to withhold.

    Every group of fewer than ``fewest`` women must stay open by at least ``fewest``: from all
    that is published a reader can work out no narrower range, not even knowing that zeros are
    shown.

    Args:
        values: Women in each atom; atoms are the finest groups the facts tell apart, none empty.
        facts: Sums of atoms that are, or are to be, published.
        withheld_before: Sums that earlier releases withheld: known to hold somebody.
        fewest: Fewest women a published count may stand for.

    Returns:
        What to withhold. It costs the least by ``Fact.weight`` wherever ``MOST_ROUNDS`` and
        ``MOST_ASKED`` suffice, and always hides everything small.
    """
    filled = [fact for fact in facts if fact.value > 0]
    small = frozenset(f.key for f in filled if not f.is_fixed and f.value < fewest)
    asked = _Asked(
        values=values,
        facts=filled,
        targets=_targets(values, filled, fewest),
        withheld_before=withheld_before,
    )
    ways: list[frozenset[Key]] = []
    chosen: frozenset[Key] = frozenset()
    prices = _prices(filled, sum(values), small)
    keeps = len(asked.targets) > MOST_ASKED
    while found := list(asked.ways_through(small | chosen, fewest)):
        if not all(found):
            return Protection(withheld=small | chosen, is_enough=False)
        ways += found
        keeps = keeps or asked.rounds > MOST_ROUNDS
        chosen = (
            chosen | cheapest_hitting_set(found, prices)
            if keeps
            else cheapest_hitting_set(ways, prices)
        )
    return Protection(withheld=small | chosen, is_enough=True)


def _targets(values: Sequence[int], facts: Sequence[Fact], fewest: int) -> list[tuple[int, ...]]:
    """Everything small: single atoms, and sums that would have been published."""
    single = [(atom,) for atom, value in enumerate(values) if value < fewest]
    sums = [
        tuple(sorted(fact.atoms)) for fact in facts if fact.value < fewest and not fact.is_fixed
    ]
    return list(dict.fromkeys([*single, *sums]))


def _prices(facts: Iterable[Fact], women: int, small: frozenset[Key]) -> Mapping[Key, float]:
    """What withholding a count costs: more where it stands for more women."""
    return {
        fact.key: fact.weight * (1 + fact.value / women)
        for fact in facts
        if not fact.is_fixed and fact.key not in small
    }


@dataclass(slots=True, kw_only=True)
class _Asked:
    """Small groups, and what is known of how well they are hidden."""

    values: Sequence[int]
    facts: Sequence[Fact]
    targets: Sequence[tuple[int, ...]]
    withheld_before: Sequence[Fact]
    rounds: int = 0
    safe: dict[tuple[int, ...], list[frozenset[Key]]] = field(default_factory=dict)

    def ways_through(self, withheld: frozenset[Key], fewest: int) -> Iterator[frozenset[Key]]:
        """For each group that is not hidden, the counts that give it away; empty: no help."""
        self.rounds += 1
        shown = [fact for fact in self.facts if fact.key not in withheld]
        hidden = [*(f for f in self.facts if f.key in withheld), *self.withheld_before]
        told = published(len(self.values), shown, withheld=hidden)
        for target in self.targets:
            known = self.safe.setdefault(target, [])
            # Withholding more only widens a range: what hid the group before hides it still.
            if any(one <= withheld for one in known):
                continue
            found = told.range_of(target)
            if found.width >= fewest:
                known.append(withheld)
                continue
            rests = (shown[number] for number in found.rests_on)
            yield frozenset(fact.key for fact in rests if not fact.is_fixed)
