"""Counts and measurements of a study as the machine and as a reader see it, kept apart.

Owns running the study's measurements on edited marks. The rules of measuring are those of
``deeppcos.vision.study_measurements``; which numbers stand in the record that is signed is the
business of sign-off.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deeppcos.app.desk.marks.findings import edited_findings
from deeppcos.app.desk.marks.mark import FrameMarks, FramePlace
from deeppcos.app.study_record import AnalysedFile, measurements_record
from deeppcos.clinical.ovary import FollicleNumberPerSection, MeasurementSource, Side
from deeppcos.errors import ContractBroken
from deeppcos.records.assessment_document import Measurements
from deeppcos.records.dicom_header import ChartHints
from deeppcos.records.study_file import MediaKind, OpenedStudyFile
from deeppcos.vision.findings import FrameFindings
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.study_measurements import SectionPlane, SideMeasurements, measure_study

_LATERALITY = {Side.LEFT: "L", Side.RIGHT: "R", None: None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFindings:
    """One file of a study and the machine's findings in it.

    Attributes:
        key: Key of the picture, as marks and corrections name it.
        source: The file, as the document names it.
        kind: Still, sweep or volume.
        side: Which ovary, or None where nobody said.
        plane: How a still cuts the ovary.
        slice_spacing_mm: Distance between slices of a volume, mm; None where not known.
        frames: Findings of all its frames, in order.
    """

    key: str
    source: str
    kind: MediaKind
    side: Side | None
    plane: SectionPlane = SectionPlane.UNKNOWN
    slice_spacing_mm: float | None = None
    frames: tuple[FrameFindings, ...]


Edited = Mapping[FramePlace, FrameMarks]
"""The reader's marks of every frame she changed."""


def as_read(pictures: Sequence[PictureFindings], edited: Edited) -> tuple[PictureFindings, ...]:
    """The study's findings with the reader's marks in place of the machine's.

    Args:
        pictures: The machine's findings, in the order of the study.
        edited: The frames that were changed.
    """
    return tuple(
        replace(
            picture,
            frames=tuple(
                edited_findings(frame, marks, picture=picture.key)
                if (marks := edited.get((picture.key, frame.frame))) is not None
                else frame
                for frame in picture.frames
            ),
        )
        for picture in pictures
    )


def measured(
    pictures: Sequence[PictureFindings], edited: Edited
) -> tuple[tuple[SideMeasurements, ...], Measurements]:
    """Measure every ovary as the reader sees it.

    Args:
        pictures: The machine's findings, in the order of the study.
        edited: The frames that were changed; none gives the machine's own measurements.

    Returns:
        The measurements as the chart takes them and as the record writes them. A count in a
        section that a person marked has no interval: the machine's is about its own errors.
    """
    files = [_analysed(picture) for picture in as_read(pictures, edited)]
    sources = {picture.key: picture.source for picture in pictures}
    touched = {(sources[key], frame) for key, frame in edited if key in sources}
    sides = tuple(
        _without_machine_interval(one, touched)
        for one in measure_study(file.as_measured() for file in files)
    )
    return sides, measurements_record(sides, files)


def _without_machine_interval(
    one: SideMeasurements, touched: set[tuple[str, int]]
) -> SideMeasurements:
    count, where = one.measurements.fnps, one.fnps_from
    if count is None or where is None or (where.source, where.frame) not in touched:
        return one
    plain = FollicleNumberPerSection(value=count.value, source=MeasurementSource.IMAGE)
    return replace(one, measurements=replace(one.measurements, fnps=plain))


def _analysed(picture: PictureFindings) -> AnalysedFile:
    """The file as the measuring rooms take it; its pixels are not needed again."""
    plane = None if picture.plane is SectionPlane.UNKNOWN else picture.plane.value
    return AnalysedFile(
        file=OpenedStudyFile(
            source=picture.source,
            kind=picture.kind,
            frame_count=len(picture.frames),
            frames=_no_pixels,
            slice_spacing_mm=picture.slice_spacing_mm,
            header=ChartHints(laterality=_LATERALITY[picture.side], section_plane=plane),
        ),
        findings=picture.frames,
    )


def _no_pixels() -> Iterator[UltrasoundFrame]:
    raise ContractBroken("measuring marks reads no pixels", remedy="open the stored file instead")
