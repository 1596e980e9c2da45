"""What pictures show beside what the network says they show."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from deeppcos.learning.charts.style import INK, RAMP, drawn

SAID = ("ovary", "lesion", "neither")
WORDS = {
    "ovary": "an ovary",
    "lesion": "a lesion",
    "neither": "other ultrasound",
    "foreign": "no ultrasound",
}
DARK_SHARE = 0.55
"""Share above which a cell is so dark that its words are white."""


def draw_confusion(measured: Mapping[str, Any], to: Path) -> None:
    """Draw the table of answers.

    Args:
        measured: Has ``answers``.
        to: File without ending.
    """
    table = measured["answers"]
    kinds = [kind for kind in WORDS if kind in table]
    counts = np.array([[table[kind][said] for said in SAID] for kind in kinds], float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    with drawn(5.4, 1.3 + 0.62 * len(kinds), to=to) as figure:
        axes = figure.subplots()
        ramp = LinearSegmentedColormap.from_list("ramp", RAMP)
        axes.imshow(shares, cmap=ramp, vmin=0, vmax=1, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            axes.text(
                column,
                row,
                f"{count:.0f}\n{shares[row, column]:.0%}",
                ha="center",
                va="center",
                color="white" if shares[row, column] > DARK_SHARE else INK,
                fontsize=9,
            )
        names = [f"{WORDS[k]}, n = {int(counts[i].sum())}" for i, k in enumerate(kinds)]
        axes.set_yticks(range(len(kinds)), names, color=INK)
        axes.set_xticks(range(len(SAID)), [f"says {said}" for said in SAID], color=INK)
        axes.xaxis.tick_top()
        axes.grid(visible=False)
        for edge in axes.spines.values():
            edge.set_visible(False)
        for line in range(1, len(kinds)):
            axes.axhline(line - 0.5, color="white", linewidth=3)
        for line in range(1, len(SAID)):
            axes.axvline(line - 0.5, color="white", linewidth=3)
