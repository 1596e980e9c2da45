"""The models people expect, one line each, every step fitted inside the fold.

Owns the registry. Their figures are made by ``folds`` and ``measures``; the model that is
shipped is ``additive_training``'s.

A tabular foundation model is not among them: the packages of TabPFN (9.2.0) and TabICL (2.2.0)
hold no weights and fetch them from a model hub when first used.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.learning.risk.folds import Fitted

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Make = Callable[[int], Any]
"""A seed in, a scikit-learn classifier out."""

KEPT_FEATURES = 8


def _filled(*steps: Any) -> Any:
    """A pipeline after filling unknowns with the training median."""
    from imblearn.pipeline import make_pipeline
    from sklearn.impute import SimpleImputer

    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), *steps)


def _scaled(*steps: Any) -> Any:
    """The same, scaled to unit variance."""
    from sklearn.preprocessing import StandardScaler

    return _filled(StandardScaler(), *steps)


def _in_unit_range(*steps: Any) -> Any:
    """The same, scaled to [0, 1], as chi-square needs."""
    from sklearn.preprocessing import MinMaxScaler

    return _filled(MinMaxScaler(clip=True), *steps)


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.1, max_iter=2000, random_state=seed)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, min_samples_leaf=2, random_state=seed)


def _support_vectors(seed: int) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    return CalibratedClassifierCV(SVC(C=1.0, random_state=seed), ensemble=False, cv=3)


def _neighbours(_: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(15, weights="distance")


def _tree(seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=4, min_samples_leaf=10, random_state=seed)


def _histogram_boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=120, learning_rate=0.05, random_state=seed)


def _lightgbm(seed: int) -> Any:
    from deeppcos.learning.risk.boosting import BoostedTrees

    return BoostedTrees(seed=seed)


def _explainable(seed: int) -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(
        interactions=0, outer_bags=4, max_rounds=2000, n_jobs=1, random_state=seed
    )


def _select(score: str) -> Any:
    from sklearn import feature_selection

    return feature_selection.SelectKBest(getattr(feature_selection, score), k=KEPT_FEATURES)


def _resampler(name: str, seed: int) -> Any:
    from imblearn import over_sampling, under_sampling

    if name == "EditedNearestNeighbours":
        return under_sampling.EditedNearestNeighbours()
    return getattr(over_sampling, name)(random_state=seed)


COMPARATORS: dict[str, Make] = {
    "logistic regression": lambda seed: _scaled(_logistic(seed)),
    "gradient boosting (scikit-learn)": _histogram_boosting,
    "gradient boosting (LightGBM)": _lightgbm,
    "support vector machine": lambda seed: _scaled(_support_vectors(seed)),
    "nearest neighbours": lambda seed: _scaled(_neighbours(seed)),
    "decision tree": lambda seed: _filled(_tree(seed)),
    "random forest": lambda seed: _filled(_forest(seed)),
    "explainable boosting": lambda seed: _filled(_explainable(seed)),
    "chi-square, then logistic": lambda s: _in_unit_range(_select("chi2"), _logistic(s)),
    "SelectKBest (F), then logistic": lambda s: _scaled(_select("f_classif"), _logistic(s)),
    "ADASYN, then forest": lambda s: _scaled(_resampler("ADASYN", s), _forest(s)),
    "SMOTE, then forest": lambda s: _scaled(_resampler("SMOTE", s), _forest(s)),
    "edited neighbours, then forest": lambda s: _scaled(
        _resampler("EditedNearestNeighbours", s), _forest(s)
    ),
}
"""Name to a function from a seed to a classifier. To add one: a line here."""


def fit_comparator(
    name: str,
) -> Callable[[Floats, Flags, Sequence[str], int], Fitted]:
    """The fitting function of a comparator, as ``held_out_probabilities`` takes it."""
    from threadpoolctl import threadpool_limits

    make = COMPARATORS[name]

    def fit(features: Floats, label: Flags, groups: Sequence[str], seed: int) -> Fitted:
        with threadpool_limits(1):
            model = make(seed).fit(features, label.astype(int))
        return lambda held_out: np.asarray(model.predict_proba(held_out)[:, 1], dtype=np.float64)

    return fit
