"""The same woman twice: rows that agree on too many rare values.

Owns finding groups within one table. Joining shared identities is ``learning.splits``.
"""

import numpy as np
import numpy.typing as npt

from deeppcos.learning.splits import joined_groups

SAME_WOMAN_NATS = 30.0
"""Agreement, in log-odds against chance, from which two rows are taken for one woman.

Project rule. A table of 600 women has e^12 pairs, so chance agreement of independent columns
reaches it in e^-18 of the tables. In the 541-woman table no pair lies between 23 and 43.
"""
FEWEST_VALUES = 9
"""Columns with fewer different values say little and are passed over."""


def woman_groups(columns: npt.NDArray[np.float64]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Group rows that are likely the same woman.

    Two rows score the sum of ``-log(frequency)`` over the columns on which they hold the same
    value: sharing a rare laboratory value weighs much, sharing a usual one little.

    Args:
        columns: Of shape (n_rows, n_columns), float64, NaN unknown; every numeric column of
            the table, the label and the row's own number left out.

    Returns:
        A group name for each row, and the score of each pair that was joined.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> table = rng.normal(size=(50, 12))
        >>> table[7] = table[3]
        >>> groups, scores = woman_groups(table)
        >>> groups[7] == groups[3], len(set(groups)), len(scores)
        (True, 49, 1)
    """
    n = len(columns)
    scores = np.zeros((n, n))
    for values in columns.T:
        known = np.isfinite(values)
        distinct, place, counts = np.unique(values[known], return_inverse=True, return_counts=True)
        if distinct.size < FEWEST_VALUES:
            continue
        rarity = np.zeros(n)
        rarity[known] = -np.log(counts[place] / known.sum())
        same = (values[:, None] == values[None, :]) & known[:, None]
        scores += np.where(same, rarity[:, None], 0.0)
    pairs = np.argwhere(np.triu(scores >= SAME_WOMAN_NATS, k=1))
    identities: dict[str, list[str]] = {f"{row:06d}": [f"row{row}"] for row in range(n)}
    for first, second in pairs:
        identities[f"{second:06d}"].append(f"row{first}")
    joined = joined_groups(identities)
    groups = tuple(joined[f"{row:06d}"] for row in range(n))
    return groups, tuple(float(scores[a, b]) for a, b in pairs)
