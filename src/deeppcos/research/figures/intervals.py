"""Intervals of 95 %: shares, medians, correlations, and agreement between readers.

Owns the arithmetic around scipy. No interval is stated for fewer than ten women.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
NORMAL_95 = 1.959963984540054
ROUNDS = 400
MOST_UNITS = 2000
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: The figure.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def words(self, digits: int = 2) -> str:
        """As printed in sentences."""
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def share(count: int, total: int) -> Estimate:
    """A proportion with its Wilson interval.

    Args:
        count: How many.
        total: Of how many; at least one.

    Examples:
        >>> share(15, 50).words()
        '0.30 (0.19 to 0.44)'
    """
    from scipy.stats import binomtest

    interval = binomtest(count, total).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(value=count / total, low=float(interval.low), high=float(interval.high))


def median_positions(count: int) -> tuple[float, float]:
    """Quantiles between which the median of a population lies, by order statistics.

    Args:
        count: Sample size; at least six.

    Returns:
        Lower and upper quantile of the sample that bound the median with 95 % or more.
    """
    from scipy.stats import binom

    lowest = int(binom.ppf((1 - CONFIDENCE) / 2, count, 0.5))
    return max(0, lowest - 1) / (count - 1), min(count - 1, count - lowest) / (count - 1)


def rank_correlation(x: Floats, y: Floats) -> Estimate:
    """Spearman's rho with the interval of Bonett and Wright.

    Args:
        x: Of shape (n,), n at least ten.
        y: Of shape (n,).
    """
    from scipy.stats import spearmanr

    rho = float(spearmanr(x, y).statistic)
    error = np.sqrt((1 + rho**2 / 2) / (x.size - 3))
    middle = np.arctanh(np.clip(rho, -0.999999, 0.999999))
    low, high = np.tanh(middle - NORMAL_95 * error), np.tanh(middle + NORMAL_95 * error)
    return Estimate(value=rho, low=float(low), high=float(high))


def paired_change(*, only_before: int, only_after: int, total: int) -> Estimate:
    """The difference of two proportions of the same women, after minus before (Wald, paired).

    Args:
        only_before: Women of whom it held before only.
        only_after: Women of whom it held after only.
        total: All women.
    """
    difference = (only_after - only_before) / total
    error = np.sqrt((only_after + only_before) / total - difference**2) / np.sqrt(total)
    return Estimate(
        value=difference,
        low=float(difference - NORMAL_95 * error),
        high=float(difference + NORMAL_95 * error),
    )


def resampled(
    statistic: Callable[[Floats], float], values: Floats, women: Sequence[str]
) -> Estimate:
    """A statistic with a bootstrap interval that draws women, not rows.

    Args:
        statistic: Of rows of shape (n, k) to a number.
        values: Of shape (n, k).
        women: Of length n: whose row it is.

    Returns:
        The statistic with its percentile interval of 400 draws; the same each time.
    """
    codes = np.unique(np.asarray(women), return_inverse=True)[1]
    if codes.max(initial=0) >= MOST_UNITS:
        # Of very many women, random groups of them are drawn: the same variance, less work.
        codes = np.random.default_rng(SEED).integers(MOST_UNITS, size=codes.max() + 1)[codes]
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    rows = np.split(order, starts[1:])
    chance = np.random.default_rng(SEED)
    drawn = []
    for _ in range(ROUNDS):
        chosen = chance.integers(len(rows), size=len(rows))
        drawn.append(statistic(values[np.concatenate([rows[n] for n in chosen])]))
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value=statistic(values), low=float(low), high=float(high))


def agreement_icc(pairs: Floats) -> float:
    """Intraclass correlation of two readers, two-way, absolute agreement, single: ICC(A,1).

    Args:
        pairs: Of shape (n, 2), one row an ovary.

    Source:
        McGraw and Wong 1996, case 2A; general knowledge (M).

    Examples:
        >>> round(agreement_icc(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])), 3)
        1.0
    """
    n, k = pairs.shape
    rows, columns = pairs.mean(axis=1), pairs.mean(axis=0)
    whole = pairs.mean()
    between = k * ((rows - whole) ** 2).sum() / (n - 1)
    readers = n * ((columns - whole) ** 2).sum() / (k - 1)
    rest = ((pairs - rows[:, None] - columns + whole) ** 2).sum() / ((n - 1) * (k - 1))
    below = between + (k - 1) * rest + k * (readers - rest) / n
    return float((between - rest) / below) if below else float("nan")
