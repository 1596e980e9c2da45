"""The one-to-one pairing with the greatest total overlap.

Owns the assignment problem and nothing else: what is paired is the business of
``section_linking``. SciPy has the same and is not worth its size for one function.
"""

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def best_pairs(overlap: Matrix, *, least: float) -> list[tuple[int, int]]:
    """The one-to-one pairing with the greatest total overlap.

    Args:
        overlap: ``(n, m)``, 0 to 1.
        least: Overlaps below this are no pair.

    Returns:
        Row and column of each pair.

    Examples:
        >>> best_pairs(np.array([[0.9, 0.8], [0.8, 0.1]]), least=0.3)
        [(0, 1), (1, 0)]
    """
    allowed = np.where(overlap >= least, overlap, 0.0)
    rows = np.flatnonzero(allowed.any(axis=1))
    columns = np.flatnonzero(allowed.any(axis=0))
    if not rows.size:
        return []
    part = allowed[np.ix_(rows, columns)]
    if part.shape[0] <= part.shape[1]:
        pairs = [(row, column) for row, column in enumerate(_assignment(-part))]
    else:
        pairs = [(row, column) for column, row in enumerate(_assignment(-part.T))]
    kept = [(int(rows[r]), int(columns[c])) for r, c in pairs if part[r, c] > 0]
    return sorted(kept)


def _assignment(cost: Matrix) -> list[int]:
    """Column of each row in the cheapest assignment; ``cost`` has at least as many columns.

    Shortest augmenting paths with potentials (Kuhn-Munkres, Jonker-Volgenant).
    """
    n, m = cost.shape
    row_price, column_price = np.zeros(n + 1), np.zeros(m + 1)
    owner, came_from = np.zeros(m + 1, dtype=int), np.zeros(m + 1, dtype=int)
    for row in range(1, n + 1):
        owner[0], column = row, 0
        nearest, visited = np.full(m + 1, np.inf), np.zeros(m + 1, dtype=bool)
        while owner[column] != 0 or column == 0:
            visited[column] = True
            reduced = cost[owner[column] - 1] - row_price[owner[column]] - column_price[1:]
            closer = ~visited[1:] & (reduced < nearest[1:])
            nearest[1:][closer] = reduced[closer]
            came_from[1:][closer] = column
            following = int(np.argmin(np.where(visited, np.inf, nearest)))
            step = nearest[following]
            row_price[owner[visited]] += step
            column_price[visited] -= step
            nearest[~visited] -= step
            column = following
        while column != 0:
            owner[column] = owner[came_from[column]]
            column = int(came_from[column])
    columns = np.zeros(n, dtype=int)
    columns[owner[1:][owner[1:] > 0] - 1] = np.flatnonzero(owner[1:] > 0)
    return [int(column) for column in columns]
