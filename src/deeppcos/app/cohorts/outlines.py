"""Pictures and outlines of consenting women as a COCO data set.

Owns taking cleaned pictures and the outlines of their assessments together. A picture in which
text may remain is left out and named; nothing leaves uncleaned. Which studies belong to a cohort is
told by ``outlined_folder`` for a folder, and by the desk for its own.
"""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.records.deidentification import DeidentificationKey, clean_picture, write_png
from deeppcos.records.identifiers import PatientIdentifier
from deeppcos.research.export.coco import COCO_DICTIONARY, CocoFrame, coco_dataset

Picture = npt.NDArray[np.uint8]
Clean = Callable[[Picture], Picture]
Progress = Callable[[int, int], None]
"""Called with the studies done and all there are; may raise to stop."""
ANNOTATIONS, IMAGES, DICTIONARY = "annotations.json", "images", "data-dictionary.csv"
LEFT_OUT = "left-out.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinedStudy:
    """One assessment with its pictures.

    Attributes:
        document: The assessment as plain data.
        patient_id: The woman; replaced by her pseudonym.
        consent: Whether she agreed to research.
        read_by: Whose outlines they are.
        picture_of: Pixels of a frame, ``(H, W, 3) uint8`` RGB, by source and frame; None where
            the picture is gone.
    """

    document: Mapping[str, Any]
    patient_id: str
    consent: bool | None
    read_by: str
    picture_of: Callable[[str, int], Picture | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineExport:
    """What was written.

    Attributes:
        images: Pictures.
        left_out: Frame and reason of every picture that was not.
        without_consent: Studies of women who did not agree, or were not asked.
    """

    images: int
    left_out: tuple[tuple[str, str], ...]
    without_consent: int


def without_text(pixels: Picture) -> Picture:
    """The picture with every text blanked.

    Raises:
        InvalidInput: If text is still found afterwards, or nothing can look for it.
    """
    return clean_picture(pixels).pixels


def export_outlines(
    studies: Sequence[OutlinedStudy],
    out: Path,
    *,
    key: DeidentificationKey,
    clean: Clean = without_text,
    progress: Progress = lambda done, total: None,
) -> OutlineExport:
    """Write cleaned pictures, their outlines, what was left out, and the data dictionary.

    Args:
        studies: Assessments with pictures.
        out: Folder; must be new.
        key: The site's key.
        clean: Blanks every text of a picture, or refuses it.
        progress: Told of every study.

    Returns:
        What was written.

    Raises:
        InvalidInput: If the folder is there.
    """
    if out.exists():
        raise InvalidInput(f"{out} is there already", remedy="name a new folder")
    (out / IMAGES).mkdir(parents=True)
    frames: list[CocoFrame] = []
    left_out: list[tuple[str, str]] = []
    without = 0
    for number, study in enumerate(studies):
        progress(number, len(studies))
        if study.consent is not True:
            without += 1
            continue
        patient = key.pseudonym(PatientIdentifier(issuer="", value=study.patient_id))
        for frame in study.document["frames"]:
            name = f"{IMAGES}/{len(frames) + 1:06d}.png"
            place = f"{patient} frame {frame['frame']}"
            try:
                _write(study, frame, out / name, clean)
            except DeepPCOSError as problem:
                left_out.append((place, problem.what))
                continue
            frames.append(
                CocoFrame(file_name=name, patient=patient, frame=frame, read_by=study.read_by)
            )
    _write_rows(out / DICTIONARY, ("part", "field", "type", "meaning"), COCO_DICTIONARY)
    _write_rows(out / LEFT_OUT, ("picture", "reason"), left_out)
    content = coco_dataset(frames, description="DeepPCOS research export; cleaned pictures")
    # Last: its existence says that the set is whole.
    (out / ANNOTATIONS).write_text(json.dumps(content) + "\n", encoding="utf-8")
    return OutlineExport(images=len(frames), left_out=tuple(left_out), without_consent=without)


def _write_rows(file: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A small table."""
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text, lineterminator="\n").writerows([header, *rows])


def _write(study: OutlinedStudy, frame: Mapping[str, Any], path: Path, clean: Clean) -> None:
    """One cleaned picture of the size its outlines were drawn on."""
    pixels = study.picture_of(str(frame["source"]), int(frame["frame"]))
    if pixels is None:
        raise InvalidInput("the picture is not there any more")
    if pixels.shape[:2] != (frame["height"], frame["width"]):
        raise InvalidInput("the picture has another size than its outlines")
    write_png(clean(pixels), path)
