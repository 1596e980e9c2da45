"""One DICOM image: read, cleaned, written beside nobody's name, and looked at again.

Owns the road of a single ultrasound image and every reason to refuse it. Many files, what was
done before and what is kept aside are the business of ``folder``.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    EnhancedUSVolumeStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.blanking import Blanking, blanking_of
from deeppcos.records.deidentification.header import Disguise, clean_header
from deeppcos.records.deidentification.pixels import blanked_frames, set_pixels
from deeppcos.records.deidentification.second_look import what_came_through
from deeppcos.records.deidentification.text_finding import (
    READ_SCRIPTS,
    Picture,
    TextFinder,
    unread_script,
)
from deeppcos.records.dicom_file import EXPORT_AGAIN, DicomFile, open_dicom
from deeppcos.records.dicom_header import items_of, number_of, text_of
from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.records.dicom_pixel_data import NATIVE_SYNTAXES
from deeppcos.records.study_file import OpenedStudyFile
from deeppcos.vision.decoder_guard import guarded
from deeppcos.vision.frame import PixelBox

IMPLEMENTATION_UID = "2.25.167403902171406302514903176014318024331"
"""Names this writer in file meta information; drawn once."""

ACCEPTED_CLASSES = frozenset(
    {
        UltrasoundImageStorage,
        UltrasoundMultiFrameImageStorage,
        EnhancedUSVolumeStorage,
        SecondaryCaptureImageStorage,
        MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
        MultiFrameTrueColorSecondaryCaptureImageStorage,
        "1.2.840.10008.5.1.4.1.1.6",  # the retired ultrasound classes, still in archives
        "1.2.840.10008.5.1.4.1.1.3",
    }
)
_CORNERS = (
    "RegionLocationMinX0",
    "RegionLocationMinY0",
    "RegionLocationMaxX1",
    "RegionLocationMaxY1",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedImage:
    """What became of one image.

    Attributes:
        frames: Number of frames.
        blanking: What was blanked in them.
        before: The first frame of the original, ``(H, W, 3) uint8``. It shows the patient's
            name: it is for the eyes of whoever holds the key.
        sop_instance_uid: The new SOP Instance UID.
    """

    frames: int
    blanking: Blanking
    before: Picture
    sop_instance_uid: str


def clean_image(
    path: Path, *, into: Path, disguise: Disguise, find: TextFinder | None, source: str
) -> CleanedImage:
    """De-identify one image.

    Args:
        path: The original.
        into: File to write; replaced when there.
        disguise: What its attributes become.
        find: Finds text; None where only the declared regions may be trusted.
        source: The original, as the user named it.

    Returns:
        What was done.

    Raises:
        InvalidInput: If the file is no ultrasound image, cannot be read in full, has an unknown
            layout, or something that could name somebody is found in what was written. Then no
            file is left behind.
    """
    with guarded(source, problem="cannot be de-identified", remedy=EXPORT_AGAIN):
        return _cleaned(path, into=into, disguise=disguise, find=find, source=source)


def _cleaned(
    path: Path, *, into: Path, disguise: Disguise, find: TextFinder | None, source: str
) -> CleanedImage:
    opened, file = open_dicom_image(path, source=source), open_dicom(path, source)
    _refuse_other_classes(file)
    _refuse_unread_scripts(file.header, source)
    blanking = blanking_of(
        lambda: _shown(opened), regions=scan_regions(file.header), find=find, source=source
    )
    is_grey = (text_of(file.header, "PhotometricInterpretation") or "").startswith("MONOCHROME")
    clean = clean_header(file.header, disguise, pixels_are_clean=find is not None)
    digest = hashlib.sha256()
    frames = _digested(blanked_frames(_shown(opened), blanking.mask, is_grey=is_grey), digest)
    try:
        with tempfile.TemporaryFile() as store:
            is_compressed = file.syntax not in NATIVE_SYNTAXES
            syntax = set_pixels(clean, frames, is_compressed=is_compressed, store=store)
            clean.file_meta = file_meta(clean, syntax)
            clean.save_as(into, enforce_file_format=True)
        _look_again(into, file.header, disguise, digest.hexdigest(), is_grey=is_grey, source=source)
    except BaseException:
        into.unlink(missing_ok=True)
        raise
    return CleanedImage(
        frames=opened.frame_count,
        blanking=blanking,
        before=next(_shown(opened)),
        sop_instance_uid=str(clean.SOPInstanceUID),
    )


def new_uids(header: Dataset, disguise: Disguise) -> tuple[str, str]:
    """The new Study and SOP Instance UIDs, which name folder and file.

    Raises:
        InvalidInput: If the image has none.
    """
    study, image = text_of(header, "StudyInstanceUID"), text_of(header, "SOPInstanceUID")
    if not study or not image:
        raise InvalidInput(
            "the image does not say which study it belongs to, or which image it is",
            accepted="a Study Instance UID and a SOP Instance UID",
            remedy=EXPORT_AGAIN,
        )
    return disguise.key.uid(study), disguise.key.uid(image)


def scan_regions(header: Dataset) -> tuple[PixelBox, ...]:
    """The regions a file declares, those of single frames included, cut to the picture."""
    rows, columns = number_of(header, "Rows") or 0, number_of(header, "Columns") or 0
    groups = items_of(header, "PerFrameFunctionalGroupsSequence")
    items = [one for group in (header, *groups) for one in _regions_in(group)]
    boxes = []
    for item in items:
        x0, y0, x1, y1 = (number_of(item, keyword) for keyword in _CORNERS)
        if x0 is None or y0 is None or x1 is None or y1 is None:
            continue
        left, top = max(0, int(x0)), max(0, int(y0))
        right, bottom = min(int(columns), int(x1) + 1), min(int(rows), int(y1) + 1)
        if left < right and top < bottom:
            boxes.append(PixelBox(x0=left, y0=top, x1=right, y1=bottom))
    return tuple(boxes)


def _regions_in(holder: Dataset) -> list[Dataset]:
    described = items_of(holder, "USImageDescriptionSequence")
    return [
        one
        for place in (holder, *described)
        for one in items_of(place, "SequenceOfUltrasoundRegions")
    ]


def _shown(opened: OpenedStudyFile) -> Iterator[Picture]:
    return (frame.pixels for frame in opened.frames())


def _digested(frames: Iterator[Picture], digest: "hashlib._Hash") -> Iterator[Picture]:
    for frame in frames:
        digest.update(np.ascontiguousarray(frame).tobytes())
        yield frame


def _refuse_other_classes(file: DicomFile) -> None:
    uid = text_of(file.header, "SOPClassUID") or "none stated"
    if uid not in ACCEPTED_CLASSES:
        raise InvalidInput(
            f"{file.source}: objects of this kind are not de-identified",
            value=f"SOP Class {uid}",
            accepted="ultrasound and secondary capture images, structured reports, segmentations",
            remedy="leave it out",
        )


def _refuse_unread_scripts(header: Dataset, source: str) -> None:
    """A name in a script the engine does not read would be burned in unseen."""
    names = (header.get(keyword) for keyword in ("PatientName", "OtherPatientNames"))
    script = unread_script(" ".join(str(name) for name in names if name))
    if script:
        raise InvalidInput(
            f"{source}: the patient's name is in a script that is not found in pictures",
            value=script.lower(),
            accepted=", ".join(one.lower() for one in READ_SCRIPTS),
            remedy="blank the picture by hand",
        )


def file_meta(clean: Dataset, syntax: UID) -> FileMetaDataset:
    """File meta information written anew: the old one names stations and senders."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = clean.SOPClassUID
    meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = f"DEEPPCOS_{version('deeppcos')}"[:16]
    return meta


def _look_again(
    written: Path,
    original: Dataset,
    disguise: Disguise,
    digest: str,
    *,
    is_grey: bool,
    source: str,
) -> None:
    """Refuse a file in which something came through, or whose pixels are not the blanked ones."""
    found = what_came_through(written, original=original, pseudonym=disguise.pseudonym)
    if found:
        raise InvalidInput(
            f"{source}: something that could name the patient came through",
            value="; ".join(found),
            accepted="nothing of the original's names, numbers and words",
            remedy="report this with the attributes named, without their values",
        )
    read = hashlib.sha256()
    for frame in _shown(open_dicom_image(written, source=source)):
        read.update(np.ascontiguousarray(frame[..., 0] if is_grey else frame).tobytes())
    if read.hexdigest() != digest:
        raise InvalidInput(
            f"{source}: the pixels written are not the blanked ones", remedy="report this"
        )


def flush(path: Path) -> None:
    """Bring a written file to the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
