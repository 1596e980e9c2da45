from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import State
from deeppcos.clinical.ovulation import REPEATED_PROGESTERONE, ovulatory_dysfunction

Chart = Callable[[Mapping[str, Any]], PatientChart]
Parts = dict[str, dict[str, Any]]
PRESENT, ABSENT, UNKNOWN = State.PRESENT, State.ABSENT, State.UNKNOWN


def state_of(make_chart: Chart, parts: Parts, **changes: Any) -> State:
    fields = {**parts["adult"], **parts["regular"]}
    for name, value in changes.items():
        section, _, field = name.partition("__")
        fields[f"{section}.{field}"] = value
    return ovulatory_dysfunction(make_chart(fields)).state


@pytest.mark.parametrize(
    ("days", "state"),
    [(20, PRESENT), (21, ABSENT), (22, ABSENT), (34, ABSENT), (35, ABSENT), (36, PRESENT)],
)
def test_adult_cycles_are_irregular_under_21_or_over_35_days(
    make_chart: Chart, parts: Parts, days: float, state: State
) -> None:
    assert state_of(make_chart, parts, cycles__interval_days=days) is state


@pytest.mark.parametrize(("n", "state"), [(7, PRESENT), (8, ABSENT), (9, ABSENT)])
def test_fewer_than_8_cycles_a_year_are_irregular(
    make_chart: Chart, parts: Parts, n: float, state: State
) -> None:
    assert state_of(make_chart, parts, cycles__per_year=n) is state


@pytest.mark.parametrize(("days", "state"), [(89, ABSENT), (90, ABSENT), (91, PRESENT)])
def test_any_single_cycle_over_90_days_is_irregular(
    make_chart: Chart, parts: Parts, days: float, state: State
) -> None:
    assert state_of(make_chart, parts, cycles__longest_interval_days=days) is state


@pytest.mark.parametrize(
    ("age", "days", "state"),
    [
        (14, 45, ABSENT),
        (14, 46, PRESENT),
        (14, 20, PRESENT),
        (14, 21, ABSENT),
        (14.99, 40, ABSENT),  # just under 3 years after menarche
        (15, 40, PRESENT),  # exactly 3 years
        (13, 46, PRESENT),  # exactly 1 year
        (12.99, 46, State.NOT_ASSESSABLE),  # under 1 year irregular is normal
    ],
)
def test_the_limits_follow_the_years_since_menarche(
    make_chart: Chart, parts: Parts, age: float, days: float, state: State
) -> None:
    assert state_of(make_chart, parts, patient__age_years=age, cycles__interval_days=days) is state


def test_fewer_than_8_cycles_do_not_count_in_the_first_3_years(
    make_chart: Chart, parts: Parts
) -> None:
    state = state_of(make_chart, parts, patient__age_years=14, cycles__per_year=6)
    assert state is ABSENT


@pytest.mark.parametrize("field", ["interval_days", "per_year", "longest_interval_days"])
def test_regular_is_not_concluded_while_one_question_is_unasked(
    make_chart: Chart, parts: Parts, field: str
) -> None:
    fields = {**parts["adult"], **parts["regular"], f"cycles.{field}": None}
    finding = ovulatory_dysfunction(make_chart(fields))
    assert finding.state is UNKNOWN
    assert finding.missing == (f"cycles.{field}",)


def test_days_of_bleeding_are_never_taken_for_an_interval(make_chart: Chart, parts: Parts) -> None:
    finding = ovulatory_dysfunction(make_chart({**parts["adult"], "cycles.bleeding_days": 5}))
    assert finding.state is UNKNOWN


def test_at_16_an_unknown_menarche_is_unknown_and_no_primary_amenorrhoea(
    make_chart: Chart, parts: Parts
) -> None:
    finding = ovulatory_dysfunction(make_chart({**parts["irregular"], "patient.age_years": 16}))
    assert finding.state is UNKNOWN
    assert "patient.age_at_menarche_years" in finding.missing


def test_at_21_an_unknown_menarche_is_open_only_where_it_would_matter(
    make_chart: Chart, parts: Parts
) -> None:
    known = {**parts["adult"], **parts["regular"], "patient.age_years": 21}
    unknown = {**known, "patient.age_at_menarche_years": None}
    assert ovulatory_dysfunction(make_chart(unknown)).state is ABSENT
    forty = {**unknown, "cycles.interval_days": 40}
    assert ovulatory_dysfunction(make_chart(forty)).state is UNKNOWN
    sixty = {**unknown, "cycles.interval_days": 60, "cycles.longest_interval_days": 95}
    assert ovulatory_dysfunction(make_chart(sixty)).state is PRESENT


@pytest.mark.parametrize(
    "change",
    [
        {"patient.pregnant": True},
        {"patient.postmenopausal": True},
        {"patient.hormonal_contraception": "combined"},
        {"patient.hormonal_contraception": "progestogen"},
        {"patient.hormonal_contraception": "stopped_under_3_months"},
    ],
)
def test_cycles_are_not_read_in_pregnancy_menopause_or_on_contraception(
    make_chart: Chart, parts: Parts, change: dict[str, Any]
) -> None:
    chart = make_chart({**parts["adult"], **parts["irregular"], **change})
    assert ovulatory_dysfunction(chart).state is State.NOT_ASSESSABLE


@pytest.mark.parametrize(("value", "state"), [(9.9, PRESENT), (10, ABSENT), (10.1, ABSENT)])
def test_low_luteal_progesterone_makes_regular_cycles_provisionally_anovulatory(
    make_chart: Chart, parts: Parts, value: float, state: State
) -> None:
    fields = {**parts["adult"], **parts["regular"]}
    chart = make_chart({**fields, "labs.progesterone": (value, "nmol/L", 10)})
    finding = ovulatory_dysfunction(chart)
    assert finding.state is state
    if state is PRESENT:
        assert finding.provisional_on == (REPEATED_PROGESTERONE,)


def test_progesterone_without_the_laboratorys_limit_is_mentioned_and_not_read(
    make_chart: Chart, parts: Parts
) -> None:
    fields = {**parts["adult"], **parts["regular"], "labs.progesterone": (1, "nmol/L")}
    finding = ovulatory_dysfunction(make_chart(fields))
    assert finding.state is ABSENT
    assert any("ovulation limit is not given" in reason for reason in finding.reasons)
