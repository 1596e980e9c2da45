"""Who learns and who is measured: whole patients, and nobody both."""

from collections.abc import Callable
from dataclasses import replace

import pytest

pytest.importorskip("torch")

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.samples import Sample
from deeppcos.learning.splits import fold_of
from deeppcos.learning.train.sides import (
    HELD_OUT_FOLD,
    SPLIT_SALT,
    refuse_unfit,
    split_samples,
    validation_side,
)

Make = Callable[..., Sample]


def test_one_fold_of_groups_is_held_out_and_synthetic_scenes_never(make_sample: Make) -> None:
    real = [make_sample(n) for n in range(40)]
    scenes = [make_sample(n, source="synthetic") for n in range(20)]
    split = split_samples([*real, *scenes])
    assert {s.source for s in split.held_out} == {"mmotu"}
    for one in split.held_out:
        assert fold_of(one.group, folds=5, salt=SPLIT_SALT) == HELD_OUT_FOLD
    assert len(split.training) + len(split.held_out) == 60
    assert 2 <= len(split.held_out) <= 16


def test_a_group_of_two_kinds_that_would_be_divided_is_refused(make_sample: Make) -> None:
    shared = next(
        g
        for g in (f"g{n}" for n in range(200))
        if fold_of(g, folds=2, salt=SPLIT_SALT) == 1
        and fold_of(g, folds=5, salt=SPLIT_SALT) != HELD_OUT_FOLD
    )
    first, second = make_sample(1), make_sample(2, kind="neither")
    with pytest.raises(ContractBroken, match="both sides"):
        split_samples([replace(first, group=shared), replace(second, group=shared)])


def test_learning_from_the_held_out_fold_is_refused(make_sample: Make) -> None:
    samples = [make_sample(n, kind=k) for n in range(20) for k in ("ovary", "lesion")]
    with pytest.raises(InvalidInput, match="held-out fold are among those to learn from"):
        refuse_unfit(samples)
    refuse_unfit(split_samples(samples).training)


@pytest.mark.parametrize(
    ("kinds", "missing"),
    [
        pytest.param(("ovary",), "an outlined lesion", id="no lesion"),
        pytest.param(("lesion",), "an outlined ovary and none with follicle marks", id="no ovary"),
    ],
)
def test_a_class_without_an_example_is_refused(
    kinds: tuple[str, ...], missing: str, make_sample: Make
) -> None:
    samples = [make_sample(n, kind=kind) for n in range(20) for kind in kinds]
    with pytest.raises(InvalidInput, match=missing):
        refuse_unfit(split_samples(samples).training)


def test_validation_groups_come_from_the_training_side_and_leave_it(
    few_samples: tuple[Sample, ...],
) -> None:
    sides = validation_side(few_samples, fold=3)
    assert sides.held_out
    assert {s.group for s in sides.training}.isdisjoint(s.group for s in sides.held_out)
    assert len(sides.training) + len(sides.held_out) == len(few_samples)
    assert all(fold_of(s.group, folds=5, salt=SPLIT_SALT) == 3 for s in sides.held_out)


def test_an_empty_validation_fold_is_refused(make_sample: Make) -> None:
    scenes = [make_sample(n, source="synthetic") for n in range(4)]
    with pytest.raises(InvalidInput, match="one side empty"):
        validation_side(scenes, fold=0)
