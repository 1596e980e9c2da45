"""Whether a reader changes over time, against what the others say of the same pictures.

Owns the comparison of earlier with later readings. A change is no verdict on the reader: the
pictures may have changed. It says whom to ask.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deeppcos.learning.feedback.agreement import ROUNDS, PairRow, seen_by
from deeppcos.learning.metrics import Items, Measured, by_group, pooled_f1

FEWEST_PICTURES = 20
"""Below this nothing is said about drift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderDrift:
    """How a reader's later half differs from the earlier half.

    Attributes:
        reader: Pseudonym.
        pictures: Compared readings.
        f1_change: Later minus earlier F1 with the others.
        count_change: Later minus earlier mean of own minus others' counts, follicles: above 0
            the reader marks more than before.
        has_changed: Whether an interval leaves out 0; None below ``FEWEST_PICTURES``.
    """

    reader: str
    pictures: int
    f1_change: Measured
    count_change: Measured
    has_changed: bool | None


def drift_of_readers(rows: Sequence[PairRow], *, rounds: int = ROUNDS) -> tuple[ReaderDrift, ...]:
    """The change of every reader.

    Args:
        rows: As of ``agreement.pair_rows``.
        rounds: Bootstrap rounds.

    Returns:
        By reader.
    """
    readers = sorted({name for row in rows for name in (row.first, row.second)})
    return tuple(
        _drift(
            reader,
            [
                seen_by(reader, row)
                for row in sorted(rows, key=lambda row: (row.read_at, row.picture))
                if reader in (row.first, row.second) and row.first_count is not None
            ],
            rounds,
        )
        for reader in readers
    )


def _drift(reader: str, rows: Sequence[PairRow], rounds: int) -> ReaderDrift:
    """Halves by time; rows stand in order."""
    groups = [row.group for row in rows]
    is_late = np.arange(len(rows)) >= len(rows) / 2
    own = np.array([row.first_count for row in rows], float)
    others = np.array([row.second_count for row in rows], float)
    shared = np.array([row.shared for row in rows], float)

    found = pooled_f1(matched=shared, predicted=own, true=others)

    def f1_change(items: Items) -> float | None:
        late, early = items[is_late[items]], items[~is_late[items]]
        return found(late) - found(early) if len(late) and len(early) else None

    def count_change(items: Items) -> float | None:
        late, early = items[is_late[items]], items[~is_late[items]]
        if not len(late) or not len(early):
            return None
        apart = own - others
        return float(apart[late].mean() - apart[early].mean())

    by_f1 = by_group(f1_change, groups, rounds=rounds)
    by_count = by_group(count_change, groups, rounds=rounds)
    changed = _leaves_out_zero(by_f1) or _leaves_out_zero(by_count)
    return ReaderDrift(
        reader=reader,
        pictures=len(rows),
        f1_change=by_f1,
        count_change=by_count,
        has_changed=changed if len(rows) >= FEWEST_PICTURES else None,
    )


def _leaves_out_zero(measured: Measured) -> bool:
    if measured.low is None or measured.high is None:
        return False
    return measured.low > 0 or measured.high < 0
