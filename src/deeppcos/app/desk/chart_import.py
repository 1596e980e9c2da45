"""A chart from a file somebody has: the public JSON, or a table of fields.

Owns reading both. A table has one field a line: its place in the chart or the name of a
laboratory test, its value, and for a test unit, upper limit, assay and the day it was drawn. A
file may hold several results of a test; which of them counts is asked (``chart_choices``).
"""

import csv
import datetime as dt
import io
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from deeppcos.app.desk.chart_fields import FIELDS, LAB_PARTS, FieldKind
from deeppcos.app.desk.chart_form import as_text, typed_form
from deeppcos.app.desk.chart_words import choice_of, field_path, test_named, understood
from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_json import LARGEST_BYTES, chart_from_text

DAY = "date"
COLUMNS = ("field", *LAB_PARTS, DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenLab:
    """One laboratory result as a file gives it.

    Attributes:
        parts: Text by part: value, unit, upper limit, assay.
        day: The day it was drawn; None where the file does not say.
        place: Where it stands in the file.
    """

    parts: Mapping[str, str]
    day: dt.date | None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenChart:
    """What a file says of a chart.

    Attributes:
        typed: Text of every field outside the laboratory, by its place in the chart.
        labs: Results of each test, in the order of the file.
    """

    typed: dict[str, str] = field(default_factory=dict)
    labs: dict[Analyte, list[GivenLab]] = field(default_factory=lambda: defaultdict(list))


def chart_in(path: Path, *, name: str) -> GivenChart:
    """What a file says of a chart.

    Args:
        path: The file.
        name: What its owner calls it.

    Returns:
        Fields and results, all of them.

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
    return _document(text, name) if text.lstrip().startswith("{") else _table(text, name)


def _document(text: str, name: str) -> GivenChart:
    """The public JSON, in which a test may stand several times and say when it was drawn."""
    content = _decoded(text)
    if content is None:
        chart_from_text(text, source=name)
        raise InvalidInput(f"{name} is not a chart", accepted="a deeppcos.chart/1 document")
    labs = [dict(lab) for lab in content.get("labs") or ()]
    days = [_day(lab.pop(DAY, None), place=f"{name}, labs[{n}]") for n, lab in enumerate(labs)]
    _in_our_words(content, labs)
    by_test: dict[str, list[int]] = defaultdict(list)
    for number, lab in enumerate(labs):
        by_test[str(lab.get("analyte"))].append(number)
    # The contract allows one result of a test: each layer holds at most one, and all are checked.
    for layer in zip_longest(*by_test.values()) if labs else [()]:
        one_each = [labs[number] for number in layer if number is not None]
        chart_from_text(json.dumps({**content, "labs": one_each}), source=name)
    given = GivenChart(typed={p: t for p, t in typed_form(content).items() if p in FIELDS and t})
    for number, (lab, day) in enumerate(zip(labs, days, strict=True)):
        parts = {part: as_text(lab.get(part)) for part in LAB_PARTS}
        result = GivenLab(parts=parts, day=day, place=f"labs[{number}]")
        given.labs[Analyte(lab["analyte"])].append(result)
    return given


def _decoded(text: str) -> dict[str, Any] | None:
    """The document if it has the shape to be looked into; None leaves it to the contract."""
    repeated: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _value in pairs]
        repeated.extend(key for key in keys if keys.count(key) > 1)
        return dict(pairs)

    def refuse(constant: str) -> None:
        repeated.append(constant)

    try:
        content = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError):
        return None
    labs = content.get("labs") or [] if isinstance(content, dict) else None
    is_sound = isinstance(labs, list) and all(isinstance(lab, dict) for lab in labs)
    return None if repeated or not is_sound else content


def _in_our_words(content: dict[str, Any], labs: list[dict[str, Any]]) -> None:
    """Put choices and tests into the contract's spelling; what is not known stays as it is."""
    for path, chart_field in FIELDS.items():
        *rooms, last = path.split(".")
        room: Any = content
        for step in rooms:
            room = room.get(step) if isinstance(room, dict) else None
        if chart_field.kind is not FieldKind.CHOICE or not isinstance(room, dict):
            continue
        if isinstance(room.get(last), str):
            try:
                room[last] = choice_of(chart_field, room[last])
            except InvalidInput:
                continue  # The contract says what it accepts.
    for lab in labs:
        named = test_named(lab["analyte"]) if isinstance(lab.get("analyte"), str) else None
        lab["analyte"] = named.value if named else lab.get("analyte")


def _table(text: str, name: str) -> GivenChart:
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
    given = GivenChart()
    for number, row in enumerate(rows, start=2):
        plain = {(key or "").strip().lower(): (value or "").strip() for key, value in row.items()
                 if isinstance(value, str)}  # fmt: skip
        _row(plain, given, file=name, line=f"line {number}")
    return given


def _row(row: Mapping[str, str], given: GivenChart, *, file: str, line: str) -> None:
    named = row.get("field", "")
    if not named:
        return
    path, test = field_path(named), test_named(named)
    if path is not None:
        if path in given.typed:
            raise InvalidInput(
                f"{file}, {line}: the field {path} is given twice", remedy="keep one of them"
            )
        given.typed[path] = understood(FIELDS[path], row.get("value", ""))
    elif test is not None:
        parts = {part: row.get(part, "") for part in LAB_PARTS}
        if parts["value"] and not parts["unit"]:
            raise InvalidInput(
                f"{file}, {line}: {test.label} has no unit",
                value=parts["value"][:40],
                accepted=", ".join(ANALYTES[test].units),
                remedy="write the unit beside the value; it is never guessed",
            )
        day = _day(row.get(DAY) or None, place=f"{file}, {line}")
        given.labs[test].append(GivenLab(parts=parts, day=day, place=line))
    else:
        raise InvalidInput(
            f"{file}, {line}: there is no such field",
            value=named[:60],
            accepted="a place such as patient.age_years, or a test such as tsh",
            remedy="correct it, or remove the line",
        )


def _day(text: object, *, place: str) -> dt.date | None:
    """The day a result was drawn, written year first: other orders can be read in two ways."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(str(text)[:10])
    except ValueError as problem:
        raise InvalidInput(
            f"{place}: this is not a day",
            value=str(text)[:40],
            accepted="year, month and day such as 2026-03-14",
            remedy="write it so, or leave it out if it is not known",
        ) from problem
