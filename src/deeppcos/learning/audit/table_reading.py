"""Tables as people keep them: CSV of any dialect, spreadsheets, decimal commas, stray text.

Owns turning a file into named columns without losing what could not be read as a number.
Judging the values is the business of the modules beside it.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.decoder_guard import guarded

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".xlsx"})
MAX_TABLE_BYTES = 512 * 1024**2
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "?", ".", "unknown"})
BROKEN_FORMULAS = frozenset(
    {"#name?", "#div/0!", "#value!", "#ref!", "#n/a", "#num!", "#null!", "#spill!", "#getting_data"}
)
NUMERIC_SHARE = 0.8
"""A column is one of numbers when at least this share of its filled cells are numbers."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        name: Heading, without surrounding spaces.
        texts: Cells as text; empty where missing.
    """

    name: str
    texts: tuple[str, ...]

    @cached_property
    def numbers(self) -> npt.NDArray[np.float64]:
        """``(rows,) float64``; NaN where the cell is missing or no number."""
        return np.asarray([_number(text) for text in self.texts], np.float64)

    @cached_property
    def is_numeric(self) -> bool:
        """Whether the column is one of numbers, strays aside."""
        filled = sum(not is_missing(text) and not is_broken(text) for text in self.texts)
        return filled > 0 and int(np.isfinite(self.numbers).sum()) >= NUMERIC_SHARE * filled

    @cached_property
    def distinct(self) -> int:
        """Number of different filled cells."""
        return len({text for text in self.texts if not is_missing(text)})

    @cached_property
    def decimal_commas(self) -> tuple[int, ...]:
        """Rows, from 0, whose cell is a number with a decimal comma."""
        return tuple(row for row, text in enumerate(self.texts) if _is_decimal_comma(text))

    @cached_property
    def strays(self) -> tuple[int, ...]:
        """Rows, from 0, of text in a column of numbers."""
        if not self.is_numeric:
            return ()
        return tuple(
            row
            for row, text in enumerate(self.texts)
            if not is_missing(text) and not math.isfinite(self.numbers[row])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its headings.

    Attributes:
        source: File, and sheets where there are several.
        columns: Columns in their order.
        row_names: Name of each row for a person: file row, and sheet where needed.
    """

    source: str
    columns: tuple[Column, ...]
    row_names: tuple[str, ...]

    def column(self, name: str) -> Column | None:
        """A column by its heading, upper and lower case alike."""
        wanted = name.strip().casefold()
        return next((c for c in self.columns if c.name.casefold() == wanted), None)


def is_missing(text: str) -> bool:
    """Whether a cell says that nothing is known.

    Examples:
        >>> is_missing(" NA "), is_missing("0")
        (True, False)
    """
    return text.strip().casefold() in MISSING


def is_broken(text: str) -> bool:
    """Whether a cell holds a spreadsheet's error instead of a value.

    Examples:
        >>> is_broken("#NAME?"), is_broken("7")
        (True, False)
    """
    return text.strip().casefold() in BROKEN_FORMULAS


def read_table(path: Path) -> Table:
    """Read a CSV, TSV or XLSX file.

    Sheets of one workbook with the same headings are taken together; otherwise the sheet with
    the most filled cells is taken.

    Args:
        path: The file.

    Returns:
        The table.

    Raises:
        InvalidInput: If it is empty, damaged, too large or has no heading row.
        ModuleNotFoundError: If it is a workbook and openpyxl (the audit extra) is missing.
    """
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise InvalidInput(
            f"{path.name}: too large for one table",
            value=f"{path.stat().st_size:,} bytes",
            accepted=f"up to {MAX_TABLE_BYTES:,} bytes",
            remedy="split it, or export the columns that matter",
        )
    if path.suffix.casefold() == ".xlsx":
        return _read_workbook(path)
    rows = _read_csv(path)
    return _table(path.name, rows, [f"row {number}" for number in range(1, len(rows) + 1)])


def _read_csv(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInput(
            f"{path.name}: is not a text table",
            value="binary content",
            accepted="CSV, TSV or XLSX",
            remedy="export the table as CSV",
        )
    text = _decoded(data)
    sample = "\n".join(text.splitlines()[:20])
    delimiter = max(_DELIMITERS, key=sample.count) if sample else ","
    with guarded(path.name, problem="is not a readable table", remedy="export it as CSV again"):
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False))


def _decoded(data: bytes) -> str:
    """Text of a file in the encodings spreadsheets write."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _read_workbook(path: Path) -> Table:
    import openpyxl

    sheets: list[tuple[str, list[list[str]]]] = []
    with guarded(path.name, problem="is not a readable workbook", remedy="export it as CSV"):
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheets.append(
                (sheet.title, [[_text(v) for v in r] for r in sheet.iter_rows(values_only=True)])
            )
        book.close()
    sheets = [(title, rows) for title, rows in sheets if any(any(row) for row in rows)]
    if not sheets:
        raise InvalidInput(f"{path.name}: is an empty workbook", remedy="fill it or leave it out")
    fullest = max(sheets, key=lambda sheet: sum(bool(cell) for row in sheet[1] for cell in row))
    together = [sheet for sheet in sheets if _heading(sheet[1]) == _heading(fullest[1])]
    rows = [together[0][1][0]]
    names = ["heading"]
    for title, body in together:
        rows += body[1:]
        prefix = f"{title} " if len(together) > 1 else ""
        names += [f"{prefix}row {number}" for number in range(2, len(body) + 1)]
    return _table(f"{path.name}, {' and '.join(title for title, _ in together)}", rows, names)


def _heading(rows: list[list[str]]) -> list[str]:
    return [cell.strip().casefold() for cell in rows[0]]


def _text(value: Any) -> str:
    """A spreadsheet cell as text; whole numbers without a trailing ``.0``."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip()


def _table(source: str, rows: Sequence[Sequence[str]], names: Sequence[str]) -> Table:
    """Columns of the rows under the first, empty rows and nameless empty columns left out."""
    if len(rows) < 2:
        raise InvalidInput(
            f"{source}: has no rows under its heading",
            value=f"{len(rows)} rows",
            accepted="a heading row and at least one row",
            remedy="check that the right file was given",
        )
    width = max(len(row) for row in rows)
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    kept = [n for n, row in enumerate(padded) if n and any(cell.strip() for cell in row)]
    columns = []
    for place, heading in enumerate(_distinct_names(padded[0])):
        cells = tuple(padded[n][place].strip() for n in kept)
        if padded[0][place].strip() or any(cells):
            columns.append(Column(name=heading, texts=cells))
    return Table(source=source, columns=tuple(columns), row_names=tuple(names[n] for n in kept))


def _distinct_names(headings: Iterable[str]) -> list[str]:
    """Headings without spaces at the ends; repeated and empty ones numbered."""
    names: list[str] = []
    for place, heading in enumerate(headings, start=1):
        name = " ".join(heading.split()) or f"column {place}"
        names.append(name if name not in names else f"{name} ({place})")
    return names


def _number(text: str) -> float:
    """The number a cell states; NaN where it states none."""
    plain = text.strip()
    if _NUMBER.fullmatch(plain):
        return float(plain)
    if _THOUSANDS.fullmatch(plain) and not _is_decimal_comma(plain):
        return float(plain.replace(",", ""))
    return float(plain.replace(",", ".")) if _is_decimal_comma(plain) else math.nan


def _is_decimal_comma(text: str) -> bool:
    """``3,5`` is; ``1,234`` may be either and is read as a thousands separator."""
    plain = text.strip()
    return bool(_COMMA_NUMBER.fullmatch(plain)) and not _THOUSANDS.fullmatch(plain)
