"""One patient's time lines as charts with the same numbers as a table.

Owns requests and answers; what may stand on one line is decided by ``desk.trends``.
"""

import csv
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from deeppcos.app.desk.trends import Series, TrendPoint, Visit, trends
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, patient_for, visible_studies
from deeppcos.app.web.models import Patient, Study, User
from deeppcos.clinical.chart import PatientChart
from deeppcos.errors import DeepPCOSError
from deeppcos.records.assessment_json import document_from_dict
from deeppcos.records.chart_json import chart_from_text

COLUMNS = ("series", "detail", "unit", "day", "value", "low", "high", "limit", "study", "signed")


@needs(Right.SEE_STUDIES)
@require_safe
def timeline(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Charts and tables of everything measured more than never."""
    user = account_of(request)
    patient = patient_for(user, patient_id)
    visits = list(_visits(user, patient))
    audit.record("trends.viewed", actor=user, site=patient.site, about=f"patient:{patient.pk}")
    series = trends(visits)
    return render(
        request,
        "trends/timeline.html",
        {
            "patient": patient,
            "series": series,
            "visits": sorted(visits, key=lambda visit: visit.day),
            "chart_data": [_as_data(one) for one in series],
        },
    )


@needs(Right.SEE_STUDIES)
@require_safe
def table(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The same numbers for a spreadsheet."""
    user = account_of(request)
    patient = patient_for(user, patient_id)
    audit.record("trends.exported", actor=user, site=patient.site, about=f"patient:{patient.pk}")
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="trends.csv"'
    lines = csv.writer(answer)
    lines.writerow(COLUMNS)
    for one in trends(_visits(user, patient)):
        for p in one.points:
            lines.writerow(
                [
                    *(one.name, one.detail, one.unit, p.day.isoformat(), f"{p.value:g}"),
                    *(_number(v) for v in (p.low, p.high, p.limit)),
                    *(p.accession, "yes" if p.is_signed else "no"),
                ]
            )
    return answer


def _number(value: float | None) -> str:
    """A number, or nothing where it is unknown."""
    return "" if value is None else f"{value:g}"


def _visits(user: User, patient: Patient) -> Iterator[Visit]:
    """The patient's studies that this person may see."""
    studies = visible_studies(user).filter(patient=patient).prefetch_related("reports")
    for study in studies:
        signed = max(study.reports.all(), key=lambda report: report.number, default=None)
        latest = study.assessments.order_by("-number").first() if signed is None else None
        content = signed.document if signed else latest.document if latest else None
        yield Visit(
            day=study.performed_on or timezone.localtime(study.arrived_at).date(),
            study_id=str(study.pk),
            accession=study.accession,
            chart=_chart(study),
            document=None if content is None else document_from_dict(content),
            is_signed=signed is not None,
        )


def _chart(study: Study) -> PatientChart | None:
    """The chart of a study; None where it is empty or cannot be read."""
    try:
        return chart_from_text(json.dumps(study.chart)) if study.chart else None
    except DeepPCOSError:
        return None


def _as_data(one: Series) -> dict[str, Any]:
    """A series as the chart takes it; days as seconds since 1970."""
    return {
        "name": one.name,
        "detail": one.detail,
        "unit": one.unit,
        "points": [_point_data(point) for point in one.points],
    }


def _point_data(point: TrendPoint) -> dict[str, Any]:
    """A point as the chart takes it."""
    return {
        "day": point.day.isoformat(),
        "value": point.value,
        "low": point.low,
        "high": point.high,
        "limit": point.limit,
        "signed": point.is_signed,
    }
