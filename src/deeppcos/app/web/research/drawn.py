"""Figures as the page draws them: rows for plain marks, data for charts.

Owns which figures the chart library draws and which are drawn as rows of marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deeppcos.research.drawing.flow import FlowLayout, flow_layout
from deeppcos.research.figures.figure import WITHHELD, Drawing, Figure

CHARTED = frozenset({"ages", "follicles_amh", "scanners", "course"})
"""Figures with an axis of numbers or of time; the others compare names."""
WIDE = frozenset({"profiles", "axes", "missing", "agreement"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFigure:
    """One figure of the page.

    Attributes:
        figure: The figure.
        kind: Template of its marks, or ``chart``.
        chart: Data for the chart library; empty where it is not used.
        marks: What the template draws.
    """

    figure: Figure
    kind: str
    chart: dict[str, Any]
    marks: Any

    @property
    def is_wide(self) -> bool:
        """Whether it takes the whole width."""
        return self.figure.key in WIDE


def drawn_figures(figures: Sequence[Figure]) -> list[DrawnFigure]:
    """Every figure as the page draws it."""
    return [_drawn(figure) for figure in figures]


def _drawn(figure: Figure) -> DrawnFigure:
    if figure.key in CHARTED and not figure.is_empty:
        chart = {
            "drawing": figure.drawing.value,
            "unit": figure.unit,
            "columns": figure.columns,
            "rows": figure.rows,
        }
        return DrawnFigure(figure=figure, kind="chart", chart=chart, marks=None)
    makers: dict[Drawing, tuple[str, Any]] = {
        Drawing.BARS: ("bars", _bars),
        Drawing.STACKED: ("stacked", _stacked),
        Drawing.FLOW: ("flow", _flow),
        Drawing.AGREEMENT: ("agreement", _agreement),
    }
    kind, maker = makers.get(figure.drawing, ("none", lambda _: None))
    marks = maker(figure) if not figure.is_empty else None
    return DrawnFigure(figure=figure, kind=kind if marks else "none", chart={}, marks=marks)


def _bars(figure: Figure) -> list[dict[str, Any]]:
    """Bars in percent of the longest interval."""
    rows = list(figure.records())
    most = max(_number(row["high"]) for row in rows) or 1.0
    return [
        {
            "label": row["label"],
            "women": row["women"],
            "is_withheld": row["women"] == WITHHELD,
            "share": _percent(row["share"]),
            "low": _percent(row["low"]),
            "high": _percent(row["high"]),
            "width": _scaled(row["share"], most),
            "from": _scaled(row["low"], most),
            "to": _scaled(row["high"], most),
        }
        for row in rows
        if row["women"] != 0 or len(rows) < 8
    ]


def _stacked(figure: Figure) -> list[dict[str, Any]]:
    """Each axis as parts of a hundred; withheld parts share what is left."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in figure.records():
        groups.setdefault(str(row["axis"]), []).append(dict(row))
    found = []
    for name, rows in groups.items():
        hidden = [row for row in rows if row["share"] == WITHHELD]
        rest = 100.0 - sum(_number(row["share"]) for row in rows) * 100.0
        parts, left = [], 0.0
        for number, row in enumerate(rows):
            is_hidden = row["share"] == WITHHELD
            width = max(0.0, rest) / len(hidden) if is_hidden else _number(row["share"]) * 100
            parts.append(
                {
                    "label": row["label"], "women": row["women"], "left": f"{left:.3f}",
                    "middle": f"{left + width / 2:.3f}", "width": f"{width:.3f}",
                    "share": _percent(row["share"]), "is_withheld": is_hidden,
                    "grade": number, "has_room": width > 6.5,
                }
            )  # fmt: skip
            left += width
        found.append({"axis": name, "parts": parts})
    return found


def _flow(figure: Figure) -> FlowLayout:
    return flow_layout(figure)


def _agreement(figure: Figure) -> list[dict[str, Any]]:
    """Bias and limits in percent of one common scale for each quantity."""
    rows = [dict(row) for row in figure.records()]
    found = []
    for quantity in dict.fromkeys(row["quantity"] for row in rows):
        own = [row for row in rows if row["quantity"] == quantity]
        reach = max(abs(_number(r[end])) for r in own for end in ("lower_limit", "upper_limit"))
        reach = reach * 1.08 or 1.0
        found.append({"quantity": quantity, "pairs": [_pair(row, reach) for row in own]})
    return found


def _pair(row: dict[str, Any], reach: float) -> dict[str, Any]:
    """One pair of readers on a scale from minus to plus reach."""

    def place(name: str) -> str:
        return f"{50 + 50 * _number(row[name]) / reach:.3f}"

    return {
        **row,
        "x_bias": place("bias"),
        "x_low": place("bias_low"),
        "x_high": place("bias_high"),
        "x_lower": place("lower_limit"),
        "x_upper": place("upper_limit"),
        "width": f"{50 * (_number(row['upper_limit']) - _number(row['lower_limit'])) / reach:.3f}",
    }


def _number(value: Any) -> float:
    """A number; withheld and absent ones take no room."""
    return float(value) if isinstance(value, int | float) else 0.0


def _scaled(value: Any, most: float) -> str:
    return f"{100 * _number(value) / most:.3f}"


def _percent(value: Any) -> str:
    return f"{_number(value) * 100:.1f}" if isinstance(value, int | float) else ""
