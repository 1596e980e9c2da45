"""One line of an archive's results: everything seen in one file, or why nothing was.

Owns the row and how one file becomes one. Reading and looking are ``records`` and ``vision``.
"""

from pathlib import Path
from typing import Literal

from deeppcos.app.study_record import AnalysedFile, measurements_record, sides_of
from deeppcos.app.workflow import looked_through
from deeppcos.records.assessment_document import FrameRecord, Measurements, Record
from deeppcos.records.assessment_json import frame_record
from deeppcos.records.open_study import open_paths
from deeppcos.records.study_file import RefusedFile
from deeppcos.vision.release import Release
from deeppcos.vision.study_measurements import measure_study

ROW_SCHEMA: Literal["deeppcos.archive-row/1"] = "deeppcos.archive-row/1"


class ArchiveRow(Record):
    """What is known of one file.

    Attributes:
        row_schema: Version of this layout.
        source: The file, relative to the archive where it lies below it.
        release: Name of the release that looked; None where none did.
        kind: Still, cine or volume; None for a file that cannot be read.
        frames: Everything seen, frame by frame.
        measurements: What the file alone yields of each ovary; None for a file that cannot be
            read.
        refused: Why the file, or the rest of it, could not be read; None when all was.
    """

    row_schema: Literal["deeppcos.archive-row/1"] = ROW_SCHEMA
    source: str
    release: str | None
    kind: Literal["still", "cine", "volume"] | None
    frames: list[FrameRecord]
    measurements: Measurements | None
    refused: str | None


def refused_row(source: str, reason: str) -> ArchiveRow:
    """The row of a file that yields nothing.

    Args:
        source: The file.
        reason: Why, in words.

    Returns:
        The row.
    """
    return ArchiveRow(
        source=source, release=None, kind=None, frames=[], measurements=None, refused=reason
    )


def rows_of(path: Path, release: Release) -> list[ArchiveRow]:
    """Read one file and look at it.

    Args:
        path: The file.
        release: The release to look with.

    Returns:
        One row; never none, whatever the file holds.
    """
    rows = []
    for opened in open_paths([path]):
        if isinstance(opened, RefusedFile):
            rows.append(refused_row(str(path), opened.reason))
            continue
        seen, problem = looked_through(opened, release)
        analysed = AnalysedFile(file=opened, findings=seen)
        sides = sides_of([analysed])
        rows.append(
            ArchiveRow(
                source=str(path),
                release=release.manifest.name,
                kind=opened.kind.value,
                frames=[frame_record(f, side=sides.get((f.source, f.frame))) for f in seen],
                measurements=measurements_record(
                    measure_study([analysed.as_measured()]), [analysed]
                ),
                refused=problem,
            )
        )
    return rows or [refused_row(str(path), f"{path}: nothing was read")]
