"""How far readers agree on the same pictures: per pair, and each with all others.

Owns the pairing of readings and the three measures: F1 of follicles, concordance of counts, Dice
of the ovary. Adjudicators are left out: they saw what the others marked.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np

from deeppcos.learning.feedback.outline_matching import outline_dice, paired
from deeppcos.learning.metrics import Items, Measured, by_group, concordance, pooled_f1
from deeppcos.learning.sources.reviewed_document import Reading, ReviewedDocument, ReviewedStudy

ADJUDICATOR = "adjudicator-"
"""How the pseudonym of somebody begins who saw the other readings."""
CONSENSUS = "consensus"
FEWEST_FOR_CONCORDANCE = 3
ROUNDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """Two readings of one picture.

    Attributes:
        group: Pseudonym of the patient.
        picture: File of the picture.
        first: Pseudonym of a reader.
        second: Pseudonym of another.
        shared: Follicles both marked.
        first_count: Follicles the first marked; None where she did not look for them.
        second_count: Follicles the second marked, or None.
        ovary_dice: Overlap of the largest ovary; None unless both outlined one.
        read_at: When the later reading was finished.
    """

    group: str
    picture: str
    first: str
    second: str
    shared: int
    first_count: int | None
    second_count: int | None
    ovary_dice: float | None
    read_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two readers agree, or one with all others.

    Attributes:
        first: Pseudonym of a reader.
        second: Pseudonym of another; empty for all others.
        f1: Of follicles at IoU 0.3, pooled over pictures.
        count_concordance: Lin's concordance of counts a picture.
        ovary_dice: Mean Dice of the ovary's outline.
    """

    first: str
    second: str
    f1: Measured
    count_concordance: Measured
    ovary_dice: Measured


def pair_rows(document: ReviewedDocument) -> tuple[PairRow, ...]:
    """Every two independent readings of one picture.

    Args:
        document: Readings; pictures called not assessable compare nothing.

    Returns:
        One row a pair and picture.
    """
    return tuple(
        _row(study, image.file, *sorted(pair, key=lambda r: r.reader))
        for study in document.studies
        for image in study.images
        for pair in combinations(independent(image.readings), 2)
    )


def independent(readings: Iterable[Reading]) -> list[Reading]:
    """Readings that say something and were made without seeing the others."""
    return [
        one
        for one in readings
        if one.shows != "not_assessable"
        and not one.reader.startswith(ADJUDICATOR)
        and one.reader != CONSENSUS
    ]


def _row(study: ReviewedStudy, picture: str, first: Reading, second: Reading) -> PairRow:
    both = first.follicles is not None and second.follicles is not None
    shared = len(paired(first.follicles or [], second.follicles or []).pairs) if both else 0
    return PairRow(
        group=study.patient_group,
        picture=picture,
        first=first.reader,
        second=second.reader,
        shared=shared,
        first_count=len(first.follicles or []) if both else None,
        second_count=len(second.follicles or []) if both else None,
        ovary_dice=_ovary_dice(first, second),
        read_at=max(first.read_at, second.read_at),
    )


def _ovary_dice(first: Reading, second: Reading) -> float | None:
    """Dice of the outlines that fit best; None unless both outlined an ovary."""
    if not first.ovaries or not second.ovaries:
        return None
    return max(outline_dice(a, b) for a in first.ovaries for b in second.ovaries)


def agreement_of_pairs(rows: Sequence[PairRow], *, rounds: int = ROUNDS) -> tuple[Agreement, ...]:
    """Agreement of every two readers who read a picture in common.

    Args:
        rows: As of ``pair_rows``.
        rounds: Bootstrap rounds.

    Returns:
        By pair.
    """
    pairs = sorted({(row.first, row.second) for row in rows})
    return tuple(
        _agreement([r for r in rows if (r.first, r.second) == pair], *pair, rounds=rounds)
        for pair in pairs
    )


def agreement_of_readers(rows: Sequence[PairRow], *, rounds: int = ROUNDS) -> tuple[Agreement, ...]:
    """Agreement of every reader with all others.

    Args:
        rows: As of ``pair_rows``.
        rounds: Bootstrap rounds.

    Returns:
        By reader.
    """
    readers = sorted({name for row in rows for name in (row.first, row.second)})
    return tuple(
        _agreement(
            [seen_by(reader, row) for row in rows if reader in (row.first, row.second)],
            reader,
            "",
            rounds=rounds,
        )
        for reader in readers
    )


def seen_by(reader: str, row: PairRow) -> PairRow:
    """The row with this reader first.

    Args:
        reader: One of the two readers of the row.
        row: The row.
    """
    if row.first == reader:
        return row
    return PairRow(
        group=row.group,
        picture=row.picture,
        first=row.second,
        second=row.first,
        shared=row.shared,
        first_count=row.second_count,
        second_count=row.first_count,
        ovary_dice=row.ovary_dice,
        read_at=row.read_at,
    )


def _agreement(rows: Sequence[PairRow], first: str, second: str, *, rounds: int) -> Agreement:
    counted = [row for row in rows if row.first_count is not None]
    outlined = [row for row in rows if row.ovary_dice is not None]
    firsts = np.array([row.first_count for row in counted], float)
    seconds = np.array([row.second_count for row in counted], float)
    shared = np.array([row.shared for row in counted], float)
    overlaps = np.array([row.ovary_dice for row in outlined], float)

    def counts(items: Items) -> float | None:
        if len(items) < FEWEST_FOR_CONCORDANCE:
            return None
        return concordance(firsts[items], seconds[items])

    return Agreement(
        first=first,
        second=second,
        f1=_measured(pooled_f1(matched=shared, predicted=firsts, true=seconds), counted, rounds),
        count_concordance=_measured(counts, counted, rounds),
        ovary_dice=_measured(lambda items: float(overlaps[items].mean()), outlined, rounds),
    )


def _measured(
    measure: Callable[[Items], float | None], rows: Sequence[PairRow], rounds: int
) -> Measured:
    return by_group(measure, [row.group for row in rows], rounds=rounds)
