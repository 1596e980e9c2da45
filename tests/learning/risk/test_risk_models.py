"""The shipped model: its sum, its constraints, unknown values, certainty, and its file."""

import json
from pathlib import Path

import numpy as np
import pytest

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.risk.additive import AdditiveModel
from deeppcos.learning.risk.dictionary import BY_NAME, Direction, Tier, feature_names
from deeppcos.learning.risk.measures import auroc, logistic_line, net_benefit
from deeppcos.learning.risk.release_file import SHIPPED, load_release, write_release

pytest.importorskip("lightgbm")
from deeppcos.learning.risk.additive_training import (
    fit_risk,
    fit_stumps,
    masked_copies,
)

NAMES = ("age_years", "body_mass_index", "cycle_irregular", "bleeding_days")


def drawn(n: int = 400, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features, labels and groups of women who do not exist."""
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.35
    features = np.column_stack(
        [
            rng.normal(31, 5, n) - 2 * label,
            rng.normal(24, 4, n) + 2 * label,
            (rng.random(n) < 0.15 + 0.4 * label).astype(float),
            rng.normal(5, 1, n),
        ]
    )
    return features, label, [f"w{i}" for i in range(n)]


@pytest.fixture(scope="module")
def model() -> AdditiveModel:
    """Boosted stumps on drawn women."""
    features, label, _ = drawn()
    return fit_stumps(features, label, names=NAMES, seed=0)


def test_contributions_add_up_to_the_score(model: AdditiveModel) -> None:
    features, _, _ = drawn(50, seed=3)
    parts = model.contributions(features)
    assert model.base + parts.sum(axis=1) == pytest.approx(model.score(features))


@pytest.mark.slow
def test_contributions_are_the_exact_shapley_values(model: AdditiveModel) -> None:
    shap = pytest.importorskip("shap")
    background, _, _ = drawn()
    women, _, _ = drawn(5, seed=9)
    explainer = shap.explainers.Exact(model.score, shap.maskers.Independent(background, 400))
    assert model.contributions(women) == pytest.approx(explainer(women).values, abs=1e-6)


def test_each_constraint_of_the_dictionary_holds_in_the_step_functions(
    model: AdditiveModel,
) -> None:
    for step in model.steps:
        rises = np.diff(step.scores)
        direction = BY_NAME[step.name].direction
        if direction is Direction.RISING:
            assert (rises >= -1e-9).all(), step.name
        elif direction is Direction.FALLING:
            assert (rises <= 1e-9).all(), step.name


def test_an_unknown_value_has_a_score_of_its_own(model: AdditiveModel) -> None:
    irregular = next(s for s in model.steps if s.name == "cycle_irregular")
    regular, reported = irregular.of(np.array([0.0, 1.0]))
    assert regular < irregular.unknown < reported


def test_hidden_copies_keep_the_women_and_hide_values_at_random() -> None:
    features, label, _ = drawn()
    shown, repeated = masked_copies(features, label, seed=0)
    assert np.array_equal(shown[: len(features)], features)
    assert len(shown) == len(repeated) == 4 * len(features)
    assert 0.2 < np.isnan(shown[len(features) :]).mean() < 0.4


def test_a_fit_is_calibrated_and_its_label_sets_cover_new_women() -> None:
    features, label, groups = drawn(800)
    fitted = fit_risk(features, label, groups, names=NAMES, seed=0)
    new, truth, _ = drawn(2000, seed=5)
    scores = fitted.model.score(new)
    assert auroc(scores, truth) == pytest.approx(0.79, abs=0.06)
    assert logistic_line(scores, truth)[0] == pytest.approx(1.0, abs=0.25)
    covered = [
        bool(y) in fitted.conformal.label_set(float(s)) for s, y in zip(scores, truth, strict=True)
    ]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.04)


def test_the_same_seed_gives_the_same_model() -> None:
    features, label, _ = drawn(200)
    first = fit_stumps(features, label, names=NAMES, seed=4)
    assert fit_stumps(features, label, names=NAMES, seed=4) == first


def test_acting_on_nobody_has_no_net_benefit() -> None:
    label = np.array([True, False, False, False])
    assert net_benefit(np.zeros(4), label, threshold=0.3) == 0.0
    everybody = net_benefit(np.ones(4), label, threshold=0.25)
    assert everybody == pytest.approx(0.25 - 0.75 / 3)


def test_the_shipped_release_is_small_complete_and_names_no_row() -> None:
    assert SHIPPED.stat().st_size < 500_000
    release = load_release()
    assert {(m.tier, m.with_label_defining) for m in release.models} == {
        (tier, flag) for tier in Tier for flag in (True, False)
    }
    for model in release.models:
        names = feature_names(model.tier, with_label_defining=model.with_label_defining)
        assert model.fitted.model.names == names
        assert 0.8 < (model.figures["auroc"].value or 0) < 0.97


def test_the_shipped_models_keep_every_constraint() -> None:
    for model in load_release().models:
        for step in model.fitted.model.steps:
            signed = np.diff(step.scores) * int(BY_NAME[step.name].direction)
            assert (signed >= -1e-6).all(), (model.tier, step.name)


def test_a_release_written_and_read_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "risk.json"
    release = load_release()
    write_release(release, path)
    assert path.read_bytes() == SHIPPED.read_bytes()


def test_a_release_changed_by_hand_is_refused(tmp_path: Path) -> None:
    document = json.loads(SHIPPED.read_text(encoding="utf-8"))
    document["models"][0]["base"] += 1
    changed = tmp_path / "risk.json"
    changed.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ContractBroken, match="changed after it was written"):
        load_release(changed)


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_a_file_that_is_no_release_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "risk.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match="is no risk release"):
        load_release(path)
