"""A chart from a file somebody has: the public JSON, or a table of fields.

Owns reading the table. A table has one field a line: its place in the chart or the name of a
laboratory test, its value, and for a test unit, upper limit and assay.
"""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeppcos.app.desk.chart_fields import FIELDS, LAB_PARTS, lab_name, typed_form
from deeppcos.clinical.analytes import Analyte
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_json import LARGEST_BYTES, chart_from_text

COLUMNS = ("field", *LAB_PARTS)


def chart_in(path: Path, *, name: str) -> dict[str, str]:
    """What a file says of a chart, as the text of its form.

    Args:
        path: The file.
        name: What its owner calls it.

    Returns:
        Text by field name.

    Raises:
        InvalidInput: If it is neither a chart nor a table of its fields, naming every problem.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise InvalidInput(f"{name} is too large for a chart", remedy="send one patient's chart")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidInput(
            f"{name} is not UTF-8 text", accepted="JSON or CSV in UTF-8", remedy="save it as UTF-8"
        ) from problem
    if text.lstrip().startswith("{"):
        chart_from_text(text, source=name)
        content: dict[str, Any] = json.loads(text)
        return typed_form(content)
    return _table(text, name)


def _table(text: str, name: str) -> dict[str, str]:
    """The fields of a table with commas, semicolons or tabs."""
    lines = text.splitlines()
    mark = max(",;\t", key=lines[0].count) if lines else ","
    rows = csv.DictReader(io.StringIO(text), delimiter=mark)
    columns = [(column or "").strip().lower() for column in rows.fieldnames or ()]
    if columns[:2] != ["field", "value"] or set(columns) - set(COLUMNS):
        raise InvalidInput(
            f"{name} is not a table of chart fields",
            value=", ".join(columns)[:80] or "nothing",
            accepted=f"the columns {', '.join(COLUMNS)}; the first two are needed",
            remedy="name the columns so, one field a line",
        )
    typed: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        plain = {(key or "").strip().lower(): (value or "").strip() for key, value in row.items()
                 if isinstance(value, str)}  # fmt: skip
        _row(plain, typed, place=f"{name}, line {number}")
    return typed


def _row(row: Mapping[str, str], typed: dict[str, str], *, place: str) -> None:
    field = row.get("field", "")
    if not field:
        return
    if field in FIELDS:
        names = {field: row.get("value", "")}
    elif field in set(Analyte):
        names = {lab_name(field, part): row.get(part, "") for part in LAB_PARTS}
    else:
        raise InvalidInput(
            f"{place}: there is no such field",
            value=field[:60],
            accepted="a place such as patient.age_years, or a test such as tsh",
            remedy="correct it, or remove the line",
        )
    if any(name in typed for name in names):
        raise InvalidInput(f"{place}: the field {field} is given twice", remedy="keep one of them")
    typed.update(names)
