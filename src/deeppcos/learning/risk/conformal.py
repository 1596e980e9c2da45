"""How sure a probability is: label sets with a promised coverage, intervals by Venn-Abers.

Owns both fits from held-out scores. Looking them up needs numpy alone and is ``additive``'s.

Source:
    Label sets: conformal prediction within each class (Vovk, Gammerman and Shafer 2005).
    Intervals: Venn-Abers predictors (Vovk and Petej 2014). Both from general knowledge (M).
"""

import math

import numpy as np
import numpy.typing as npt

from deeppcos.learning.risk.additive import Conformal

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

COVERAGE = 0.9
GRID = 64


def fit_conformal(score: Floats, label: Flags, *, coverage: float = COVERAGE) -> Conformal:
    """Label sets and intervals from scores of women the model had not seen.

    Args:
        score: Held-out log-odds, of shape (n_women,).
        label: Of shape (n_women,), both classes present.
        coverage: Share of each class whose set must hold the label.

    Returns:
        What is needed to look up sets and intervals.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> y = rng.random(400) < 0.4
        >>> fitted = fit_conformal(rng.normal(size=400) + 2.0 * y, y)
        >>> low, high = fitted.interval(1.0)
        >>> low < high, fitted.label_set(-3.0), fitted.label_set(5.0)
        (True, frozenset({False}), frozenset({True}))
    """
    knots = np.unique(np.quantile(score, np.linspace(0, 1, GRID + 1)[1:-1]))
    places = np.concatenate([[score.min()], knots])
    bounds = [_venn_abers(score, label, at=float(place)) for place in places]
    return Conformal(
        coverage=coverage,
        least_positive=-_upper_quantile(-score[label], coverage),
        most_negative=_upper_quantile(score[~label], coverage),
        knots=tuple(knots.tolist()),
        low=tuple(low for low, _ in bounds),
        high=tuple(high for _, high in bounds),
    )


def _upper_quantile(score: Floats, coverage: float) -> float:
    """The score that a share of this class stays below, with the correction for one more."""
    place = math.ceil((score.size + 1) * coverage)
    return math.inf if place > score.size else float(np.sort(score)[place - 1])


def _venn_abers(score: Floats, label: Flags, *, at: float) -> tuple[float, float]:
    """Isotonic probability at a score if its own label were 0, and if it were 1."""
    from sklearn.isotonic import IsotonicRegression

    ends = []
    for own in (0.0, 1.0):
        fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(
            np.append(score, at), np.append(label.astype(float), own)
        )
        ends.append(float(fitted.predict([at])[0]))
    return ends[0], ends[1]
