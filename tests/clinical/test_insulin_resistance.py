"""Insulin resistance markers: formulas against hand-worked values, units, unknowns, no grades."""

import math
from dataclasses import fields

import pytest

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.insulin_resistance import Marker, insulin_resistance_markers
from deeppcos.clinical.patient import Body
from deeppcos.clinical.units import LabValue


def lab(analyte: Analyte, value: float, unit: str) -> LabValue:
    """One result."""
    return LabValue(analyte=analyte, value=value, unit=unit)


def chart(*labs: LabValue, body: Body | None = None) -> PatientChart:
    """A chart with these results."""
    return PatientChart(labs=labs, body=body or Body())


def markers(of: PatientChart) -> dict[str, Marker]:
    """Markers by key."""
    return {marker.key: marker for marker in insulin_resistance_markers(of)}


FULL = chart(
    lab(Analyte.FASTING_GLUCOSE, 100, "mg/dL"),
    lab(Analyte.FASTING_INSULIN, 10, "uIU/mL"),
    lab(Analyte.TRIGLYCERIDES, 150, "mg/dL"),
    lab(Analyte.HDL, 50, "mg/dL"),
    body=Body(height_cm=160, weight_kg=76.8, waist_cm=90),
)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("homa_ir", 100 / 18.016 * 10 / 22.5),
        ("homa_beta", 200 / (100 / 18.016 - 3.5)),
        ("quicki", 1 / (1 + 2)),
        ("mcauley", math.exp(2.63 - 0.28 * math.log(10) - 0.31 * math.log(1500 / 885.4))),
        ("tyg", math.log(7500)),
        ("tyg_bmi", math.log(7500) * 30),
        ("mets_ir", math.log(350) * 30 / math.log(50)),
        ("tg_hdl", 3.0),
        ("lap", 32 * 1500 / 885.4),
        (
            "vai",
            90 / (36.58 + 1.89 * 30) * (1500 / 885.4 / 0.81) * (1.52 / (500 / 386.65)),
        ),
    ],
)
def test_each_formula_gives_the_value_worked_by_hand(key: str, expected: float) -> None:
    assert markers(FULL)[key].value == pytest.approx(expected, rel=1e-6)


def test_mass_and_molar_units_give_the_same_markers() -> None:
    molar = chart(
        lab(Analyte.FASTING_GLUCOSE, 100 / 18.016, "mmol/L"),
        lab(Analyte.FASTING_INSULIN, 60, "pmol/L"),
        lab(Analyte.TRIGLYCERIDES, 1500 / 885.4, "mmol/L"),
        lab(Analyte.HDL, 500 / 386.65, "mmol/L"),
        body=FULL.body,
    )
    for key, marker in markers(FULL).items():
        assert markers(molar)[key].value == pytest.approx(marker.value, rel=1e-6)


def test_an_unknown_input_makes_the_marker_unknown_and_is_named() -> None:
    found = markers(chart(lab(Analyte.FASTING_GLUCOSE, 5.0, "mmol/L")))
    assert found["homa_ir"].value is None
    assert found["homa_ir"].missing == ("fasting_insulin",)
    assert found["mets_ir"].missing == (
        "triglycerides",
        "body.height_cm",
        "body.weight_kg",
        "hdl",
    )


def test_only_the_lacking_body_measure_is_named() -> None:
    found = markers(chart(body=Body(height_cm=160, waist_cm=90)))
    assert "body.weight_kg" in found["vai"].missing
    assert "body.height_cm" not in found["vai"].missing


def test_an_empty_chart_has_every_marker_and_no_value() -> None:
    found = markers(PatientChart())
    assert len(found) == 10
    assert all(marker.value is None and marker.missing for marker in found.values())


@pytest.mark.parametrize(
    ("of", "key"),
    [
        (
            chart(
                lab(Analyte.FASTING_GLUCOSE, 3.2, "mmol/L"),
                lab(Analyte.FASTING_INSULIN, 5, "uIU/mL"),
            ),
            "homa_beta",
        ),
        (chart(lab(Analyte.TRIGLYCERIDES, 1, "mmol/L"), body=Body(waist_cm=55)), "lap"),
    ],
    ids=["low_glucose", "slim_waist"],
)
def test_inputs_outside_a_formula_give_no_value_but_a_reason(of: PatientChart, key: str) -> None:
    marker = markers(of)[key]
    assert marker.value is None
    assert marker.missing == ()
    assert marker.undefined_because


def test_a_fasting_value_is_needed_and_a_two_hour_value_is_not_taken_for_it() -> None:
    found = markers(
        chart(lab(Analyte.GLUCOSE_2H, 7.0, "mmol/L"), lab(Analyte.FASTING_INSULIN, 9, "uIU/mL"))
    )
    assert found["homa_ir"].value is None


def test_no_marker_carries_a_grade_or_a_cut_off() -> None:
    names = {field.name for field in fields(Marker)}
    assert names & {"grade", "cut_off", "threshold", "is_raised", "finding"} == set()
    assert all(m.source and m.verification for m in insulin_resistance_markers(FULL))
