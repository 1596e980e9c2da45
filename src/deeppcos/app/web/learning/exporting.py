"""From the desk to a training set: ``deeppcos.reviewed/1`` with pseudonyms, and what was left out.

Owns the folder. Only studies whose consent holds at this moment, and only pictures on which
nothing is left to settle. Pixels outside the ultrasound's own area are blanked, since names are
burned in there; where that area is not known the picture stays here, unless the person who
exports says that the pictures carry no names.
"""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from django.db import transaction
from django.utils import timezone

import deeppcos
from deeppcos.app.web import audit
from deeppcos.app.web.learning.consent import why_not
from deeppcos.app.web.learning.gathering import ReadPicture, read_pictures
from deeppcos.app.web.learning.pseudonyms import Pseudonyms, pseudonyms
from deeppcos.app.web.models import Image, Study, User
from deeppcos.errors import InvalidInput
from deeppcos.learning.sources.reviewed_document import (
    SCHEMA_NAME,
    ReviewedDocument,
    ReviewedImage,
    ReviewedStudy,
    sha256_of,
    write_reviewed,
)

UNSETTLED = "pictures with a conflict that nobody has settled"
UNREAD = "studies without a finished reading"
NAMES_POSSIBLE = "pictures whose ultrasound area is not known, where names may be burned in"
NOT_THERE = "pictures that are no longer on the disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        folder: Where.
        studies: How many studies.
        patients: How many patients.
        pictures: How many pictures.
        readings: How many readings.
        left_out: Reason to how often.
    """

    folder: Path
    studies: int
    patients: int
    pictures: int
    readings: int
    left_out: dict[str, int]


def export(folder: Path, *, by: User | None, pictures_are_clean: bool = False) -> Exported:
    """Write every study that may be learned from.

    Args:
        folder: A folder that is not there yet.
        by: Who asks; None at the terminal of the installation.
        pictures_are_clean: Whether somebody made sure that no picture has a name burned in.

    Returns:
        What was written and what was not.

    Raises:
        InvalidInput: If the folder exists.
    """
    if folder.exists():
        raise InvalidInput(
            f"{folder} is there already",
            accepted="a new folder: exports are never mixed",
            remedy="name a new folder",
        )
    names, left_out = pseudonyms(), Counter[str]()
    started = timezone.now()
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        studies = [
            found
            for study in Study.objects.select_related("patient").order_by("pk").iterator(100)
            if (found := _study(study, part, names, left_out, clean=pictures_are_clean))
        ]
        document = ReviewedDocument(
            schema=SCHEMA_NAME,
            exported_at=started,
            exported_by=f"deeppcos {deeppcos.__version__}",
            studies=studies,
        )
        write_reviewed(document, part)
        done = _summed_up(folder, document, left_out)
        with transaction.atomic():
            audit.record(
                "learning.exported",
                actor=by,
                about=f"folder:{folder.name}"[:100],
                detail={"studies": done.studies, "pictures": done.pictures},
            )
            part.rename(folder)
    except BaseException:
        # Half an export is none: its pictures must not lie about without their document.
        shutil.rmtree(part, ignore_errors=True)
        raise
    return done


def _summed_up(folder: Path, document: ReviewedDocument, left_out: Counter[str]) -> Exported:
    images = [image for study in document.studies for image in study.images]
    return Exported(
        folder=folder,
        studies=len(document.studies),
        patients=len({study.patient_group for study in document.studies}),
        pictures=len(images),
        readings=sum(len(image.readings) for image in images),
        left_out=dict(left_out),
    )


def pictures_to_learn(
    study: Study, names: Pseudonyms, left_out: Counter[str], *, clean: bool
) -> list[ReadPicture]:
    """Pictures of one study that may leave for training at this moment.

    Args:
        study: The study.
        names: Pseudonyms of its readers.
        left_out: Counts what may not, by reason.
        clean: Whether somebody made sure that no picture has a name burned in.
    """
    refused = why_not(study)
    if refused:
        left_out[f"studies: {refused}"] += 1
        return []
    read = read_pictures(study, names)
    if not read:
        left_out[UNREAD] += 1
    reasons = [(one, _why_not_picture(one, clean=clean)) for one in read]
    left_out.update(reason for _, reason in reasons if reason)
    return [one for one, reason in reasons if not reason]


def _why_not_picture(read: ReadPicture, *, clean: bool) -> str:
    """Why a picture stays here; empty where it may leave."""
    if read.conflict:
        return UNSETTLED
    if not read.image.frame_path(read.frame).is_file():
        return NOT_THERE
    return NAMES_POSSIBLE if read.image.tissue_region is None and not clean else ""


def _study(
    study: Study, folder: Path, names: Pseudonyms, left_out: Counter[str], *, clean: bool
) -> ReviewedStudy | None:
    """One study, or nothing and why."""
    read = pictures_to_learn(study, names, left_out, clean=clean)
    if not read:
        return None
    return ReviewedStudy(
        study=names.study(study),
        patient_group=names.patient(study.patient),
        may_train=True,
        images=[_picture(one, study, folder, names) for one in read],
    )


def _picture(read: ReadPicture, study: Study, folder: Path, names: Pseudonyms) -> ReviewedImage:
    """One picture with its readings."""
    image = read.image
    name = f"{names.study(study)}/{names.picture(image.pk)}-{read.frame:05d}.png"
    target = folder / name
    target.parent.mkdir(exist_ok=True)
    _write_blanked(image.frame_path(read.frame), target, image)
    scale = (image.mm_per_pixel_x, image.mm_per_pixel_y)
    return ReviewedImage(
        file=name,
        sha256=sha256_of(target),
        mm_per_pixel=None if None in scale else scale,  # type: ignore[arg-type]
        readings=list(read.readings),
    )


def _write_blanked(source: Path, target: Path, image: Image) -> None:
    """The frame with nothing outside its ultrasound area, decoded and coded anew.

    Coding anew also leaves behind whatever a file carries beside its pixels.
    """
    pixels = cv2.imread(str(source), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise InvalidInput(f"{image.name}: the stored frame cannot be read", value=source.name)
    kept = pixels
    if image.tissue_region is not None:
        x0, y0, x1, y1 = (round(v) for v in image.tissue_region)
        kept = np.zeros_like(pixels)
        kept[max(y0, 0) : y1, max(x0, 0) : x1] = pixels[max(y0, 0) : y1, max(x0, 0) : x1]
    if not cv2.imwrite(str(target), kept):
        raise InvalidInput(f"{target.name}: cannot be written", remedy="free space on the disk")
