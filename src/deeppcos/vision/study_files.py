"""The files of a study as they were found, and the sections of an ovary in them.

Owns the record types that choosing among pictures works on. Choosing is the business of
``study_measurements``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from deeppcos.clinical.ovary import Side
from deeppcos.vision.findings import FrameFindings, Lesion, Ovary


class FileKind(StrEnum):
    """What a file holds; the same words as ``deeppcos.records.study_file.MediaKind``."""

    STILL = "still"
    CINE = "cine"
    VOLUME = "volume"


class SectionPlane(StrEnum):
    """How a still cuts the ovary."""

    LONGITUDINAL = "longitudinal"
    TRANSVERSE = "transverse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFileFindings:
    """The findings of one file and what is known of how it was taken.

    Attributes:
        source: The file, as the user named it.
        kind: Still, cine or volume.
        side: Which ovary, or None where nobody said.
        plane: How the section lies; of stills only.
        frames: Findings of all its frames, in order.
        slice_spacing_mm: Distance between slices of a volume, mm; None where not known.
    """

    source: str
    kind: FileKind
    side: Side | None
    plane: SectionPlane = SectionPlane.UNKNOWN
    frames: tuple[FrameFindings, ...]
    slice_spacing_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReference:
    """One frame of one file."""

    source: str
    frame: int

    def __str__(self) -> str:
        return f"{self.source}, frame {self.frame}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSection:
    """The ovary in one frame."""

    where: FrameReference
    findings: FrameFindings
    ovary: Ovary
    lesions: tuple[Lesion, ...]

    @property
    def is_sized(self) -> bool:
        """Whether follicles were counted by size."""
        return self.findings.mm_per_pixel is not None


def sections_of(file: StudyFileFindings) -> Iterator[SeenSection]:
    """Every frame in which the ovary can be judged; of several ovaries each is a section."""
    for findings in file.frames:
        # A file of a stated side shows one ovary: its most probable outline.
        shown = findings.ovaries if file.side is None else findings.ovaries[:1]
        for ovary in shown if findings.is_assessable else ():
            yield SeenSection(
                where=FrameReference(source=findings.source, frame=findings.frame),
                findings=findings,
                ovary=ovary,
                lesions=findings.lesions,
            )
