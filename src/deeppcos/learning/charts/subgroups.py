"""Figures of subgroups with their intervals: one row a subgroup, wide intervals left wide."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from deeppcos.learning.charts.style import ACCENT, INK, LINE, MUTED, SECOND, drawn

SHOWN = (
    ("follicle F1 at IoU 0.3", (0.0, 1.0)),
    ("ovary Dice median", (0.0, 1.0)),
    ("lesion Dice median", (0.0, 1.0)),
)
ROW_INCHES = 0.27


def draw_subgroups(measured: Mapping[str, Any], to: Path) -> None:
    """Draw the subgroups' figures beside each other.

    Args:
        measured: Has ``subgroups``.
        to: File without ending.
    """
    rows = _rows(measured["subgroups"])
    with drawn(9.6, 1.2 + ROW_INCHES * len(rows), to=to) as figure:
        panels = figure.subplots(1, len(SHOWN), sharey=True)
        for axes, (name, reach) in zip(panels, SHOWN, strict=True):
            _panel(axes, rows, name, reach)
        figure.supxlabel(
            "lines: 95 % interval by patient group; diamonds: one group, no interval; "
            "at the right: pictures",
            color=MUTED,
            fontsize=8.5,
        )
        first = panels[0]
        first.set_ylim(len(rows) - 0.4, -0.6)
        first.set_yticks(range(len(rows)), [words for words, _ in rows])
        for label, (_, figures) in zip(first.get_yticklabels(), rows, strict=True):
            label.set_color(INK if figures is None else MUTED)
            label.set_fontweight("bold" if figures is None else "normal")


def _rows(tables: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any] | None]]:
    """A heading a trait, then a row a value."""
    rows: list[tuple[str, Mapping[str, Any] | None]] = []
    for trait, values in tables.items():
        rows.append((trait, None))
        rows += [(value.replace("_", " "), figures) for value, figures in values.items()]
    return rows


def _panel(
    axes: Axes,
    rows: list[tuple[str, Mapping[str, Any] | None]],
    name: str,
    reach: tuple[float, float],
) -> None:
    """One figure over all rows; a single group has a dot without an interval."""
    for place, (_, figures) in enumerate(rows):
        if figures is None:
            axes.axhline(place, color=LINE, linewidth=0.6)
            continue
        figure = figures.get(name)
        if figure is None or figure["value"] is None:
            continue
        alone = figure["low"] is None
        if not alone:
            axes.plot([figure["low"], figure["high"]], [place, place], color=ACCENT, linewidth=1.6)
        colour = SECOND if alone else ACCENT
        marker = "D" if alone else "o"
        axes.plot([figure["value"]], [place], marker, color=colour, markersize=5.5)
        axes.annotate(
            f"{figure['n']}",
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=MUTED,
            fontsize=7.5,
            annotation_clip=False,
        )
    axes.set_xlim(reach[0] - 0.02, reach[1] + 0.02)
    axes.grid(axis="y", visible=False)
    axes.set_title(name)
