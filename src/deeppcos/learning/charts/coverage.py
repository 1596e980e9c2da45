"""How often intervals held the truth beside what they promise: whole, by subgroup, by patient.

Lines are Wilson's 95 % intervals, which take pictures as independent; only the first row has an
interval by patient group.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from deeppcos.learning.audit.findings import wilson
from deeppcos.learning.charts.style import ACCENT, INK, LINE, MUTED, SECOND, drawn

PANELS = (
    ("count interval coverage, cross-fitted", "follicle count of a section"),
    ("area interval coverage, cross-fitted", "area of the ovary's section"),
)
LEAST_OF_A_GROUP = 5
"""Patient groups of fewer ovaries are left out: a share of three says nothing."""

ROW_INCHES = 0.27
Row = tuple[str, str] | None
"""Table and name of a row; None for a heading."""


def draw_coverage(measured: Mapping[str, Any], to: Path) -> None:
    """Draw the coverage of counts and, where it was measured, of areas.

    Args:
        measured: Has the coverages of ``measured_figures``; older ones have fewer tables.
        to: File without ending.
    """
    panels = [(measured[key], title) for key, title in PANELS if _has_rows(measured.get(key))]
    rows = _rows([figure for figure, _ in panels])
    with drawn(4.2 + 2.9 * len(panels), 1.3 + ROW_INCHES * len(rows), to=to) as figure:
        drawn_on = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (coverage, title) in zip(drawn_on, panels, strict=True):
            _panel(axes, coverage, rows)
            axes.set_title(title)
        first = drawn_on[0]
        first.set_ylim(len(rows) - 0.4, -0.6)
        first.set_yticks(range(len(rows)), [words for words, _ in rows])
        for label, (_, row) in zip(first.get_yticklabels(), rows, strict=True):
            label.set_color(INK if row is None else MUTED)
            label.set_fontweight("bold" if row is None else "normal")
        figure.supxlabel(
            "share of truths inside the interval; dashed: promised; at the right: pictures",
            color=MUTED,
            fontsize=8.5,
        )


def _has_rows(coverage: Mapping[str, Any] | None) -> bool:
    """Whether a coverage was measured and says of whom."""
    return bool(coverage and coverage.get("value") is not None and coverage.get("by group"))


def _rows(figures: list[Mapping[str, Any]]) -> list[tuple[str, Row]]:
    """Words and place of every row that any panel fills."""
    rows: list[tuple[str, Row]] = [("all held-out ovaries", ("", ""))]
    traits = dict.fromkeys(words for f in figures for words in f.get("by subgroup", {}))
    for words in traits:
        names = {name for f in figures for name in f.get("by subgroup", {}).get(words, {})}
        rows.append((words, None))
        rows += [(name.replace("_", " "), (words, name)) for name in sorted(names)]
    groups = {
        name for f in figures for name, (_, n) in f["by group"].items() if n >= LEAST_OF_A_GROUP
    }
    if groups:
        rows.append((f"patient groups of {LEAST_OF_A_GROUP} or more", None))
        rows += [(name, ("by group", name)) for name in sorted(groups)]
    return rows


def _panel(axes: Axes, coverage: Mapping[str, Any], rows: list[tuple[str, Row]]) -> None:
    """One kind of interval over all rows."""
    axes.axvline(coverage["asked"], color=SECOND, linewidth=1.1, linestyle=(0, (4, 3)))
    for place, (_, row) in enumerate(rows):
        if row is None:
            axes.axhline(place, color=LINE, linewidth=0.6)
            continue
        value, low, high, n = _figure(coverage, row)
        if value is None:
            continue
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=ACCENT, linewidth=1.6)
        axes.plot([value], [place], "o", color=ACCENT, markersize=5.5)
        axes.annotate(
            str(n),
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=MUTED,
            fontsize=7.5,
            annotation_clip=False,
        )
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0, 0.5, coverage["asked"]], ["0", "50%", f"{coverage['asked']:.0%}"])
    axes.grid(axis="y", visible=False)


def _figure(
    coverage: Mapping[str, Any], row: tuple[str, str]
) -> tuple[float | None, float | None, float | None, int]:
    """Share, its interval and n of one row."""
    table, name = row
    if not table:
        return coverage["value"], coverage["low"], coverage["high"], coverage["n"]
    kept = (
        coverage["by group"]
        if table == "by group"
        else coverage.get("by subgroup", {}).get(table, {})
    )
    held, n = kept.get(name, (0, 0))
    share = wilson(held, n)
    return share.value, share.low, share.high, n
