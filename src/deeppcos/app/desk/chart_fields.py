"""The chart as a form: every field with its words and unit, to and from plain text.

Owns the fields, their order, and reading what a person typed. What is plausible is asked of the
chart's own contract, field by field, so that a form and a file are held to the same limits.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.clinical.ovary import Route
from deeppcos.clinical.patient import Contraception, Population
from deeppcos.clinical.plausibility import LIMITS
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_document import SCHEMA_NAME
from deeppcos.records.chart_json import ChartProblems, chart_from_text


class FieldKind(StrEnum):
    """How a field is filled in."""

    NUMBER = "number"
    WHOLE = "whole"
    YES_NO = "yes_no"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartField:
    """One field of the chart outside the laboratory.

    Attributes:
        path: Place in the chart, such as ``ultrasound.left.fnpo``.
        label: What it is called.
        unit: Its unit, shown beside it; empty where it has none.
        kind: How it is filled in.
        choices: Value and words, where it is a choice.
        hint: What is easily mistaken.
    """

    path: str
    label: str
    unit: str = ""
    kind: FieldKind = FieldKind.NUMBER
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldGroup:
    """Fields that are filled in together."""

    key: str
    title: str
    fields: tuple[ChartField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabGroup:
    """Laboratory tests that are ordered together."""

    key: str
    title: str
    analytes: tuple[Analyte, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadForm:
    """What a filled-in form says.

    Attributes:
        chart: The chart, ``deeppcos.chart/1``, without the fields that have a question.
        questions: What is asked back, by the field's name; an empty name is the whole chart.
    """

    chart: dict[str, Any]
    questions: dict[str, InvalidInput]


def _yes_no(path: str, label: str, hint: str = "") -> ChartField:
    return ChartField(path=path, label=label, kind=FieldKind.YES_NO, hint=hint)


def _words(code: str) -> str:
    return code.replace("_", " ").replace("under 3", "less than 3")


def _choice(path: str, label: str, options: type[StrEnum], hint: str = "") -> ChartField:
    choices = tuple((str(one.value), _words(str(one.value))) for one in options)
    return ChartField(path=path, label=label, kind=FieldKind.CHOICE, choices=choices, hint=hint)


def _ovary(side: str) -> tuple[ChartField, ...]:
    return (
        ChartField(
            path=f"ultrasound.{side}.fnpo",
            label=f"{side.title()}: follicles in the whole ovary (FNPO)",
            unit="follicles",
            kind=FieldKind.WHOLE,
        ),
        ChartField(
            path=f"ultrasound.{side}.fnps",
            label=f"{side.title()}: follicles in one section (FNPS)",
            unit="follicles",
            kind=FieldKind.WHOLE,
        ),
        ChartField(path=f"ultrasound.{side}.volume_ml", label=f"{side.title()}: volume", unit="mL"),
        _yes_no(
            f"ultrasound.{side}.dominant_follicle_or_corpus_luteum",
            f"{side.title()}: dominant follicle or corpus luteum",
        ),
    )


FIELD_GROUPS: tuple[FieldGroup, ...] = (
    FieldGroup(
        key="patient",
        title="Patient",
        fields=(
            ChartField(path="patient.age_years", label="Age", unit="years"),
            ChartField(
                path="patient.age_at_menarche_years", label="Age at first period", unit="years"
            ),
            _choice(
                "patient.population",
                "Population",
                Population,
                "Sets the cut-off of the hirsutism score.",
            ),
            _choice("patient.hormonal_contraception", "Hormonal contraception", Contraception),
            _yes_no("patient.pregnant", "Pregnant"),
            _yes_no("patient.postmenopausal", "After the menopause"),
        ),
    ),
    FieldGroup(
        key="cycles",
        title="Cycles",
        fields=(
            ChartField(
                path="cycles.interval_days",
                label="Usual interval",
                unit="days",
                hint="From the first day of one period to the first day of the next.",
            ),
            ChartField(path="cycles.per_year", label="Periods", unit="a year"),
            ChartField(path="cycles.longest_interval_days", label="Longest interval", unit="days"),
            ChartField(
                path="cycles.bleeding_days",
                label="Bleeding",
                unit="days",
                hint="Days of bleeding, never the interval.",
            ),
        ),
    ),
    FieldGroup(
        key="signs",
        title="Signs of androgen excess",
        fields=(
            ChartField(
                path="signs.mfg_score",
                label="Modified Ferriman-Gallwey score",
                unit="of 36",
                kind=FieldKind.WHOLE,
            ),
            _yes_no("signs.acne", "Acne"),
            _yes_no("signs.scalp_hair_loss", "Scalp hair loss"),
            _yes_no("signs.rapid_onset", "Rapid onset"),
            _yes_no("signs.virilisation", "Virilisation"),
        ),
    ),
    FieldGroup(
        key="body",
        title="Body",
        fields=(
            ChartField(path="body.height_cm", label="Height", unit="cm"),
            ChartField(path="body.weight_kg", label="Weight", unit="kg"),
            ChartField(path="body.waist_cm", label="Waist", unit="cm"),
            ChartField(path="body.systolic_mmhg", label="Systolic pressure", unit="mmHg"),
            ChartField(path="body.diastolic_mmhg", label="Diastolic pressure", unit="mmHg"),
        ),
    ),
    FieldGroup(
        key="ultrasound",
        title="Ultrasound, as measured by a person",
        fields=(
            _choice("ultrasound.route", "Route", Route),
            ChartField(path="ultrasound.probe_mhz", label="Probe, highest frequency", unit="MHz"),
            *_ovary("left"),
            *_ovary("right"),
        ),
    ),
)

_A = Analyte
LAB_GROUPS: tuple[LabGroup, ...] = (
    LabGroup(
        key="androgens",
        title="Androgens",
        analytes=(
            _A.TOTAL_TESTOSTERONE,
            _A.FREE_TESTOSTERONE,
            _A.SHBG,
            _A.ALBUMIN,
            _A.ANDROSTENEDIONE,
            _A.DHEAS,
        ),
    ),
    LabGroup(
        key="ovary",
        title="Ovary and pituitary",
        analytes=(_A.AMH, _A.LH, _A.FSH, _A.PROGESTERONE),
    ),
    LabGroup(
        key="causes",
        title="Other causes",
        analytes=(_A.TSH, _A.PROLACTIN, _A.OHP_17, _A.HCG),
    ),
    LabGroup(
        key="metabolism",
        title="Metabolism",
        analytes=(
            _A.FASTING_GLUCOSE,
            _A.GLUCOSE_2H,
            _A.HBA1C,
            _A.FASTING_INSULIN,
            _A.TOTAL_CHOLESTEROL,
            _A.HDL,
            _A.LDL,
            _A.TRIGLYCERIDES,
        ),
    ),
)

FIELDS: dict[str, ChartField] = {
    field.path: field for group in FIELD_GROUPS for field in group.fields
}
LAB_PARTS = ("value", "unit", "upper_limit", "assay")
ASSAYS = ("", "lc_ms_ms", "immunoassay", "elecsys_amh_plus")

_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def lab_name(analyte: Analyte | str, part: str) -> str:
    """The name of one part of a laboratory field, such as ``labs.tsh.value``."""
    return f"labs.{analyte}.{part}"


ASSAY_WORDS = {
    "": "",
    "lc_ms_ms": "LC-MS/MS",
    "immunoassay": "immunoassay",
    "elecsys_amh_plus": "Elecsys AMH Plus",
}
"""Methods as laboratories print them."""


def unit_label(unit: str) -> str:
    """A UCUM unit as laboratories print it.

    Examples:
        >>> unit_label("m[IU]/L"), unit_label("ug/dL")
        ('mIU/L', 'µg/dL')
    """
    plain = unit.replace("[IU]", "IU")
    return f"µ{plain[1:]}" if plain[:1] == "u" else plain


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
        return {"yes": True, "no": False}.get(text)
    if field.kind is FieldKind.CHOICE:
        return text
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
        typed[path] = _text(value)
    for lab in chart.get("labs") or ():
        for part in LAB_PARTS:
            typed[lab_name(lab["analyte"], part)] = _text(lab.get(part))
    return typed


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def usual_range(path: str) -> str:
    """The plausible range of a field in words, for its hint; empty where there is none."""
    *_, last = path.split(".")
    limit = LIMITS.get(path) or LIMITS.get(f"ovary.{last}")
    return "" if limit is None else f"{limit.low:g} to {limit.high:g} {limit.unit}"


def named_fields() -> Iterator[tuple[str, str]]:
    """Every field's name and words, for comparing two charts."""
    for path, field in FIELDS.items():
        yield path, field.label
    for analyte in Analyte:
        for part, words in zip(LAB_PARTS, ("", " unit", " upper limit", " assay"), strict=True):
            yield lab_name(analyte, part), f"{analyte.label}{words}"
