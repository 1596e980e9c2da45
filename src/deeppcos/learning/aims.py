"""What the project set out to reach, and how far a release is from it.

The aims were set before the release was trained: what two readers reach against each other, or
what a clinic would need. Owns the aims and the words for being short of one; what was tried
and which data would help is the business of ``gaps``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deeppcos.learning.audit.findings import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A figure and where it should be.

    Attributes:
        figure: Name of the figure.
        least: Lowest value that meets the aim, or None.
        most: Highest value that meets it, or None.
        unmeasured: Why it cannot be measured on the data at hand; empty where it can.
    """

    figure: str
    least: float | None = None
    most: float | None = None
    unmeasured: str = ""

    @property
    def words(self) -> str:
        """The aim in words.

        Examples:
            >>> Aim(figure="x", least=0.88, most=0.93).words
            '0.88 to 0.93'
            >>> Aim(figure="x", most=0.03).words
            'at most 0.03'
        """
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"

    def distance(self, value: float) -> float:
        """How far a value is from the aim; 0 when it is met.

        Examples:
            >>> round(Aim(figure="x", least=0.9).distance(0.76), 2)
            0.14
        """
        below = self.least - value if self.least is not None else 0.0
        above = value - self.most if self.most is not None else 0.0
        return max(0.0, below, above)


AIMS = (
    Aim(figure="mmotu follicle F1 at IoU 0.3", least=0.90),
    Aim(figure="mmotu follicle F1 at IoU 0.5", least=0.89),
    Aim(figure="mmotu count concordance", least=0.94),
    Aim(figure="mmotu count mean absolute error", most=0.33),
    Aim(figure="closeups follicle F1 at IoU 0.3", least=0.93),
    Aim(figure="closeups follicle F1 at IoU 0.5", least=0.92),
    Aim(figure="closeups count concordance", least=0.92),
    Aim(figure="closeups count mean absolute error", most=1.1),
    Aim(
        figure="transabdominal follicle F1 at IoU 0.3",
        least=0.90,
        unmeasured="no transabdominal picture of a patient in the pool",
    ),
    Aim(figure="mmotu ovary Dice mean", least=0.85),
    Aim(figure="mmotu ovary Dice median", least=0.90),
    Aim(figure="lesion Dice mean", least=0.85),
    Aim(figure="lesion Dice median", least=0.92),
    Aim(
        figure="lesion Dice mean, a class never seen",
        least=0.85,
        unmeasured="every class in the pool was learned from",
    ),
    Aim(
        figure="lesion Dice median, a class never seen",
        least=0.92,
        unmeasured="every class in the pool was learned from",
    ),
    Aim(figure="lesion against ovary AUROC", least=0.97),
    Aim(figure="accepted without an ovary", most=0.01),
    Aim(figure="calibration error, ovary", most=0.03),
    Aim(figure="calibration error, follicle", most=0.03),
    Aim(figure="count interval coverage", least=0.88, most=0.93),
)

WITHOUT_OVARY = ("neither", "foreign", "noise, stripes, blobs and pages")


def aimed_figures(measured: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """The figures the aims are about, from what a manifest says was measured.

    Args:
        measured: The metrics of a manifest.

    Returns:
        Figure name to figure; None for what was not measured.
    """
    own: dict[str, dict[str, Any] | None] = dict(measured["release"])
    errors = measured["calibration error, cross-fitted"]
    own |= {f"calibration error, {which}": errors.get(which) for which in ("ovary", "follicle")}
    own["count interval coverage"] = measured["count interval coverage, cross-fitted"]
    gate = measured["accepted as an ovary"]
    rows = [gate[kind] for kind in WITHOUT_OVARY if kind in gate]
    seen = sum(row["n"] for row in rows)
    accepted = sum(row["accepted"] for row in rows)
    share = wilson(accepted, seen)
    own["accepted without an ovary"] = (
        {"value": share.value, "low": share.low, "high": share.high, "n": seen} if seen else None
    )
    return own


def verdict(aim: Aim, figure: Mapping[str, Any] | None) -> str:
    """Whether an aim is met, or by how much it is missed.

    Args:
        aim: The aim.
        figure: The figure, or None.

    Returns:
        Words; an interval that reaches the aim does not make it met, one that leaves it does not
        make it missed, and either is said.

    Examples:
        >>> verdict(Aim(figure="x", least=0.9), {"value": 0.85, "low": 0.78, "high": 0.92})
        'short by 0.05; the interval reaches it'
        >>> verdict(Aim(figure="x", least=0.9), {"value": 0.95, "low": 0.92, "high": 0.98})
        'met'
        >>> verdict(Aim(figure="x", least=0.9, unmeasured="no such picture"), None)
        'not measured: no such picture'
    """
    if not figure or figure.get("value") is None:
        return f"not measured: {aim.unmeasured}" if aim.unmeasured else "not measured"
    short = aim.distance(figure["value"])
    low, high = figure.get("low"), figure.get("high")
    if short == 0:
        leaves = any(end is not None and aim.distance(end) > 0 for end in (low, high))
        return "met; the interval leaves it" if leaves else "met"
    # An interval around a narrow aim reaches it though neither of its ends lies within.
    reaches = (
        low is not None
        and high is not None
        and (aim.most is None or low <= aim.most)
        and (aim.least is None or high >= aim.least)
    )
    words = "off by" if aim.least is not None and aim.most is not None else "short by"
    return f"{words} {short:.2g}" + ("; the interval reaches it" if reaches else "")
