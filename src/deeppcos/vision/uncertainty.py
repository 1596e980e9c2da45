"""Calibrated probabilities and count intervals, as plain numbers a release carries.

Owns the two small formulas and their parameters. Fitting them is the business of
``deeppcos.learning``; refusing to answer is the business of ``quality``.
"""

import math
from dataclasses import dataclass

from deeppcos.vision.findings import Interval

MAX_LOGIT = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticCalibration:
    """Probability from a raw score: ``1 / (1 + exp(-(slope * logit(score) + intercept)))``.

    Attributes:
        slope: 1 leaves the score as it is; smaller is less sure.
        intercept: Shift on the logit scale.

    Source:
        Platt 1999, fitted on held-out patient groups.
    """

    slope: float
    intercept: float

    def probability(self, score: float) -> float:
        """Calibrated probability of a raw score in [0, 1].

        Examples:
            >>> round(LogisticCalibration(slope=1.0, intercept=0.0).probability(0.8), 3)
            0.8
        """
        return sigmoid(self.slope * logit(score) + self.intercept)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountInterval:
    """Split-conformal interval of a section count, wider for higher counts.

    The deviation of truth from count, divided by ``sqrt(count + 1)``, stayed within
    ``[-below, above]`` in the promised share of held-out ovaries.

    Attributes:
        below: Scaled deviation allowed downwards.
        above: Scaled deviation allowed upwards.
        coverage: Promised share, such as 0.9.

    Source:
        Angelopoulos and Bates 2023, normalised non-conformity score.
    """

    below: float
    above: float
    coverage: float

    def around(self, count: int) -> Interval:
        """The interval of a count; never under zero.

        Examples:
            >>> CountInterval(below=1.0, above=1.0, coverage=0.9).around(8)
            Interval(value=8, low=5, high=11)
        """
        width = math.sqrt(count + 1.0)
        low = max(0, math.ceil(count - self.below * width - 1e-9))
        high = math.floor(count + self.above * width + 1e-9)
        return Interval(value=count, low=min(low, count), high=max(high, count))


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioInterval:
    """Split-conformal interval of a positive measurement, by ratio.

    The logarithm of truth over measurement stayed within ``[-below, above]`` in the promised
    share of held-out ovaries.

    Attributes:
        below: Log ratio allowed downwards.
        above: Log ratio allowed upwards.
        coverage: Promised share, such as 0.9.

    Source:
        Angelopoulos and Bates 2023, non-conformity score on the log scale.
    """

    below: float
    above: float
    coverage: float

    def around(self, value: float) -> tuple[float, float]:
        """Lowest and highest value that the promise covers, in the unit of ``value``.

        Examples:
            >>> low, high = RatioInterval(below=0.1, above=0.2, coverage=0.9).around(100.0)
            >>> round(low, 1), round(high, 1)
            (90.5, 122.1)
        """
        return value * math.exp(-self.below), value * math.exp(self.above)


def logit(probability: float) -> float:
    """Log-odds, limited so that 0 and 1 stay finite."""
    if probability <= 0.0:
        return -MAX_LOGIT
    if probability >= 1.0:
        return MAX_LOGIT
    return max(-MAX_LOGIT, min(MAX_LOGIT, math.log(probability / (1.0 - probability))))


def sigmoid(log_odds: float) -> float:
    """Inverse of ``logit``."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    growth = math.exp(log_odds)
    return growth / (1.0 + growth)
