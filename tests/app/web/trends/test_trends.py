"""Time lines: what may stand on one line, and what a page shows of it."""

import csv
import datetime
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse

from deeppcos.app import workflow
from deeppcos.app.desk.trends import Visit, trends
from deeppcos.app.web.models import Patient, Site, Study, User
from deeppcos.app.web.studies.analysis import store_assessment
from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.units import LabValue
from deeppcos.records.assessment_document import (
    AssessmentDocument,
    CountMeasurement,
    Measurements,
    SideMeasurements,
    VolumeMeasurement,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer


def _document(left: SideMeasurements | None = None) -> AssessmentDocument:
    said = workflow.assess_chart('{"schema": "deeppcos.chart/1"}')
    return said.model_copy(update={"measurements": Measurements(left=left)})


def _visit(day: int, *labs: LabValue, left: SideMeasurements | None = None) -> Visit:
    return Visit(
        day=datetime.date(2026, 1, day),
        study_id=f"study-{day}",
        accession=f"A{day}",
        chart=PatientChart(labs=labs),
        document=_document(left),
        is_signed=day % 2 == 0,
    )


def _amh(value: float | None, unit: str = "ng/mL", assay: str | None = None) -> LabValue:
    return LabValue(analyte=Analyte.AMH, value=value, unit=unit, assay=assay, upper_limit=None)


def test_values_in_two_units_stand_on_one_line_in_one_unit() -> None:
    (amh,) = trends([_visit(2, _amh(5.0)), _visit(1, _amh(5000.0, "pg/mL"))])
    assert [round(p.value, 3) for p in amh.points] == [5.0, 5.0]
    assert [p.day.day for p in amh.points] == [1, 2], "by day, whatever the order given"


def test_research_markers_follow_from_the_chart_of_each_visit() -> None:
    glucose = LabValue(analyte=Analyte.FASTING_GLUCOSE, value=90, unit="mg/dL")
    insulin = LabValue(analyte=Analyte.FASTING_INSULIN, value=9, unit="uIU/mL")
    found = trends([_visit(1, glucose, insulin), _visit(2, glucose)])
    [homa] = [series for series in found if series.name == "HOMA-IR"]
    assert [(point.day.day, round(point.value, 2)) for point in homa.points] == [(1, 2.0)]
    assert homa.detail == "computed, research only"


def test_another_assay_is_another_line() -> None:
    found = trends(
        [_visit(1, _amh(4.0, assay="Elecsys AMH Plus")), _visit(2, _amh(9.0, assay="X"))]
    )
    assert sorted(one.detail for one in found) == ["X", "elecsys amh plus"]


def test_what_was_not_measured_is_a_gap_and_never_zero() -> None:
    found = trends([_visit(1, _amh(None)), _visit(2, _amh(3.0))])
    assert [[p.value for p in one.points] for one in found] == [[3.0]]


def test_the_three_kinds_of_follicle_count_are_three_lines() -> None:
    left = SideMeasurements(
        fnps=CountMeasurement(value=7, low=5, high=9),
        tracked_estimate=CountMeasurement(value=24),
        fnpo=CountMeasurement(),
        volume_ml=VolumeMeasurement(value=8.5, low=7.0, high=10.0),
    )
    found = trends([_visit(1, left=left)])
    assert [one.name for one in found] == [
        "follicles in one section (FNPS)",
        "follicles tracked through a sweep (estimate)",
        "ovarian volume",
    ]
    assert (found[0].points[0].low, found[0].points[0].high) == (5.0, 9.0)
    assert all(one.detail == "left" for one in found)


def _chart(amh: float) -> dict[str, Any]:
    return {
        "schema": "deeppcos.chart/1",
        "labs": [{"analyte": "amh", "value": amh, "unit": "ng/mL", "upper_limit": 6.0}],
    }


@pytest.fixture
def visits(site: Site, patient: Patient) -> list[Study]:
    """Three visits of one patient over two years."""
    made = []
    for number, (day, amh, count) in enumerate(
        [("2024-03-01", 7.1, 12), ("2025-02-11", 6.4, 11), ("2026-05-20", 5.2, 8)]
    ):
        study = Study.objects.create(
            site=site,
            patient=patient,
            accession=f"ACC-{number}",
            performed_on=day,
            chart=_chart(amh),
        )
        left = SideMeasurements(
            fnps=CountMeasurement(value=count, low=count - 2, high=count + 2),
            volume_ml=VolumeMeasurement(value=9.0 + number, low=8.0, high=13.0),
        )
        store_assessment(study, _document(left).model_dump(mode="json"), made_by=None)
        made.append(study)
    return made


def test_the_page_has_the_numbers_as_a_table_too(
    clinician_client: Client, visits: list[Study], patient: Patient
) -> None:
    text = clinician_client.get(reverse("trends:timeline", args=[patient.pk])).content.decode()
    assert "<td>7.10</td>" in text
    assert "ACC-2" in text


def test_the_table_downloads_with_empty_for_unknown(
    clinician_client: Client, visits: list[Study], patient: Patient
) -> None:
    answer = clinician_client.get(reverse("trends:table", args=[patient.pk]))
    lines = list(csv.DictReader(io.StringIO(answer.content.decode())))
    amh = [line for line in lines if line["series"] == "AMH"]
    assert [line["value"] for line in amh] == ["7.1", "6.4", "5.2"]
    assert {line["low"] for line in amh} == {""}
    assert {line["signed"] for line in lines} == {"no"}


def test_nobody_sees_a_patient_of_another_site(
    client_of: Any, make_user: Any, visits: list[Study], patient: Patient, db: None
) -> None:
    from deeppcos.app.web.models import Role

    elsewhere = Site.objects.create(name="Elsewhere", slug="elsewhere")
    stranger = make_user("eve", Role.CLINICIAN, at=elsewhere)
    answer = client_of(stranger).get(reverse("trends:timeline", args=[patient.pk]))
    assert answer.status_code == 404


def test_a_patient_without_values_gets_words_instead_of_an_empty_chart(
    clinician_client: Client, patient: Patient, study: Study
) -> None:
    Study.objects.filter(pk=study.pk).update(chart={})
    text = clinician_client.get(reverse("trends:timeline", args=[patient.pk])).content.decode()
    assert "Nothing to draw yet" in text


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_charts_are_drawn_on_one_calendar(
    page: "Page",
    live_server: "LiveServer",
    visits: list[Study],
    patient: Patient,
    clinician: User,
    sign_in: Any,
    tmp_path: Path,
) -> None:
    sign_in(page, clinician)
    page.goto(live_server.url + reverse("trends:timeline", args=[patient.pk]))
    page.wait_for_selector(".uplot canvas")
    assert page.locator(".uplot canvas").count() == 3
    page.screenshot(path=str(tmp_path / "trends.png"), full_page=True)
    page.set_viewport_size({"width": 380, "height": 800})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
