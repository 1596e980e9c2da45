"""A table of women ready for learning: features, label, groups, and the repair report.

Owns putting a table file together through its adapter. Cells are read by ``repair``, units by
``column_units``, the same woman twice is found by ``duplicates``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.adapters import (
    Adapter,
    Column,
    adapter_for,
    column_of,
    nearest_column,
    plain_header,
    split_header,
)
from deeppcos.learning.risk.column_units import doubt_about, factor_for
from deeppcos.learning.risk.dictionary import FEATURES, NAMES
from deeppcos.learning.risk.duplicates import woman_groups
from deeppcos.learning.risk.repair import Action, Cell, Repair, read_cell, read_number
from deeppcos.learning.risk.table_file import Sheet, read_sheets

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEWEST_ROWS = 30
_LABELS = {"0": False, "1": True, "no": False, "yes": True, "n": False, "y": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTable:
    """A table of women.

    Attributes:
        adapter: What kind of table it is.
        values: Of shape (n_women, n_features), float64 in dictionary units and order, NaN unknown.
        label: Of shape (n_women,), whether the table labels her positive.
        groups: Group of likely the same woman, one a row.
        rows: Row names for messages.
        extra: Columns nobody mapped, as numbers where they are, for the check on leakage only.
        repairs: Everything that was repaired, recomputed, refused or left out.
    """

    adapter: Adapter
    values: Floats
    label: Flags
    groups: tuple[str, ...]
    rows: tuple[str, ...]
    extra: dict[str, Floats]
    repairs: tuple[Repair, ...]

    @property
    def n_groups(self) -> int:
        """How many different women there are."""
        return len(set(self.groups))

    def columns(self, names: tuple[str, ...]) -> Floats:
        """Some features, of shape (n_women, len(names))."""
        return self.values[:, [NAMES.index(name) for name in names]]


Keep = Callable[[tuple[Repair, ...]], None]
"""Takes the repair report of a table that is refused."""


def read_table(path: Path, *, on_refused: Keep | None = None) -> RiskTable:
    """Read a known table.

    Args:
        path: A CSV or Excel file.
        on_refused: Told what was found so far, and why the table is refused, before the error.

    Returns:
        The table with its repair report.

    Raises:
        InvalidInput: If the file is unreadable, of no known kind, has no label, one class, or
            fewer than 30 labelled rows. The message says what to do.
    """
    found: list[Repair] = []
    try:
        return _read(path, found)
    except InvalidInput as problem:
        if on_refused is not None:
            on_refused((*found, refusal(path, problem)))
        raise


def refusal(path: Path, problem: InvalidInput) -> Repair:
    """The entry of the repair report that says why a whole table is refused.

    Args:
        path: The table.
        problem: Why.
    """
    return Repair(
        row=None,
        column=path.name,
        found=problem.value or "whole table",
        action=Action.REFUSED,
        because=str(problem),
    )


def _read(path: Path, found: list[Repair]) -> RiskTable:
    """Read a table; whatever is found is in ``found`` even where it is then refused."""
    sheets = read_sheets(path)
    adapter = adapter_for(_best_headers(sheets))
    known, others = _sheets_of(adapter, sheets)
    builder = _Builder(path.name, adapter, found)
    for sheet in others:
        builder.note(None, sheet.name, "sheet", Action.LEFT_OUT, "not part of this table")
    for sheet in known:
        builder.add(sheet)
    return builder.table()


def _best_headers(sheets: tuple[Sheet, ...]) -> list[str]:
    """Headers of the widest sheet: notes and instructions are narrow."""
    return [h for h in max(sheets, key=lambda s: len(s.headers)).headers if h]


def _sheets_of(adapter: Adapter, sheets: tuple[Sheet, ...]) -> tuple[list[Sheet], list[Sheet]]:
    """The sheets that hold this table, and the others."""

    def belongs(sheet: Sheet) -> bool:
        found = sum(column_of(adapter, header) is not None for header in sheet.headers)
        return found * 2 >= len(adapter.columns)

    return [s for s in sheets if belongs(s)], [s for s in sheets if not belongs(s)]


class _Builder:
    """Gathers sheets into one table; only ``read_table`` uses it."""

    def __init__(self, name: str, adapter: Adapter, repairs: list[Repair]) -> None:
        self.name = name
        self.adapter = adapter
        self.repairs = repairs
        self.raw: dict[str, list[float]] = {c.feature: [] for c in adapter.columns}
        self.extra: dict[str, list[float]] = {}
        self.labels: list[bool] = []
        self.rows: list[str] = []

    def note(
        self, row: str | None, column: str, found: object, action: Action, because: str
    ) -> None:
        """One entry of the repair report without a value used."""
        self.repairs.append(
            Repair(row=row, column=column, found=str(found), action=action, because=because)
        )

    def add(self, sheet: Sheet) -> None:
        """Add the labelled rows of a sheet."""
        label_at = self._label_place(sheet)
        kept = self._labelled_rows(sheet, label_at)
        start = len(self.labels)
        self.labels.extend(label for _, _, label in kept)
        self.rows.extend(name for name, _, _ in kept)
        columns = self._columns(sheet)
        for place, (column, factor) in columns.items():
            header = sheet.headers[place]
            self.raw[column.feature] += [
                self._cell(name, header, cells[place], column, factor) for name, cells, _ in kept
            ]
        for place, header in enumerate(sheet.headers):
            if place in columns or place == label_at or self._is_identity(header):
                continue
            # Numbered where a header is missing or repeated, so that no two share a list.
            name = header if sheet.headers.count(header) == 1 else f"{header} #{place + 1}"
            self.extra.setdefault(name, [np.nan] * start)
            self.extra[name] += [_as_number(cells[place]) for _, cells, _ in kept]
        self._pad()

    def _pad(self) -> None:
        """Unknown where a sheet lacks a column that another has."""
        for values in (*self.raw.values(), *self.extra.values()):
            values += [np.nan] * (len(self.labels) - len(values))

    def _label_place(self, sheet: Sheet) -> int:
        """Where the label stands."""
        wanted = plain_header(self.adapter.label_header)
        places = [
            i for i, h in enumerate(sheet.headers) if plain_header(split_header(h)[0]) == wanted
        ]
        if len(places) == 1:
            return places[0]
        raise InvalidInput(
            f"the label column {self.adapter.label_header!r} is {'not' if not places else 'twice'}"
            f" in {sheet.name}",
            value=f"{len(places)} such columns",
            accepted="exactly one, with 0 and 1",
            remedy="name the label column as the data dictionary does; none is guessed",
        )

    def _is_identity(self, header: str) -> bool:
        """Whether a column only names the row."""
        return plain_header(header) in {plain_header(i) for i in self.adapter.identity}

    def _labelled_rows(
        self, sheet: Sheet, label_at: int
    ) -> list[tuple[str, tuple[Cell, ...], bool]]:
        """Rows with a readable label, each with its name."""
        kept = []
        unread = 0
        for number, cells in enumerate(sheet.rows, start=2):
            text = _label_text(cells[label_at])
            if text in _LABELS:
                kept.append((f"{sheet.name}:{number}", cells, _LABELS[text]))
            else:
                unread += 1
        if unread:
            reason = f"{unread} rows without a label of 0 or 1"
            self.note(None, self.adapter.label_header, sheet.name, Action.LEFT_OUT, reason)
        return kept

    def _columns(self, sheet: Sheet) -> dict[int, tuple[Column, float]]:
        """The columns of a sheet that are read, with their factors; the rest is reported."""
        chosen: dict[int, tuple[Column, float]] = {}
        for place, header in enumerate(sheet.headers):
            column = column_of(self.adapter, header)
            if column is None:
                self._report_unread(header)
                continue
            factor = factor_for(column, split_header(header)[1])
            if factor is None:
                because = (
                    f"the unit is not one that converts to {column.unit or 'a plain number'}: "
                    "which unit is it in?"
                )
                self.note(None, header, header, Action.ASKED_BACK, because)
                continue
            if factor != column.scale:
                because = f"from {split_header(header)[1]} to {column.unit}"
                self.note(None, header, header, Action.CONVERTED, because)
            chosen[place] = (column, factor)
        self._drop_repeated(chosen, sheet)
        self._report_absent(chosen)
        return chosen

    def _report_unread(self, header: str) -> None:
        """Say why a column is not read."""
        plain = plain_header(split_header(header)[0])
        if self._is_identity(header) or plain == plain_header(self.adapter.label_header):
            return
        for known, reason in self.adapter.left_out.items():
            if plain.startswith(plain_header(known)):
                self.note(None, header, header, Action.LEFT_OUT, reason)
                return
        near = nearest_column(self.adapter, header)
        hint = f"; rename it if it is {near!r}" if near else ""
        self.note(None, header or "(no header)", header, Action.LEFT_OUT, f"not known{hint}")

    def _drop_repeated(self, chosen: dict[int, tuple[Column, float]], sheet: Sheet) -> None:
        """A feature that two columns claim is read from neither."""
        claims: dict[str, list[int]] = {}
        for place, (column, _) in chosen.items():
            claims.setdefault(column.feature, []).append(place)
        for places in claims.values():
            for place in places if len(places) > 1 else []:
                del chosen[place]
                self.note(
                    None,
                    sheet.headers[place],
                    sheet.headers[place],
                    Action.ASKED_BACK,
                    "two columns claim the same feature: which one counts?",
                )

    def _report_absent(self, chosen: dict[int, tuple[Column, float]]) -> None:
        """Name the expected columns that are not there: their features stay unknown."""
        there = {column.feature for column, _ in chosen.values()}
        for column in self.adapter.columns:
            if column.feature not in there:
                self.note(
                    None, column.header, "", Action.LEFT_OUT, f"no column: {column.feature} unknown"
                )

    def _cell(self, row: str, header: str, cell: Cell, column: Column, factor: float) -> float:
        """One cell; whatever was done with it is reported."""
        read = read_cell(cell, column, factor=factor)
        if read.action is not None:
            self.repairs.append(
                Repair(
                    row=row,
                    column=header,
                    found=str(cell),
                    action=read.action,
                    because=read.because,
                    used=read.value,
                )
            )
        return np.nan if read.value is None else read.value

    def table(self) -> RiskTable:
        """The finished table.

        Raises:
            InvalidInput: If it has fewer than 30 labelled rows or one class.
        """
        label = np.array(self.labels, dtype=bool)
        _require_learnable(label, self.name, self.adapter)
        self._ask_back_columns()
        values = self._features()
        extra = {name: np.array(column) for name, column in self.extra.items()}
        groups, _ = woman_groups(np.column_stack([values, *extra.values()]))
        return RiskTable(
            adapter=self.adapter,
            values=values,
            label=label,
            groups=groups,
            rows=tuple(self.rows),
            extra=extra,
            repairs=tuple(self.repairs),
        )

    def _ask_back_columns(self) -> None:
        """Columns whose median is that of another unit are not used."""
        for column in self.adapter.columns:
            doubt = doubt_about(column, np.array(self.raw[column.feature]))
            if doubt:
                self.note(None, column.header, "whole column", Action.ASKED_BACK, doubt)
                self.raw[column.feature] = [np.nan] * len(self.labels)

    def _features(self) -> Floats:
        """The features in the order of the dictionary, ratios recomputed."""
        unknown = np.full(len(self.labels), np.nan)
        raw = {name: np.array(column) for name, column in self.raw.items()}
        weight, height = raw.get("weight_kg", unknown), raw.get("height_cm", unknown)
        waist, hip = raw.get("waist_cm", unknown), raw.get("hip_cm", unknown)
        raw["body_mass_index"] = weight / (height / 100) ** 2
        raw["waist_hip_ratio"] = waist / hip
        for feature in FEATURES:
            if feature.recomputed_from:
                column = raw[feature.name]
                outside = (column < feature.low) | (column > feature.high)
                column[outside] = np.nan
                because = f"always recomputed from {' and '.join(feature.recomputed_from)}"
                self.note(None, feature.name, "", Action.RECOMPUTED, because)
        return np.column_stack([raw.get(name, unknown) for name in NAMES])


def _label_text(cell: Cell) -> str:
    """A label cell as text; 1.0 is 1."""
    if isinstance(cell, (int, float)):
        return f"{float(cell):g}"
    return str(cell or "").strip().lower()


def _as_number(cell: Cell) -> float:
    """A cell of a column nobody mapped: its number, or NaN."""
    value = read_number(cell).value
    return np.nan if value is None else value


def _require_learnable(label: Flags, name: str, adapter: Adapter) -> None:
    """Refuse a table nothing can be learned or measured on."""
    kind = f"{name}, read as a table like {adapter.title!r}"
    if label.size < FEWEST_ROWS:
        raise InvalidInput(
            f"{kind}: too few labelled rows",
            value=str(label.size),
            accepted=f"at least {FEWEST_ROWS}",
            remedy="gather more women; figures on fewer mean nothing",
        )
    if label.all() or not label.any():
        raise InvalidInput(
            f"{kind}: all rows have the same label",
            value=f"{int(label.sum())} positive of {label.size}",
            accepted="both labels",
            remedy="add the other class; nothing can be compared within one",
        )
