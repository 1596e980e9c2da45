"""A table file as raw cells: CSV and Excel, nothing interpreted.

Owns opening the file, its size limit, delimiter and sheets. What a cell means is the business
of ``repair``; which sheet belongs to a known table that of ``table``.
"""

import csv
import datetime
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.repair import Cell

LARGEST_BYTES = 50_000_000
LARGEST_ROWS = 200_000
_DELIMITERS = (",", ";", "\t")
_KINDS = "a .csv or .xlsx file with one header row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet of raw cells.

    Attributes:
        name: Name of the sheet, or of the file.
        headers: Its first row as text; empty strings where a header is missing.
        rows: The rows below it.
    """

    name: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def read_sheets(path: Path) -> tuple[Sheet, ...]:
    """Every sheet of a table file that has rows.

    Args:
        path: A CSV file (comma, semicolon or tab) or an Excel workbook.

    Returns:
        The sheets, at least one.

    Raises:
        InvalidInput: If the file is absent, too large, of another kind, or empty.
    """
    if not path.is_file():
        raise InvalidInput(
            "there is no such table", value=str(path), accepted=_KINDS, remedy="check the path"
        )
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise InvalidInput(
            f"{path.name} is too large for a table of patients",
            value=f"{size / 1e6:.0f} MB",
            accepted=f"up to {LARGEST_BYTES / 1e6:.0f} MB",
            remedy="split the table",
        )
    kind = path.suffix.lower()
    if kind == ".xlsx":
        sheets = _excel_sheets(path)
    elif kind in (".csv", ".tsv", ".txt"):
        sheets = (_csv_sheet(path),)
    else:
        raise InvalidInput(
            "a table of this kind is not read",
            value=path.name,
            accepted=_KINDS,
            remedy="export the table as CSV",
        )
    filled = tuple(sheet for sheet in sheets if sheet.rows)
    if not filled:
        raise InvalidInput(
            f"{path.name} holds no rows", value=f"{len(sheets)} empty sheets", accepted=_KINDS
        )
    return filled


def _csv_sheet(path: Path) -> Sheet:
    """The sheet of a CSV file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidInput(
            f"{path.name} is not UTF-8 text",
            value=f"byte {problem.start}",
            accepted="UTF-8",
            remedy="save the table as CSV UTF-8",
        ) from problem
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as problem:
        raise InvalidInput(
            f"{path.name} is no CSV table", value=str(problem), accepted=_KINDS
        ) from problem
    return _sheet(path.name, rows)


def _excel_sheets(path: Path) -> tuple[Sheet, ...]:
    """The sheets of a workbook, cached values instead of formulas."""
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = load_workbook(path, data_only=True, read_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError) as problem:
        raise InvalidInput(
            f"{path.name} is no readable workbook",
            value=str(problem)[:80],
            accepted=_KINDS,
            remedy="open it in a spreadsheet program and save it again as .xlsx",
        ) from problem
    try:
        return tuple(
            _sheet(
                sheet.title, [tuple(map(_plain, row)) for row in sheet.iter_rows(values_only=True)]
            )
            for sheet in workbook.worksheets
        )
    finally:
        workbook.close()


def _plain(cell: object) -> Cell:
    """A cell as one of the kinds that are read; anything else as its text."""
    if cell is None or isinstance(cell, (str, float, int, datetime.date, datetime.time)):
        return cell
    return str(cell)


def _sheet(name: str, rows: Sequence[tuple[Cell, ...]]) -> Sheet:
    """A sheet from all its rows; rows without any cell are passed over."""
    if len(rows) > LARGEST_ROWS:
        raise InvalidInput(
            f"{name} has too many rows", value=str(len(rows)), accepted=f"up to {LARGEST_ROWS}"
        )
    if not rows:
        return Sheet(name=name, headers=(), rows=())
    width = max(len(row) for row in rows)
    padded = [row + (None,) * (width - len(row)) for row in rows]
    headers = tuple("" if cell is None else str(cell).strip() for cell in padded[0])
    return Sheet(
        name=name,
        headers=headers,
        rows=tuple(row for row in padded[1:] if any(str(c or "").strip() for c in row)),
    )
