"""The lesson: the same recipe with its steps before the split, and inside the folds.

Owns reproducing the popular recipe (select, balance, then split) and doing it right. Its wrong
half exists to be shown beside the right one; nothing else may use it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.learning.metrics import Measured
from deeppcos.learning.risk.folds import held_out_probabilities
from deeppcos.learning.risk.measures import auroc, over_repeats

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

KEPT = 10
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One way of running a recipe.

    Attributes:
        resampler: How classes were balanced.
        is_right: Whether every step stood inside the fold and real women alone were scored.
        accuracy: At one half.
        auroc: Area under the curve.
        n_scored: Rows scored; the wrong way scores made-up rows too.
        n_real: Real women among them.
    """

    resampler: str
    is_right: bool
    accuracy: Measured
    auroc: Measured
    n_scored: int
    n_real: int


def resamplers(seed: int) -> dict[str, Any]:
    """The resamplers of the popular recipes."""
    from imblearn.over_sampling import ADASYN, SMOTE
    from imblearn.under_sampling import EditedNearestNeighbours

    edited = EditedNearestNeighbours(sampling_strategy="all", kind_sel="mode")
    return {
        "SMOTE": _Chain(SMOTE(random_state=seed)),
        "ADASYN": _Chain(ADASYN(random_state=seed)),
        "ADASYN + edited neighbours": _Chain(ADASYN(random_state=seed), edited),
    }


class _Chain:
    """Resamplers one after another; the interface of one."""

    def __init__(self, *resamplers: Any) -> None:
        self.resamplers = resamplers

    def fit_resample(self, rows: Any, labels: Any) -> tuple[Any, Any]:
        """Rows and labels after every resampler."""
        for resampler in self.resamplers:
            rows, labels = resampler.fit_resample(rows, labels)
        return rows, labels


def resampled_before(
    name: str, features: Floats, label: Flags, *, seed: int = 0, rounds: int = 500
) -> Outcome:
    """The popular recipe: fill, scale, select and balance on everything, then split.

    Args:
        name: Resampler.
        features: Of shape (n_women, n_features), NaN unknown.
        label: Of shape (n_women,).
        seed: Seed of every draw.
        rounds: Bootstrap rounds; rows are drawn as if independent, as the recipe takes them.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        prepared = _preparation().fit_transform(features, label.astype(int))
        rows, labels = resamplers(seed)[name].fit_resample(prepared, label.astype(int))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        chance = cross_val_predict(_forest(seed), rows, labels, cv=folds, method="predict_proba")
    probability, truth = chance[:, 1], np.asarray(labels, dtype=bool)
    real = {row.tobytes() for row in np.ascontiguousarray(prepared)}
    n_real = sum(row.tobytes() in real for row in np.ascontiguousarray(rows))
    return _outcome(
        name,
        probability[None],
        truth,
        groups=[f"{i:06d}" for i in range(truth.size)],
        is_right=False,
        n_real=n_real,
        rounds=rounds,
    )


def resampled_inside(
    name: str,
    features: Floats,
    label: Flags,
    groups: tuple[str, ...],
    *,
    seed: int = 0,
    rounds: int = 500,
) -> Outcome:
    """The same steps inside each fold, women kept together, real women scored once each."""

    def fit(x: Floats, y: Flags, _: Any, repeat: int) -> Any:
        prepare = _preparation().fit(x, y.astype(int))
        balanced = resamplers(seed + repeat)[name].fit_resample(prepare.transform(x), y.astype(int))
        model = _forest(seed + repeat).fit(*balanced)
        return lambda held_out: model.predict_proba(prepare.transform(held_out))[:, 1]

    chance = held_out_probabilities(fit, features, label, groups, repeats=1)
    return _outcome(
        name, chance, label, groups=list(groups), is_right=True, n_real=label.size, rounds=rounds
    )


def _preparation() -> Any:
    """Fill, scale to [0, 1], keep the columns with the largest chi-square."""
    from sklearn.feature_selection import SelectKBest, chi2
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(fill, MinMaxScaler(clip=True), SelectKBest(chi2, k=KEPT))


def _forest(seed: int) -> Any:
    """The forest of the recipe."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, random_state=seed)


def _outcome(
    name: str,
    probabilities: Floats,
    label: Flags,
    *,
    groups: list[str],
    is_right: bool,
    n_real: int,
    rounds: int,
) -> Outcome:
    """The two figures such papers print."""

    def accuracy(p: Floats, y: Flags) -> float:
        return float(((p >= 0.5) == y).mean())

    return Outcome(
        resampler=name,
        is_right=is_right,
        accuracy=over_repeats(accuracy, probabilities, label, groups, rounds=rounds),
        auroc=over_repeats(auroc, probabilities, label, groups, rounds=rounds),
        n_scored=label.size,
        n_real=n_real,
    )
