"""The audit of a table: rows, values, and what gives the label away.

Owns the order of the steps and the record they leave. What each step says stands in
``table_findings``.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.grouped_split import grouped_folds
from deeppcos.learning.audit.picture_table import (
    ColumnChoice,
    group_column,
    label_column,
    split_column,
)
from deeppcos.learning.audit.table_leaks import LeakScores, leak_scores
from deeppcos.learning.audit.table_reading import (
    Column,
    Table,
    is_broken,
    is_missing,
)
from deeppcos.learning.audit.table_rows import (
    RowCopies,
    find_row_copies,
    is_identifier,
    label_conflicts,
)
from deeppcos.learning.audit.table_values import ValueTrouble, value_troubles

LEAST_OF_A_CLASS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAudit:
    """All that was measured of a table.

    Attributes:
        table: The table.
        label: Column of the label; None where none was recognised.
        positive: The label value that counts as positive, the rarer one; None without a label of
            two values.
        classes: Rows of each label value.
        split: Column of the split, or None.
        rows: Rows that are one person.
        conflicts: Groups of rows with more than one label.
        crossing: Groups of rows in more than one split.
        troubles: Values that cannot be.
        strays: Text in columns of numbers: column, row name, text.
        broken_formulas: Cells with a spreadsheet's error, by column.
        decimal_commas: Cells with a decimal comma, by column.
        leaks: What gives the label away; None without a label of two values.
        groups: Group of every row: rows of one person, and a patient the user named, together.
        folds: Fold of every row in the grouped split.
    """

    table: Table
    label: str | None
    positive: str | None
    classes: Mapping[str, int]
    split: str | None
    rows: RowCopies
    conflicts: tuple[tuple[int, ...], ...]
    crossing: tuple[tuple[int, ...], ...]
    troubles: tuple[ValueTrouble, ...]
    strays: tuple[tuple[str, str, str], ...]
    broken_formulas: Mapping[str, int]
    decimal_commas: Mapping[str, int]
    leaks: LeakScores | None
    groups: tuple[int, ...]
    folds: tuple[int, ...]


def audit_table(table: Table, choice: ColumnChoice, *, folds: int) -> TableAudit:
    """Look at everything.

    Args:
        table: The table.
        choice: Columns the user named.
        folds: Folds of the grouped split.

    Raises:
        InvalidInput: If a named column is missing.
    """
    label, split = label_column(table, choice), split_column(table, choice)
    # A patient named by the user is believed; a guessed one may only be a row number.
    stated = group_column(table, choice) if choice.group else None
    leave_out = [c.name for c in (label, split, stated) if c]
    rows = find_row_copies(table, leave_out=leave_out)
    groups = _with_stated(rows.groups, stated)
    texts = label.texts if label else ("",) * len(table.row_names)
    crossing = label_conflicts(groups, split.texts) if split else ()
    positive, leaks = None, None
    classes = Counter(text for text in texts if not is_missing(text))
    if label and len(classes) == 2 and min(classes.values()) >= LEAST_OF_A_CLASS:
        positive = min(classes, key=lambda value: (classes[value], value))
        leaks = leak_scores(
            table,
            np.asarray([text == positive for text in texts]),
            np.asarray([not is_missing(text) for text in texts]),
            groups,
            leave_out=leave_out,
        )
    return TableAudit(
        table=table,
        label=label.name if label else None,
        positive=positive,
        classes=dict(classes.most_common()),
        split=split.name if split else None,
        rows=rows,
        conflicts=label_conflicts(groups, texts) if label else (),
        crossing=crossing,
        troubles=value_troubles(table),
        strays=_strays(table),
        broken_formulas=_counted(table, _broken),
        decimal_commas=_counted(table, lambda c: len(c.decimal_commas)),
        leaks=leaks,
        groups=groups,
        folds=tuple(grouped_folds(groups, texts, folds=folds)),
    )


def _with_stated(groups: tuple[int, ...], stated: Column | None) -> tuple[int, ...]:
    """Rows of one stated patient belong together too."""
    if stated is None:
        return groups
    from deeppcos.learning.audit.copies import Groups

    joined = Groups(range(len(groups)))
    first: dict[tuple[str, object], int] = {}
    for row, group in enumerate(groups):
        joined.join(first.setdefault(("copies", group), row), row)
        if not is_missing(stated.texts[row]):
            joined.join(first.setdefault(("stated", stated.texts[row]), row), row)
    numbers = {row: n for n, members in enumerate(sorted(joined.listed())) for row in members}
    return tuple(numbers[row] for row in range(len(groups)))


def _strays(table: Table) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (column.name, table.row_names[row], column.texts[row])
        for column in table.columns
        if not is_identifier(column)
        for row in column.strays
        if not is_broken(column.texts[row])
    )


def _broken(column: Column) -> int:
    return sum(is_broken(text) for text in column.texts)


def _counted(table: Table, count: Callable[[Column], int]) -> dict[str, int]:
    found = {column.name: count(column) for column in table.columns}
    return {name: number for name, number in found.items() if number}


def require_rows(table: Table) -> None:
    """Refuse a table too small to say anything about.

    Raises:
        InvalidInput: If it has fewer than two columns.
    """
    if len(table.columns) < 2:
        raise InvalidInput(
            f"{table.source}: has one column only",
            value=table.columns[0].name if table.columns else "none",
            accepted="a heading row and at least two columns",
            remedy="check the separator, and that the right file was given",
        )
