"""Research tables on the disk: a folder of Parquet files with their dictionary.

Owns writing and opening them. A folder whose columns differ from the dictionary is refused with
every difference named; nothing is renamed or guessed.
"""

import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deeppcos.errors import InvalidInput
from deeppcos.research.columns import SCHEMA, TABLES, Column, Kind
from deeppcos.research.dictionary_page import dictionary_rows
from deeppcos.research.engine import engine

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE_FILE = "table.json"
SQL_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.DATE: "DATE",
    Kind.FLAG: "BOOLEAN",
}
_SAME_KIND = {"INTEGER": "BIGINT", "FLOAT": "DOUBLE", "SMALLINT": "BIGINT", "UBIGINT": "BIGINT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchTable:
    """A folder of research tables that was opened and checked.

    Attributes:
        folder: Where it lies.
        fingerprint: SHA-256 over the Parquet files: the state of the data.
        rows: Rows of each table.
        made: When it was written, ISO 8601.
        source: What it was made from, in words.
    """

    folder: Path
    fingerprint: str
    rows: Mapping[str, int]
    made: str
    source: str

    def file(self, table: str) -> Path:
        """The Parquet file of one table."""
        return self.folder / f"{table}.parquet"


def quoted(path: Path) -> str:
    """A path as a literal of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def write_tables(
    folder: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]], *, source: str
) -> ResearchTable:
    """Write rows as research tables.

    Args:
        folder: Where; made if absent.
        rows: Rows by name of table; tables left out are written empty.
        source: What they were made from, in words.

    Returns:
        The opened table.

    Raises:
        InvalidInput: If a row has a key the dictionary does not know, or there is a table
            already.
    """
    if (folder / TABLE_FILE).exists():
        raise InvalidInput(
            "there is a research table already", value=str(folder), remedy="name a new folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with engine() as connection:
        for name, columns in TABLES.items():
            counts[name] = _write(connection, folder, name, columns, rows.get(name, ()))
    return finish(folder, counts, source=source)


def finish(folder: Path, counts: Mapping[str, int], *, source: str) -> ResearchTable:
    """Write ``table.json``: its existence says that the Parquet files are whole.

    Args:
        folder: The folder with the Parquet files.
        counts: Rows of each table.
        source: What they were made from, in words.
    """
    content = {
        "schema": SCHEMA,
        "made": datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat(),
        "source": source,
        "rows": dict(counts),
        "sha256": _fingerprint(folder),
        "dictionary": {name: dictionary_rows(name) for name in TABLES},
    }
    fresh = folder / f"{TABLE_FILE}.new"
    fresh.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(folder / TABLE_FILE)
    return open_table(folder)


def _write(
    connection: "DuckDBPyConnection",
    folder: Path,
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
) -> int:
    """One table, by way of lines of JSON that the engine reads with the dictionary's types."""
    known = {column.name for column in columns}
    lines = folder / f".{name}.jsonl"
    count = 0
    with lines.open("w", encoding="utf-8") as text:
        for row in rows:
            if not row.keys() <= known:
                raise InvalidInput(
                    f"{name}: a row has columns the dictionary does not know",
                    value=", ".join(sorted(row.keys() - known)),
                    accepted="the columns of the data dictionary",
                    remedy="see docs/research-data-dictionary.md",
                )
            text.write(json.dumps(row, default=str, ensure_ascii=False) + "\n")
            count += 1
    types = ", ".join(f"{c.name}: '{SQL_TYPES[c.kind]}'" for c in columns)
    order = "patient_id, assessment_id"
    connection.execute(
        f"COPY (SELECT * FROM read_json({quoted(lines)}, format='newline_delimited', "
        f"columns={{{types}}}) ORDER BY {order}) TO {quoted(folder / f'{name}.parquet')} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    lines.unlink()
    return count


def _fingerprint(folder: Path) -> str:
    """SHA-256 over every Parquet file in the order of their names."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.parquet")):
        digest.update(file.name.encode())
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def open_table(folder: Path) -> ResearchTable:
    """Open a folder of research tables.

    Args:
        folder: The folder.

    Returns:
        The table.

    Raises:
        InvalidInput: If it is none, is damaged, was changed after it was written, or its
            columns differ from the dictionary; every difference is named.
    """
    try:
        content = json.loads((folder / TABLE_FILE).read_text(encoding="utf-8"))
        rows, stated = dict(content["rows"]), str(content["sha256"])
        made, source = str(content["made"]), str(content["source"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise InvalidInput(
            f"{folder} is no research table",
            value=f"{TABLE_FILE}: {problem}",
            accepted="a folder that deeppcos cohort table wrote",
            remedy="make one with deeppcos cohort table",
        ) from problem
    with engine() as connection:
        problems = [
            problem
            for name, columns in TABLES.items()
            for problem in _differences(connection, folder, name, columns)
        ]
    if problems:
        raise InvalidInput(
            f"{folder}: the columns are not those of the data dictionary",
            value="; ".join(problems),
            accepted=SCHEMA,
            remedy="make the table again with deeppcos cohort table",
        )
    found = _fingerprint(folder)
    if found != stated:
        raise InvalidInput(
            f"{folder} was changed after it was written",
            value=found[:12],
            accepted=stated[:12],
            remedy="make the table again; a cohort must rest on one state of the data",
        )
    return ResearchTable(folder=folder, fingerprint=found, rows=rows, made=made, source=source)


def _differences(
    connection: "DuckDBPyConnection", folder: Path, name: str, columns: Sequence[Column]
) -> list[str]:
    """What is missing, unknown or of another type, with the name that may be meant."""
    file = folder / f"{name}.parquet"
    if not file.is_file():
        return [f"{file.name} is missing"]
    try:
        found = connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({quoted(file)})"
        ).fetchall()
    except Exception as problem:  # the engine has no narrower kind for a damaged file
        return [f"{file.name} cannot be read: {str(problem).splitlines()[0]}"]
    there = {str(row[0]): str(row[1]) for row in found}
    wanted = {column.name: SQL_TYPES[column.kind] for column in columns}
    said = []
    extra = [one for one in there if one not in wanted]
    for missing in (one for one in wanted if one not in there):
        near = get_close_matches(missing, extra, n=1)
        hint = f" (renamed to {near[0]}?)" if near else ""
        said.append(f"{name}.{missing} is missing{hint}")
    said += [f"{name}.{one} is not in the dictionary" for one in extra]
    for one in wanted.keys() & there.keys():
        if _SAME_KIND.get(there[one], there[one]) != wanted[one]:
            said.append(f"{name}.{one} is {there[one]}, not {wanted[one]}")
    return said
