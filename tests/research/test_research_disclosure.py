"""No margin, no second query and no sum of both tells few women apart."""

import dataclasses
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput
from deeppcos.research.cohort import open_cohort
from deeppcos.research.disclosure.bounds import Fact, published
from deeppcos.research.disclosure.counting import (
    EarlierRelease,
    ProtectedFamily,
    protected_families,
    write_members,
)
from deeppcos.research.disclosure.protect import FEWEST, Protection, protect
from deeppcos.research.figures.families import families_of
from deeppcos.research.query import CohortQuery, parse_criteria
from deeppcos.research.table import ResearchTable


def one_way(values: list[int]) -> list[Fact]:
    """Every cell, and the size of the cohort, which is public."""
    cells = [Fact(key=(str(n),), atoms=frozenset({n}), value=v) for n, v in enumerate(values)]
    total = frozenset(range(len(values)))
    return [*cells, Fact(key=("total",), atoms=total, value=sum(values), is_fixed=True)]


def two_way(values: list[list[int]]) -> tuple[list[int], list[Fact]]:
    """Every cell, both margins and the total of a table; empty cells are no atoms."""
    rows, columns = len(values), len(values[0])
    places = [p for p in itertools.product(range(rows), range(columns)) if values[p[0]][p[1]]]
    number = {place: n for n, place in enumerate(places)}
    sizes = [values[r][c] for r, c in places]

    def fact(name: str, inside: list[tuple[int, int]], *, fixed: bool = False) -> Fact:
        atoms = frozenset(number[p] for p in inside)
        return Fact(key=(name,), atoms=atoms, value=sum(sizes[a] for a in atoms), is_fixed=fixed)

    facts = [fact(f"{r},{c}", [(r, c)]) for r, c in places]
    facts += [fact(f"row {r}", [p for p in places if p[0] == r]) for r in range(rows)]
    facts += [fact(f"column {c}", [p for p in places if p[1] == c]) for c in range(columns)]
    return sizes, [*facts, fact("total", places, fixed=True)]


def split(facts: list[Fact], done: Protection) -> tuple[list[Fact], list[Fact]]:
    shown = [f for f in facts if f.key not in done.withheld and f.value > 0]
    return shown, [f for f in facts if f.key in done.withheld]


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=7).filter(lambda v: sum(v) >= FEWEST))
def test_one_row_of_counts_hides_its_small_ones_by_plain_arithmetic(values: list[int]) -> None:
    done = protect(values, one_way(values))
    hidden = [v for n, v in enumerate(values) if (str(n),) in done.withheld]
    if all(value >= FEWEST for value in values):
        assert not hidden
        return
    assert all((str(n),) in done.withheld for n, v in enumerate(values) if v < FEWEST)
    if done.is_enough:
        # A reader knows the sum of the hidden ones and that none of them is zero.
        assert sum(hidden) - len(hidden) >= FEWEST


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=2, max_size=4).filter(
        lambda rows: sum(map(sum, rows)) >= 3 * FEWEST
    )
)
def test_no_margin_of_a_table_gives_a_small_cell_away(values: list[list[int]]) -> None:
    sizes, facts = two_way(values)
    done = protect(sizes, facts)
    shown, hidden = split(facts, done)
    assert all(fact.value >= FEWEST or fact.is_fixed for fact in shown)
    if done.is_enough:
        for fact in facts:
            if 0 < fact.value < FEWEST:
                found = published(len(sizes), shown, withheld=hidden).range_of(fact.atoms)
                assert found.low <= fact.value <= found.high
                assert found.width >= FEWEST


@st.composite
def overlapping_cohorts(draw: st.DrawFn) -> tuple[list[int], list[list[Fact]]]:
    """Women by class and by which of two cohorts they are in, and the counts of each cohort."""
    classes = draw(st.integers(2, 4))
    places = [*itertools.product(range(classes), ("first", "second", "both"))]
    values = draw(st.lists(st.integers(0, 30), min_size=len(places), max_size=len(places)))
    filled = [(place, value) for place, value in zip(places, values, strict=True) if value]
    sizes = [value for _, value in filled]
    releases = []
    for name in ("first", "second"):
        inside = [n for n, ((_, where), _) in enumerate(filled) if where in (name, "both")]
        cells = []
        for one in range(classes):
            atoms = frozenset(n for n in inside if filled[n][0][0] == one)
            cells.append(
                Fact(key=(name, str(one)), atoms=atoms, value=sum(sizes[a] for a in atoms))
            )
        total = sum(sizes[a] for a in inside)
        cells.append(Fact(key=(name,), atoms=frozenset(inside), value=total, is_fixed=True))
        releases.append(cells)
    return sizes, releases


@settings(max_examples=30, deadline=None)
@given(overlapping_cohorts())
def test_whoever_solves_all_that_two_releases_show_cannot_pin_a_few_women(
    drawn: tuple[list[int], list[list[Fact]]],
) -> None:
    sizes, (first, second) = drawn
    one = protect(sizes, first)
    if not one.is_enough:
        return
    shown, hidden = split(first, one)
    fixed = [dataclasses.replace(fact, is_fixed=True) for fact in shown]
    two = protect(sizes, [*second, *fixed], withheld_before=hidden)
    if not two.is_enough:
        return
    also, hidden_too = split(second, two)
    # The attacker's own programme, on plain arrays and without anything taken together.
    known, at_least_one = [*shown, *also], [*hidden, *hidden_too]
    small = [frozenset({n}) for n, size in enumerate(sizes) if size < FEWEST]
    small += [fact.atoms for fact in at_least_one if fact.value < FEWEST]
    for group in small:
        low, high = solved(len(sizes), known, at_least_one, group)
        assert high - low >= FEWEST - 1e-6


def solved(
    atoms: int, known: list[Fact], at_least_one: list[Fact], group: frozenset[int]
) -> tuple[float, float]:
    """The least and the most women of a group under everything shown."""
    from scipy.optimize import linprog

    def rows(facts: list[Fact]) -> list[list[float]]:
        return [[float(a in fact.atoms) for a in range(atoms)] for fact in facts]

    goal = [float(a in group) for a in range(atoms)]
    ends = []
    for sign in (1, -1):
        found = linprog(
            [sign * one for one in goal],
            A_eq=rows(known) or None,
            b_eq=[fact.value for fact in known] or None,
            A_ub=[[-one for one in row] for row in rows(at_least_one)] or None,
            b_ub=[-1.0] * len(at_least_one) or None,
            bounds=(0, sum(fact.value for fact in known) + 1000),
        )
        assert found.status == 0
        ends.append(sign * found.fun)
    return ends[0], ends[1]


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=3), min_size=2, max_size=3).filter(
        lambda rows: len({len(row) for row in rows}) == 1 and sum(map(sum, rows)) >= 3 * FEWEST
    )
)
def test_no_cheaper_choice_would_have_hidden_as_much(values: list[list[int]]) -> None:
    sizes, facts = two_way(values)
    done = protect(sizes, facts)
    free = [f for f in facts if not f.is_fixed and f.value >= FEWEST]
    price = {f.key: f.weight * (1 + f.value / sum(sizes)) for f in free}
    paid = sum(price[f.key] for f in free if f.key in done.withheld)
    small = {f.key for f in facts if not f.is_fixed and 0 < f.value < FEWEST}
    for count in range(len(free) + 1):
        for choice in itertools.combinations(free, count):
            keys = small | {f.key for f in choice}
            if sum(price[f.key] for f in choice) < paid - 1e-6 and is_hidden(sizes, facts, keys):
                raise AssertionError(f"{sorted(keys)} would have done")


def is_hidden(sizes: list[int], facts: list[Fact], withheld: set[tuple[str, ...]]) -> bool:
    told = published(
        len(sizes),
        [f for f in facts if f.key not in withheld and f.value > 0],
        withheld=[f for f in facts if f.key in withheld],
    )
    small = [frozenset({n}) for n, size in enumerate(sizes) if size < FEWEST]
    small += [f.atoms for f in facts if 0 < f.value < FEWEST and not f.is_fixed]
    return all(told.range_of(group).width >= FEWEST for group in small)


def test_the_range_of_a_hidden_cell_is_what_one_would_work_out_by_hand() -> None:
    facts = [
        Fact(key=("a",), atoms=frozenset({0}), value=30),
        Fact(key=("total",), atoms=frozenset({0, 1, 2}), value=42, is_fixed=True),
    ]
    hidden = [Fact(key=(str(n),), atoms=frozenset({n}), value=v) for n, v in ((1, 4), (2, 8))]
    free = published(3, facts).range_of({1})
    known = published(3, facts, withheld=hidden).range_of({1})
    assert (free.low, free.high) == (0, 12)
    assert (known.low, known.high) == (1, 11)


def test_a_single_small_cell_takes_another_with_it() -> None:
    values = [40, 25, 3]
    done = protect(values, one_way(values))
    assert done.withheld == {("2",), ("1",)}


def test_counts_that_hide_nothing_are_all_shown() -> None:
    assert protect([10, 20, 30], one_way([10, 20, 30])).withheld == frozenset()


def test_where_hiding_everything_is_not_enough_it_is_said() -> None:
    assert not protect([5, 6], one_way([5, 6])).is_enough


def protected(
    table: ResearchTable, folder: Path, name: str, where: list[str], earlier: list[EarlierRelease]
) -> tuple[ProtectedFamily, ...]:
    query = CohortQuery(criteria=parse_criteria(where))
    members = folder / f"{name}.parquet"
    with open_cohort(table, query) as cohort:
        families = families_of(cohort)
        write_members(cohort, families, members)
        return protected_families(cohort.connection, families, members, earlier)


def as_earlier(folder: Path, name: str, done: tuple[ProtectedFamily, ...]) -> EarlierRelease:
    withheld = {one.family.key: one.withheld for one in done}
    return EarlierRelease(key=name, members=folder / f"{name}.parquet", withheld=withheld)


def test_nested_cohorts_never_show_counts_that_differ_by_few(
    table: ResearchTable, tmp_path: Path
) -> None:
    wide = protected(table, tmp_path, "wide", ["age_years=16..45"], [])
    earlier = [as_earlier(tmp_path, "wide", wide)]
    alone = protected(table, tmp_path, "alone", ["age_years=16..38"], [])
    narrow = protected(table, tmp_path, "narrow", ["age_years=16..38"], earlier)
    by_key = {one.family.key: one for one in wide}
    differing = 0
    for one in narrow:
        for cell, count in one.counts.items():
            before = by_key[one.family.key].counts.get(cell)
            if before is not None and one.family.key not in ("age", "quarter", "scanner", "site"):
                assert not 0 < before - count < FEWEST, (one.family.key, cell)
                differing += 1
    hidden = [sum(len(one.withheld or ()) for one in done) for done in (alone, narrow)]
    assert differing > 10
    assert hidden[1] > hidden[0]


def test_cohorts_whose_sizes_alone_tell_few_women_apart_are_refused(
    table: ResearchTable, tmp_path: Path
) -> None:
    done = protected(table, tmp_path, "all", [], [])
    earlier = [as_earlier(tmp_path, "all", done)]
    with pytest.raises(InvalidInput, match="would tell few women apart"):
        protected(table, tmp_path, "almost", ["age_years=..47"], earlier)


def test_a_cohort_of_few_is_not_shown_at_all(table: ResearchTable, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="too small to be shown; got fewer than 10 women"):
        protected(table, tmp_path, "few", ["age_years=50.."], [])


def test_more_releases_than_can_be_audited_are_refused(
    table: ResearchTable, tmp_path: Path
) -> None:
    done = protected(table, tmp_path, "all", [], [])
    with pytest.raises(InvalidInput, match="too many overlapping cohorts"):
        protected(table, tmp_path, "next", [], [as_earlier(tmp_path, "all", done)] * 41)
