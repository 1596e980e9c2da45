"""One patient over time: hormones and follicles, each visit with its own unit, limit and doubt.

Owns the choice of series and what may stand on one line. Three kinds of follicle count are three
series; another assay is another series, since assays are not interchangeable.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deeppcos.clinical.analytes import ANALYTES
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.insulin_resistance import Marker, insulin_resistance_markers
from deeppcos.clinical.units import LabValue
from deeppcos.records.assessment_document import AssessmentDocument, SideMeasurements

SIDES = ("left", "right")
RESEARCH_ONLY = "computed, research only"
COUNTS = (
    ("fnpo", "follicles of the whole ovary (FNPO)"),
    ("fnps", "follicles in one section (FNPS)"),
    ("tracked_estimate", "follicles tracked through a sweep (estimate)"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One study of the patient, as far as trends need it.

    Attributes:
        day: Day of the study.
        study_id: Its identifier, for the link.
        accession: What it is called.
        chart: Its chart; None where it cannot be read.
        document: Its signed report, else its latest assessment; None where there is neither.
        is_signed: Whether the document is signed.
    """

    day: datetime.date
    study_id: str
    accession: str
    chart: PatientChart | None
    document: AssessmentDocument | None
    is_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One value of one day.

    Attributes:
        day: Day of the study.
        value: The value, in the unit of its series.
        low: Lower end of its interval; None where none is stated.
        high: Upper end of its interval; None where none is stated.
        limit: The laboratory's upper limit on that day; None where none is stated.
        study_id: The study it stands in.
        accession: What the study is called.
        is_signed: Whether a clinician signed it.
    """

    day: datetime.date
    value: float
    low: float | None
    high: float | None
    limit: float | None
    study_id: str
    accession: str
    is_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values that may stand on one line.

    Attributes:
        name: What was measured.
        detail: Side or assay; empty when there is nothing to say.
        unit: Unit of every value; empty for counts.
        points: By day.
    """

    name: str
    detail: str
    unit: str
    points: tuple[TrendPoint, ...]


def trends(visits: Iterable[Visit]) -> tuple[Series, ...]:
    """Every series of which at least one value is known, ovaries first.

    Args:
        visits: The patient's studies, in any order.

    Returns:
        Series; unknown values leave a gap, they are never drawn as zero.
    """
    ordered = sorted(visits, key=lambda visit: (visit.day, visit.accession))
    return (*_ovary_series(ordered), *_lab_series(ordered), *_marker_series(ordered))


def _ovary_series(visits: Sequence[Visit]) -> list[Series]:
    """Counts and volume of each side."""
    found = []
    for side in SIDES:
        for key, name in COUNTS:
            points = [p for v in visits if (p := _count_point(v, side, key)) is not None]
            if points:
                found.append(Series(name=name, detail=side, unit="", points=tuple(points)))
        volumes = [p for v in visits if (p := _volume_point(v, side)) is not None]
        if volumes:
            found.append(
                Series(name="ovarian volume", detail=side, unit="mL", points=tuple(volumes))
            )
    return found


def _measured(visit: Visit, side: str) -> SideMeasurements | None:
    """What was measured of one ovary at a visit."""
    if visit.document is None:
        return None
    one: SideMeasurements | None = getattr(visit.document.measurements, side)
    return one


def _count_point(visit: Visit, side: str, key: str) -> TrendPoint | None:
    """One follicle count of one visit."""
    one = _measured(visit, side)
    count = getattr(one, key) if one is not None else None
    if count is None or count.value is None:
        return None
    return _point(visit, float(count.value), low=count.low, high=count.high)


def _volume_point(visit: Visit, side: str) -> TrendPoint | None:
    """The volume of one visit."""
    one = _measured(visit, side)
    if one is None or one.volume_ml.value is None:
        return None
    volume = one.volume_ml
    return _point(visit, float(one.volume_ml.value), low=volume.low, high=volume.high)


def _lab_series(visits: Sequence[Visit]) -> list[Series]:
    """One series for each analyte and assay, in the analyte's first unit."""
    by_kind: dict[tuple[str, str], list[TrendPoint]] = {}
    names: dict[tuple[str, str], tuple[str, str]] = {}
    for visit in visits:
        for lab in visit.chart.labs if visit.chart is not None else ():
            point = _lab_point(visit, lab)
            if point is not None:
                kind = (lab.analyte.value, lab.assay or "")
                names[kind] = (lab.analyte.label, ANALYTES[lab.analyte].units[0])
                by_kind.setdefault(kind, []).append(point)
    return [
        Series(
            name=names[kind][0],
            detail=kind[1].replace("_", " "),
            unit=names[kind][1],
            points=tuple(points),
        )
        for kind, points in sorted(by_kind.items())
    ]


def _lab_point(visit: Visit, lab: LabValue) -> TrendPoint | None:
    """A result in its analyte's first unit."""
    unit = ANALYTES[lab.analyte].units[0]
    value = lab.value_in(unit)
    if value is None:
        return None
    return _point(visit, value, limit=lab.upper_limit_in(unit))


def _marker_series(visits: Sequence[Visit]) -> list[Series]:
    """One series for each research marker that a chart allows; computed, never graded."""
    found: dict[str, tuple[Marker, list[TrendPoint]]] = {}
    for visit in visits:
        for marker in insulin_resistance_markers(visit.chart) if visit.chart else ():
            if marker.value is not None:
                _, points = found.setdefault(marker.key, (marker, []))
                points.append(_point(visit, marker.value))
    return [
        Series(
            name=marker.label,
            detail=RESEARCH_ONLY,
            unit="" if marker.unit == "1" else marker.unit,
            points=tuple(points),
        )
        for marker, points in found.values()
    ]


def _point(
    visit: Visit,
    value: float,
    *,
    low: float | None = None,
    high: float | None = None,
    limit: float | None = None,
) -> TrendPoint:
    """A value of a visit."""
    return TrendPoint(
        day=visit.day,
        value=value,
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        limit=limit,
        study_id=visit.study_id,
        accession=visit.accession,
        is_signed=visit.is_signed,
    )
