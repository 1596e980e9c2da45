"""On which patients a comparator learns and on which it is measured.

Two ways, side by side: ``grouped``, every picture judged by a model that never saw its patient;
and ``given``, the split that came with a set, which is what most papers report.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.grouped_split import grouped_folds
from deeppcos.learning.classify.examples import Example

LEAST_GROUPS_A_CLASS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Numbers of the examples to learn from and to be measured on."""

    learning: tuple[int, ...]
    measured: tuple[int, ...]


def grouped(examples: Sequence[Example], *, folds: int) -> Iterator[Fold]:
    """Folds of whole groups, classes spread evenly.

    Args:
        examples: Every example.
        folds: At most so many; fewer where a class has fewer groups.

    Yields:
        Folds; every example is measured once.

    Raises:
        InvalidInput: If a class has fewer than two groups: learned from one, it cannot be measured.
    """
    labels = [one.label for one in examples]
    fewest = min(
        (len({e.group for e in examples if e.label == label}), label) for label in set(labels)
    )
    if fewest[0] < LEAST_GROUPS_A_CLASS:
        raise InvalidInput(
            f"class {fewest[1]} comes from {fewest[0]} source",
            accepted=f"at least {LEAST_GROUPS_A_CLASS} patients or photographs a class",
            remedy="nothing can be learned about this class that could be measured",
        )
    numbers = {group: n for n, group in enumerate(sorted({e.group for e in examples}))}
    placed = grouped_folds(
        [numbers[e.group] for e in examples], list(labels), folds=min(folds, fewest[0])
    )
    for fold in sorted(set(placed)):
        yield Fold(
            learning=tuple(i for i, f in enumerate(placed) if f != fold),
            measured=tuple(i for i, f in enumerate(placed) if f == fold),
        )


def given(examples: Sequence[Example]) -> Iterator[Fold]:
    """The split that came with the set, to be shown beside the grouped one and never alone.

    Args:
        examples: Every example.

    Yields:
        One fold.

    Raises:
        InvalidInput: If the set has no split of its own.
    """
    learning = tuple(i for i, e in enumerate(examples) if e.side == "train")
    measured = tuple(i for i, e in enumerate(examples) if e.side == "test")
    if not learning or not measured:
        raise InvalidInput("the set has no split of its own", accepted="folders train and test")
    yield Fold(learning=learning, measured=measured)


def crossing(examples: Sequence[Example], fold: Fold) -> int:
    """How many measured pictures have their own patient or photograph among those learned from.

    Args:
        examples: Every example.
        fold: The fold.

    Returns:
        Number of pictures.
    """
    known = {examples[i].group for i in fold.learning}
    return sum(examples[i].group in known for i in fold.measured)
