"""Which cells of a table of one site stay there: the rule of cohorts, applied to federated counts.

Owns the bridge between ``research.disclosure`` and ``learning.federated``, which do not know each
other.
"""

from collections.abc import Mapping

from deeppcos.research.disclosure.bounds import Fact
from deeppcos.research.disclosure.protect import protect


def withheld_cells(cells: Mapping[str, int], fewest: int) -> frozenset[str]:
    """Cells that must not be shown.

    The number of all patients counts as known, since another table may add up to it.

    Args:
        cells: Patients by cell, each patient in one.
        fewest: Fewest patients a count may stand for.

    Returns:
        The small ones, and as many more as hide them; all of them where nothing else does.

    Examples:
        >>> sorted(withheld_cells({"a": 40, "b": 30, "c": 3}, 10))
        ['b', 'c']
        >>> sorted(withheld_cells({"a": 40, "b": 30}, 10))
        []
    """
    names = sorted(name for name, patients in cells.items() if patients > 0)
    values = [cells[name] for name in names]
    facts = [
        Fact(key=(name,), atoms=frozenset({place}), value=cells[name])
        for place, name in enumerate(names)
    ]
    total = Fact(
        key=("all of them", ""),
        atoms=frozenset(range(len(names))),
        value=sum(values),
        is_fixed=True,
    )
    found = protect(values, [*facts, total], fewest=fewest)
    if not found.is_enough:
        return frozenset(names)
    return frozenset(key[0] for key in found.withheld)
