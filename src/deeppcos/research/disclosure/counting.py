"""The tables of a cohort, protected alone and against every earlier release.

Owns which women stand in which class of which family, and the comparison with the same women in
earlier releases: two cohorts that differ by a few women must not tell these few apart.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deeppcos.errors import InvalidInput
from deeppcos.research.cohort import VIEW, OpenCohort
from deeppcos.research.disclosure.bounds import Fact
from deeppcos.research.disclosure.protect import FEWEST, protect
from deeppcos.research.figures.families import Family
from deeppcos.research.table import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_ATOMS = 4000
"""Beyond it overlapping cohorts can no longer be audited in reasonable time."""
MOST_RELEASES = 40
"""Beyond it the same data has answered enough; noise with a budget remains."""
SINGLE_WEIGHT = 4.0
"""A count of one variable is worth as much to readers as so many of a table that crosses two."""

Cell = tuple[int, tuple[str, ...]]
"""Number of a margin, and one class of each variable it crosses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRelease:
    """What an earlier release of counts showed.

    Attributes:
        key: Its name.
        members: Parquet file with the classes of its women.
        withheld: Cells by family that it withheld; a family that it left out whole maps to None.
    """

    key: str
    members: Path
    withheld: Mapping[str, frozenset[Cell] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedFamily:
    """The tables of one family as they may be shown.

    Attributes:
        family: The family.
        counts: Women in each cell that may be shown.
        withheld: Cells that may not; None: the family may not be shown at all.
    """

    family: Family
    counts: Mapping[Cell, int]
    withheld: frozenset[Cell] | None

    def shown(self, margin: int, *classes: str) -> int | None:
        """The count of one cell; None where it is withheld."""
        return self.counts.get((margin, classes))


def write_members(cohort: OpenCohort, families: Sequence[Family], file: Path) -> None:
    """Write in which class of every variable each woman stands.

    Args:
        cohort: The cohort.
        families: Its families.
        file: The Parquet file.
    """
    columns = ", ".join(
        f'CAST({variable.expression} AS VARCHAR) AS "{variable.name}"'
        for family in families
        for variable in family.variables
    )
    cohort.connection.execute(
        f"COPY (SELECT patient_id, {columns} FROM {VIEW}) TO {quoted(file)} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )


def protected_families(
    connection: "DuckDBPyConnection",
    families: Iterable[Family],
    members: Path,
    earlier: Sequence[EarlierRelease] = (),
) -> tuple[ProtectedFamily, ...]:
    """Protect every family of a cohort.

    Args:
        connection: The engine.
        families: The families.
        members: Parquet file of ``write_members``.
        earlier: Releases of the same women before.

    Returns:
        What may be shown.

    Raises:
        InvalidInput: If there are fewer women than may be shown at all, or too many overlapping
            releases to audit.
    """
    [(women,)] = connection.execute(f"SELECT count(*) FROM {quoted(members)}").fetchall()
    if women < FEWEST:
        raise InvalidInput(
            "the cohort is too small to be shown",
            value=f"fewer than {FEWEST} women",
            accepted=f"at least {FEWEST}",
            remedy="ask wider criteria",
        )
    if len(earlier) > MOST_RELEASES:
        raise _too_many(f"{len(earlier)} releases")
    return tuple(_protected(connection, family, members, earlier) for family in families)


def _protected(
    connection: "DuckDBPyConnection",
    family: Family,
    members: Path,
    earlier: Sequence[EarlierRelease],
) -> ProtectedFamily:
    """One family, against itself and every earlier release of it."""
    atoms = _atoms(connection, family, members, earlier)
    values = [count for _, count in atoms]
    own = _facts(family, [(tuples[0], n) for n, (tuples, _) in enumerate(atoms)], values, "")
    shown, hidden = [_total(atoms, values, 0)], list[Fact]()
    for place, release in enumerate(earlier, start=1):
        before = _told_before(family, atoms, values, place, release)
        shown, hidden = [*shown, *before[0]], [*hidden, *before[1]]
    for margins in _tables_to_try(family):
        tried = {cell: fact for cell, fact in own.items() if cell[0] in margins}
        protection = protect(values, [*tried.values(), *shown], withheld_before=hidden)
        if protection.is_enough:
            withheld = frozenset(
                cell
                for cell, fact in own.items()
                if fact.key in protection.withheld or cell[0] not in margins
            )
            return ProtectedFamily(
                family=family,
                counts={cell: fact.value for cell, fact in own.items() if cell not in withheld},
                withheld=withheld,
            )
    if not protect(values, shown, withheld_before=hidden).is_enough:
        raise _tells_few_apart(family)
    return ProtectedFamily(family=family, counts={}, withheld=None)


def _tables_to_try(family: Family) -> Iterator[frozenset[int]]:
    """All tables, then those of one variable, then the first: the zeros of the others stay out."""
    single = [number for number, crossed in enumerate(family.margins) if len(crossed) == 1]
    tries = (range(len(family.margins)), single, single[:1])
    yield from dict.fromkeys(frozenset(one) for one in tries if one)


def _tells_few_apart(family: Family) -> InvalidInput:
    """Not even without this family's counts would few women be hidden."""
    return InvalidInput(
        "this cohort and earlier ones together would tell few women apart",
        value=f"by their sizes or by {family.key.replace('_', ' ')}",
        accepted=f"cohorts that differ by nobody, or by at least {FEWEST} women",
        remedy="choose an earlier cohort, wider criteria, or a release with noise",
    )


Atom = tuple[tuple[tuple[str, ...] | None, ...], int]
"""Classes in this and in every earlier release, None where not in it; and how many women."""


def _atoms(
    connection: "DuckDBPyConnection",
    family: Family,
    members: Path,
    earlier: Sequence[EarlierRelease],
) -> list[Atom]:
    """The finest groups of women that all releases together tell apart."""
    names = [variable.name for variable in family.variables]
    files = [members, *(release.members for release in earlier)]
    selected, joined = [], ""
    for place, file in enumerate(files):
        selected += [f'm{place}."{name}"' for name in names]
        source = f"{quoted(file)} m{place}"
        joined += source if place == 0 else f" FULL JOIN {source} USING (patient_id)"
    groups = ", ".join(str(n + 1) for n in range(len(selected)))
    found = connection.execute(
        f"SELECT {', '.join(selected)}, count(*) FROM {joined} GROUP BY {groups} "
        f"ORDER BY {groups} LIMIT {MOST_ATOMS + 1}"
    ).fetchall()
    if len(found) > MOST_ATOMS:
        raise _too_many(f"more than {MOST_ATOMS} distinct groups")
    width = len(names)
    return [
        (
            tuple(
                None if row[start] is None else tuple(row[start : start + width])
                for start in range(0, width * len(files), width)
            ),
            int(row[-1]),
        )
        for row in found
    ]


def _facts(
    family: Family,
    placed: Sequence[tuple[tuple[str, ...] | None, int]],
    values: Sequence[int],
    release: str,
) -> dict[Cell, Fact]:
    """Every cell of every published table of a family."""
    facts = {}
    for margin, chosen in enumerate(family.margins):
        weight = SINGLE_WEIGHT if len(chosen) == 1 else 1.0
        cells = itertools.product(*(family.variables[v].classes for v in chosen))
        inside: dict[tuple[str, ...], set[int]] = {cell: set() for cell in cells}
        for classes, atom in placed:
            if classes is not None:
                inside.setdefault(tuple(classes[v] for v in chosen), set()).add(atom)
        for cell, atoms in inside.items():
            facts[margin, cell] = Fact(
                key=(release, str(margin), *cell),
                atoms=frozenset(atoms),
                value=sum(values[atom] for atom in atoms),
                weight=weight,
            )
    return facts


def _told_before(
    family: Family,
    atoms: Sequence[Atom],
    values: Sequence[int],
    place: int,
    release: EarlierRelease,
) -> tuple[list[Fact], list[Fact]]:
    """What an earlier release showed of a family, and what it withheld and nobody can be zero."""
    total = _total(atoms, values, place)
    withheld = release.withheld.get(family.key)
    if withheld is None:
        return [total], []
    placed = [(tuples[place], n) for n, (tuples, _) in enumerate(atoms)]
    facts = _facts(family, placed, values, release.key)
    # A table that withholds a zero was left out whole and says of no cell that it holds somebody.
    left_out = {cell[0] for cell, fact in facts.items() if cell in withheld and not fact.value}
    fixed = [
        (cell, dataclasses.replace(fact, is_fixed=True))
        for cell, fact in facts.items()
        if fact.value > 0 and cell[0] not in left_out
    ]
    shown = [fact for cell, fact in fixed if cell not in withheld]
    return [total, *shown], [fact for cell, fact in fixed if cell in withheld]


def _total(atoms: Sequence[Atom], values: Sequence[int], place: int) -> Fact:
    """The size of a cohort, which is always shown."""
    inside = frozenset(n for n, (tuples, _) in enumerate(atoms) if tuples[place] is not None)
    return Fact(
        key=(f"total {place}",),
        atoms=inside,
        value=sum(values[atom] for atom in inside),
        is_fixed=True,
    )


def _too_many(value: str) -> InvalidInput:
    return InvalidInput(
        "too many overlapping cohorts were released from these data to audit one more",
        value=value,
        accepted=f"up to {MOST_RELEASES} releases and {MOST_ATOMS} distinct groups",
        remedy="use one of the cohorts released before, or release with noise",
    )


def cells_as_data(withheld: frozenset[Cell] | None) -> list[Any] | None:
    """Withheld cells as JSON takes them."""
    return None if withheld is None else sorted([margin, *cell] for margin, cell in withheld)


def cells_from_data(content: list[Any] | None) -> frozenset[Cell] | None:
    """Withheld cells as ``cells_as_data`` wrote them."""
    if content is None:
        return None
    return frozenset((int(one[0]), tuple(one[1:])) for one in content)
