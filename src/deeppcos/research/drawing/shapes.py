"""The shapes of each kind of figure on paper.

Owns what is drawn inside the axes; sheet, title and colours are ``pictures``'s.
"""

from collections.abc import Callable
from typing import Any

from deeppcos.research.drawing.flow import BLOCK_WIDTH, Ribbon, flow_layout
from deeppcos.research.drawing.palette import Palette
from deeppcos.research.figures.figure import Drawing, Figure


def records(figure: Figure) -> list[dict[str, Any]]:
    """Rows by name of column, of any type."""
    return [dict(row) for row in figure.records()]


def _none(axes: Any, palette: Palette, words: str = "nothing that may be shown") -> None:
    """An empty figure says so."""
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, words, ha="center", va="center", color=palette.muted, transform=axes.transAxes
    )


def _bars(axes: Any, figure: Figure, palette: Palette) -> None:
    rows = [r for r in records(figure) if r["women"] != 0 or len(figure.rows) < 8]
    most = max(
        (float(r["high"] or 0) for r in rows if isinstance(r["high"], int | float)), default=0
    )
    if not most:
        _none(axes, palette)
        return
    has_share = any(isinstance(r["share"], float) for r in rows)
    for place, row in enumerate(rows):
        if not isinstance(row["women"], int):
            axes.barh(
                place,
                most * 0.12,
                color=palette.sunken,
                hatch="////",
                edgecolor=palette.hatch,
                lw=0,
                height=0.62,
            )
            axes.text(most * 0.13, place, "withheld", va="center", color=palette.muted, fontsize=8)
            continue
        value = float(row["share"] if has_share else row["women"])
        low, high = float(row["low"] or 0), float(row["high"] or 0)
        axes.barh(place, value, color=palette.accent, height=0.62)
        axes.plot([low, high], [place, place], color=palette.ink, lw=1.3, solid_capstyle="butt")
        words = f"{row['women']:,}  ({value:.1%})" if has_share else f"{row['women']:,}"
        axes.text(high + most * 0.015, place, words, va="center", fontsize=8, color=palette.ink)
    axes.set_yticks(range(len(rows)), [str(r["label"]) for r in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, most * 1.22)
    if has_share:
        axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel("share of women, 95 % interval" if has_share else "women, with noise")
    axes.grid(axis="x", color=palette.line, lw=0.6)
    axes.set_axisbelow(True)


def _stacked(axes: Any, figure: Figure, palette: Palette) -> None:
    groups = list(dict.fromkeys(str(r["axis"]) for r in records(figure)))
    labels = list(dict.fromkeys(str(r["label"]) for r in records(figure)))
    colours = dict(zip(labels, (*palette.ramp, palette.sunken), strict=False))
    inks = dict(zip(labels, (*palette.on_ramp, palette.ink), strict=False))
    for place, group in enumerate(groups):
        own = [r for r in records(figure) if r["axis"] == group]
        shown = sum(float(r["share"]) for r in own if isinstance(r["share"], float))
        hidden = [r for r in own if not isinstance(r["share"], int | float)]
        left = 0.0
        for row in own:
            is_hidden = not isinstance(row["share"], int | float)
            value = max(0.0, 1 - shown) / len(hidden) if is_hidden else float(row["share"])
            label = str(row["label"])
            colour = palette.paper if is_hidden else colours[label]
            edge, hatch = (palette.hatch, "////") if is_hidden else (palette.paper, None)
            axes.barh(
                place,
                value,
                left=left,
                height=0.6,
                color=colour,
                hatch=hatch,
                edgecolor=edge,
                lw=0.8,
            )
            if value > 0.045 and not is_hidden:
                axes.text(
                    left + value / 2,
                    place,
                    f"{value:.0%}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color=inks[label],
                )
            left += value
    axes.set_yticks(range(len(groups)), groups)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel("share of women")
    from matplotlib.patches import Patch

    marks = [Patch(facecolor=colours[label], label=label) for label in labels]
    marks.append(
        Patch(
            facecolor=palette.paper,
            edgecolor=palette.hatch,
            hatch="////",
            label="withheld, together",
        )
    )
    axes.legend(
        handles=marks,
        ncols=6,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.22),
        frameon=False,
        fontsize=8,
    )


def _flow(axes: Any, figure: Figure, palette: Palette) -> None:
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path

    layout = flow_layout(figure)
    if not layout.blocks:
        _none(axes, palette)
        return
    codes = {"M": [Path.MOVETO], "C": [Path.CURVE4] * 3, "L": [Path.LINETO]}
    for ribbon in layout.ribbons:
        points = [point for _, several in ribbon.curves for point in several]
        letters = [code for letter, _ in ribbon.curves for code in codes[letter]]
        outline = Path([*points, points[0]], [*letters, Path.CLOSEPOLY])
        axes.add_patch(PathPatch(outline, lw=0, **_ribbon_look(ribbon, palette)))
        if ribbon.women is not None and ribbon.is_change and ribbon.start[1] - ribbon.start[0] > 9:
            axes.text(
                ribbon.x[0] + 8,
                sum(ribbon.start) / 2,
                f"{ribbon.women:,}",
                va="center",
                fontsize=7.5,
                color=palette.ink,
            )
    for block in layout.blocks:
        axes.add_patch(
            Rectangle((block.x, block.y), BLOCK_WIDTH, block.height, color=palette.accent, lw=0)
        )
        is_left = block.side == "from"
        x = block.x - 7 if is_left else block.x + BLOCK_WIDTH + 7
        women = "withheld" if block.women is None else f"{block.women:,}"
        axes.text(
            x,
            block.middle,
            f"{block.label}  {women}",
            va="center",
            ha="right" if is_left else "left",
            fontsize=8.5,
            color=palette.ink,
        )
    for x, words, side in (
        (layout.left, "Rotterdam 2003", "right"),
        (layout.right, "2023 guideline", "left"),
    ):
        axes.text(x, -14, words, ha=side, fontsize=9, color=palette.muted, fontweight="bold")
    axes.set_xlim(0, layout.width)
    axes.set_ylim(layout.height + 4, -30)
    axes.set_axis_off()


def _ribbon_look(ribbon: Ribbon, palette: Palette) -> dict[str, Any]:
    """Changes stand out; what stays is pale; what is withheld is hatched."""
    if ribbon.women is None:
        return {"facecolor": palette.sunken, "hatch": "//////", "edgecolor": palette.hatch}
    if ribbon.is_change:
        return {"facecolor": palette.caution, "alpha": 0.55, "edgecolor": "none"}
    return {"facecolor": palette.accent, "alpha": 0.28, "edgecolor": "none"}


def _intervals(axes: Any, figure: Figure, palette: Palette) -> None:
    rows = list(records(figure))
    if figure.is_empty:
        _none(axes, palette)
        return
    labels = []
    for place, row in enumerate(rows):
        women = row["women"] if isinstance(row["women"], int) else "withheld"
        labels.append(f"{row['label']}\nn = {women}")
        if not isinstance(row["median"], int | float):
            axes.text(
                0.02,
                place,
                "withheld",
                va="center",
                color=palette.muted,
                fontsize=8,
                transform=axes.get_yaxis_transform(),
            )
            continue
        axes.plot(
            [row["lower_quartile"], row["upper_quartile"]],
            [place] * 2,
            color=palette.ramp[1],
            lw=9,
            solid_capstyle="butt",
        )
        axes.plot([row["low"], row["high"]], [place] * 2, color=palette.ink, lw=1.6)
        axes.plot([row["median"]], [place], "o", color=palette.accent, ms=7, mec=palette.paper)
        axes.annotate(
            f"{row['median']:g}",
            (float(row["median"]), place),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{figure.unit}: median with 95 % interval, and quartiles")
    axes.grid(axis="x", color=palette.line, lw=0.6)
    axes.set_axisbelow(True)


def _lines(axes: Any, figure: Figure, palette: Palette) -> None:
    rows = [r for r in records(figure) if r["label"] != "unknown"]
    if figure.is_empty or not rows:
        _none(axes, palette, *([] if rows else ["no day of an examination is known"]))
        return
    values = [float(r["women"]) if isinstance(r["women"], int) else float("nan") for r in rows]
    axes.plot(range(len(rows)), values, "-o", color=palette.accent, ms=4.5, lw=2)
    for place, value in enumerate(values):
        if value != value:
            axes.axvspan(
                place - 0.5,
                place + 0.5,
                facecolor=palette.sunken,
                hatch="////",
                edgecolor=palette.hatch,
                lw=0,
            )
    step = max(1, len(rows) // 12)
    axes.set_xticks(
        range(0, len(rows), step), [str(rows[n]["label"]) for n in range(0, len(rows), step)]
    )
    axes.set_ylim(bottom=0)
    axes.set_ylabel("women")
    axes.set_xlabel("quarter of the examination; hatched: withheld")
    axes.grid(axis="y", color=palette.line, lw=0.6)
    axes.set_axisbelow(True)


def _agreement(axes: Any, figure: Figure, palette: Palette) -> None:
    rows = list(records(figure))
    if not rows:
        _none(axes, palette, "fewer than ten women were read twice")
        return
    for place, row in enumerate(rows):
        axes.plot(
            [row["lower_limit"], row["upper_limit"]],
            [place] * 2,
            color=palette.ramp[1],
            lw=7,
            solid_capstyle="butt",
        )
        axes.plot([row["bias_low"], row["bias_high"]], [place] * 2, color=palette.ink, lw=1.8)
        axes.plot([row["bias"]], [place], "o", color=palette.accent, ms=6.5, mec=palette.paper)
        axes.annotate(
            f"ICC {row['icc']:.2f} ({row['icc_low']:.2f} to {row['icc_high']:.2f})",
            (float(row["upper_limit"]), place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.axvline(0, color=palette.muted, lw=1, ls=(0, (4, 3)))
    axes.set_yticks(range(len(rows)), [f"{r['pair']}\n{r['quantity']}" for r in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.18)
    axes.set_xlabel(
        "difference of two readings: bias with 95 % interval, and 95 % limits of agreement"
    )
    axes.grid(axis="x", color=palette.line, lw=0.6)
    axes.set_axisbelow(True)


DRAWERS: dict[Drawing, Callable[[Any, Figure, Palette], None]] = {
    Drawing.BARS: _bars,
    Drawing.STACKED: _stacked,
    Drawing.FLOW: _flow,
    Drawing.INTERVALS: _intervals,
    Drawing.LINES: _lines,
    Drawing.AGREEMENT: _agreement,
}
"""How each kind of figure is drawn."""
