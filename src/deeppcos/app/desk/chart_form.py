"""The chart's form to and from plain text: what a person typed, and what is asked back.

Owns reading one field's text. What is plausible is asked of the chart's own contract, field by
field, so that a form and a file are held to the same limits.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deeppcos.app.desk.chart_fields import FIELDS, LAB_PARTS, ChartField, FieldKind, lab_name
from deeppcos.app.desk.chart_words import choice_of, yes_or_no
from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_document import SCHEMA_NAME
from deeppcos.records.chart_json import ChartProblems, chart_from_text

_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadForm:
    """What a filled-in form says.

    Attributes:
        chart: The chart, ``deeppcos.chart/1``, without the fields that have a question.
        questions: What is asked back, by the field's name; an empty name is the whole chart.
    """

    chart: dict[str, Any]
    questions: dict[str, InvalidInput]


def read_form(typed: Mapping[str, str]) -> ReadForm:
    """Read what a person typed.

    Args:
        typed: Text by field name; an empty text is unknown.

    Returns:
        The chart, and a question for every field that cannot be used as it is.
    """
    chart: dict[str, Any] = {"schema": SCHEMA_NAME}
    questions: dict[str, InvalidInput] = {}
    for path, field in FIELDS.items():
        text = typed.get(path, "").strip()
        if text:
            _take(chart, questions, path, lambda f=field, t=text: _placed(f.path, _value(f, t)))
    for analyte in Analyte:
        if typed.get(lab_name(analyte, "value"), "").strip():
            name = lab_name(analyte, "value")
            _take(chart, questions, name, lambda a=analyte: {"labs": [_lab(a, typed)]})
    _ask_of_the_whole(chart, questions)
    return ReadForm(chart=chart, questions=questions)


def _take(chart: dict[str, Any], questions: dict[str, InvalidInput], name: str, read: Any) -> None:
    """Add one field to the chart, or its question."""
    try:
        part = read()
        chart_from_text(json.dumps(part))
    except ChartProblems as problems:
        questions[name] = problems.problems[0]
    except InvalidInput as problem:
        questions[name] = problem
    else:
        _join(chart, part)


def _ask_of_the_whole(chart: dict[str, Any], questions: dict[str, InvalidInput]) -> None:
    """Ask about what only the fields together show, such as two ages that contradict."""
    try:
        chart_from_text(json.dumps(chart))
    except ChartProblems as problems:
        questions[""] = problems.problems[0]


def _value(field: ChartField, text: str) -> Any:
    if field.kind is FieldKind.YES_NO:
        return yes_or_no(field, text)
    if field.kind is FieldKind.CHOICE:
        return choice_of(field, text)
    number = number_of(text)
    return int(number) if field.kind is FieldKind.WHOLE and number.is_integer() else number


def number_of(text: str) -> float:
    """A number as a person types it, with a point or a comma.

    Args:
        text: What was typed.

    Returns:
        The number.

    Raises:
        InvalidInput: If it is no number, or a comma might stand for thousands.

    Examples:
        >>> number_of("3,5"), number_of("12.25")
        (3.5, 12.25)
    """
    plain = text.strip().replace("\u2212", "-")
    if _THOUSANDS.fullmatch(plain):
        raise InvalidInput(
            "this could be read in two ways",
            value=plain,
            accepted=f"{plain.replace(',', '.')} or {plain.replace(',', '')}",
            remedy="write a point for decimals, and nothing between thousands",
        )
    if not _NUMBER.fullmatch(plain):
        raise InvalidInput(
            "this is not a number",
            value=plain[:40],
            accepted="a number such as 4.2",
            remedy="leave it empty if it is not known",
        )
    return float(plain.replace(",", "."))


def _lab(analyte: Analyte, typed: Mapping[str, str]) -> dict[str, Any]:
    """One laboratory result of the form."""
    parts = {part: typed.get(lab_name(analyte, part), "").strip() for part in LAB_PARTS}
    lab: dict[str, Any] = {
        "analyte": analyte.value,
        "value": number_of(parts["value"]),
        "unit": parts["unit"] or ANALYTES[analyte].units[0],
    }
    if parts["upper_limit"]:
        lab["upper_limit"] = number_of(parts["upper_limit"])
    if parts["assay"]:
        lab["assay"] = parts["assay"]
    return lab


def _placed(path: str, value: Any) -> dict[str, Any]:
    """A chart that holds one value."""
    *rooms, last = path.split(".")
    part: dict[str, Any] = {last: value}
    for room in reversed(rooms):
        part = {room: part}
    return part


def _join(chart: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Put a part into a chart."""
    for key, value in part.items():
        if isinstance(value, dict):
            _join(chart.setdefault(key, {}), value)
        elif isinstance(value, list):
            chart.setdefault(key, []).extend(value)
        else:
            chart[key] = value


def typed_form(chart: Mapping[str, Any]) -> dict[str, str]:
    """A chart as the text of its form; what is unknown is empty.

    Examples:
        >>> typed_form({"patient": {"age_years": 27.5, "pregnant": False}})["patient.pregnant"]
        'no'
    """
    typed = {}
    for path in FIELDS:
        value: Any = chart
        for step in path.split("."):
            value = (value or {}).get(step)
        typed[path] = as_text(value)
    for lab in chart.get("labs") or ():
        for part in LAB_PARTS:
            typed[lab_name(lab["analyte"], part)] = as_text(lab.get(part))
    return typed


def as_text(value: Any) -> str:
    """A value of the chart as a form shows it; empty where it is unknown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
