"""The assessment of a study again: other marks, another chart, another profile, same pictures.

Owns joining stored findings, a reader's marks and a chart into a new record. No pixel is read.
"""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import deeppcos
from deeppcos.app.desk.marks.measures import Edited, PictureFindings, as_read, measured
from deeppcos.app.study_record import AnalysedFile, sides_of, with_header_hints
from deeppcos.clinical.assessment import assess
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.document import to_document
from deeppcos.clinical.ovary import Side
from deeppcos.records.assessment_document import AssessmentDocument, Measurements
from deeppcos.records.assessment_json import build_document
from deeppcos.records.dicom_header import ChartHints
from deeppcos.records.study_file import OpenedStudyFile
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.study_measurements import SideMeasurements, to_chart


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenStudy:
    """What pictures and a reader's marks say, before any chart.

    Attributes:
        files: The pictures with their findings as the reader sees them.
        sides: Measurements of each ovary as the chart takes them.
        measurements: The same as the record writes them.
    """

    files: tuple[AnalysedFile, ...]
    sides: tuple[SideMeasurements, ...]
    measurements: Measurements


def as_seen(
    pictures: Sequence[PictureFindings], headers: Sequence[ChartHints], edited: Edited
) -> SeenStudy:
    """Measure a study as a reader sees it.

    Args:
        pictures: The machine's findings by picture, in the order of the study.
        headers: What each picture's header offers the chart.
        edited: Marks of the frames a reader changed; none gives the machine's own.
    """
    sides, measurements = measured(pictures, edited)
    seen = as_read(pictures, edited)
    files = tuple(_file(picture, hints) for picture, hints in zip(seen, headers, strict=True))
    return SeenStudy(files=files, sides=sides, measurements=measurements)


def reassessed(
    machine: AssessmentDocument, seen: SeenStudy, chart: PatientChart, *, profile: str, name: str
) -> AssessmentDocument:
    """The record as it follows from what is seen and a chart.

    Args:
        machine: What the machine said; its release, refusals and inputs stay.
        seen: The study as a reader sees it.
        chart: The chart as it is now.
        profile: Criteria profile.
        name: Shown name of the condition: ``pcos``, ``pmos`` or ``both``.

    Returns:
        A new record.

    Raises:
        InvalidInput: If profile or name are unknown.
    """
    known = to_chart(with_header_hints(chart, seen.files), seen.sides)
    assessment = assess(known, profile=profile, display_name=name)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return build_document(
        clinical=to_document(assessment),
        rules=assessment.rules,
        frames=[finding for file in seen.files for finding in file.findings],
        measurements=seen.measurements,
        sides=sides_of(seen.files),
        release=machine.release,
        refused=machine.refused,
        provenance=machine.provenance.model_copy(
            update={"created": now, "version": str(deeppcos.__version__)}
        ),
    )


def _file(picture: PictureFindings, hints: ChartHints) -> AnalysedFile:
    """The picture as the chart takes hints from it; a side somebody named goes before a header."""
    if picture.side is not None:
        hints = replace(hints, laterality="L" if picture.side is Side.LEFT else "R")
    return AnalysedFile(
        file=OpenedStudyFile(
            source=picture.source,
            kind=picture.kind,
            frame_count=len(picture.frames),
            frames=_no_pixels,
            header=hints,
        ),
        findings=picture.frames,
    )


def _no_pixels() -> Iterator[UltrasoundFrame]:
    """Nothing: assessing again reads no pixel."""
    yield from ()
