"""The data dictionary as a page of Markdown and as data.

Owns the layout. What stands in it is ``columns``.
"""

from typing import Any

from deeppcos.research.columns import SCHEMA, TABLES, Column

_ABOUT = {
    "assessments": "One row an assessment: the flat table cohorts are built from.",
    "ovaries": "One row an ovary and source. The three counts are never interchangeable.",
    "labs": "One row a laboratory result, as charted and in the test's usual unit.",
    "readings": "One row an ovary and reader, for agreement.",
}


def dictionary_page() -> str:
    """The data dictionary as Markdown.

    Returns:
        The page, ending in a line break.
    """
    lines = [
        "# Data dictionary of the research tables",
        "",
        f"Generated from `deeppcos.research.columns` (`{SCHEMA}`); a test keeps both equal. "
        "Unknown is null, never zero, false or normal. Columns marked * are replaced or shifted "
        "before a table leaves the house.",
    ]
    for name, columns in TABLES.items():
        lines += ["", f"## {name}", "", _ABOUT[name], ""]
        lines += ["| Column | Type | Unit | Values | Meaning |", "|---|---|---|---|---|"]
        lines += [_line(column) for column in columns]
    return "\n".join(lines) + "\n"


def dictionary_rows(table: str) -> list[dict[str, Any]]:
    """The dictionary of one table as plain data, for files beside an export.

    Args:
        table: Name of the table.
    """
    return [
        {
            "column": column.name,
            "type": column.kind.value,
            "unit": column.unit or None,
            "values": list(column.values) or None,
            "meaning": column.meaning,
        }
        for column in TABLES[table]
    ]


def _line(column: Column) -> str:
    """One column as a line of the table."""
    star = "*" if column.identifies else ""
    values = ", ".join(f"`{value}`" for value in column.values)
    unit = f"`{column.unit}`" if column.unit else ""
    return f"| `{column.name}`{star} | {column.kind} | {unit} | {values} | {column.meaning} |"
