"""Evidence that ranks are not uniform, which may be looked at after every woman.

Owns the bets and their capital. Somebody who bets at fair odds that ranks are uneven gains
nothing on average while they are even; so the capital exceeds 1/a at any time, ever, with a
probability of at most a (Ville's inequality). The false-alarm rate holds however often one looks.

Which unevenness will come is not known beforehand: some gamblers bet on values that go up, go
down, spread, or leave their range, others on a share that halves or doubles, one keeps his money,
and at each step a small share of all capital is dealt out anew, so that a change after a long
quiet time is still found.

Source:
    Vovk, Petej, Nouretdinov, Ahlberg, Carlsson, Gammerman: Retrain or not retrain, conformal test
    martingales for change-point detection, 2021 (composite Simple Jumper), with more gamblers.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deeppcos.research.monitoring.ranks import Value
from deeppcos.research.monitoring.signals import Kind

Floats = npt.NDArray[np.float64]

SLOPES = (-0.9, -0.45, 0.45, 0.9)
SPREADS = (-0.9, 0.9)
TAIL = 0.4
"""Exponent of the gamblers on ranks near 0 or 1."""
CAUTION = 0.75
"""Part of their money that the cautious ones among them keep."""
MULTIPLES = (0.25, 0.5, 2.0, 4.0)
"""What the gamblers on a share expect it to become, times what it was."""
SHARES = (1e-3, 1e-2, 5e-2)
"""Shares of the capital that are dealt out anew at each step; the result is their mean."""
SMALLEST_RANK = 1e-12


def payoffs(rank: Floats, usual_share: float | Floats | None = None) -> Floats:
    """What each gambler is paid for one unit of money.

    Args:
        rank: Of shape (...), from 0 to 1.
        usual_share: Share of yes in the window, for signals that are yes or no; one a run.

    Returns:
        Of shape (..., gamblers); each column has the mean 1 for uniform ranks.
    """
    p = np.clip(rank, SMALLEST_RANK, 1 - SMALLEST_RANK)
    spread = (12 * (p - 0.5) ** 2 - 1) / 2
    tails = [TAIL * p ** (TAIL - 1), TAIL * (1 - p) ** (TAIL - 1)]
    on_share = [] if usual_share is None else _on_share(p, usual_share)
    return np.stack(
        [
            np.ones_like(p),
            *(1 + slope * (2 * p - 1) for slope in SLOPES),
            *(1 + slope * spread for slope in SPREADS),
            *tails,
            *(CAUTION + (1 - CAUTION) * tail for tail in tails),
            *on_share,
        ],
        axis=-1,
    )


def _on_share(p: Floats, usual: float | Floats) -> list[Floats]:
    """Bets that yes, which has the largest ranks, comes so many times as often."""
    found = []
    for multiple in MULTIPLES:
        then = np.minimum(multiple * usual, (1 + usual) / 2)
        found.append(np.where(p > 1 - usual, then / usual, (1 - then) / (1 - usual)))
    return found


def log_capital(
    ranks: Sequence[float] | Floats, *, usual_share: float | Floats | None = None
) -> Floats:
    """Natural logarithm of the capital after each woman.

    Args:
        ranks: Of shape (women,) or (women, runs), from 0 to 1.
        usual_share: Share of yes in the window, between 0 and 1, one a run; None for other
            signals.

    Returns:
        Of the same shape.

    Examples:
        >>> even = log_capital([0.5, 0.2, 0.8])
        >>> uneven = log_capital([0.99] * 10)
        >>> bool(even[-1] < 0.5), bool(uneven[-1] > 5)
        (True, True)
    """
    paid = payoffs(np.asarray(ranks, dtype=np.float64), usual_share)
    gamblers = paid.shape[-1]
    share = np.array(SHARES).reshape(-1, *([1] * (paid.ndim - 1)))
    # Capital as parts of one (they sum to 1) and the logarithm of their sum, against overflow.
    parts = np.full((len(SHARES), *paid.shape[1:]), 1 / gamblers)
    logs = np.zeros(parts.shape[:-1])
    found = np.empty(paid.shape[:-1])
    for step, pay in enumerate(paid):
        parts = ((1 - share) * parts + share / gamblers) * pay
        total = parts.sum(axis=-1)
        parts /= total[..., None]
        logs += np.log(total)
        found[step] = np.logaddexp.reduce(logs, axis=0) - np.log(len(SHARES))
    return found


def usual_share(kind: Kind, reference: Sequence[Value]) -> float | None:
    """Share of yes in a window, never quite 0 or 1; None for signals of another kind."""
    if kind is not Kind.SHARE:
        return None
    return (sum(bool(value) for value in reference) + 0.5) / (len(reference) + 1)


def threshold(*, false_alarm_rate: float, signals: int) -> float:
    """Logarithm of the capital at which one of several signals alarms.

    Args:
        false_alarm_rate: Most probability that any of them ever alarms falsely.
        signals: How many are watched.

    Examples:
        >>> round(threshold(false_alarm_rate=0.05, signals=16), 2)
        5.77
    """
    return float(np.log(signals / false_alarm_rate))
