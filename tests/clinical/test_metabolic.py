from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import State
from deeppcos.clinical.metabolic import (
    body_mass_index,
    glycaemia,
    high_body_mass,
    homa_ir,
    metabolic_syndrome_items,
)

Chart = Callable[[Mapping[str, Any]], PatientChart]
PRESENT, ABSENT, UNKNOWN = State.PRESENT, State.ABSENT, State.UNKNOWN
WAIST, TRIGLYCERIDES, HDL, PRESSURE, GLUCOSE = range(5)


@pytest.mark.parametrize(
    ("item", "name", "below", "at", "above"),
    [
        # Triglycerides >= 150 mg/dL, HDL < 50 mg/dL, pressure >= 130/85, glucose >= 100 mg/dL.
        (TRIGLYCERIDES, "labs.triglycerides", (149, "mg/dL"), (150, "mg/dL"), (151, "mg/dL")),
        (GLUCOSE, "labs.fasting_glucose", (99, "mg/dL"), (100, "mg/dL"), (101, "mg/dL")),
        (PRESSURE, "body.systolic_mmhg", 129, 130, 131),
        (PRESSURE, "body.diastolic_mmhg", 84, 85, 86),
    ],
)
def test_an_item_counts_from_its_limit(
    make_chart: Chart, item: int, name: str, below: Any, at: Any, above: Any
) -> None:
    normal = {"body.systolic_mmhg": 110, "body.diastolic_mmhg": 70}
    for value, state in ((below, ABSENT), (at, PRESENT), (above, PRESENT)):
        chart = make_chart({**normal, name: value})
        assert metabolic_syndrome_items(chart)[item].state is state


@pytest.mark.parametrize(("value", "state"), [(49, PRESENT), (50, ABSENT), (51, ABSENT)])
def test_hdl_counts_below_its_limit(make_chart: Chart, value: float, state: State) -> None:
    chart = make_chart({"labs.hdl": (value, "mg/dL")})
    assert metabolic_syndrome_items(chart)[HDL].state is state


@pytest.mark.parametrize(
    ("population", "waist", "state"),
    [
        ("han_chinese", 79.9, ABSENT),
        ("han_chinese", 80, PRESENT),
        ("white_iranian", 80, PRESENT),
        ("white_american", 87.9, ABSENT),
        ("white_american", 88, PRESENT),
        (None, 79.9, ABSENT),
        (None, 80, UNKNOWN),
        (None, 87.9, UNKNOWN),
        (None, 88, PRESENT),
    ],
)
def test_the_waist_limit_follows_the_population(
    make_chart: Chart, population: str | None, waist: float, state: State
) -> None:
    chart = make_chart({"patient.population": population, "body.waist_cm": waist})
    assert metabolic_syndrome_items(chart)[WAIST].state is state


@pytest.mark.parametrize(
    ("population", "kg", "state"),
    [
        ("korean", 91.9, ABSENT),  # 200 cm: BMI = kg / 4
        ("korean", 92, PRESENT),
        ("turkish", 99.9, ABSENT),
        ("turkish", 100, PRESENT),
        (None, 92, UNKNOWN),
        (None, 100, PRESENT),
        (None, 91, ABSENT),
    ],
)
def test_the_body_mass_limit_follows_the_population(
    make_chart: Chart, population: str | None, kg: float, state: State
) -> None:
    fields = {"patient.population": population, "body.height_cm": 200, "body.weight_kg": kg}
    assert high_body_mass(make_chart(fields)).state is state


@pytest.mark.parametrize(
    ("name", "unit", "prediabetes", "diabetes"),
    [
        ("fasting_glucose", "mg/dL", 100, 126),
        ("glucose_2h", "mg/dL", 140, 200),
        ("hba1c", "%", 5.7, 6.5),
    ],
)
def test_glycaemic_ranges_begin_at_their_limits(
    make_chart: Chart, name: str, unit: str, prediabetes: float, diabetes: float
) -> None:
    for value, is_pre, is_diabetes in (
        (prediabetes - 0.1, False, False),
        (prediabetes, True, False),
        (diabetes - 0.1, True, False),
        (diabetes, True, True),
    ):
        status = glycaemia(make_chart({f"labs.{name}": (value, unit)}))
        assert (status.prediabetes.state is PRESENT) is is_pre
        assert (status.diabetes.state is PRESENT) is is_diabetes
        assert status.n_tests == 1


def test_one_normal_test_does_not_rule_prediabetes_out(make_chart: Chart) -> None:
    status = glycaemia(make_chart({"labs.fasting_glucose": (90, "mg/dL")}))
    assert status.prediabetes.state is UNKNOWN
    assert status.prediabetes.missing == ("glucose_2h", "hba1c")


def test_body_mass_is_unknown_without_both_measures(make_chart: Chart) -> None:
    assert body_mass_index(make_chart({"body.height_cm": 165}).body) is None


def test_homa_ir_matches_its_formula() -> None:
    assert homa_ir(glucose_mmol_l=5.5, insulin_uiu_ml=12) == pytest.approx(2.933, abs=1e-3)
