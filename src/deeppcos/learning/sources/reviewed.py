"""Reviewed studies as samples: what readers left after the program's proposals were shown.

Passed over, and counted: studies whose consent does not cover training, pictures that readers
call not assessable, pictures that are not the ones reviewed. Where several readers outlined the
ovary, a pixel counts when more than half of them hold it.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import FollicleMark, Mask, Sample
from deeppcos.learning.sources.labelled import inside
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.outlines import checked_polygon
from deeppcos.learning.sources.pictures import filled, read_grey
from deeppcos.learning.sources.reviewed_document import (
    DOCUMENT_NAME,
    Outline,
    Reading,
    ReviewedImage,
    ReviewedStudy,
    load_reviewed,
    sha256_of,
)

NO_CONSENT = "consent does not cover training"


def is_reviewed(folder: Path) -> bool:
    """Whether a folder holds this layout."""
    return (folder / DOCUMENT_NAME).is_file()


def read_reviewed(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Read every reviewed picture that may be learned from.

    Args:
        folder: Folder of ``reviewed.json``.
        ledger: Where passed-over studies and faulty pictures are written down; without one the
            first fault is refused. Missing consent is never a fault.

    Returns:
        One sample a picture.

    Raises:
        InvalidInput: If the document does not follow its schema.
    """
    ledger = ledger or strict()
    samples = []
    for study in load_reviewed(folder).studies:
        if not study.may_train:
            ledger.skip("reviewed", study.study, NO_CONSENT)
            continue
        for image in study.images:
            with ledger.passing_over("reviewed", f"{study.study}/{image.file}"):
                samples.append(_sample(folder, study, image))
    return samples


def _sample(folder: Path, study: ReviewedStudy, image: ReviewedImage) -> Sample:
    """One picture."""
    path = inside(folder, image.file)
    if sha256_of(path) != image.sha256:
        raise InvalidInput(
            f"{image.file}: not the picture that was reviewed",
            value="another checksum",
            remedy="export the study again",
        )
    readings = [r for r in image.readings if r.shows != "not_assessable"]
    if not readings:
        raise InvalidInput(f"{image.file}: every reader calls it not assessable")
    seen = {reading.shows for reading in readings}
    if len(seen) > 1 and "neither" in seen:
        raise InvalidInput(
            f"{image.file}: readers disagree on what it shows",
            value=", ".join(sorted(seen)),
            remedy="let them settle it",
        )
    grey, raw = read_grey(path)
    height, width = grey.shape

    def area(outlines_of: Callable[[Reading], list[Outline] | None]) -> Mask | None:
        return _majority([outlines_of(r) for r in readings], height=height, width=width)

    return Sample(
        name=f"reviewed/{study.study}/{image.file}",
        source="reviewed",
        group=f"reviewed/{study.patient_group}",
        kind="ovary" if "ovary" in seen else seen.pop(),
        grey=grey,
        raw_grey=raw,
        ovary=area(lambda r: r.ovaries),
        lesion=area(lambda r: r.lesions),
        readings={
            r.reader: _marks(r.follicles, height=height, width=width)
            for r in readings
            if r.follicles is not None
        },
        subgroup="reviewed",
    )


def _majority(by_reader: list[list[Outline] | None], *, height: int, width: int) -> Mask | None:
    """Pixels that more than half of those who looked hold; None where nobody looked."""
    votes = [
        np.any(
            [
                filled(_polygon(o, height=height, width=width), height=height, width=width)
                for o in outlines
            ]
            or [np.zeros((height, width), bool)],
            axis=0,
        )
        for outlines in by_reader
        if outlines is not None
    ]
    if not votes:
        return None
    return np.asarray(np.mean(votes, axis=0) > 0.5, bool)


def _marks(outlines: list[Outline], *, height: int, width: int) -> tuple[FollicleMark, ...]:
    """Follicles of one reader."""
    return tuple(
        FollicleMark(
            polygon=_polygon(outline, height=height, width=width),
            is_sure=outline.certainty == "sure",
        )
        for outline in outlines
    )


def _polygon(
    outline: Outline, *, height: int, width: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Checked corners of an outline."""
    return checked_polygon(outline.polygon, height=height, width=width, name="outline")
