"""What opening a file of a study gives: pictures to read, or a refusal.

Owns the record types shared by every reader. Which reader opens what is the business of
``open_study``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from deeppcos.records.dicom_header import ChartHints, StudyIdentifiers
from deeppcos.vision.frame import UltrasoundFrame


class MediaKind(StrEnum):
    """What a file holds, which decides what its follicle count may be called."""

    STILL = "still"  # one section
    CINE = "cine"  # frames in time or pages: a sweep
    VOLUME = "volume"  # slices in space


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStudyFile:
    """A file that can be read.

    Attributes:
        source: The file, as the user named it.
        kind: Still, cine or volume.
        frame_count: Number of frames ``frames()`` yields.
        frames: Reads the frames lazily, one at a time, from the first; may be called again.
            Raises ``InvalidInput`` when a frame turns out to be damaged.
        slice_spacing_mm: Distance between the slices of a volume, mm; None when unknown.
        header: What a DICOM header offers a chart; None for other files.
        identifiers: The UIDs of a DICOM image; None for other files.
    """

    source: str
    kind: MediaKind
    frame_count: int
    frames: Callable[[], Iterator[UltrasoundFrame]]
    slice_spacing_mm: float | None = None
    header: ChartHints | None = None
    identifiers: StudyIdentifiers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file that cannot be read.

    Attributes:
        source: The file, as the user named it.
        reason: One line naming file, problem and remedy.
        duplicate_of: The file already given that holds the same DICOM image, or None.
    """

    source: str
    reason: str
    duplicate_of: str | None = None
