"""Fitting the small numbers a release carries: Platt parameters and count intervals.

Fitted on held-out groups only; what is reported is cross-fitted (fitted on the other half of
the groups), so that no picture is judged by numbers it helped to set.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.uncertainty import (
    CountInterval,
    LogisticCalibration,
    RatioInterval,
    logit,
)

Floats = npt.NDArray[np.float64]

RIDGE = 1.0
"""Weight of the prior (slope 1, intercept 0): few held-out pictures must not swing it."""

LEAST_SLOPE = 0.05
"""A higher score never means a lower probability, however the few held-out pictures fell."""

ITERATIONS = 60
HALVINGS = 40


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
    log_odds = np.array([logit(s) for s in scores])
    y = np.asarray(outcomes, float)
    ones = np.ones_like(log_odds)
    both = np.stack([log_odds, ones], axis=1)
    slope, intercept = _penalised_fit(both, y, offset=0 * ones, prior=np.array([1.0, 0.0]))
    if slope < LEAST_SLOPE:
        # The intercept was fitted beside another slope: fit it again beside this one.
        slope, offset = LEAST_SLOPE, LEAST_SLOPE * log_odds
        (intercept,) = _penalised_fit(ones[:, None], y, offset=offset, prior=np.array([0.0]))
    return LogisticCalibration(slope=float(slope), intercept=float(intercept))


def _penalised_fit(x: Floats, y: Floats, *, offset: Floats, prior: Floats) -> Floats:
    """Ridge logistic regression by Newton's method with step halving.

    Without halving, sure scores that are wrong make the curvature vanish and the steps explode.
    """

    def loss(beta: Floats) -> float:
        log_odds = x @ beta + offset
        misfit = np.logaddexp(0.0, log_odds) - y * log_odds
        return float(misfit.sum() + 0.5 * RIDGE * ((beta - prior) ** 2).sum())

    beta = prior.copy()
    for _ in range(ITERATIONS):
        p = np.exp(-np.logaddexp(0.0, -(x @ beta + offset)))
        gradient = x.T @ (p - y) + RIDGE * (beta - prior)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(beta))
        step = np.linalg.solve(curvature, gradient)
        here = loss(beta)
        for halving in range(HALVINGS):
            nearer = beta - step * 0.5**halving
            if loss(nearer) < here:
                beta = nearer
                break
        else:
            break
    return beta


def fit_count_interval(
    counted: Sequence[int], true: Sequence[int], *, coverage: float
) -> CountInterval:
    """Fit the conformal interval of a count.

    Args:
        counted: Counts of the machine.
        true: Counts of the reader.
        coverage: Promised share.

    Returns:
        The interval; each side takes half of the promised misses. Fewer than 19 pictures cannot
        promise 90 %: the widest deviation seen is then taken.

    Raises:
        InvalidInput: If there is no count to fit.
    """
    if len(counted) == 0:
        raise InvalidInput(
            "no counts to fit an interval to",
            accepted="at least one picture read by both",
            remedy="hold out groups with follicle marks",
        )
    scaled = (np.asarray(true, float) - np.asarray(counted, float)) / np.sqrt(
        np.asarray(counted, float) + 1.0
    )
    miss = (1.0 - coverage) / 2
    return CountInterval(
        below=max(0.0, -_conformal_quantile(scaled, miss, upper=False)),
        above=max(0.0, _conformal_quantile(scaled, 1.0 - miss, upper=True)),
        coverage=coverage,
    )


def fit_ratio_interval(ratios: Sequence[float], *, coverage: float) -> RatioInterval:
    """Fit the conformal interval of a positive measurement, by ratio.

    Args:
        ratios: Truth over measurement, each above 0.
        coverage: Promised share.

    Returns:
        The interval; each side takes half of the promised misses.

    Raises:
        InvalidInput: If there is no ratio to fit, or one that is not above 0.

    Examples:
        >>> fit = fit_ratio_interval([0.8, 1.0, 1.25], coverage=0.9)
        >>> round(fit.below, 3), round(fit.above, 3)
        (0.223, 0.223)
    """
    if len(ratios) == 0 or min(ratios) <= 0:
        raise InvalidInput(
            "no ratios to fit an interval to",
            value=str(list(ratios)[:3]),
            accepted="at least one measurement beside its truth, both above 0",
            remedy="hold out groups with outlined ovaries",
        )
    logs = np.log(np.asarray(ratios, float))
    miss = (1.0 - coverage) / 2
    return RatioInterval(
        below=max(0.0, -_conformal_quantile(logs, miss, upper=False)),
        above=max(0.0, _conformal_quantile(logs, 1.0 - miss, upper=True)),
        coverage=coverage,
    )


def _conformal_quantile(values: npt.NDArray[np.float64], level: float, *, upper: bool) -> float:
    """Quantile with the finite-sample correction of split conformal prediction."""
    ordered = np.sort(values)
    n = len(ordered)
    rank = int(np.ceil((n + 1) * level)) if upper else int(np.floor((n + 1) * level))
    return float(ordered[min(max(rank - 1, 0), n - 1)])
