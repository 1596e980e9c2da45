"""Figures with their intervals as bars on one scale, for a template to draw as SVG.

Owns the geometry: 0 to 100 across, whatever the unit. A scale that needs both sides has its zero
in the middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deeppcos.learning.metrics import Measured

ACROSS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure.

    Attributes:
        at: Where the figure lies.
        low: Where its interval begins; None without one.
        high: Where it ends.
        zero: Where nothing lies.
    """

    at: float
    low: float | None
    high: float | None
    zero: float


def bars(figures: Sequence[Measured], *, reach: float | None = None) -> tuple[Bar | None, ...]:
    """Figures on one scale.

    Args:
        figures: In the order they are drawn.
        reach: Largest value of the scale; as large as needed when None.

    Returns:
        A bar a figure; None where it is not known.

    Examples:
        >>> one = Measured(value=30.0, low=20.0, high=60.0, n=9, groups=9)
        >>> (found,) = bars([one])
        >>> found.at, found.low, found.high, found.zero
        (50.0, 33.3, 100.0, 0.0)
    """
    every = [v for one in figures for v in (one.value, one.low, one.high) if v is not None]
    top = reach if reach is not None else max(map(abs, every), default=0.0) or 1.0
    is_both = any(v < 0 for v in every)

    def place(value: float) -> float:
        share = max(-1.0, min(1.0, value / top))
        return round(ACROSS * ((share + 1) / 2 if is_both else share), 1)

    return tuple(
        None
        if one.value is None
        else Bar(
            at=place(one.value),
            low=None if one.low is None else place(one.low),
            high=None if one.high is None else place(one.high),
            zero=place(0.0),
        )
        for one in figures
    )
