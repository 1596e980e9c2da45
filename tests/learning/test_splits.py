"""Groups that share anything stay together, and folds stay where they are."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from deeppcos.learning.splits import crossing_groups, fold_of, joined_groups

names = st.text("abcdefgh", min_size=1, max_size=3)
identities = st.lists(st.integers(0, 12), max_size=3)
catalogues = st.dictionaries(names, identities, max_size=14)


@given(catalogues)
def test_items_that_share_an_identity_share_a_group(items: dict[str, list[int]]) -> None:
    groups = joined_groups(items)
    for one, carried in items.items():
        for other, also in items.items():
            if set(carried) & set(also):
                assert groups[one] == groups[other]


@given(catalogues)
def test_groups_are_exactly_the_chains_of_shared_identities(items: dict[str, list[int]]) -> None:
    """Joining is transitive, and joins nothing else."""
    chains: list[tuple[set[str], set[int]]] = []
    for name, carried in items.items():
        members, known = {name}, set(carried)
        apart = []
        for others, theirs in chains:
            if known & theirs:
                members, known = members | others, known | theirs
            else:
                apart.append((others, theirs))
        chains = [*apart, (members, known)]
    groups = joined_groups(items)
    assert groups == {name: min(members) for members, _ in chains for name in members}


@given(catalogues)
def test_the_order_of_items_does_not_matter(items: dict[str, list[int]]) -> None:
    turned = dict(reversed(items.items()))
    assert joined_groups(turned) == joined_groups(items)


@given(catalogues, st.integers(2, 7))
def test_no_group_stands_on_both_sides_of_a_split(items: dict[str, list[int]], folds: int) -> None:
    groups = joined_groups(items)
    held_out = {n for n, g in groups.items() if fold_of(g, folds=folds, salt="s") == 0}
    training = set(groups) - held_out
    assert not crossing_groups((groups[n] for n in training), (groups[n] for n in held_out))
    for one in training:
        for other in held_out:
            assert not set(items[one]) & set(items[other])


def test_an_identity_named_like_an_item_does_not_join_it() -> None:
    assert joined_groups({"a": ["b"], "b": []}) == {"a": "a", "b": "b"}


def test_a_crossing_group_is_named() -> None:
    assert crossing_groups(["a", "b"], ["b", "c"]) == {"b"}


def test_folds_are_the_same_on_every_machine() -> None:
    found = [fold_of(f"mmotu/{n}", folds=5, salt="deeppcos-2") for n in range(12)]
    assert found == [2, 2, 1, 3, 2, 2, 0, 0, 4, 1, 3, 1]


@given(names, st.integers(1, 9))
def test_a_fold_is_one_of_those_there_are(group: str, folds: int) -> None:
    assert 0 <= fold_of(group, folds=folds, salt="x") < folds


def test_folds_are_about_equally_full_and_another_salt_gives_others() -> None:
    groups = [f"g{n}" for n in range(1000)]
    sizes = Counter(fold_of(g, folds=5, salt="one") for g in groups)
    assert min(sizes.values()) > 150
    moved = sum(fold_of(g, folds=5, salt="one") != fold_of(g, folds=5, salt="two") for g in groups)
    assert 700 < moved < 900
