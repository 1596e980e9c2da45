from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.chart import PatientChart, with_seen_ovaries
from deeppcos.clinical.finding import Finding, State
from deeppcos.clinical.morphology import polycystic_morphology
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvaryMeasurements,
    SeenOvary,
    Side,
    TrackedEstimate,
)
from deeppcos.clinical.profiles import PROFILES

Chart = Callable[[Mapping[str, Any]], PatientChart]
Parts = dict[str, dict[str, Any]]
PRESENT, ABSENT, UNKNOWN = State.PRESENT, State.ABSENT, State.UNKNOWN
CLOSED = State.NOT_ASSESSABLE
IMAGE = MeasurementSource.IMAGE

OLDER: dict[str, Any] = {
    "ultrasound.route": "transabdominal",
    "left.volume_ml": 7,
    "right.volume_ml": 7,
    "left.fnps": 5,
    "right.fnps": 5,
    "left.dominant_follicle_or_corpus_luteum": False,
    "right.dominant_follicle_or_corpus_luteum": False,
}


def read(chart: PatientChart, profile: str = "guideline_2023") -> Finding:
    return polycystic_morphology(chart, PROFILES[profile].morphology)


@pytest.mark.parametrize(("count", "state"), [(19, ABSENT), (20, PRESENT), (21, PRESENT)])
def test_20_follicles_in_one_whole_ovary_are_polycystic(
    make_chart: Chart, parts: Parts, count: int, state: State
) -> None:
    chart = make_chart({**parts["adult"], **parts["few_follicles"], "right.fnpo": count})
    assert read(chart).state is state


@pytest.mark.parametrize(
    ("profile", "threshold"),
    [("rotterdam_2003", 12), ("nih_1990", 12), ("aepcos_2006", 12), ("aepcos_2006_fnpo25", 25)],
)
def test_each_profile_counts_by_its_own_threshold(
    make_chart: Chart, parts: Parts, profile: str, threshold: int
) -> None:
    quiet = {**OLDER, **parts["modern_scan"], "right.fnpo": 3}
    for count, state in ((threshold - 1, ABSENT), (threshold, PRESENT), (threshold + 1, PRESENT)):
        chart = make_chart({**parts["adult"], **quiet, "left.fnpo": count})
        assert read(chart, profile).state is state


@pytest.mark.parametrize(("ml", "state"), [(9.9, ABSENT), (10.0, PRESENT), (10.1, PRESENT)])
def test_a_volume_of_10_ml_is_polycystic_where_follicles_cannot_be_counted(
    make_chart: Chart, parts: Parts, ml: float, state: State
) -> None:
    assert read(make_chart({**parts["adult"], **OLDER, "left.volume_ml": ml})).state is state


@pytest.mark.parametrize(("ml", "state"), [(9.9, ABSENT), (10.0, ABSENT), (10.1, PRESENT)])
def test_rotterdam_asks_for_more_than_10_ml(
    make_chart: Chart, parts: Parts, ml: float, state: State
) -> None:
    fields = {**parts["adult"], **OLDER, "left.fnpo": 5, "right.fnpo": 5, "left.volume_ml": ml}
    assert read(make_chart(fields), "rotterdam_2003").state is state


@pytest.mark.parametrize(("count", "state"), [(9, ABSENT), (10, PRESENT), (11, PRESENT)])
def test_10_follicles_in_one_section_are_polycystic_where_volume_is_read(
    make_chart: Chart, parts: Parts, count: int, state: State
) -> None:
    assert read(make_chart({**parts["adult"], **OLDER, "left.fnps": count})).state is state


@pytest.mark.parametrize(("mhz", "state"), [(7.9, UNKNOWN), (8, PRESENT), (8.1, PRESENT)])
def test_whole_ovary_counts_need_a_probe_of_8_mhz(
    make_chart: Chart, parts: Parts, mhz: float, state: State
) -> None:
    fields = {**parts["adult"], **parts["many_follicles"], "ultrasound.probe_mhz": mhz}
    assert read(make_chart(fields)).state is state


def test_with_a_modern_probe_volume_and_sections_are_not_read(
    make_chart: Chart, parts: Parts
) -> None:
    fields = {**parts["adult"], **OLDER, **parts["modern_scan"], "left.volume_ml": 14}
    finding = read(make_chart(fields))
    assert finding.state is UNKNOWN
    assert finding.missing == ("ultrasound.left.fnpo", "ultrasound.right.fnpo")
    assert any("not read with a modern" in reason for reason in finding.reasons)


@pytest.mark.parametrize("field", ["ultrasound.route", "ultrasound.probe_mhz"])
def test_an_unknown_route_or_probe_leaves_the_count_unread(
    make_chart: Chart, parts: Parts, field: str
) -> None:
    finding = read(make_chart({**parts["adult"], **parts["many_follicles"], field: None}))
    assert finding.state is UNKNOWN
    assert finding.missing == (field,)


def test_a_dominant_follicle_takes_its_ovary_out_of_the_volume(
    make_chart: Chart, parts: Parts
) -> None:
    big = {**parts["adult"], **OLDER, "left.volume_ml": 15}
    flag = "left.dominant_follicle_or_corpus_luteum"
    assert read(make_chart({**big, flag: False})).state is PRESENT
    assert read(make_chart({**big, flag: True})).state is UNKNOWN
    assert read(make_chart({**big, flag: None})).missing == (f"ultrasound.{flag}",)
    assert read(make_chart({**big, flag: True, "right.volume_ml": 11})).state is PRESENT


def test_one_ovary_seen_suffices_for_a_count_but_not_for_a_volume(
    make_chart: Chart, parts: Parts
) -> None:
    counted = {**parts["adult"], **parts["modern_scan"], "left.fnpo": 24}
    assert read(make_chart(counted)).state is PRESENT
    measured = {
        **parts["adult"],
        "ultrasound.route": "transabdominal",
        "left.volume_ml": 14,
        "left.dominant_follicle_or_corpus_luteum": False,
    }
    finding = read(make_chart(measured))
    assert finding.state is UNKNOWN
    assert any("Only one ovary was seen" in reason for reason in finding.reasons)


@pytest.mark.parametrize("field", ["left.fnpo", "right.fnpo"])
def test_absent_needs_both_ovaries(make_chart: Chart, parts: Parts, field: str) -> None:
    fields = {**parts["adult"], **parts["few_follicles"]}
    assert read(make_chart(fields)).state is ABSENT
    del fields[field]
    assert read(make_chart(fields)).missing == (f"ultrasound.{field}",)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"patient.age_years": 19}, CLOSED),
        ({"patient.pregnant": True}, CLOSED),
        ({"patient.postmenopausal": True}, CLOSED),
        ({"patient.age_years": 19, "patient.age_at_menarche_years": None}, UNKNOWN),
        ({"patient.age_years": None}, UNKNOWN),
    ],
)
def test_morphology_and_amh_are_closed_outside_adult_reproductive_life(
    make_chart: Chart, parts: Parts, change: dict[str, Any], state: State
) -> None:
    for scan in (parts["many_follicles"], {"labs.amh": (9, "ng/mL", 4)}):
        assert read(make_chart({**parts["adult"], **scan, **change})).state is state


def test_on_contraception_few_follicles_are_not_absent_and_many_are_still_many(
    make_chart: Chart, parts: Parts
) -> None:
    pill = {**parts["adult"], "patient.hormonal_contraception": "combined"}
    assert read(make_chart({**pill, **parts["few_follicles"]})).state is CLOSED
    assert read(make_chart({**pill, **parts["many_follicles"]})).state is PRESENT
    unasked = {**pill, "patient.hormonal_contraception": None}
    finding = read(make_chart({**unasked, **parts["few_follicles"]}))
    assert finding.missing == ("patient.hormonal_contraception",)


def test_amh_stands_in_for_the_scan_only_under_the_2023_guideline(
    make_chart: Chart, parts: Parts
) -> None:
    chart = make_chart({**parts["adult"], "labs.amh": (9, "ng/mL", 4)})
    assert read(chart).state is PRESENT
    assert read(chart, "rotterdam_2003").state is UNKNOWN


def test_scan_and_amh_that_disagree_leave_it_open(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], **parts["few_follicles"], "labs.amh": (9, "ng/mL", 4)}
    finding = read(make_chart(fields))
    assert finding.state is UNKNOWN
    assert any("not both" in reason for reason in finding.reasons)


def seen(side: Side | None, low: int, value: int, high: int, *, whole: bool) -> SeenOvary:
    if whole:
        fnpo = FollicleNumberPerOvary(value=value, low=low, high=high, source=IMAGE)
        measurements = OvaryMeasurements(fnpo=fnpo)
    else:
        fnps = FollicleNumberPerSection(value=value, low=low, high=high, source=IMAGE)
        measurements = OvaryMeasurements(fnps=fnps)
    return SeenOvary(side=side, measurements=measurements)


@pytest.mark.parametrize(
    ("low", "value", "high", "state"),
    [(20, 23, 26, PRESENT), (19, 23, 26, UNKNOWN), (15, 17, 19, ABSENT), (15, 17, 20, UNKNOWN)],
)
def test_a_measurement_interval_across_the_threshold_leaves_it_open(
    make_chart: Chart, parts: Parts, low: int, value: int, high: int, state: State
) -> None:
    chart = make_chart({**parts["adult"], **parts["modern_scan"]})
    ovaries = [
        seen(Side.LEFT, low, value, high, whole=True),
        seen(Side.RIGHT, 3, 4, 5, whole=True),
    ]
    finding = read(with_seen_ovaries(chart, ovaries))
    assert finding.state is state
    if state is UNKNOWN:
        assert any("interval crosses" in reason for reason in finding.reasons)


def test_a_picture_never_makes_a_section_count_absent_and_never_makes_fnpo(
    make_chart: Chart, parts: Parts
) -> None:
    older = make_chart({**parts["adult"], "ultrasound.route": "transabdominal"})
    few = [seen(side, 2, 3, 4, whole=False) for side in Side]
    assert read(with_seen_ovaries(older, few)).state is UNKNOWN
    many = [seen(side, 12, 14, 16, whole=False) for side in Side]
    assert read(with_seen_ovaries(older, many)).state is PRESENT
    modern = make_chart({**parts["adult"], **parts["modern_scan"]})
    assert read(with_seen_ovaries(modern, many)).state is UNKNOWN


def test_a_picture_of_unknown_side_cannot_stand_for_both_ovaries(
    make_chart: Chart, parts: Parts
) -> None:
    older = make_chart({**parts["adult"], "ultrasound.route": "transabdominal"})
    unsided = [seen(None, 12, 14, 16, whole=False)] * 2
    assert read(with_seen_ovaries(older, unsided)).state is UNKNOWN


def test_chart_and_picture_that_disagree_leave_it_open(make_chart: Chart, parts: Parts) -> None:
    chart = make_chart({**parts["adult"], **parts["few_follicles"]})
    finding = read(with_seen_ovaries(chart, [seen(Side.LEFT, 25, 28, 31, whole=True)]))
    assert finding.state is UNKNOWN
    assert finding.is_contradicted


def test_a_tracked_estimate_is_mentioned_and_decides_nothing(
    make_chart: Chart, parts: Parts
) -> None:
    chart = make_chart({**parts["adult"], **parts["modern_scan"]})
    tracked = TrackedEstimate(value=30, low=26, high=34, coverage=0.9)
    sweep = SeenOvary(side=Side.LEFT, measurements=OvaryMeasurements(tracked=tracked))
    finding = read(with_seen_ovaries(chart, [sweep]))
    assert finding.state is UNKNOWN
    assert any("about 30 follicles" in reason for reason in finding.reasons)
