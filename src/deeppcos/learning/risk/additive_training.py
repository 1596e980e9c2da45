"""Fitting the shipped model: boosted stumps, monotone where medicine says so, then calibrated.

Owns the fit inside one training set. Holding women out is the business of ``folds``; the
reasons for each monotone constraint stand in ``dictionary``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.errors import ContractBroken
from deeppcos.learning.risk.additive import AdditiveModel, Conformal, StepFunction
from deeppcos.learning.risk.conformal import fit_conformal
from deeppcos.learning.risk.dictionary import BY_NAME
from deeppcos.learning.risk.folds import Fitted, grouped_folds
from deeppcos.learning.risk.measures import logistic_line

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 200
MASKED_COPIES = 3
MOST_MASKED = 0.6
"""Each woman is also shown with up to this share of her values unknown, so that unknown values
get a score of their own: the tables that teach have almost none, the charts of practice many."""

_PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 2,
    "max_depth": 1,
    "min_data_in_leaf": 20 * (MASKED_COPIES + 1),
    "lambda_l2": 5.0,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.7,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRisk:
    """A calibrated model and what held-out women say about its certainty.

    Attributes:
        model: The additive model.
        conformal: Label sets and intervals.
    """

    model: AdditiveModel
    conformal: Conformal


def fit_risk(
    features: Floats, label: Flags, groups: Sequence[str], *, names: Sequence[str], seed: int
) -> FittedRisk:
    """Fit, calibrate on women held out inside the training set, and measure certainty there.

    Args:
        features: Of shape (n_women, n_features), NaN unknown.
        label: Of shape (n_women,).
        groups: Group of each row.
        names: Names of the columns, for the constraints.
        seed: Seed of masks and draws.

    Returns:
        The calibrated model; its slope is positive, so constraints survive calibration.
    """
    raw = np.full(label.size, np.nan)
    for training, held_out in grouped_folds(label, groups, repeat=seed):
        inner = fit_stumps(features[training], label[training], names=names, seed=seed)
        raw[held_out] = inner.score(features[held_out])
    slope, intercept = logistic_line(raw, label)
    if slope <= 0:
        # Nothing was learned; an upside-down model must not come out of calibration.
        slope, intercept = 0.0, float(np.log(label.mean() / (1 - label.mean())))
    whole = fit_stumps(features, label, names=names, seed=seed)
    return FittedRisk(
        model=_rescaled(whole, slope=slope, intercept=intercept),
        conformal=fit_conformal(slope * raw + intercept, label),
    )


def risk_fitter(names: Sequence[str]) -> Any:
    """The fitting function of these features, as ``held_out_probabilities`` takes it."""

    def fit(features: Floats, label: Flags, groups: Sequence[str], seed: int) -> Fitted:
        return fit_risk(features, label, groups, names=names, seed=seed).model.probability

    return fit


def fit_stumps(features: Floats, label: Flags, *, names: Sequence[str], seed: int) -> AdditiveModel:
    """Boosted trees of one split each, read back as one step function a feature.

    Raises:
        ContractBroken: If the step functions do not repeat the boosted trees.
    """
    import lightgbm

    shown, repeated = masked_copies(features, label, seed=seed)
    parameters = {
        **_PARAMETERS,
        "seed": seed,
        "monotone_constraints": [int(BY_NAME[name].direction) for name in names],
    }
    data = lightgbm.Dataset(shown, repeated.astype(float))
    booster = lightgbm.train(parameters, data, ROUNDS)
    model = _centred(_as_steps(booster.dump_model(), names), features)
    expected = np.asarray(booster.predict(shown, raw_score=True), dtype=np.float64)
    if not np.allclose(model.score(shown), expected, atol=1e-6):
        raise ContractBroken(
            "the step functions do not repeat the boosted trees",
            value=f"differ by {np.abs(model.score(shown) - expected).max():.2g}",
            accepted="1e-6",
            remedy="pin LightGBM to a version this was tested with",
        )
    return model


def masked_copies(features: Floats, label: Flags, *, seed: int) -> tuple[Floats, Flags]:
    """The women as they are, and copies with values hidden at random.

    Returns:
        Features of shape ((1 + MASKED_COPIES) * n_women, n_features), and their labels.
    """
    rng = np.random.default_rng(seed)
    copies = [features]
    for _ in range(MASKED_COPIES):
        share = rng.uniform(0, MOST_MASKED, (len(features), 1))
        copies.append(np.where(rng.random(features.shape) < share, np.nan, features))
    return np.vstack(copies), np.tile(label, MASKED_COPIES + 1)


def _as_steps(dump: dict[str, Any], names: Sequence[str]) -> AdditiveModel:
    """The trees of a dumped booster as step functions."""
    splits: dict[int, list[dict[str, Any]]] = {place: [] for place in range(len(names))}
    base = 0.0
    for tree in dump["tree_info"]:
        root = tree["tree_structure"]
        if "split_feature" in root:
            splits[root["split_feature"]].append(root)
        else:
            base += root["leaf_value"]
    steps = tuple(_step(name, splits[place]) for place, name in enumerate(names))
    return AdditiveModel(base=base, steps=steps)


def _step(name: str, splits: list[dict[str, Any]]) -> StepFunction:
    """One feature's splits added up."""
    edges = sorted({split["threshold"] for split in splits})
    scores = np.zeros(len(edges) + 1)
    unknown = 0.0
    for split in splits:
        place = edges.index(split["threshold"])
        left, right = (split[f"{side}_child"]["leaf_value"] for side in ("left", "right"))
        scores[: place + 1] += left
        scores[place + 1 :] += right
        unknown += left if split["default_left"] else right
    return StepFunction(
        name=name, edges=tuple(edges), scores=tuple(scores.tolist()), unknown=unknown
    )


def _centred(model: AdditiveModel, features: Floats) -> AdditiveModel:
    """The same model with each part's mean over the training women moved into the base."""
    means = model.contributions(features).mean(axis=0)
    return AdditiveModel(
        base=model.base + float(means.sum()),
        steps=tuple(
            _mapped(step, slope=1.0, shift=-float(mean))
            for step, mean in zip(model.steps, means, strict=True)
        ),
    )


def _rescaled(model: AdditiveModel, *, slope: float, intercept: float) -> AdditiveModel:
    """The same model with its log-odds on the calibration line."""
    return AdditiveModel(
        base=slope * model.base + intercept,
        steps=tuple(_mapped(step, slope=slope, shift=0.0) for step in model.steps),
    )


def _mapped(step: StepFunction, *, slope: float, shift: float) -> StepFunction:
    """A step function on another scale."""
    return StepFunction(
        name=step.name,
        edges=step.edges,
        scores=tuple(slope * score + shift for score in step.scores),
        unknown=slope * step.unknown + shift,
    )
