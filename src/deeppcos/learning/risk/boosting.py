"""LightGBM behind the two methods of a classifier, on plain arrays.

Owns nothing but the parameters. LightGBM's own wrapper invents column names and then warns that
they are missing; this one has none.
"""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_child_samples": 15,
    "lambda_l2": 5.0,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.7,
    "num_threads": 1,
    "deterministic": True,
    "verbose": -1,
}


class BoostedTrees:
    """Gradient boosted trees by LightGBM.

    Args:
        seed: Seed of rows and columns drawn.
        rounds: Number of trees.
    """

    def __init__(self, *, seed: int, rounds: int = 120) -> None:
        self.seed = seed
        self.rounds = rounds
        self._booster: Any = None

    def fit(self, features: Floats, label: npt.NDArray[np.int_]) -> Self:
        """Fit on features of shape (n, p), NaN unknown, and labels 0 or 1."""
        import lightgbm

        data = lightgbm.Dataset(features, label)
        parameters = {**_PARAMETERS, "seed": self.seed}
        self._booster = lightgbm.train(parameters, data, self.rounds)
        return self

    def predict_proba(self, features: Floats) -> Floats:
        """Probabilities of both classes, of shape (n, 2)."""
        positive = np.asarray(self._booster.predict(features), dtype=np.float64)
        return np.column_stack([1 - positive, positive])
