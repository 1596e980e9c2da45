"""How good probabilities are: discrimination, calibration, net benefit, with intervals.

Owns the figures of a probability against a label, averaged over repeats of cross-validation and
bootstrapped over women. AUROC and calibration error themselves are ``learning.metrics``'.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.learning.metrics import Measured, by_group

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BOOTSTRAP_ROUNDS = 1000
_EDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a model achieves on women it was not trained on; 95 % intervals over women.

    Attributes:
        auroc: Chance that a labelled woman gets the higher probability.
        accuracy: At a probability of one half.
        brier: Mean squared error of the probability.
        calibration_slope: 1 is right; below 1 the probabilities are too extreme.
        calibration_in_the_large: Mean probability minus the share of labelled women.
        calibration_error: Expected calibration error over ten bins.
    """

    auroc: Measured
    accuracy: Measured
    brier: Measured
    calibration_slope: Measured
    calibration_in_the_large: Measured
    calibration_error: Measured


def auroc(score: Floats, label: Flags) -> float | None:
    """Chance that a positive scores above a negative, ties half; None within one class.

    Examples:
        >>> auroc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
        0.875
    """
    positives = int(label.sum())
    negatives = label.size - positives
    if positives == 0 or negatives == 0:
        return None
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    # Mean rank of tied scores, from 1.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[label].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def brier(probability: Floats, label: Flags) -> float:
    """Mean squared difference of probability and label."""
    return float(np.mean((probability - label) ** 2))


def logit(probability: Floats) -> Floats:
    """Log-odds, kept finite."""
    p = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)


def logistic(score: Floats) -> Floats:
    """Probability of a log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -40, 40))), dtype=np.float64)


def logistic_line(score: Floats, label: Flags, *, rounds: int = 50) -> tuple[float, float]:
    """Slope and intercept of the label on a score, by Newton's method.

    A ridge of one thousandth keeps separable draws finite.

    Examples:
        >>> slope, intercept = logistic_line(np.array([-2.0, -1, 1, 2, -1, 1]),
        ...                                  np.array([False, False, True, True, True, False]))
        >>> slope > 0
        True
    """
    design = np.column_stack([score, np.ones_like(score)])
    weights = np.array([1.0, 0.0])
    for _ in range(rounds):
        p = logistic(design @ weights)
        slope = design.T @ (label - p) - 1e-3 * weights
        curve = (design * (p * (1 - p))[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.clip(np.linalg.solve(curve, slope), -5, 5)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), float(weights[1])


def expected_calibration_error(probability: Floats, label: Flags, *, bins: int = 10) -> float:
    """Mean distance of probability and frequency over bins of equal counts."""
    order = np.argsort(probability, kind="stable")
    p, y = probability[order], label[order].astype(float)
    parts = [part for part in np.array_split(np.arange(p.size), min(bins, p.size)) if part.size]
    return float(sum(part.size * abs(p[part].mean() - y[part].mean()) for part in parts) / p.size)


def net_benefit(probability: Floats, label: Flags, *, threshold: float) -> float:
    """True positives less weighted false positives per woman, at a threshold.

    Source:
        Vickers and Elkin 2006, decision curve analysis (formula from general knowledge, M).

    Examples:
        >>> net_benefit(np.array([0.9, 0.2]), np.array([True, False]), threshold=0.5)
        0.5
    """
    chosen = probability >= threshold
    true = float((chosen & label).mean())
    false = float((chosen & ~label).mean())
    return true - false * threshold / (1 - threshold)


def over_repeats(
    measure: Callable[[Floats, Flags], float | None],
    probabilities: Floats,
    label: Flags,
    groups: Sequence[str],
    *,
    rounds: int = BOOTSTRAP_ROUNDS,
) -> Measured:
    """A figure averaged over repeats of cross-validation, bootstrapped over women.

    Args:
        measure: Takes probability and label.
        probabilities: Of shape (n_repeats, n_women), each from models that had not seen her.
        label: Of shape (n_women,).
        groups: Group of each row; all rows of a woman are drawn together.
        rounds: Bootstrap rounds.

    Returns:
        The figure with its 95 % interval.
    """

    def of_items(chosen: npt.NDArray[np.intp]) -> float | None:
        results = [measure(p[chosen], label[chosen]) for p in probabilities]
        known = [r for r in results if r is not None]
        return float(np.mean(known)) if known else None

    return by_group(of_items, groups, rounds=rounds)


def figures(
    probabilities: Floats, label: Flags, groups: Sequence[str], *, rounds: int = BOOTSTRAP_ROUNDS
) -> Figures:
    """All figures of held-out probabilities, of shape (n_repeats, n_women)."""

    def slope(p: Floats, y: Flags) -> float | None:
        return None if y.all() or not y.any() else logistic_line(logit(p), y)[0]

    def measured(measure: Callable[[Floats, Flags], float | None]) -> Measured:
        return over_repeats(measure, probabilities, label, groups, rounds=rounds)

    return Figures(
        auroc=measured(auroc),
        accuracy=measured(lambda p, y: float(((p >= 0.5) == y).mean())),
        brier=measured(brier),
        calibration_slope=measured(slope),
        calibration_in_the_large=measured(lambda p, y: float(p.mean() - y.mean())),
        calibration_error=measured(expected_calibration_error),
    )


def shown(figure: Measured, *, digits: int = 3) -> str:
    """A figure with its interval, as printed.

    Examples:
        >>> shown(Measured(value=0.8512, low=0.81, high=0.88, n=541, groups=519))
        '0.851 (0.810 to 0.880)'
    """
    if figure.value is None:
        return "not defined"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.{digits}f}"
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"
