"""Figures as SVG and PNG for reports and exports.

Owns how each kind is drawn on paper. The screen draws the same tables itself.
"""

import io
import textwrap
from typing import Any

from deeppcos.errors import ContractBroken
from deeppcos.research.drawing.palette import Palette
from deeppcos.research.drawing.shapes import DRAWERS
from deeppcos.research.figures.figure import Drawing, Figure

WIDTH, DOTS_AN_INCH = 8.4, 160


def picture(figure: Figure, palette: Palette, *, origin: str, form: str = "svg") -> bytes:
    """A figure as a file.

    Args:
        figure: The figure.
        palette: Colours.
        origin: Where its numbers come from; printed under it.
        form: ``svg`` or ``png``.

    Returns:
        The file; the same bytes for the same numbers.

    Raises:
        ContractBroken: If the ``research`` extra is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure as Sheet
    except ModuleNotFoundError as missing:
        raise ContractBroken(
            "pictures need the research extra",
            value=f"{missing.name} is not installed",
            accepted="matplotlib",
            remedy="pip install 'deeppcos[research]'",
        ) from missing
    style: Any = {
        "svg.hashsalt": figure.key,
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.color": palette.ink,
        "axes.labelcolor": palette.muted,
        "axes.edgecolor": palette.line,
        "xtick.color": palette.muted,
        "ytick.color": palette.ink,
        "hatch.color": palette.hatch,
        "hatch.linewidth": 0.7,
    }
    with matplotlib.rc_context(style):
        sheet = Sheet(
            figsize=(WIDTH, _height(figure)), layout="constrained", facecolor=palette.paper
        )
        (FigureCanvasSVG if form == "svg" else FigureCanvasAgg)(sheet)
        axes = sheet.subplots()
        axes.set_facecolor(palette.paper)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(length=0)
        DRAWERS[figure.drawing](axes, figure, palette)
        axes.set_title(
            figure.title, loc="left", fontsize=12, fontweight="bold", color=palette.ink, pad=10
        )
        sheet.supxlabel(
            _wrapped(origin, figure.why_withheld),
            fontsize=6.2,
            color=palette.muted,
            x=0.01,
            ha="left",
        )
        target = io.BytesIO()
        metadata = (
            {"Date": None, "Title": figure.title} if form == "svg" else {"Software": "DeepPCOS"}
        )
        sheet.savefig(
            target, format=form, dpi=DOTS_AN_INCH, metadata=metadata, facecolor=palette.paper
        )
    return target.getvalue()


def _height(figure: Figure) -> float:
    """Inches a figure wants."""
    rows = len(figure.rows)
    return {
        Drawing.BARS: 1.5 + 0.33 * rows,
        Drawing.STACKED: 3.4,
        Drawing.FLOW: 4.9,
        Drawing.INTERVALS: 1.7 + 0.5 * rows,
        Drawing.LINES: 3.4,
        Drawing.AGREEMENT: 1.7 + 0.5 * max(1, rows),
    }[figure.drawing]


def _wrapped(*texts: str, width: int = 150) -> str:
    """Texts one below the other, long lines broken at spaces."""
    return "\n".join(line for text in texts for line in textwrap.wrap(text, width))
