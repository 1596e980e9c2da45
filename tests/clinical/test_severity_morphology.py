from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.chart import PatientChart, with_seen_ovaries
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvaryMeasurements,
    SeenOvary,
    Side,
)
from deeppcos.clinical.severity_morphology import morphology_axis, morphology_grade

Chart = Callable[[Mapping[str, Any]], PatientChart]
Parts = dict[str, dict[str, Any]]
IMAGE = MeasurementSource.IMAGE


@pytest.mark.parametrize(
    ("ratio", "grade"),
    [(0.99, 0), (1, 1), (1.01, 1), (1.49, 1), (1.5, 2), (1.99, 2), (2, 3), (2.01, 3)],
)
def test_the_bands_begin_at_1_and_1_5_and_2_times_the_threshold(ratio: float, grade: int) -> None:
    assert morphology_grade(ratio) == grade


@pytest.mark.parametrize(
    ("count", "grade", "borderline"),
    [(14, 0, ()), (15, 0, (0, 1)), (24, 1, (0, 1)), (25, 1, (1, 2)), (35, 2, (2, 3)), (45, 3, ())],
)
def test_a_charted_count_carries_the_published_error_of_5(
    make_chart: Chart, parts: Parts, count: int, grade: int, borderline: tuple[int, ...]
) -> None:
    chart = make_chart({**parts["adult"], **parts["few_follicles"], "left.fnpo": count})
    axis = morphology_axis(chart)
    assert axis.grade == grade
    assert axis.borderline == borderline


def test_the_volume_is_used_by_an_older_method_and_not_from_a_dominant_ovary(
    make_chart: Chart, parts: Parts
) -> None:
    fields = {
        **parts["adult"],
        "ultrasound.route": "transabdominal",
        "left.volume_ml": 21,
        "right.volume_ml": 12,
        "left.dominant_follicle_or_corpus_luteum": True,
        "right.dominant_follicle_or_corpus_luteum": False,
    }
    axis = morphology_axis(make_chart(fields))
    assert axis.grade == 1
    assert axis.borderline == (0, 1, 2)  # 12 mL, truly 5.3 to 15.8


@pytest.mark.parametrize(
    "change",
    [
        {"patient.age_years": 16},
        {"patient.pregnant": True},
        {"patient.hormonal_contraception": "combined"},
        {"patient.hormonal_contraception": None},
        {"patient.age_years": 19, "patient.age_at_menarche_years": None},
    ],
)
def test_there_is_no_grade_in_adolescents_pregnancy_or_on_contraception(
    make_chart: Chart, parts: Parts, change: dict[str, Any]
) -> None:
    axis = morphology_axis(make_chart({**parts["adult"], **parts["many_follicles"], **change}))
    assert axis.grade is None
    assert axis.lower_bound is None


def test_a_single_frame_is_never_graded_and_a_volume_scan_by_its_own_interval(
    make_chart: Chart, parts: Parts
) -> None:
    chart = make_chart({**parts["adult"], **parts["modern_scan"]})
    section = FollicleNumberPerSection(value=14, low=12, high=16, source=IMAGE)
    still = SeenOvary(side=Side.LEFT, measurements=OvaryMeasurements(fnps=section))
    axis = morphology_axis(with_seen_ovaries(chart, [still]))
    assert axis.grade is None
    assert "single frame" in axis.not_graded_because
    whole = FollicleNumberPerOvary(value=32, low=31, high=34, source=IMAGE)
    volume = SeenOvary(
        side=Side.LEFT, measurements=OvaryMeasurements(fnpo=whole), is_single_frame=False
    )
    graded = morphology_axis(with_seen_ovaries(chart, [volume]))
    assert (graded.grade, graded.borderline) == (2, ())


def test_without_route_and_probe_there_is_no_grade(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], **parts["many_follicles"], "ultrasound.probe_mhz": None}
    axis = morphology_axis(make_chart(fields))
    assert axis.grade is None
    assert axis.missing == ("ultrasound.probe_mhz",)
