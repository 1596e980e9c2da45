"""From a raw cell to a number or to unknown, and a report of everything that was done.

Owns reading one cell and the repair report. Nothing is guessed: what can be repaired without a
choice is repaired and reported; everything else is unknown, and asked back.
"""

import datetime
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from deeppcos.learning.risk.adapters import Column
from deeppcos.learning.risk.dictionary import BY_NAME, Feature, Kind

Cell = str | float | int | bool | datetime.datetime | datetime.date | datetime.time | None

MISSING = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "?", ".", "unknown"})
SPREADSHEET_ERRORS = frozenset({"#name?", "#n/a", "#value!", "#ref!", "#div/0!", "#num!", "#null!"})
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_STRAY_DOT = re.compile(r"([+-]?\d+\.\d+)\.")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_WITH_UNIT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([^\d\s].*)")
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(
    rf"\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}.*|\d{{1,2}}[- ]?{_MONTH}.*|{_MONTH}[- ]?\d{{1,4}}"
)
_SPAN = re.compile(r"\d+(\.\d+)?\s*(-|to|–)\s*\d+(\.\d+)?")
_FOLDS = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001)


class Action(StrEnum):
    """What was done with a cell, a column or a row."""

    REPAIRED = "repaired"  # read without a choice
    RECOMPUTED = "recomputed"  # from other columns, never read
    CONVERTED = "converted"  # from another stated unit
    ASKED_BACK = "asked back"  # implausible: unknown until somebody answers
    REFUSED = "refused"  # not readable: unknown
    LEFT_OUT = "left out"  # a row or column that is not used, with the reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One entry of the repair report.

    Attributes:
        row: Row of the table as the reader sees it, or None for a whole column or table.
        column: Header.
        found: What stood there.
        action: What was done.
        because: Why, with the question where one is asked back.
        used: What is used instead, or None: unknown.
    """

    row: str | None
    column: str
    found: str
    action: Action
    because: str
    used: float | None = None

    def __str__(self) -> str:
        place = f"row {self.row}, " if self.row else ""
        used = "unknown" if self.used is None else f"{self.used:g}"
        ending = "" if self.action is Action.LEFT_OUT else f"; used: {used}"
        return f"{place}{self.column}: {self.found!r} {self.action}, {self.because}{ending}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCell:
    """A cell as read.

    Attributes:
        value: The number in the unit of the dictionary, or None: unknown.
        action: What had to be done, or None.
        because: Why.
    """

    value: float | None
    action: Action | None = None
    because: str = ""


def read_cell(cell: Cell, column: Column, *, factor: float | None = None) -> ReadCell:
    """Read one cell of a known column.

    Args:
        cell: As the file holds it.
        column: Its column.
        factor: What numbers are multiplied with; the column's own scale if None.

    Returns:
        The value, and what was done to get it.

    Examples:
        >>> from deeppcos.learning.risk.adapters import KERALA
        >>> amh = next(c for c in KERALA.columns if c.feature == "amh_ng_ml")
        >>> read_cell("3,75", amh).value, read_cell("a", amh).value
        (3.75, None)
    """
    if column.codes:
        return _coded(cell, column)
    read = read_number(cell)
    if read.value is None:
        return read
    value = read.value * (column.scale if factor is None else factor)
    feature = BY_NAME[column.feature]
    problem = implausible(feature, value)
    if problem:
        return ReadCell(value=None, action=Action.ASKED_BACK, because=problem)
    return ReadCell(value=value, action=read.action, because=read.because)


def read_number(cell: Cell) -> ReadCell:
    """A number from a raw cell; dates, spans and words stay unknown."""
    if isinstance(cell, (datetime.datetime, datetime.date, datetime.time)):
        return _refused("a date stands where a number belongs; spreadsheets turn 3-4 into one")
    if isinstance(cell, bool) or cell is None:
        return ReadCell(value=None if cell is None else float(cell))
    if isinstance(cell, (int, float)):
        return ReadCell(value=float(cell) if math.isfinite(cell) else None)
    return _from_text(" ".join(cell.split()))


def implausible(feature: Feature, value: float) -> str:
    """Why a value is not used, with the question to ask; empty if it is plausible."""
    if feature.low <= value <= feature.high:
        if feature.kind is Kind.COUNT and value != int(value):
            return "a count must be a whole number"
        return ""
    meant = [
        f"{value * fold:g}, a {max(fold, 1 / fold):g}-fold slip,"
        for fold in _FOLDS
        if value and feature.low <= value * fold <= feature.high
    ]
    question = f"; was {' or '.join(meant[:2])} meant?" if meant else ""
    return f"outside {feature.low:g} to {feature.high:g} {feature.unit}".rstrip() + question


def summary(repairs: Iterable[Repair]) -> dict[tuple[str, Action, str], int]:
    """How often each thing was done, by column, action and reason."""
    return dict(Counter((r.column, r.action, r.because) for r in repairs))


def _coded(cell: Cell, column: Column) -> ReadCell:
    """The meaning of a coded cell."""
    if cell is None:
        return ReadCell(value=None)
    text = f"{cell:g}" if isinstance(cell, (int, float)) else str(cell).strip().lower()
    if text in MISSING:
        return ReadCell(value=None)
    if text not in column.codes:
        return _refused(f"not one of {', '.join(column.codes)}")
    value = column.codes[text]
    if value is None:
        return _refused("the source does not explain this code")
    return ReadCell(value=value)


def _from_text(text: str) -> ReadCell:
    """A number from text, with what had to be repaired."""
    plain = text.lower()
    if plain in MISSING:
        return ReadCell(value=None)
    if plain in SPREADSHEET_ERRORS:
        return _refused("a spreadsheet error")
    if _NUMBER.fullmatch(plain):
        return ReadCell(value=float(plain))
    for repair in (_stray_dot, _comma, _dated, _unit_behind):
        read = repair(plain)
        if read is not None:
            return read
    return _refused("no number")


def _stray_dot(text: str) -> ReadCell | None:
    """``1.99.`` is 1.99."""
    match = _STRAY_DOT.fullmatch(text)
    if match is None:
        return None
    return ReadCell(value=float(match[1]), action=Action.REPAIRED, because="a stray dot")


def _comma(text: str) -> ReadCell | None:
    """``3,75`` is 3.75; ``1,250`` may be either and is asked back."""
    if _GROUPED.fullmatch(text):
        return ReadCell(
            value=None,
            action=Action.ASKED_BACK,
            because=f"decimal comma or thousands? was {text.replace(',', '.')} or "
            f"{text.replace(',', '')} meant?",
        )
    if _DECIMAL_COMMA.fullmatch(text) is None:
        return None
    return ReadCell(
        value=float(text.replace(",", ".")), action=Action.REPAIRED, because="a decimal comma"
    )


def _dated(text: str) -> ReadCell | None:
    """Dates and spans are no numbers."""
    if _SPAN.fullmatch(text):
        return _refused("a span, not a number: which end counts is not for us to choose")
    if _DATE.fullmatch(text):
        return _refused("a date stands where a number belongs; spreadsheets turn 3-4 into one")
    return None


def _unit_behind(text: str) -> ReadCell | None:
    """A number with a unit in the cell: which unit the column is in is then in doubt."""
    match = _WITH_UNIT.fullmatch(text)
    if match is None:
        return None
    return ReadCell(
        value=None,
        action=Action.ASKED_BACK,
        because=f"a unit in the cell ({match[2]}): is the rest of the column in it too?",
    )


def _refused(because: str) -> ReadCell:
    """A cell that cannot be read."""
    return ReadCell(value=None, action=Action.REFUSED, because=because)
