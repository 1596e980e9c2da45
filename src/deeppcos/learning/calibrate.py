"""Fitting the small numbers a release carries: Platt parameters and count intervals.

Fitted on held-out groups only; what is reported is cross-fitted (fitted on the other half of
the groups), so that no picture is judged by numbers it helped to set.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deeppcos.vision.uncertainty import CountInterval, LogisticCalibration, logit

RIDGE = 1.0
"""Weight of the prior (slope 1, intercept 0): few held-out pictures must not swing it."""

ITERATIONS = 60


def fit_logistic(scores: Sequence[float], outcomes: Sequence[bool]) -> LogisticCalibration:
    """Fit Platt parameters with a prior at "leave the score as it is".

    Args:
        scores: Raw scores in [0, 1].
        outcomes: Whether each was right.

    Returns:
        The calibration; the prior itself when there is nothing to fit.
    """
    if not scores:
        return LogisticCalibration(slope=1.0, intercept=0.0)
    x = np.stack([np.array([logit(s) for s in scores]), np.ones(len(scores))], axis=1)
    y = np.asarray(outcomes, float)
    prior = np.array([1.0, 0.0])
    beta = prior.copy()
    for _ in range(ITERATIONS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (p - y) + RIDGE * (beta - prior)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(2)
        beta = beta - np.linalg.solve(curvature, gradient)
    return LogisticCalibration(slope=max(float(beta[0]), 0.05), intercept=float(beta[1]))


def fit_count_interval(
    counted: Sequence[int], true: Sequence[int], *, coverage: float
) -> CountInterval:
    """Fit the conformal interval of a count.

    Args:
        counted: Counts of the machine.
        true: Counts of the reader.
        coverage: Promised share.

    Returns:
        The interval; each side takes half of the promised misses.
    """
    scaled = (np.asarray(true, float) - np.asarray(counted, float)) / np.sqrt(
        np.asarray(counted, float) + 1.0
    )
    miss = (1.0 - coverage) / 2
    return CountInterval(
        below=max(0.0, -_conformal_quantile(scaled, miss, upper=False)),
        above=max(0.0, _conformal_quantile(scaled, 1.0 - miss, upper=True)),
        coverage=coverage,
    )


def _conformal_quantile(values: npt.NDArray[np.float64], level: float, *, upper: bool) -> float:
    """Quantile with the finite-sample correction of split conformal prediction."""
    ordered = np.sort(values)
    n = len(ordered)
    rank = int(np.ceil((n + 1) * level)) if upper else int(np.floor((n + 1) * level))
    return float(ordered[min(max(rank - 1, 0), n - 1)])
