"""Insulin resistance markers: computed, shown with their inputs, never graded.

Owns each formula with its source. No cut-off stands here: published ones disagree (HOMA-IR 1.82
to 3.8), the guideline does not suggest insulin assays in routine care, and no severity axis uses
any of these. Where an input is unknown the marker is unknown.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.metabolic import body_mass_index, homa_ir
from deeppcos.clinical.sourcing import Verification

NOTICE = (
    "Research only, not graded: published cut-offs disagree, and the guideline suggests no "
    "insulin assay in routine care. All assume fasting samples."
)
_V, _M = Verification.PRIMARY, Verification.UNVERIFIED

Inputs = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One marker of one patient.

    Attributes:
        key: Stable name.
        label: Name as printed.
        value: The value, or None: unknown.
        unit: Unit; ``1`` where it has none.
        formula: The formula in words, with its units.
        source: Where the formula comes from.
        verification: How the formula was checked.
        missing: Inputs that were not there.
        undefined_because: Why known inputs give no value; empty otherwise.
    """

    key: str
    label: str
    value: float | None
    unit: str
    formula: str
    source: str
    verification: Verification
    missing: tuple[str, ...] = ()
    undefined_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Formula:
    """How one marker is computed."""

    key: str
    label: str
    needs: tuple[str, ...]
    compute: Callable[[Inputs], float]
    formula: str
    source: str
    unit: str = "1"
    verification: Verification = _M
    is_defined: Callable[[Inputs], bool] = lambda _: True
    undefined: str = ""


_GLUCOSE, _GLUCOSE_MG = "fasting_glucose_mmol_l", "fasting_glucose_mg_dl"
_INSULIN = "fasting_insulin_uiu_ml"
_TG, _TG_MG = "triglycerides_mmol_l", "triglycerides_mg_dl"
_HDL, _HDL_MG = "hdl_mmol_l", "hdl_mg_dl"
_BMI, _WAIST = "body_mass_index", "waist_cm"


def _tyg(x: Inputs) -> float:
    """Triglyceride-glucose index."""
    return math.log(x[_TG_MG] * x[_GLUCOSE_MG] / 2)


_FORMULAS: tuple[_Formula, ...] = (
    _Formula(
        key="homa_ir",
        label="HOMA-IR",
        needs=(_GLUCOSE, _INSULIN),
        compute=lambda x: homa_ir(glucose_mmol_l=x[_GLUCOSE], insulin_uiu_ml=x[_INSULIN]),
        formula="glucose (mmol/L) x insulin (uIU/mL) / 22.5",
        source="Matthews 1985; clinical reference 2.2 rule 7, indices disagree [M4]",
        verification=_V,
    ),
    _Formula(
        key="homa_beta",
        label="HOMA-B",
        needs=(_GLUCOSE, _INSULIN),
        compute=lambda x: 20 * x[_INSULIN] / (x[_GLUCOSE] - 3.5),
        formula="20 x insulin (uIU/mL) / (glucose (mmol/L) - 3.5)",
        source="Matthews 1985",
        unit="%",
        is_defined=lambda x: x[_GLUCOSE] > 3.5,
        undefined="glucose is 3.5 mmol/L or less",
    ),
    _Formula(
        key="quicki",
        label="QUICKI",
        needs=(_GLUCOSE_MG, _INSULIN),
        compute=lambda x: 1 / (math.log10(x[_INSULIN]) + math.log10(x[_GLUCOSE_MG])),
        formula="1 / (log10 insulin (uIU/mL) + log10 glucose (mg/dL))",
        source="Katz 2000",
        is_defined=lambda x: x[_INSULIN] * x[_GLUCOSE_MG] > 1,
        undefined="insulin times glucose is 1 or less",
    ),
    _Formula(
        key="mcauley",
        label="McAuley index",
        needs=(_INSULIN, _TG),
        compute=lambda x: math.exp(2.63 - 0.28 * math.log(x[_INSULIN]) - 0.31 * math.log(x[_TG])),
        formula="exp(2.63 - 0.28 ln insulin (mU/L) - 0.31 ln triglycerides (mmol/L))",
        source="McAuley 2001",
    ),
    _Formula(
        key="tyg",
        label="TyG",
        needs=(_TG_MG, _GLUCOSE_MG),
        compute=_tyg,
        formula="ln(triglycerides (mg/dL) x glucose (mg/dL) / 2)",
        source="Simental-Mendia 2008",
    ),
    _Formula(
        key="tyg_bmi",
        label="TyG-BMI",
        needs=(_TG_MG, _GLUCOSE_MG, _BMI),
        compute=lambda x: _tyg(x) * x[_BMI],
        formula="TyG x body mass index (kg/m2)",
        source="Er 2016",
    ),
    _Formula(
        key="mets_ir",
        label="METS-IR",
        needs=(_GLUCOSE_MG, _TG_MG, _BMI, _HDL_MG),
        compute=lambda x: math.log(2 * x[_GLUCOSE_MG] + x[_TG_MG]) * x[_BMI] / math.log(x[_HDL_MG]),
        formula="ln(2 x glucose + triglycerides) x body mass index / ln(HDL), mg/dL and kg/m2",
        source="Bello-Chavolla 2018",
        is_defined=lambda x: x[_HDL_MG] > 1,
        undefined="HDL is 1 mg/dL or less",
    ),
    _Formula(
        key="tg_hdl",
        label="TG/HDL",
        needs=(_TG_MG, _HDL_MG),
        compute=lambda x: x[_TG_MG] / x[_HDL_MG],
        formula="triglycerides (mg/dL) / HDL (mg/dL); differs in mmol/L",
        source="McLaughlin 2003",
    ),
    _Formula(
        key="lap",
        label="LAP",
        needs=(_WAIST, _TG),
        compute=lambda x: (x[_WAIST] - 58) * x[_TG],
        formula="(waist (cm) - 58) x triglycerides (mmol/L), women",
        source="Kahn 2005",
        unit="cm mmol/L",
        is_defined=lambda x: x[_WAIST] > 58,
        undefined="waist is 58 cm or less",
    ),
    _Formula(
        key="vai",
        label="VAI",
        needs=(_WAIST, _BMI, _TG, _HDL),
        compute=lambda x: x[_WAIST] / (36.58 + 1.89 * x[_BMI]) * (x[_TG] / 0.81) * (1.52 / x[_HDL]),
        formula="waist / (36.58 + 1.89 x BMI) x TG / 0.81 x 1.52 / HDL, women, cm, kg/m2, mmol/L",
        source="Amato 2010",
    ),
)

_LABS: dict[str, tuple[Analyte, str]] = {
    _GLUCOSE: (Analyte.FASTING_GLUCOSE, "mmol/L"),
    _GLUCOSE_MG: (Analyte.FASTING_GLUCOSE, "mg/dL"),
    _INSULIN: (Analyte.FASTING_INSULIN, "uIU/mL"),
    _TG: (Analyte.TRIGLYCERIDES, "mmol/L"),
    _TG_MG: (Analyte.TRIGLYCERIDES, "mg/dL"),
    _HDL: (Analyte.HDL, "mmol/L"),
    _HDL_MG: (Analyte.HDL, "mg/dL"),
}
_FIELDS: dict[str, tuple[str, ...]] = {
    **{name: (analyte.value,) for name, (analyte, _) in _LABS.items()},
    _BMI: ("body.height_cm", "body.weight_kg"),
    _WAIST: ("body.waist_cm",),
}


def insulin_resistance_markers(chart: PatientChart) -> tuple[Marker, ...]:
    """Every marker, known or not.

    Args:
        chart: The patient's chart; laboratory values in any accepted unit.

    Returns:
        The markers in a fixed order; one whose inputs are unknown has no value and names them.

    Examples:
        >>> from deeppcos.clinical.units import LabValue
        >>> chart = PatientChart(labs=(
        ...     LabValue(analyte=Analyte.FASTING_GLUCOSE, value=90, unit="mg/dL"),
        ...     LabValue(analyte=Analyte.FASTING_INSULIN, value=9, unit="uIU/mL")))
        >>> {m.key: round(m.value, 2) for m in insulin_resistance_markers(chart) if m.value}
        {'homa_ir': 2.0, 'homa_beta': 120.36, 'quicki': 0.34}
    """
    known = _inputs(chart)
    return tuple(_marker(formula, known, chart) for formula in _FORMULAS)


def _inputs(chart: PatientChart) -> dict[str, float]:
    """Every input that is known, each in the unit its name says; zero is no measurement here."""
    found: dict[str, float | None] = {
        _BMI: body_mass_index(chart.body),
        _WAIST: chart.body.waist_cm,
    }
    for name, (analyte, unit) in _LABS.items():
        lab = chart.measured(analyte)
        found[name] = None if lab is None else lab.value_in(unit)
    return {name: value for name, value in found.items() if value is not None and value > 0}


def _marker(formula: _Formula, known: Inputs, chart: PatientChart) -> Marker:
    """One marker from what is known."""
    lacking = [name for name in formula.needs if name not in known]
    is_defined = not lacking and formula.is_defined(known)
    return Marker(
        key=formula.key,
        label=formula.label,
        value=formula.compute(known) if is_defined else None,
        unit=formula.unit,
        formula=formula.formula,
        source=formula.source,
        verification=formula.verification,
        missing=_missing(lacking, chart),
        undefined_because="" if lacking or is_defined else formula.undefined,
    )


def _missing(lacking: list[str], chart: PatientChart) -> tuple[str, ...]:
    """The chart fields behind inputs that are lacking, each once."""
    fields = dict.fromkeys(field for name in lacking for field in _FIELDS[name])
    body = {
        "body.height_cm": chart.body.height_cm,
        "body.weight_kg": chart.body.weight_kg,
    }
    return tuple(field for field in fields if body.get(field) is None)
