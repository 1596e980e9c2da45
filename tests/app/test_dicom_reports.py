import json

import pytest

from deeppcos.app.dicom_reports import (
    ChartedReports,
    chart_json_with,
    discrepancies,
    reported_volume_ml,
    with_reports,
)
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import (
    MeasurementSource,
    OvarianVolume,
    OvaryMeasurements,
    Side,
    Ultrasound,
)
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_json import chart_from_text
from deeppcos.records.codes import FOLLICLES_IN_OVARY, OVARY_LENGTH, OVARY_VOLUME, Code
from deeppcos.records.dicom_report_reading import OvaryReport, ReadNumber, ReadReport
from deeppcos.records.dicom_report_reading.numbers import ReadCode
from deeppcos.records.result_sides import SideMeasurement
from deeppcos.records.tracking_identifiers import Quantity, TrackingScope

SCOPE = TrackingScope(study="1.2.3", release="x")


def code(one: Code) -> ReadCode:
    return ReadCode(value=one.value, scheme=one.scheme.value, meaning=one.meaning)


def report(
    *numbers: tuple[Code, float, str], maker: str = "Maker", study: str = "1.2"
) -> ReadReport:
    return ReadReport(
        source="sr.dcm",
        title=ReadCode(value="125000", scheme="DCM", meaning="OB-GYN"),
        maker=maker,
        is_verified=False,
        study_instance_uid=study,
        patient_id="P",
        numbers=tuple(
            ReadNumber(name=code(name), value=value, unit=unit) for name, value, unit in numbers
        ),
    )


VOLUME = (OVARY_VOLUME[Side.LEFT], 11.2, "cm3")
NUMBER = (FOLLICLES_IN_OVARY[Side.LEFT], 23.0, "1")


def measured(
    quantity: Quantity, value: float, low: float | None, high: float | None
) -> SideMeasurement:
    return SideMeasurement(
        identifier=SCOPE.of_side(Side.LEFT, quantity),
        side=Side.LEFT,
        quantity=quantity,
        value=value,
        low=low,
        high=high,
    )


def test_an_open_volume_is_filled_as_a_persons_measurement() -> None:
    charted = with_reports(PatientChart(), [report(VOLUME)])
    volume = charted.chart.ultrasound.left.volume
    assert volume is not None
    assert (volume.ml, volume.source) == (11.2, MeasurementSource.CHART)
    assert charted.taken == ("volume 11.2 mL of the left ovary from sr.dcm",)


def test_nothing_charted_is_overwritten() -> None:
    own = OvarianVolume(ml=5.0, source=MeasurementSource.CHART)
    chart = PatientChart(ultrasound=Ultrasound(left=OvaryMeasurements(volume=own)))
    charted = with_reports(chart, [report(VOLUME)])
    assert charted.chart == chart
    assert charted.taken == ()


def test_a_number_of_follicles_is_no_whole_ovary_count_unless_the_site_says_so() -> None:
    charted = with_reports(PatientChart(), [report(NUMBER)])
    assert charted.chart.ultrasound.left.fnpo is None
    assert "not used as the count of the whole ovary" in charted.notes[0]
    vouched = with_reports(PatientChart(), [report(NUMBER)], numbers_are_whole_ovary=True)
    fnpo = vouched.chart.ultrasound.left.fnpo
    assert fnpo is not None
    assert (fnpo.value, fnpo.source) == (23, MeasurementSource.CHART)


def test_our_own_report_never_comes_back_as_somebody_elses() -> None:
    charted = with_reports(PatientChart(), [report(VOLUME, maker="DeepPCOS")])
    assert charted.chart == PatientChart()
    assert "own report" in charted.notes[0]


def test_an_implausible_value_is_not_used() -> None:
    charted = with_reports(PatientChart(), [report((OVARY_VOLUME[Side.LEFT], 4000.0, "cm3"))])
    assert charted.chart == PatientChart()
    assert "no ovary's" in charted.notes[0]


def test_reports_of_two_studies_are_refused() -> None:
    with pytest.raises(InvalidInput, match="several studies"):
        with_reports(PatientChart(), [report(VOLUME), report(VOLUME, study="9")])


def test_three_diameters_give_the_volume_a_report_leaves_out() -> None:
    ovary = OvaryReport(side=Side.LEFT, length_mm=35, width_mm=25, height_mm=22)
    assert reported_volume_ml(ovary) == 10.08
    assert reported_volume_ml(OvaryReport(side=Side.LEFT, length_mm=35, width_mm=25)) is None


def test_a_large_follicle_forbids_the_volume() -> None:
    diameter = ReadNumber(
        name=ReadCode(value="11793-7", scheme="LN", meaning="Follicle Diameter"),
        value=1.4,
        unit="cm",
        side=Side.RIGHT,
        group_place=1,
    )
    one = ReadReport(
        source="sr.dcm",
        title=ReadCode(value="125000", scheme="DCM", meaning=""),
        maker="",
        is_verified=True,
        study_instance_uid="",
        patient_id="",
        numbers=(diameter,),
    )
    right = with_reports(PatientChart(), [one]).chart.ultrasound.right
    assert right.dominant_follicle_or_corpus_luteum is True


def test_a_disagreement_is_told_with_both_numbers() -> None:
    ovary = OvaryReport(side=Side.LEFT, volume_ml=14.0, length_mm=33.0, follicle_number=9)
    own = (
        measured(Quantity.VOLUME, 6.2, 0.0, 10.0),
        measured(Quantity.LENGTH, 31.0, None, None),
        measured(Quantity.FNPO, 24, 19, 29),
    )
    found = discrepancies([ovary], own)
    assert [one.quantity for one in found] == [Quantity.VOLUME, Quantity.FNPO]
    assert found[0].sentence == (
        "Left ovary, volume: the scanner's report says 14 mL, DeepPCOS measured 6.2 mL (0 to 10)."
    )
    assert discrepancies([OvaryReport(side=Side.RIGHT, volume_ml=14.0)], own) == ()


def test_only_what_was_open_changes_in_the_charts_text() -> None:
    text = json.dumps(
        {
            "patient": {"age_years": 27},
            "ultrasound": {"left": {"fnps": 8, "volume_ml": None}, "right": {"volume_ml": 4.0}},
        }
    )
    charted = with_reports(
        chart_from_text(text),
        [
            report(
                VOLUME, (OVARY_VOLUME[Side.RIGHT], 9.0, "cm3"), (OVARY_LENGTH[Side.LEFT], 3, "cm")
            )
        ],
    )
    written = json.loads(chart_json_with(text, charted))
    assert written["ultrasound"]["left"] == {"fnps": 8, "volume_ml": 11.2}
    assert written["ultrasound"]["right"] == {"volume_ml": 4.0}
    assert written["patient"] == {"age_years": 27}
    read_again = chart_from_text(chart_json_with(text, charted))
    assert read_again == charted.chart


def test_a_chart_without_ultrasound_stays_without_when_nothing_is_said() -> None:
    empty = ChartedReports(chart=PatientChart(), taken=(), notes=(), ovaries=())
    assert json.loads(chart_json_with('{"patient": {}}', empty)) == {"patient": {}}
