"""The pictures of a cohort in a folder of assessments, for ``deeppcos cohort outlines``.

Owns which assessments of the folder belong to the cohort and where their pictures lie. Cleaning and
writing are the business of ``outlines``.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deeppcos.app.cohorts.exporting import KEY_FILE
from deeppcos.app.cohorts.folders import as_plain, assessments_of
from deeppcos.app.cohorts.making import read_saved
from deeppcos.app.cohorts.outlines import (
    Clean,
    OutlinedStudy,
    OutlineExport,
    Progress,
    export_outlines,
    without_text,
)
from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.records.deidentification import key_at
from deeppcos.records.open_study import open_file
from deeppcos.research.cohort import open_cohort
from deeppcos.research.disclosure.protect import FEWEST
from deeppcos.research.query import CohortQuery
from deeppcos.research.table import ResearchTable, open_table
from deeppcos.vision.frame import UltrasoundFrame

Picture = npt.NDArray[np.uint8]


def export_folder(
    cohort_file: Path,
    table_folder: Path,
    studies: Path,
    out: Path,
    *,
    progress: Progress,
    clean: Clean = without_text,
) -> OutlineExport:
    """Export pictures and outlines of a saved query.

    Args:
        cohort_file: The saved query.
        table_folder: The research tables; the key of pseudonyms is kept beside them.
        studies: The folder of assessments that the tables were made from, with the pictures.
        out: Folder; must be new.
        progress: Told of every study.
        clean: Blanks every text of a picture, or refuses it.

    Raises:
        InvalidInput: If fewer than ten women agreed, or the folder is not that of the tables.
    """
    query, _ = read_saved(cohort_file)
    table = open_table(table_folder)
    wanted = agreed_assessments(table, query)
    found = [
        OutlinedStudy(
            document=as_plain(document),
            patient_id=facts.patient_id,
            consent=facts.consent,
            read_by="machine",
            picture_of=PicturesOf(beside(file.parent)),
        )
        for file, document, facts in assessments_of(studies)
        if facts.assessment_id in wanted and facts.patient_id is not None
    ]
    if not found:
        raise InvalidInput(
            f"{studies} holds none of the cohort's assessments",
            accepted="the folder that the research tables were made from",
            remedy="name the folder that was given to deeppcos cohort table",
        )
    key = key_at(table_folder / KEY_FILE)
    return export_outlines(found, out, key=key, clean=clean, progress=progress)


def agreed_assessments(table: ResearchTable, query: CohortQuery) -> frozenset[str]:
    """Assessments of the women of a cohort who agreed to research.

    Args:
        table: The data.
        query: Who belongs to the cohort.

    Raises:
        InvalidInput: If fewer than ten women agreed.
    """
    with open_cohort(table, query) as cohort:
        rows = cohort.rows(
            "SELECT assessment_id, patient_id FROM every_visit WHERE patient_id IN (SELECT "
            "patient_id FROM every_visit GROUP BY patient_id HAVING bool_and(consent IS TRUE))"
        )
    if len({patient for _, patient in rows}) < FEWEST:
        raise InvalidInput(
            "too few women agreed to research",
            value=f"fewer than {FEWEST} of the cohort",
            accepted=f"at least {FEWEST} with consent",
            remedy="record consent first; consent that was not asked for is not given",
        )
    return frozenset(str(assessment) for assessment, _ in rows)


class PicturesOf:
    """Pixels of the frames of one assessment, by source and frame; asked in order, read once."""

    def __init__(self, places: Callable[[str], Iterable[Path]]) -> None:
        self.places = places
        self.source = ""
        self.frames: Iterator[UltrasoundFrame] = iter(())
        self.at = -1

    def __call__(self, source: str, frame: int) -> Picture | None:
        """The pixels of a frame; None where the picture is gone or can no longer be read."""
        try:
            if source != self.source or frame <= self.at:
                self._open(source)
            for one in self.frames:
                self.at = one.index
                if one.index == frame:
                    return one.pixels
        except DeepPCOSError:
            self.source = ""
        return None

    def _open(self, source: str) -> None:
        """Begin a file from its first frame."""
        file = next((one for one in self.places(source) if one.is_file()), None)
        self.frames = iter(()) if file is None else iter(open_file(file).frames())
        self.source, self.at = source, -1


def beside(folder: Path) -> Callable[[str], Iterable[Path]]:
    """A file as it was named, or beside its assessment."""
    return lambda source: (Path(source), folder / source, folder / Path(source).name)
