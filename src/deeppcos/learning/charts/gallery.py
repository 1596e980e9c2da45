"""Which pictures there are, what each says in words, and drawing all that the numbers allow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeppcos.learning.charts.bland_altman import draw_bland_altman
from deeppcos.learning.charts.confusion import draw_confusion
from deeppcos.learning.charts.coverage import draw_coverage
from deeppcos.learning.charts.reliability import draw_reliability
from deeppcos.learning.charts.risk import draw_risk
from deeppcos.learning.charts.subgroups import draw_subgroups


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture of what was measured.

    Attributes:
        name: File name without ending.
        needs: Key of the measured numbers it is drawn from.
        words: What it shows, for those who do not see it.
        draw: Draws it.
    """

    name: str
    needs: str
    words: str
    draw: Callable[[Mapping[str, Any], Path], None]


CHARTS = (
    Chart(
        name="counts",
        needs="counts",
        words="Bland-Altman: the machine's count of follicles less the reader's, over their mean; "
        "the band is the limits of agreement",
        draw=draw_bland_altman,
    ),
    Chart(
        name="reliability",
        needs="calibration error, cross-fitted",
        words="Reliability: probabilities given beside the share that came true, cross-fitted",
        draw=draw_reliability,
    ),
    Chart(
        name="coverage",
        needs="count interval coverage, cross-fitted",
        words="Coverage: share of truths inside the intervals beside the share promised, "
        "cross-fitted",
        draw=draw_coverage,
    ),
    Chart(
        name="risk",
        needs="risk and coverage, cross-fitted",
        words="Risk against coverage of the gate, cross-fitted",
        draw=draw_risk,
    ),
    Chart(
        name="answers",
        needs="answers",
        words="What pictures show beside what the network says",
        draw=draw_confusion,
    ),
    Chart(
        name="subgroups",
        needs="subgroups",
        words="Figures by subgroup with 95 % intervals by patient group",
        draw=draw_subgroups,
    ),
)


def draw_all(measured: Mapping[str, Any], folder: Path) -> list[Chart]:
    """Draw every picture the numbers allow, as SVG and PNG.

    Args:
        measured: The metrics of a manifest; an older one draws fewer pictures.
        folder: Where; made when missing.

    Returns:
        The charts drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    charts = drawable(measured)
    for chart in charts:
        chart.draw(measured, folder / chart.name)
    return charts


def drawable(measured: Mapping[str, Any]) -> list[Chart]:
    """The pictures the numbers allow.

    Args:
        measured: The metrics of a manifest.

    Returns:
        The charts; an older manifest has fewer.
    """
    return [chart for chart in CHARTS if _has_numbers(measured.get(chart.needs))]


def _has_numbers(numbers: Any) -> bool:
    """Whether there is something to draw; calibration errors of old manifests have no bins."""
    if isinstance(numbers, Mapping):
        if numbers.get("value", 0) is None:
            return False
        rows = [row for row in numbers.values() if isinstance(row, Mapping)]
        return bool(rows) and all("bins" in row or "value" not in row for row in rows)
    return bool(numbers)
