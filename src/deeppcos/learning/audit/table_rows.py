"""Which rows of a table are the same person: equal rows, and rows too alike for chance.

Owns the score of a pair, after Fellegi and Sunter: agreeing on a rare value speaks for one
person, agreeing on a common one hardly, disagreeing speaks against. The bar is what pairs reach in
the same table with every column shuffled, where nobody can be twice.

Source:
    Fellegi IP, Sunter AB. A theory for record linkage. J Am Stat Assoc 1969; 64: 1183-1210.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.learning.audit.copies import Groups
from deeppcos.learning.audit.table_reading import Column, Table, is_broken, is_missing

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

MOST_ROWS = 20_000
"""Beyond, pairs are too many: only equal rows are looked for, and that is said."""

AGREES_IF_SAME = 0.9
"""How often a value is the same when a person was entered twice (project estimate)."""

BAR_ABOVE_CHANCE = 5.0
SHUFFLES = 3
LEAST_CELLS = 5
_BLOCK = 512
_IDENTIFIER = re.compile(
    r"(?i)^(?:sl\.? ?no\.?|s\.? ?no\.?|no\.?|id|index|row|unnamed.*|.*[ _](?:id|no\.?|number)|"
    r"(?:patient|record|file|subject|case)[ _]?(?:file)?[ _]?(?:id|no\.?|number)?)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPair:
    """Two rows that are likely the same person.

    Attributes:
        first: Row from 0.
        second: A later row.
        score: Natural logarithm of the likelihood ratio.
    """

    first: int
    second: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCopies:
    """Rows that are the same.

    Attributes:
        equal: Groups of rows equal in everything but identifiers.
        equal_by_chance: Pairs of equal rows expected if nobody was entered twice.
        near: Likely pairs, likeliest first, equal ones left out.
        bar: Score a pair needed; None where near pairs were not looked for.
        groups: Group of every row.
        identifiers: Columns that were taken for identifiers and left out.
        compared_columns: Columns that were compared; with fewer than five, equal rows are not
            taken for one person.
    """

    equal: tuple[tuple[int, ...], ...]
    equal_by_chance: float
    near: tuple[RowPair, ...]
    bar: float | None
    groups: tuple[int, ...]
    identifiers: tuple[str, ...]
    compared_columns: int


def find_row_copies(table: Table, *, leave_out: Sequence[str] = ()) -> RowCopies:
    """Find rows that are the same person.

    Args:
        table: The table.
        leave_out: Columns that say nothing of a person, such as the label and the split.
    """
    identifiers = tuple(c.name for c in table.columns if is_identifier(c))
    ignored = {*identifiers, *leave_out}
    columns = [c for c in table.columns if c.name not in ignored and c.distinct > 1]
    count = len(table.row_names)
    codes = np.stack([_codes(c) for c in columns]) if columns else np.zeros((0, count), np.int64)
    equal = _equal_rows(codes)
    groups = Groups(range(count))
    for group in equal if len(codes) >= LEAST_CELLS else ():
        for other in group[1:]:
            groups.join(group[0], other)
    near, bar = _near_rows(codes, equal) if 1 < count <= MOST_ROWS else ((), None)
    for pair in near:
        groups.join(pair.first, pair.second)
    numbers = {member: n for n, group in enumerate(sorted(groups.listed())) for member in group}
    return RowCopies(
        equal=equal,
        equal_by_chance=_pairs_by_chance(codes),
        near=near,
        bar=bar,
        groups=tuple(numbers[row] for row in range(count)),
        identifiers=identifiers,
        compared_columns=len(codes),
    )


def is_identifier(column: Column) -> bool:
    """Whether a column numbers or names rows.

    A usual name is not enough where the values repeat, nor distinct values where they measure.
    """
    filled = sum(not is_missing(text) for text in column.texts)
    if column.distinct < max(2, 0.95 * filled):
        return False
    if _IDENTIFIER.match(column.name):
        return True
    steps = np.diff(column.numbers)
    return bool(column.is_numeric and len(steps) > 5 and np.all(steps == 1))


def _codes(column: Column) -> Ints:
    """Every different value a number; -1 for what is not known."""
    known: dict[object, int] = {}
    codes = []
    for text, number in zip(column.texts, column.numbers, strict=True):
        plain = text.strip().casefold()
        if is_missing(text) or is_broken(text):
            codes.append(-1)
        else:
            value: object = round(float(number), 6) if np.isfinite(number) else plain
            codes.append(known.setdefault(value, len(known)))
    return np.asarray(codes, np.int64)


def _equal_rows(codes: Ints) -> tuple[tuple[int, ...], ...]:
    """Groups of rows equal wherever both have a value, and filled alike."""
    if len(codes) == 0:
        return ()
    found: dict[bytes, list[int]] = defaultdict(list)
    for row, cells in enumerate(np.ascontiguousarray(codes.T)):
        if int((cells >= 0).sum()) >= min(LEAST_CELLS, len(cells)):
            found[cells.tobytes()].append(row)
    return tuple(tuple(rows) for rows in found.values() if len(rows) > 1)


def _shuffled(codes: Ints, seed: int) -> Ints:
    draw = np.random.default_rng(seed)
    return np.stack([draw.permutation(column) for column in codes])


def _pairs_by_chance(codes: Ints) -> float:
    """Mean number of equal pairs when every column is shuffled."""
    if len(codes) == 0:
        return 0.0
    counts = [
        sum(len(g) * (len(g) - 1) / 2 for g in _equal_rows(_shuffled(codes, seed)))
        for seed in range(SHUFFLES)
    ]
    return float(np.mean(counts))


def _near_rows(
    codes: Ints, equal: Sequence[Sequence[int]]
) -> tuple[tuple[RowPair, ...], float | None]:
    """Pairs above the bar."""
    if len(codes) < LEAST_CELLS:
        return (), None
    weights = [_weights(column) for column in codes]
    by_chance = max(
        (pair.score for seed in range(SHUFFLES) for pair in _best(_shuffled(codes, seed), weights)),
        default=0.0,
    )
    bar = max(0.0, by_chance + BAR_ABOVE_CHANCE)
    same = {frozenset((a, b)) for group in equal for a in group for b in group if a < b}
    pairs = [
        pair
        for pair in _best(codes, weights, least=bar)
        if frozenset((pair.first, pair.second)) not in same
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.score)), bar


def _weights(column: Ints) -> tuple[Floats, float]:
    """What agreeing on each value says, and what disagreeing says."""
    often = np.bincount(column[column >= 0])
    share = often / max(1, often.sum())
    agree = np.log(AGREES_IF_SAME / np.maximum(share, 1e-12))
    by_chance = float((share**2).sum())
    disagree = float(np.log((1 - AGREES_IF_SAME) / max(1e-6, 1 - by_chance)))
    return agree.astype(np.float32), disagree


def _best(
    codes: Ints, weights: Sequence[tuple[Floats, float]], *, least: float | None = None
) -> list[RowPair]:
    """Pairs from a score on; the single best one where no score is given."""
    count = codes.shape[1]
    found: list[RowPair] = []
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        score = np.zeros((stop - start, count - start), np.float32)
        for column, (agree, disagree) in zip(codes, weights, strict=True):
            mine, others = column[start:stop, None], column[None, start:]
            known = (mine >= 0) & (others >= 0)
            gain = np.where(mine >= 0, agree[mine.clip(0)], 0)
            score += np.where(known, np.where(mine == others, gain, disagree), 0)
        score[np.tril_indices(stop - start, 0, count - start)] = -np.inf
        if least is None:
            row, other = np.unravel_index(int(score.argmax()), score.shape)
            rows, others_found = np.asarray([row]), np.asarray([other])
        else:
            rows, others_found = np.nonzero(score >= least)
        found += [
            RowPair(first=start + int(r), second=start + int(o), score=float(score[r, o]))
            for r, o in zip(rows, others_found, strict=True)
        ]
    return found if least is not None else sorted(found, key=lambda pair: -pair.score)[:1]


def label_conflicts(groups: Sequence[int], labels: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Groups of rows that carry more than one label.

    Examples:
        >>> label_conflicts([0, 0, 1, 1], ["0", "1", "1", "1"])
        ((0, 1),)
    """
    rows: Mapping[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        rows[group].append(row)
    return tuple(
        tuple(members)
        for members in rows.values()
        if len(Counter(labels[row] for row in members if not is_missing(labels[row]))) > 1
    )
