"""Reliability diagrams: what was promised beside what came true, one panel a probability."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from deeppcos.learning.charts.style import ACCENT, LINE, MUTED, drawn, note

ORDER = ("ovary", "follicle", "lesion")
LARGEST_DOT = 170.0


def draw_reliability(measured: Mapping[str, Any], to: Path) -> None:
    """Draw the diagrams.

    Args:
        measured: Has ``calibration error, cross-fitted`` with bins.
        to: File without ending.
    """
    errors = measured["calibration error, cross-fitted"]
    with drawn(8.6, 3.3, to=to) as figure:
        panels = figure.subplots(1, len(ORDER), sharey=True)
        for axes, which in zip(panels, ORDER, strict=True):
            _panel(axes, errors.get(which) or {"value": None, "n": 0, "bins": []}, which)
        panels[0].set_ylabel("share that came true")


def _panel(axes: Axes, error: Mapping[str, Any], which: str) -> None:
    """One probability: dots on the diagonal keep their promise, larger dots hold more."""
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.4, zorder=1)
    bins = error["bins"]
    most = max((one["n"] for one in bins), default=1)
    axes.plot(
        [one["probability"] for one in bins],
        [one["share"] for one in bins],
        color=ACCENT,
        linewidth=1.0,
        alpha=0.5,
        zorder=2,
    )
    axes.scatter(
        [one["probability"] for one in bins],
        [one["share"] for one in bins],
        s=[25 + LARGEST_DOT * one["n"] / most for one in bins],
        color=ACCENT,
        alpha=0.85,
        edgecolor="white",
        linewidth=0.9,
        zorder=3,
        clip_on=False,
    )
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", title=which)
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("probability given", color=MUTED)
    value = error["value"]
    said = "not measured" if value is None else f"error {value:.3f}{_interval(error)}"
    note(axes, f"{said}\n{error['n']} outlines", x=0.36, y=0.03, top=False)


def _interval(error: Mapping[str, Any]) -> str:
    """The interval of the error, where there is one."""
    if error.get("low") is None:
        return ""
    return f" ({error['low']:.3f} to {error['high']:.3f})"
