"""The one calm style of every chart: colours, type, and how a picture is written.

Colours are those of the reports, told apart by lightness too; every mark that matters also has a
shape or a word. Pictures are written twice, as SVG for documents and PNG for everything else, and
are the same to the byte when the numbers are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

INK, MUTED, LINE = "#17202c", "#4d5968", "#d5dae1"
ACCENT, SECOND, SOFT, CAUTION = "#2c4a94", "#b0762a", "#dbe3f3", "#7d4f00"
RAMP = ("#ffffff", "#dbe3f3", "#a9bce3", "#5373bd", "#2c4a94")
SERIES = ((ACCENT, "o"), (SECOND, "s"), ("#5c5470", "D"), ("#44525f", "^"))
"""Colour and marker of the first, second, third and fourth series."""

PNG_DPI = 160
SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.linewidth": 0.9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.facecolor": "#ffffff",
    "svg.hashsalt": "deeppcos",
    "svg.fonttype": "path",
}


@contextmanager
def drawn(width: float, height: float, *, to: Path) -> Iterator[Figure]:
    """A figure in the shared style, written as SVG and PNG when the drawing is done.

    Args:
        width: Inches.
        height: Inches.
        to: File without ending.

    Yields:
        The figure to draw on.
    """
    settings: dict[Any, Any] = {**matplotlib.rcParamsDefault, **SETTINGS, "backend": "agg"}
    with matplotlib.rc_context(settings):
        layout = ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.12)
        figure = Figure(figsize=(width, height), layout=layout)
        yield figure
        figure.savefig(to.with_suffix(".svg"), metadata={"Date": None})
        figure.savefig(to.with_suffix(".png"), dpi=PNG_DPI, metadata={"Software": None})


def note(axes: Axes, words: str, *, x: float = 0.03, y: float = 0.97, top: bool = True) -> None:
    """A few quiet words inside a panel, where nothing is drawn.

    Args:
        axes: The panel.
        words: What to say.
        x: Share of the width.
        y: Share of the height.
        top: Whether ``y`` is the upper edge of the words.
    """
    axes.text(
        x,
        y,
        words,
        transform=axes.transAxes,
        va="top" if top else "bottom",
        color=MUTED,
        fontsize=8.5,
        linespacing=1.5,
    )
