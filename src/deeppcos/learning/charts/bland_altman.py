"""Bland-Altman: the machine's count less the reader's, over their mean, with limits of agreement.

Source: Bland and Altman 1986. The limits are the mean difference and 1.96 standard deviations to
either side; pictures of one patient are not independent, so they are a description, not a test.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from deeppcos.learning.charts.style import INK, MUTED, SERIES, SOFT, drawn

DOT = 34.0


def draw_bland_altman(measured: Mapping[str, Any], to: Path) -> None:
    """Draw one panel a data set.

    Args:
        measured: Has ``counts``.
        to: File without ending.
    """
    rows = measured["counts"]
    sources = sorted({row["source"] for row in rows}, key=lambda s: (s != "mmotu", s))
    with drawn(1.2 + 3.9 * len(sources), 3.7, to=to) as figure:
        panels = figure.subplots(1, len(sources), squeeze=False, sharey=True)[0]
        for number, (axes, source) in enumerate(zip(panels, sources, strict=True)):
            pairs = [(r["machine"], r["reader"]) for r in rows if r["source"] == source]
            _panel(axes, pairs, number)
            axes.set_title(f"{source}, {len(pairs)} ovaries")
        panels[0].set_ylabel("machine less reader, follicles")


def _panel(axes: Axes, pairs: Sequence[tuple[int, int]], number: int) -> None:
    """One data set: equal pairs share a dot, whose area tells how many they are."""
    piled = Counter(pairs)
    means = [(machine + reader) / 2 for machine, reader in piled]
    differences = [machine - reader for machine, reader in piled]
    colour, marker = SERIES[number % len(SERIES)]
    every = np.array([machine - reader for machine, reader in pairs], float)
    bias = float(every.mean())
    spread = 1.96 * float(every.std(ddof=1)) if len(every) > 1 else 0.0
    axes.axhspan(bias - spread, bias + spread, color=SOFT, alpha=0.55, zorder=0, linewidth=0)
    axes.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
    axes.axhline(bias, color=INK, linewidth=1.2, linestyle=(0, (5, 3)), zorder=1)
    axes.scatter(
        means,
        differences,
        s=[DOT * count for count in piled.values()],
        color=colour,
        marker=marker,
        alpha=0.8,
        edgecolor="white",
        linewidth=0.9,
        zorder=3,
    )
    reach = max(4.0, abs(bias) + spread + 1, float(np.abs(every).max()) + 1)
    axes.set_ylim(-reach, reach)
    axes.set_xlim(left=-0.6, right=max(max(means) + 1.5, 5))
    axes.set_xlabel("mean of both counts")
    words = f"bias {bias:+.2f}, limits {bias - spread:+.1f} to {bias + spread:+.1f}"
    axes.text(0.98, 0.03, words, transform=axes.transAxes, ha="right", color=INK, fontsize=8.5)
