from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.severity_axes import androgen_axis, metabolic_axis, reproductive_axis

Chart = Callable[[Mapping[str, Any]], PatientChart]
Parts = dict[str, dict[str, Any]]


@pytest.mark.parametrize(
    ("change", "grade"),
    [
        ({}, 0),
        ({"labs.progesterone": (9, "nmol/L", 10)}, 1),
        ({"labs.progesterone": (10, "nmol/L", 10)}, 0),
        ({"cycles.interval_days": 20}, 2),
        ({"cycles.interval_days": 21}, 0),
        ({"cycles.interval_days": 35}, 0),
        ({"cycles.interval_days": 36}, 2),
        ({"cycles.interval_days": 90}, 2),
        ({"cycles.interval_days": 91}, 3),
        ({"cycles.per_year": 7}, 2),
        ({"cycles.per_year": 8}, 0),
        ({"cycles.per_year": 0}, 3),
        ({"cycles.longest_interval_days": 90}, 0),
        ({"cycles.longest_interval_days": 91}, 3),
    ],
)
def test_the_reproductive_grade_follows_its_table(
    make_chart: Chart, parts: Parts, change: dict[str, Any], grade: int
) -> None:
    axis = reproductive_axis(make_chart({**parts["adult"], **parts["regular"], **change}))
    assert axis.grade == grade
    assert axis.coverage == 1.0


def test_half_of_the_reproductive_inputs_give_a_bound(make_chart: Chart, parts: Parts) -> None:
    axis = reproductive_axis(make_chart({**parts["adult"], "cycles.interval_days": 50}))
    assert (axis.grade, axis.coverage, axis.label) == (2, 0.5, "R≥2")
    assert "cycles.per_year" in axis.missing
    only_longest = make_chart({**parts["adult"], "cycles.longest_interval_days": 95})
    bound = reproductive_axis(only_longest)
    assert (bound.grade, bound.lower_bound) == (None, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"patient.age_years": 14.9},
        {"patient.pregnant": True},
        {"patient.postmenopausal": True},
        {"patient.hormonal_contraception": "combined"},
        {"patient.hormonal_contraception": None},
    ],
)
def test_cycles_are_graded_only_where_they_can_be_read(
    make_chart: Chart, parts: Parts, change: dict[str, Any]
) -> None:
    axis = reproductive_axis(make_chart({**parts["adult"], **parts["irregular"], **change}))
    assert axis.grade is None
    assert axis.lower_bound is None
    assert axis.not_graded_because


@pytest.mark.parametrize(("score", "grade"), [(4, 0), (5, 1), (15, 1), (16, 2), (25, 2), (26, 3)])
def test_the_hair_grade_follows_its_bands(
    make_chart: Chart, parts: Parts, score: int, grade: int
) -> None:
    assert androgen_axis(make_chart({**parts["adult"], "signs.mfg_score": score})).grade == grade


def test_a_borderline_hair_score_prints_both_grades(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], "patient.population": None, "signs.mfg_score": 5}
    axis = androgen_axis(make_chart(fields))
    assert axis.borderline == (0, 1)
    assert axis.lower_bound == 0


@pytest.mark.parametrize(
    ("ng_dl", "grade"), [(48, 0), (48.1, 1), (72, 1), (72.1, 2), (96, 2), (96.1, 3)]
)
def test_the_hormone_grade_follows_multiples_of_the_limit(
    make_chart: Chart, parts: Parts, ng_dl: float, grade: int
) -> None:
    lab = {"labs.total_testosterone": (ng_dl, "ng/dL", 48, "lc_ms_ms")}
    axis = androgen_axis(make_chart({**parts["adult"], **lab}))
    assert axis.coverage == 0.5
    assert axis.lower_bound == grade
    assert axis.grade == grade


def test_the_higher_of_hair_and_hormones_counts(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], **parts["no_androgen_excess"], "signs.mfg_score": 20}
    axis = androgen_axis(make_chart(fields))
    assert (axis.grade, axis.coverage) == (2, 1.0)


def test_androgens_are_not_graded_on_contraception(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], "signs.mfg_score": 20, "patient.hormonal_contraception": "combined"}
    assert androgen_axis(make_chart(fields)).grade is None


HEALTHY: dict[str, Any] = {
    "body.height_cm": 165,
    "body.weight_kg": 58,
    "body.waist_cm": 70,
    "body.systolic_mmhg": 115,
    "body.diastolic_mmhg": 75,
    "labs.triglycerides": (90, "mg/dL"),
    "labs.hdl": (60, "mg/dL"),
    "labs.fasting_glucose": (85, "mg/dL"),
    "labs.glucose_2h": (110, "mg/dL"),
    "labs.hba1c": (5.2, "%"),
}


@pytest.mark.parametrize(
    ("change", "grade"),
    [
        ({}, 0),
        ({"body.weight_kg": 66}, 1),  # BMI 24.2, over 23
        ({"body.waist_cm": 80}, 1),
        ({"body.waist_cm": 80, "labs.hdl": (45, "mg/dL")}, 1),
        ({"body.waist_cm": 80, "labs.hdl": (45, "mg/dL"), "body.systolic_mmhg": 135}, 2),
        ({"labs.glucose_2h": (140, "mg/dL")}, 2),
        ({"labs.fasting_glucose": (100, "mg/dL")}, 2),
        ({"labs.hba1c": (6.5, "%")}, 3),
        (
            {
                "body.waist_cm": 80,
                "labs.hdl": (45, "mg/dL"),
                "body.systolic_mmhg": 135,
                "labs.hba1c": (5.7, "%"),
            },
            3,
        ),
    ],
)
def test_the_metabolic_grade_follows_its_table(
    make_chart: Chart, parts: Parts, change: dict[str, Any], grade: int
) -> None:
    axis = metabolic_axis(make_chart({**parts["adult"], **HEALTHY, **change}))
    assert axis.grade == grade
    assert axis.coverage == 1.0


def test_a_missing_tolerance_test_leaves_a_bound(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], **HEALTHY, "body.weight_kg": 70}
    for name in ("labs.fasting_glucose", "labs.glucose_2h", "labs.hba1c"):
        del fields[name]
    axis = metabolic_axis(make_chart(fields))
    assert (axis.grade, axis.coverage, axis.label) == (1, 0.75, "B≥1")
    assert "glucose_2h" in axis.missing


def test_too_little_known_gives_only_the_bound(make_chart: Chart, parts: Parts) -> None:
    axis = metabolic_axis(make_chart({**parts["adult"], "labs.hba1c": (7, "%")}))
    assert (axis.grade, axis.lower_bound, axis.coverage) == (None, 3, 0.25)


@pytest.mark.parametrize(("age", "is_graded"), [(17.9, False), (18, True)])
def test_adult_limits_of_body_size_begin_at_18(
    make_chart: Chart, parts: Parts, age: float, is_graded: bool
) -> None:
    axis = metabolic_axis(make_chart({**parts["adult"], **HEALTHY, "patient.age_years": age}))
    assert (axis.grade is not None) is is_graded


def test_an_unknown_population_between_two_limits_is_borderline(
    make_chart: Chart, parts: Parts
) -> None:
    fields = {**parts["adult"], **HEALTHY, "patient.population": None, "body.waist_cm": 84}
    assert metabolic_axis(make_chart(fields)).borderline == (0, 1)
