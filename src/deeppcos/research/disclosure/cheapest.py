"""The cheapest set that meets every one of many sets.

Owns the whole-number programme. What the sets are is the business of ``protect``.
"""

from collections.abc import Mapping, Sequence

MOST_NODES = 2000
"""Branches of one programme; the best set found by then is taken, which may cost more. A limit of
time would make what is released depend on how busy the machine is."""

Key = tuple[str, ...]


def cheapest_hitting_set(
    sets: Sequence[frozenset[Key]], prices: Mapping[Key, float]
) -> frozenset[Key]:
    """Choose at least one of every set, at the least price together.

    Args:
        sets: The sets, none empty.
        prices: Price of everything in them, above zero.

    Returns:
        What was chosen; the same for the same question.

    Examples:
        >>> a, b, c = ("a",), ("b",), ("c",)
        >>> chosen = cheapest_hitting_set(
        ...     [frozenset({a, b}), frozenset({b, c})], {a: 1.0, b: 1.5, c: 1.0})
        >>> chosen == {b}
        True
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix

    names = sorted(frozenset[Key]().union(*sets))
    place = {name: number for number, name in enumerate(names)}
    distinct = sorted(set(sets), key=sorted)
    cells = [(row, place[name]) for row, one in enumerate(distinct) for name in one]
    rows, columns = ([cell[n] for cell in cells] for n in (0, 1))
    matrix = csr_matrix((np.ones(len(cells)), (rows, columns)), shape=(len(distinct), len(names)))
    found = milp(
        np.array([prices[name] for name in names]),
        constraints=LinearConstraint(matrix, lb=1.0),
        integrality=np.ones(len(names)),
        bounds=Bounds(0, 1),
        options={"node_limit": MOST_NODES},
    )
    if found.x is None:  # out of branches without any set: all of them is one
        return frozenset(names)
    return frozenset(name for name in names if found.x[place[name]] > 0.5)
