"""Risk against coverage: how wrong the answers are when only the surest are given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeppcos.learning.charts.style import ACCENT, CAUTION, INK, SOFT, drawn


def draw_risk(measured: Mapping[str, Any], to: Path) -> None:
    """Draw the curve and mark the shipped gate on it.

    Args:
        measured: Has ``risk and coverage, cross-fitted`` and ``least ovary probability``.
        to: File without ending.
    """
    rows = measured["risk and coverage, cross-fitted"]
    gate = measured["least ovary probability"]
    passed = [row for row in rows if row["probability"] >= gate]
    with drawn(5.6, 3.6, to=to) as figure:
        axes = figure.subplots()
        coverage = [row["coverage"] for row in rows]
        risk = [row["risk"] for row in rows]
        axes.fill_between(coverage, risk, color=SOFT, step="mid", linewidth=0)
        axes.step(coverage, risk, where="mid", color=ACCENT, linewidth=1.8)
        if passed:
            x, y = passed[-1]["coverage"], passed[-1]["risk"]
            axes.plot([x], [y], "o", color=CAUTION, markersize=8, markeredgecolor="white")
            axes.annotate(
                f"the gate answers {x:.0%} of pictures,\n{y:.1%} of the answers are wrong",
                (x, y),
                xytext=(0.04, 0.94),
                textcoords="axes fraction",
                va="top",
                color=INK,
                fontsize=9,
                arrowprops={
                    "arrowstyle": "-",
                    "color": CAUTION,
                    "linewidth": 0.9,
                    "shrinkB": 5,
                    "relpos": (0.5, 0.0),
                },
            )
        axes.set(xlim=(0, 1.02), ylim=(0, max(0.1, *risk) * 1.5 if risk else 1.0))
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set_xlabel("share of pictures answered, the surest first")
        axes.set_ylabel("share of answers that are wrong")
        axes.set_title(f"ovaries and pictures without one, n = {len(rows)}")
