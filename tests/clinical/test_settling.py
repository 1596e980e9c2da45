from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import conclude, find
from deeppcos.clinical.enquiries import (
    Enquiry,
    free_androgen_options,
    morphology_options,
    open_enquiries,
)
from deeppcos.clinical.exclusions import red_flags
from deeppcos.clinical.profiles import DEFAULT_PROFILE, PROFILES
from deeppcos.clinical.settling import Oracle, possible_charts, would_settle

Chart = Callable[[Mapping[str, Any]], PatientChart]
Parts = dict[str, dict[str, Any]]
PROFILE = PROFILES[DEFAULT_PROFILE]


def names(chart: PatientChart, profile: str = DEFAULT_PROFILE) -> set[str]:
    return {step.measurement for step in would_settle(chart, PROFILES[profile])}


def enquiries_named(chart: PatientChart, wanted: set[str]) -> tuple[Enquiry, ...]:
    options = [*free_androgen_options(chart), *morphology_options(chart, PROFILE.morphology)]
    every = [*open_enquiries(chart), *(e for option in options for e in option)]
    return tuple({e.key: e for e in every if e.key in wanted}.values())


def is_settled(chart: PatientChart) -> bool:
    conclusion = conclude(chart.patient, find(chart, PROFILE), PROFILE, red_flags(chart))
    return conclusion.status.is_settled


def test_one_missing_exclusion_test_is_the_whole_list(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], **parts["excluded"], **parts["irregular"], **parts["hirsute"]}
    del fields["labs.prolactin"]
    assert names(make_chart(fields)) == {"prolactin"}


def test_a_missing_limit_is_asked_for_by_name(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], **parts["excluded"], **parts["irregular"], **parts["hirsute"]}
    chart = make_chart({**fields, "labs.tsh": (2, "mIU/L", None)})
    assert names(chart) == {"tsh.upper_limit"}


def test_a_scan_settles_one_of_two_where_the_rest_is_known(make_chart: Chart, parts: Parts) -> None:
    fields = {
        **parts["adult"],
        **parts["excluded"],
        **parts["irregular"],
        **parts["no_androgen_excess"],
    }
    assert names(make_chart(fields)) == {"ultrasound.fnpo"}
    assert names(make_chart({**fields, "labs.amh": (5, "ng/mL", None)})) in (
        {"ultrasound.fnpo"},
        {"amh.upper_limit"},
    )


def test_a_scan_that_was_begun_is_completed_rather_than_repeated(
    make_chart: Chart, parts: Parts
) -> None:
    fields = {
        **parts["adult"],
        **parts["excluded"],
        **parts["irregular"],
        **parts["no_androgen_excess"],
        **parts["few_follicles"],
    }
    assert names(make_chart({**fields, "ultrasound.probe_mhz": None})) == {"ultrasound.probe_mhz"}
    del fields["right.fnpo"]
    assert names(make_chart(fields)) == {"ultrasound.right.fnpo"}


def test_nothing_is_asked_once_it_is_settled(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], **parts["excluded"], **parts["irregular"], **parts["hirsute"]}
    assert names(make_chart(fields)) == set()


@pytest.mark.parametrize(
    "change", [{"patient.hormonal_contraception": "combined"}, {"patient.postmenopausal": True}]
)
def test_nothing_is_promised_where_no_measurement_would_settle_it(
    make_chart: Chart, parts: Parts, change: dict[str, Any]
) -> None:
    chart = make_chart({**parts["adult"], **parts["excluded"], **parts["irregular"], **change})
    assert not is_settled(chart)
    assert names(chart) == set()


OPEN_CHARTS: list[dict[str, Any]] = [
    {},
    {"patient.age_years": 27, "patient.age_at_menarche_years": 12},
    {"patient.age_years": 16, "patient.age_at_menarche_years": 12, "signs.mfg_score": 5},
    {"patient.age_years": 27, "cycles.interval_days": 50, "labs.total_testosterone": (2, "nmol/L")},
    {"patient.age_years": 30, "signs.mfg_score": 6, "labs.shbg": (20, "nmol/L")},
    {
        "patient.age_years": 46,
        "patient.age_at_menarche_years": 12,
        "signs.mfg_score": 0,
        "ultrasound.route": "transabdominal",
        "left.volume_ml": 12,
    },
]


@pytest.mark.parametrize("fields", OPEN_CHARTS, ids=range(len(OPEN_CHARTS)))
def test_the_list_settles_whatever_the_answers_and_no_shorter_part_of_it_does(
    make_chart: Chart, fields: dict[str, Any]
) -> None:
    chart = make_chart(fields)
    listed = enquiries_named(chart, names(chart))
    assert listed
    assert {e.key for e in listed} == names(chart)
    assert all(is_settled(c) for c in sample(possible_charts(chart, listed)))
    oracle = Oracle(PROFILE)
    for one in listed:
        others = tuple(e for e in listed if e is not one)
        assert not oracle.settles(chart, others), one.key


def sample(charts: Any) -> list[PatientChart]:
    """Every seventh chart: enough to hold the oracle's memory against the rules themselves."""
    return list(charts)[::7]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_finds_a_list_for_an_empty_chart(make_chart: Chart, profile: str) -> None:
    asked = names(make_chart({}), profile)
    assert {"tsh", "prolactin", "17_ohp", "fsh", "patient.pregnant"} <= asked
    assert ("ultrasound.fnpo" in asked) is (profile != "nih_1990")
