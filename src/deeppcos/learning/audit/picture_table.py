"""A table that names pictures: which column is the file, the class, the split, the patient.

Owns finding those columns and taking them over. Choices can be given; what is guessed is said in
the layout.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.picture_set import (
    Picture,
    PictureSet,
    picture_folder,
    split_of,
)
from deeppcos.learning.audit.table_reading import (
    TABLE_SUFFIXES,
    Column,
    Table,
    is_missing,
    read_table,
)

LEAST_NAMED = 0.5
"""Share of a column's cells that must name a picture."""

_LABEL = re.compile(
    r"(?i)^(?:labels?|class(?:es)?|class[ _]?(?:name|label|id)|target|diagnosis|dx|category|"
    r"ground[ _]?truth|outcome|pcos.*|y)$"
)
_GROUP = re.compile(
    r"(?i)^(?:patient|subject|case|study|person|woman|group)(?:[ _-]?(?:id|no\.?))?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """Columns the user names; empty ones are looked for.

    Attributes:
        file: Column of file names.
        label: Column of classes.
        split: Column of the split.
        group: Column of patients.
    """

    file: str = ""
    label: str = ""
    split: str = ""
    group: str = ""


def tabled_pictures(
    root: Path, choice: ColumnChoice, *, only: Path | None = None
) -> PictureSet | None:
    """Pictures of a folder as a table beside them describes them.

    Args:
        root: The folder.
        choice: Columns the user named.
        only: The one table to use; all beside the pictures when None.

    Returns:
        The set, or None when no table names its pictures.

    Raises:
        InvalidInput: If a named column is missing, or there is no picture.
    """
    plain = picture_folder(root)
    described: dict[int, Picture] = {}
    absent: list[str] = []
    said = []
    used: Counter[str] = Counter()
    files = _Finder(plain)
    for path in [only] if only else _tables_beside(root):
        table = _readable(path, must=only is not None)
        column = table and _file_column(table, choice, files)
        if not table or not column:
            continue
        rows, lost = _described(table, column, choice, files, path)
        described |= rows
        absent += lost
        used[path.suffix.casefold()] += 1
        said.append(_said(table, column, choice))
    if not said:
        return None
    pictures = [
        described.get(n, replace(p, label=None, split=None)) for n, p in enumerate(plain.pictures)
    ]
    return replace(
        plain,
        pictures=tuple(pictures),
        layout="; ".join(said),
        absent=tuple(absent),
        passed_over=dict(Counter(plain.passed_over) - used),
    )


class _Finder:
    """Which picture a cell names: by path, by file name, or by name without ending."""

    def __init__(self, known: PictureSet) -> None:
        self.pictures = known.pictures
        paths = [picture.name.casefold() for picture in known.pictures]
        self._by_path = {path: n for n, path in enumerate(paths)}
        names = [PurePosixPath(path).name for path in paths]
        self._by_name = _unique(names)
        self._by_stem = _unique([PurePosixPath(name).stem for name in names])

    def find(self, cell: str) -> int | None:
        """Number of the picture, or None."""
        wanted = cell.strip().replace("\\", "/").removeprefix("./").casefold()
        if not wanted:
            return None
        name = PurePosixPath(wanted).name
        for key, known in ((wanted, self._by_path), (name, self._by_name), (name, self._by_stem)):
            if key in known:
                return known[key]
        return None


def _unique(names: Sequence[str]) -> dict[str, int]:
    often = Counter(names)
    return {name: n for n, name in enumerate(names) if often[name] == 1}


def _tables_beside(root: Path) -> list[Path]:
    return sorted(
        path
        for path in root.iterdir()
        if path.is_file() and path.suffix.casefold() in TABLE_SUFFIXES
    )[:20]


def _readable(path: Path, *, must: bool) -> Table | None:
    """The table; None for one that has nothing to do with the pictures and cannot be read."""
    try:
        return read_table(path)
    except InvalidInput:
        if must:
            raise
        return None


def _file_column(table: Table, choice: ColumnChoice, files: _Finder) -> Column | None:
    if choice.file:
        return _named(table, choice.file)
    best, most = None, LEAST_NAMED
    for column in table.columns:
        filled = [text for text in column.texts if not is_missing(text)]
        # A column of a few repeated numbers may hit pictures called 1.png by chance.
        if len(set(filled)) < max(2, 0.5 * len(filled)):
            continue
        share = sum(files.find(text) is not None for text in filled) / max(1, len(filled))
        if share > most:
            best, most = column, share
    return best


def _named(table: Table, name: str) -> Column:
    column = table.column(name)
    if column is None:
        raise InvalidInput(
            f"{table.source}: has no column {name!r}",
            accepted=", ".join(c.name for c in table.columns),
            remedy="name one of its columns",
        )
    return column


def label_column(table: Table, choice: ColumnChoice) -> Column | None:
    """The column of classes: as chosen, or the first with a usual name and 2 to 50 values."""
    if choice.label:
        return _named(table, choice.label)
    return next((c for c in table.columns if _LABEL.match(c.name) and 2 <= c.distinct <= 50), None)


def split_column(table: Table, choice: ColumnChoice) -> Column | None:
    """The column of the split: as chosen, or one whose cells all name splits."""
    if choice.split:
        return _named(table, choice.split)
    for column in table.columns:
        filled = {text for text in column.texts if not is_missing(text)}
        if len(filled) > 1 and all(split_of(text) for text in filled):
            return column
    return None


def group_column(table: Table, choice: ColumnChoice) -> Column | None:
    """The column of patients: as chosen, or one with a usual name."""
    if choice.group:
        return _named(table, choice.group)
    return next((c for c in table.columns if _GROUP.match(c.name) and c.distinct > 1), None)


def _described(
    table: Table, column: Column, choice: ColumnChoice, files: _Finder, path: Path
) -> tuple[dict[int, Picture], list[str]]:
    """Pictures with what the rows say; rows that name no file."""
    label, split, group = (
        pick(table, choice) for pick in (label_column, split_column, group_column)
    )
    from_name = next((s for part in re.split(r"[_\- ]", path.stem) if (s := split_of(part))), None)
    found: dict[int, Picture] = {}
    lost = []
    for row, text in enumerate(column.texts):
        number = files.find(text)
        if number is None:
            lost.append(f"{table.row_names[row]}: {text or 'no file name'}")
            continue
        known = files.pictures[number]
        stated = _cell(split, row)
        found[number] = replace(
            known,
            label=_cell(label, row) if label else known.label,
            split=(split_of(stated) or stated) if stated else from_name or known.split,
            group=_cell(group, row) if group else known.group,
        )
    return found, lost


def _cell(column: Column | None, row: int) -> str | None:
    return None if column is None or is_missing(column.texts[row]) else column.texts[row]


def _said(table: Table, column: Column, choice: ColumnChoice) -> str:
    """How the table was understood, in words."""
    picked: Mapping[str, Column | None] = {
        "class": label_column(table, choice),
        "split": split_column(table, choice),
        "patient or group": group_column(table, choice),
    }
    parts = [f"{name} from {c.name!r}" for name, c in picked.items() if c]
    return f"{table.source}: files from {column.name!r}" + "".join(f", {part}" for part in parts)
