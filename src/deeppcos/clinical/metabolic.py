"""Metabolic health: body mass index, metabolic syndrome items, glycaemia.

Owns the limits of each item. Grading them is the business of ``severity_axes``. Drug treatment,
which also counts as a metabolic syndrome item, is not in the chart and therefore never counted.
"""

from dataclasses import dataclass

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import Finding, absent, any_of, present, unknown
from deeppcos.clinical.patient import Body, Population
from deeppcos.clinical.sourcing import Relation, Rule, Verification

_METS = "metabolic syndrome tables [M1, M6]"
_V, _V2, _M = Verification.PRIMARY, Verification.SECONDARY, Verification.UNVERIFIED


def _rule(
    key: str, value: float, unit: str, text: str, source: str, verification: Verification
) -> Rule:
    """A limit reached from below."""
    return Rule(
        key=key,
        value=value,
        unit=unit,
        relation=Relation.AT_LEAST,
        text=text,
        source=source,
        verification=verification,
    )


BMI = _rule("bmi", 25, "kg/m2", "Body mass index over the limit.", "guideline notes [G7]", _V2)
BMI_ASIAN = _rule(
    "bmi_asian", 23, "kg/m2", "The same, Asian populations.", "guideline notes [G7]", _V2
)
WAIST = _rule("waist", 88, "cm", "Waist of European and US women.", _METS, _V)
WAIST_ASIAN = _rule("waist_asian_idf", 80, "cm", "Waist of Asian women and by IDF.", _METS, _V)
TRIGLYCERIDES = _rule("triglycerides", 150, "mg/dL", "Triglycerides raised.", _METS, _V)
HDL = Rule(
    key="hdl",
    value=50,
    unit="mg/dL",
    relation=Relation.LESS_THAN,
    text="HDL cholesterol low in a woman.",
    source=_METS,
    verification=_V,
)
SYSTOLIC = _rule("systolic", 130, "mmHg", "Systolic pressure raised.", _METS, _V)
DIASTOLIC = _rule("diastolic", 85, "mmHg", "Diastolic pressure raised.", _METS, _V)
GLUCOSE_ITEM = _rule("fasting_glucose_item", 100, "mg/dL", "Fasting glucose raised.", _METS, _V)
PREDIABETES_FASTING = _rule(
    "prediabetes_fasting", 100, "mg/dL", "Fasting glucose, prediabetes.", "ADA [M7]", _V2
)
DIABETES_FASTING = _rule(
    "diabetes_fasting", 126, "mg/dL", "Fasting glucose, diabetes range.", "ADA [M7]", _V2
)
PREDIABETES_2H = _rule(
    "prediabetes_2h", 140, "mg/dL", "Glucose 2 h after 75 g, prediabetes.", "ADA [M7]", _V2
)
DIABETES_2H = _rule(
    "diabetes_2h", 200, "mg/dL", "Glucose 2 h after 75 g, diabetes range.", "ADA [M7]", _V2
)
PREDIABETES_HBA1C = _rule(
    "prediabetes_hba1c", 5.7, "%", "HbA1c, prediabetes.", "general knowledge", _M
)
DIABETES_HBA1C = _rule(
    "diabetes_hba1c", 6.5, "%", "HbA1c, diabetes range.", "general knowledge", _M
)

ASIAN = frozenset(
    {
        Population.ASIAN_RUSSIAN,
        Population.SOUTH_INDIAN,
        Population.HAN_CHINESE,
        Population.SOUTHERN_CHINESE,
        Population.KOREAN,
        Population.FILIPINO,
    }
)
EUROPEAN_OR_US = frozenset(
    {
        Population.WHITE_AMERICAN,
        Population.BLACK_AMERICAN,
        Population.WHITE_RUSSIAN,
        Population.WHITE_ITALIAN,
    }
)
"""The rest take the waist limit of the IDF. Which population takes which limit: project rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glycaemia:
    """Glycaemic status by every test there is.

    Attributes:
        diabetes: Whether a result lies in the diabetes range.
        prediabetes: Whether a result lies in the prediabetes range or above.
        n_tests: How many of the three tests were done.
    """

    diabetes: Finding
    prediabetes: Finding
    n_tests: int


def body_mass_index(body: Body) -> float | None:
    """Weight over height squared, kg/m2, or None if either is unknown.

    Examples:
        >>> round(body_mass_index(Body(height_cm=165, weight_kg=70)), 1)
        25.7
    """
    if body.height_cm is None or body.weight_kg is None:
        return None
    return body.weight_kg / (body.height_cm / 100) ** 2


def homa_ir(*, glucose_mmol_l: float, insulin_uiu_ml: float) -> float:
    """HOMA-IR, for research only: it has no agreed cut-off and no grade is built on it.

    Args:
        glucose_mmol_l: Fasting glucose, mmol/L.
        insulin_uiu_ml: Fasting insulin, uIU/mL.

    Returns:
        The index, no unit.

    Source:
        Clinical reference 2.2 rule 7; indices disagree [M4], verification V.

    Examples:
        >>> homa_ir(glucose_mmol_l=5.0, insulin_uiu_ml=9.0)
        2.0
    """
    return glucose_mmol_l * insulin_uiu_ml / 22.5


def high_body_mass(chart: PatientChart) -> Finding:
    """Whether the body mass index reaches the limit of the patient's population."""
    population = chart.patient.population
    return _by_population(
        body_mass_index(chart.body),
        name="BMI {:.1f} kg/m2",
        missing=_absent_fields(chart.body, ("height_cm", "weight_kg")),
        limits=(BMI_ASIAN, BMI),
        limit=None if population is None else BMI_ASIAN if population in ASIAN else BMI,
    )


def metabolic_syndrome_items(chart: PatientChart) -> tuple[Finding, ...]:
    """The five items of the metabolic syndrome; three make it."""
    population = chart.patient.population
    is_european = population in EUROPEAN_OR_US
    waist = _by_population(
        chart.body.waist_cm,
        name="Waist {:g} cm",
        missing=_absent_fields(chart.body, ("waist_cm",)),
        limits=(WAIST_ASIAN, WAIST),
        limit=None if population is None else WAIST if is_european else WAIST_ASIAN,
    )
    return (
        waist,
        _lab(chart, Analyte.TRIGLYCERIDES, TRIGLYCERIDES),
        _lab(chart, Analyte.HDL, HDL),
        high_blood_pressure(chart.body),
        _lab(chart, Analyte.FASTING_GLUCOSE, GLUCOSE_ITEM),
    )


def high_blood_pressure(body: Body) -> Finding:
    """Whether either pressure reaches its limit."""
    return any_of(
        _reading(body.systolic_mmhg, "body.systolic_mmhg", "Systolic {:g} mmHg", SYSTOLIC),
        _reading(body.diastolic_mmhg, "body.diastolic_mmhg", "Diastolic {:g} mmHg", DIASTOLIC),
    )


_GLYCAEMIC_TESTS = (
    (Analyte.FASTING_GLUCOSE, PREDIABETES_FASTING, DIABETES_FASTING),
    (Analyte.GLUCOSE_2H, PREDIABETES_2H, DIABETES_2H),
    (Analyte.HBA1C, PREDIABETES_HBA1C, DIABETES_HBA1C),
)


def glycaemia(chart: PatientChart) -> Glycaemia:
    """Glycaemic status: any one test can show it, all three are needed to rule it out."""
    return Glycaemia(
        diabetes=any_of(*(_lab(chart, a, high) for a, _, high in _GLYCAEMIC_TESTS)),
        prediabetes=any_of(*(_lab(chart, a, low) for a, low, _ in _GLYCAEMIC_TESTS)),
        n_tests=sum(chart.measured(a) is not None for a, _, _ in _GLYCAEMIC_TESTS),
    )


def _absent_fields(body: Body, names: tuple[str, ...]) -> list[str]:
    """Which of these body fields are unknown."""
    return [f"body.{name}" for name in names if getattr(body, name) is None]


def _by_population(
    reading: float | None,
    *,
    name: str,
    missing: list[str],
    limits: tuple[Rule, Rule],
    limit: Rule | None,
) -> Finding:
    """A reading against its population's limit; population unknown, both limits must agree."""
    if reading is None:
        return unknown(missing=missing, rules=limits)
    if limit is not None:
        return _reading(reading, "", name, limit)
    verdicts = [_reading(reading, "", name, rule) for rule in limits]
    if verdicts[0].state is verdicts[1].state:
        return verdicts[0]
    return unknown(
        f"{name.format(reading)}: between the limits of different populations.",
        missing=["patient.population"],
        rules=limits,
    )


def _lab(chart: PatientChart, analyte: Analyte, rule: Rule) -> Finding:
    """A result against a published limit."""
    lab = chart.lab(analyte)
    reading = None if lab is None else lab.value_in(rule.unit)
    return _reading(reading, analyte.value, f"{lab}".replace("{", "(").replace("}", ")"), rule)


def _reading(reading: float | None, field: str, name: str, rule: Rule) -> Finding:
    """A reading against one limit."""
    if reading is None:
        return unknown(missing=[field], rules=[rule])
    words = name.format(reading)
    if rule.applies_to(reading):
        return present(f"{words}: {rule}.", rules=[rule])
    return absent(f"{words}: not {rule}.", rules=[rule])
