"""The models of the public chart, ``deeppcos.chart/1``.

Owns every key, its type and the published schema. Reading a file and naming its problems is
the business of ``chart_json``; what is plausible that of ``deeppcos.clinical``.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.clinical.ovary import Route
from deeppcos.clinical.patient import Contraception, Population

SCHEMA_NAME: Literal["deeppcos.chart/1"] = "deeppcos.chart/1"


def _whole(number: object) -> object:
    """22.0 is a whole number, in JSON Schema as here."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _units(schema: dict[str, Any]) -> None:
    """Name the usual units of every analyte in the published schema."""
    usual = "; ".join(f"{name.value}: {', '.join(f.units)}" for name, f in ANALYTES.items())
    schema["description"] = f"UCUM or its usual spelling. {usual}"


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True), BeforeValidator(_whole)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]


class Section(BaseModel):
    """A part of the chart that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PatientSection(Section):
    """Who the patient is."""

    age_years: Number | None = None
    age_at_menarche_years: Number | None = None
    population: Population | None = None
    pregnant: Flag | None = None
    postmenopausal: Flag | None = None
    hormonal_contraception: Contraception | None = None


class CyclesSection(Section):
    """Menstrual history; days of bleeding are never an interval."""

    interval_days: Number | None = None
    per_year: Number | None = None
    longest_interval_days: Number | None = None
    bleeding_days: Number | None = None


class SignsSection(Section):
    """Signs of androgen excess."""

    mfg_score: Number | None = None
    acne: Flag | None = None
    scalp_hair_loss: Flag | None = None
    rapid_onset: Flag | None = None
    virilisation: Flag | None = None


class LabSection(Section):
    """One laboratory result."""

    analyte: Analyte
    value: Number | None = None
    unit: Annotated[str, Field(strict=True, json_schema_extra=_units)]
    upper_limit: Number | None = None
    assay: Text | None = None


class BodySection(Section):
    """Body measurements."""

    height_cm: Number | None = None
    weight_kg: Number | None = None
    waist_cm: Number | None = None
    systolic_mmhg: Number | None = None
    diastolic_mmhg: Number | None = None


class OvarySection(Section):
    """One ovary as a person measured it."""

    fnpo: Whole | None = None
    fnps: Whole | None = None
    volume_ml: Number | None = None
    dominant_follicle_or_corpus_luteum: Flag | None = None


class UltrasoundSection(Section):
    """The scan."""

    route: Route | None = None
    probe_mhz: Number | None = None
    left: OvarySection | None = None
    right: OvarySection | None = None


class ChartDocument(Section):
    """A patient's chart. Every field may be absent or null: unknown; no ``schema`` is /1."""

    schema_name: Literal["deeppcos.chart/1"] = Field(default="deeppcos.chart/1", alias="schema")
    patient: PatientSection | None = None
    cycles: CyclesSection | None = None
    signs: SignsSection | None = None
    labs: list[LabSection] | None = None
    body: BodySection | None = None
    ultrasound: UltrasoundSection | None = None


SECTIONS: dict[tuple[str, ...], type[Section]] = {
    (): ChartDocument,
    ("patient",): PatientSection,
    ("cycles",): CyclesSection,
    ("signs",): SignsSection,
    ("labs",): LabSection,
    ("body",): BodySection,
    ("ultrasound",): UltrasoundSection,
    ("ultrasound", "left"): OvarySection,
    ("ultrasound", "right"): OvarySection,
}
"""Every section by its place in the document."""


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of the chart."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ChartDocument.model_json_schema(),
        "title": SCHEMA_NAME,
    }
