"""A split that keeps together what belongs together.

Owns the folds. Which pictures or rows belong together is decided where copies, patients and
series are found.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

FOLDS = 5


def grouped_folds(
    groups: Sequence[int], labels: Sequence[str | None], *, folds: int = FOLDS
) -> list[int]:
    """Fold of every item, with groups whole and classes spread evenly.

    Args:
        groups: Group of each item.
        labels: Class of each item.
        folds: Number of folds.

    Returns:
        Folds from 0; fewer where there are fewer groups.

    Examples:
        >>> grouped_folds([0, 0, 1, 2], ["a", "a", "b", "a"], folds=2)
        [0, 0, 1, 1]
    """
    members: Mapping[int, Counter[str | None]] = defaultdict(Counter)
    for group, label in zip(groups, labels, strict=True):
        members[group][label] += 1
    loads: list[Counter[str | None]] = [Counter() for _ in range(min(folds, len(members)) or 1)]
    totals = Counter(labels)
    placed: dict[int, int] = {}
    for group in sorted(members, key=lambda g: (-members[g].total(), g)):
        # The classes of this group weigh by how rare they are.
        fold = min(
            range(len(loads)),
            key=lambda n: (
                sum(
                    count * (loads[n][label] + count) / totals[label]
                    for label, count in members[group].items()
                ),
                loads[n].total(),
                n,
            ),
        )
        loads[fold] += members[group]
        placed[group] = fold
    return [placed[group] for group in groups]


def random_folds(labels: Sequence[str | None], *, folds: int = FOLDS, seed: int = 0) -> list[int]:
    """The split most people make: every item by itself, classes spread evenly.

    Args:
        labels: Class of each item.
        folds: Number of folds.
        seed: Seed of the order.
    """
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(labels))
    seen: Counter[str | None] = Counter()
    placed = [0] * len(labels)
    for item in order:
        label = labels[int(item)]
        placed[int(item)] = seen[label] % folds
        seen[label] += 1
    return placed
