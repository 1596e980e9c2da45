"""One patient's time lines as charts with the same numbers as a table.

Owns requests and answers; what may stand on one line is decided by ``desk.trends``.
"""

import csv
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deeppcos.app.desk.trends import Series, TrendPoint, trends
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, patient_for
from deeppcos.app.web.trends.visits import visits_of

COLUMNS = ("series", "detail", "unit", "day", "value", "low", "high", "limit", "study", "signed")


@needs(Right.SEE_STUDIES)
@require_safe
def timeline(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Charts and tables of everything measured more than never."""
    user = account_of(request)
    patient = patient_for(user, patient_id)
    visits = list(visits_of(user, patient))
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
    for one in trends(visits_of(user, patient)):
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
