"""Splits by patient group, never by image.

Owns joining of identities (same group or near-duplicate means same patient) and the stable
assignment of groups to folds.
"""

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence


def joined_groups(
    items: Mapping[str, Sequence[Hashable]],
) -> dict[str, str]:
    """Join items that share any identity, such as a patient series or a duplicate cluster.

    Args:
        items: Item name to the identities it carries.

    Returns:
        Item name to the smallest item name of its joined group.

    Examples:
        >>> joined_groups({"a": ["s1"], "b": ["s1", "d7"], "c": ["d7"], "d": ["s2"]})
        {'a': 'a', 'b': 'a', 'c': 'a', 'd': 'd'}
    """
    parent: dict[Hashable, Hashable] = {}

    def root(key: Hashable) -> Hashable:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for name, identities in items.items():
        for identity in identities:
            parent[root(("identity", identity))] = root(("item", name))
    first: dict[Hashable, str] = {}
    for name in sorted(items):
        first.setdefault(root(("item", name)), name)
    return {name: first[root(("item", name))] for name in items}


def fold_of(group: str, *, folds: int, salt: str) -> int:
    """Fold of a group, stable across machines, runs and growing data sets.

    Args:
        group: Group name.
        folds: Number of folds.
        salt: Names the split; another salt gives another split.

    Returns:
        Fold number from 0.
    """
    digest = hashlib.sha256(f"{salt}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def crossing_groups(training: Iterable[str], held_out: Iterable[str]) -> set[str]:
    """Groups on both sides of a split: must be empty."""
    return set(training) & set(held_out)
