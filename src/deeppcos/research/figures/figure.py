"""A figure: the question it answers, its numbers, and how they want to be drawn.

Owns the record. A withheld number is ``WITHHELD``, never an empty cell and never zero.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

WITHHELD: Final = "withheld"
"""Stands wherever a number would let fewer than ten women be told apart."""

WITHHELD_WHY: Final = (
    "Withheld: the number is under ten, or with the others it would let a number under ten be "
    "worked out. Which of the two is not told, since that would tell. Withheld is not zero."
)
"""Why, wherever a withheld number stands: one reason for all, so that none tells the small ones."""
LEFT_OUT_WHY: Final = (
    "This table is left out whole: whichever of its numbers were shown, together with the cohorts "
    "released before they would tell few women apart."
)

Value = str | int | float | bool | None


class Drawing(StrEnum):
    """How a figure wants to be drawn."""

    BARS = "bars"  # label, count, share, low, high
    STACKED = "stacked"  # group, label, count, share
    FLOW = "flow"  # from, to, count
    INTERVALS = "intervals"  # label, count, lower quartile, median, low, high, upper quartile
    LINES = "lines"  # label, count
    AGREEMENT = "agreement"  # pair, quantity, n, bias and limits with intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a cohort.

    Attributes:
        key: Name in addresses and files.
        title: What it is called.
        question: What it answers, in one sentence.
        drawing: How it wants to be drawn.
        columns: Names of the columns of its table.
        rows: The numbers; every one that a picture shows.
        summary: Statistics in sentences, each with n and a 95 % interval.
        notes: What a reader must know.
        unit: Unit of the measured axis; empty for counts.
    """

    key: str
    title: str
    question: str
    drawing: Drawing
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    summary: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unit: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw at all."""
        return not any(isinstance(value, int | float) for row in self.rows for value in row)

    @property
    def withheld(self) -> int:
        """How many rows are withheld."""
        return sum(WITHHELD in row for row in self.rows)

    @property
    def why_withheld(self) -> str:
        """Why numbers are missing; empty where all are shown."""
        return WITHHELD_WHY if self.withheld else ""

    def records(self) -> Iterator[dict[str, Value]]:
        """Rows by name of column."""
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))

    def as_data(self) -> dict[str, Any]:
        """The figure as JSON takes it."""
        return asdict(self) | {"drawing": self.drawing.value}


def figure_from(content: dict[str, Any]) -> Figure:
    """A figure as ``as_data`` wrote it."""
    return Figure(
        **{
            **content,
            "drawing": Drawing(content["drawing"]),
            "columns": tuple(content["columns"]),
            "rows": tuple(tuple(row) for row in content["rows"]),
            "summary": tuple(content["summary"]),
            "notes": tuple(content["notes"]),
        }
    )
