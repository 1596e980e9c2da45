"""Classification comparators side by side: grouped patients, and the split that came with a set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deeppcos.learning.charts.style import INK, MUTED, SERIES, drawn

SPLITS = ("grouped", "given")
WORDS = {"grouped": "no patient on both sides", "given": "the split that came with the set"}
ROW_INCHES = 0.46
APART = 0.14


def draw_comparators(
    comparisons: Sequence[Mapping[str, Any]], names: Mapping[str, str], to: Path
) -> None:
    """Draw the area under the curve of every comparator, one mark a split.

    Args:
        comparisons: Rows of ``comparator``, ``split`` and ``figures`` with ``AUROC``.
        names: Comparator to words.
        to: File without ending.
    """
    rows = list(dict.fromkeys(row["comparator"] for row in comparisons))
    splits = [split for split in SPLITS if any(r["split"] == split for r in comparisons)]
    with drawn(7.6, 1.5 + ROW_INCHES * len(rows), to=to) as figure:
        axes = figure.subplots()
        axes.axvline(0.5, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        for number, split in enumerate(splits):
            colour, marker = SERIES[number]
            shift = 0.0 if len(splits) == 1 else (APART if number else -APART)
            for place, name in enumerate(rows):
                found = [
                    r["figures"]["AUROC"]
                    for r in comparisons
                    if r["comparator"] == name and r["split"] == split
                ]
                if not found or found[0]["value"] is None:
                    continue
                area, y = found[0], place + shift
                if area["low"] is not None:
                    axes.plot([area["low"], area["high"]], [y, y], color=colour, linewidth=1.8)
                axes.plot([area["value"]], [y], marker, color=colour, markersize=6.5)
            axes.plot([], [], marker, color=colour, markersize=6.5, label=WORDS[split])
        axes.set_yticks(range(len(rows)), [names[row] for row in rows], color=INK)
        axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.5, -0.5))
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("AUROC with 95 % interval by patient group; dashed: a coin")
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
