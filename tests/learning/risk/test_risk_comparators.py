"""Comparators, folds, the baseline and the lesson."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.baseline import chart_of, criteria_baseline
from deeppcos.learning.risk.comparators import COMPARATORS, fit_comparator
from deeppcos.learning.risk.folds import grouped_folds, held_out_probabilities
from deeppcos.learning.risk.measures import auroc
from deeppcos.learning.risk.table import read_table

from .conftest import drawn_rows

pytest.importorskip("sklearn")
pytest.importorskip("imblearn")


def drawn(n: int = 150) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features with unknowns, labels, groups of two rows."""
    rng = np.random.default_rng(0)
    label = rng.random(n) < 0.4
    features = rng.normal(size=(n, 12)) + 0.9 * label[:, None] * (np.arange(12) < 4)
    features[rng.random(features.shape) < 0.05] = np.nan
    return features, label, [f"w{i // 2}" for i in range(n)]


def test_folds_keep_a_woman_on_one_side_and_hold_everybody_out_once() -> None:
    _, label, groups = drawn()
    names = np.array(groups)
    seen: list[int] = []
    for training, test in grouped_folds(label, groups, repeat=0):
        assert set(names[training]) & set(names[test]) == set()
        seen += test.tolist()
    assert sorted(seen) == list(range(label.size))


def test_a_class_with_fewer_women_than_folds_is_refused() -> None:
    label = np.array([True] * 3 + [False] * 30)
    with pytest.raises(InvalidInput, match="too few women of one class"):
        list(grouped_folds(label, [f"{i}" for i in range(33)], repeat=0))


QUICK = {
    "logistic regression",
    "gradient boosting (LightGBM)",
    "nearest neighbours",
    "decision tree",
    "chi-square, then logistic",
    "SelectKBest (F), then logistic",
}


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in COMPARATORS]
)
def test_every_comparator_learns_from_tables_with_unknowns(name: str) -> None:
    pytest.importorskip("lightgbm")
    pytest.importorskip("interpret")
    features, label, _ = drawn()
    chance = fit_comparator(name)(features, label, [], 0)(features)
    assert ((chance >= 0) & (chance <= 1)).all()
    assert (auroc(chance, label) or 0) > 0.75


@pytest.mark.slow
def test_resampling_before_splitting_finds_signal_in_noise_and_inside_the_folds_does_not() -> None:
    from deeppcos.learning.risk.lesson import resampled_before, resampled_inside

    rng = np.random.default_rng(1)
    label = rng.random(160) < 0.3
    noise = rng.random((160, 20))
    groups = tuple(f"w{i}" for i in range(160))
    name = "ADASYN + edited neighbours"
    wrong = resampled_before(name, noise, label, rounds=20)
    right = resampled_inside(name, noise, label, groups, rounds=20)
    assert (wrong.auroc.value or 0) > 0.85
    assert (right.auroc.value or 1) < 0.65
    assert wrong.n_real < wrong.n_scored
    assert right.n_real == right.n_scored == 160


def test_nothing_of_the_held_out_women_reaches_a_fit() -> None:
    features, label, groups = drawn()

    def fit(x: np.ndarray, y: np.ndarray, g: object, seed: int) -> Callable[..., np.ndarray]:
        inside = {row.tobytes() for row in x}
        return lambda held: np.array([float(row.tobytes() in inside) for row in held])

    assert held_out_probabilities(fit, features, label, groups, repeats=2).max() == 0.0


def test_a_row_becomes_a_chart_without_an_invented_interval_or_hair_score(
    tmp_path: Path,
) -> None:
    from .conftest import write_rows

    table = read_table(write_rows(tmp_path / "w.csv", drawn_rows()))
    chart = chart_of(table.values[0])
    assert chart.cycles.interval_days is None
    assert chart.signs.mfg_score is None
    assert chart.cycles.bleeding_days is not None


def test_the_rule_engine_leaves_such_rows_open_and_the_count_still_tells(tmp_path: Path) -> None:
    from .conftest import write_rows

    table = read_table(write_rows(tmp_path / "w.csv", drawn_rows(80)))
    baseline = criteria_baseline(table, profile="rotterdam_2003")
    assert set(baseline.engine) <= {
        "indeterminate",
        "exclusion_incomplete",
        "other_cause_suspected",
    }
    assert (
        baseline.reported_count[table.label].mean() > baseline.reported_count[~table.label].mean()
    )
    assert np.array_equal(baseline.reported_met, baseline.reported_count >= 2)
