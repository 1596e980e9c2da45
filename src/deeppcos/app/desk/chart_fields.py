"""The chart as a form: every field with its words and unit.

Owns the fields, their order and their words. Reading what a person typed is the business of
``chart_form``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.ovary import Route
from deeppcos.clinical.patient import Contraception, Population
from deeppcos.clinical.plausibility import LIMITS


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


def _yes_no(path: str, label: str, hint: str = "") -> ChartField:
    return ChartField(path=path, label=label, kind=FieldKind.YES_NO, hint=hint)


def _words(code: str, *, is_name: bool) -> str:
    """A choice as it is printed: peoples are names, everything else begins with a capital."""
    words = code.replace("_", " ").replace("under 3", "less than 3")
    return words.title() if is_name else words[:1].upper() + words[1:]


def _choice(path: str, label: str, options: type[StrEnum], hint: str = "") -> ChartField:
    is_name = options is Population
    choices = tuple((str(one.value), _words(str(one.value), is_name=is_name)) for one in options)
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
