"""From what was opened and seen to what the chart and the record take.

Owns the mapping between the rooms: sides and planes from headers, measurements into the public
record. Measuring is the business of ``deeppcos.vision.study_measurements``.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import Route, Side
from deeppcos.records import assessment_document as record
from deeppcos.records.dicom_header import ChartHints
from deeppcos.records.study_file import OpenedStudyFile
from deeppcos.vision.findings import FrameFindings
from deeppcos.vision.study_measurements import (
    FileKind,
    FrameReference,
    SectionPlane,
    SideMeasurements,
    StudyFileFindings,
)

T = TypeVar("T", bound=Hashable)

SIDES = {"L": Side.LEFT, "R": Side.RIGHT}
ROUTES = {"ENDOCAV": Route.TRANSVAGINAL, "ENDOVAG": Route.TRANSVAGINAL}
"""Beginnings of DICOM transducer types that settle the route; an abdominal probe does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedFile:
    """An opened file and what was seen in its frames."""

    file: OpenedStudyFile
    findings: tuple[FrameFindings, ...]

    @property
    def side(self) -> Side | None:
        """The ovary the header names, or None."""
        hints = self.file.header
        return SIDES.get(hints.laterality or "") if hints else None

    def as_measured(self) -> StudyFileFindings:
        """The same as ``measure_study`` takes it."""
        hints = self.file.header
        plane = SectionPlane(hints.section_plane) if hints and hints.section_plane else None
        return StudyFileFindings(
            source=self.file.source,
            kind=FileKind(self.file.kind.value),
            side=self.side,
            plane=plane or SectionPlane.UNKNOWN,
            frames=self.findings,
            slice_spacing_mm=self.file.slice_spacing_mm,
        )


def sides_of(files: Iterable[AnalysedFile]) -> dict[tuple[str, int], record.Side]:
    """The side shown in each frame whose header names one."""
    return {
        (finding.source, finding.frame): "left" if analysed.side is Side.LEFT else "right"
        for analysed in files
        if analysed.side is not None
        for finding in analysed.findings
    }


def with_header_hints(chart: PatientChart, files: Iterable[AnalysedFile]) -> PatientChart:
    """The chart with route and probe from the headers, where the chart leaves them open.

    Args:
        chart: The chart; not changed. What it states is kept.
        files: Analysed files; their headers count when they agree.

    Returns:
        A new chart.
    """
    hints = [analysed.file.header for analysed in files if analysed.file.header is not None]
    scan = chart.ultrasound
    if scan.route is None:
        scan = replace(scan, route=_agreed(_route(h) for h in hints))
    if scan.probe_mhz is None:
        scan = replace(scan, probe_mhz=_agreed(h.transducer_mhz for h in hints))
    return replace(chart, ultrasound=scan)


def _route(hints: ChartHints) -> Route | None:
    """The route an endocavity probe implies; other probes leave it open."""
    kind = (hints.transducer_type or "").upper()
    return next((route for begin, route in ROUTES.items() if kind.startswith(begin)), None)


def _agreed(values: Iterable[T | None]) -> T | None:
    """The one value all headers that state any agree on, else None."""
    known = {value for value in values if value is not None}
    return known.pop() if len(known) == 1 else None


def measurements_record(
    measured: Sequence[SideMeasurements], files: Iterable[AnalysedFile] = ()
) -> record.Measurements:
    """The public record of what was measured of each ovary.

    Args:
        measured: Counts and volume of each side.
        files: The analysed files the diameters of the largest section are taken from; without
            them the diameters stay unknown.

    Returns:
        The record. Thickness stays unknown: it does not lie in the section that gives length
        and width, and which diameter of another section it would be is not marked.
    """
    every = tuple(files)
    by_side = {
        one.side: _side_record(one, largest_diameters_mm([f for f in every if f.side is one.side]))
        for one in measured
    }
    return record.Measurements(
        left=by_side.get(Side.LEFT),
        right=by_side.get(Side.RIGHT),
        side_unknown=by_side.get(None),
    )


def largest_diameters_mm(files: Iterable[AnalysedFile]) -> tuple[float, float] | None:
    """Length and width of the largest section with a scale, or None.

    Stills go before sweeps, whose frames may lie at any angle to the ovary, and a longitudinal
    still before any other.

    Args:
        files: Analysed files of one side.
    """
    sections = [
        (_trust_in_plane(analysed.as_measured()), length * width, (length, width))
        for analysed in files
        for findings in analysed.findings
        if findings.is_assessable
        for ovary in findings.ovaries[:1]
        if (length := ovary.length_mm) is not None and (width := ovary.width_mm) is not None
    ]
    return max(sections)[2] if sections else None


def _trust_in_plane(file: StudyFileFindings) -> int:
    """How surely a section of the file shows the ovary's length."""
    if file.kind is not FileKind.STILL:
        return 0
    return 2 if file.plane is SectionPlane.LONGITUDINAL else 1


def _side_record(
    one: SideMeasurements, diameters_mm: tuple[float, float] | None
) -> record.SideMeasurements:
    """One ovary: three counts kept apart, volume and diameters, each with method or reason."""
    values = one.measurements
    length_mm, width_mm = diameters_mm or (None, None)
    return record.SideMeasurements(
        fnps=_count(
            values.fnps,
            method="largest count in one section, by image analysis"
            + ("; counted without a scale: sizes are not known" if not one.is_fnps_sized else ""),
            sources=[one.fnps_from] if one.fnps_from else [],
            notes=_about(one.notes, "no section"),
        ),
        tracked_estimate=_count(
            values.tracked,
            method="follicles followed through a 2D sweep",
            sources=_first_frame(one.tracked_from),
            notes=_about(one.notes, ": no count", "no sweep"),
            coverage=values.tracked.coverage if values.tracked else None,
        ),
        fnpo=_count(
            values.fnpo,
            method="follicles followed through a volume",
            sources=_first_frame(one.fnpo_from),
            notes=(
                "a whole ovary is counted in a 3D volume only",
                *_about(one.notes, "slice spacing"),
            ),
        ),
        volume_ml=_volume(one),
        length_mm=length_mm,
        width_mm=width_mm,
    )


def _about(notes: Sequence[str], *words: str) -> tuple[str, ...]:
    """The notes that hold one of the phrases."""
    return tuple(note for note in notes if any(word in note for word in words))


def _first_frame(source: str | None) -> list[FrameReference]:
    """A whole file as a reference."""
    return [FrameReference(source=source, frame=0)] if source else []


def _references(sources: Iterable[FrameReference]) -> list[record.FrameReference]:
    """References as the record writes them."""
    return [record.FrameReference(source=s.source, frame=s.frame) for s in sources]


def _count(
    count: object,
    *,
    method: str,
    sources: Sequence[FrameReference],
    notes: Sequence[str],
    coverage: float | None = None,
) -> record.CountMeasurement:
    """A count with its interval, or why it is unknown."""
    if count is None:
        return record.CountMeasurement(unknown_because="; ".join(notes) or "not measured")
    return record.CountMeasurement(
        value=getattr(count, "value", None),
        low=getattr(count, "low", None),
        high=getattr(count, "high", None),
        method=method,
        coverage=coverage,
        sources=_references(sources),
    )


def _volume(one: SideMeasurements) -> record.VolumeMeasurement:
    """The volume with its interval, or why it is unknown."""
    volume = one.measurements.volume
    if volume is None:
        reasons = _about(one.notes, "no volume", "volume is not read")
        return record.VolumeMeasurement(unknown_because="; ".join(reasons) or "not measured")
    return record.VolumeMeasurement(
        value=volume.ml,
        low=volume.low_ml,
        high=volume.high_ml,
        method="; ".join((one.volume_method, *_about(one.notes, "volume is not read"))),
        sources=_references(one.volume_from),
    )
