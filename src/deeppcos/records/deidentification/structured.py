"""One structured report or segmentation: cleaned, written beside nobody's name, looked at again.

Owns the road of objects that hold no picture of a screen, and every reason to refuse them. Masks
are shapes and stay bit by bit; what each attribute becomes stands in ``actions``, which items of a
report stay in ``content_items``.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    SegmentationStorage,
)

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.actions import (
    CLEAN_CONTENT,
    MASKS,
    REMOVED,
    STRUCTURED_ACTIONS,
)
from deeppcos.records.deidentification.content_items import texts_in
from deeppcos.records.deidentification.header import (
    Disguise,
    cleaned_patient,
    say_what_was_done,
)
from deeppcos.records.deidentification.image import file_meta
from deeppcos.records.deidentification.second_look import what_came_through
from deeppcos.records.dicom_file import EXPORT_AGAIN, DicomFile, open_dicom
from deeppcos.records.dicom_header import items_of, number_of, text_of
from deeppcos.records.dicom_pixel_data import NATIVE_SYNTAXES
from deeppcos.vision.decoder_guard import guarded

REPORTS = frozenset({EnhancedSRStorage, ComprehensiveSRStorage, Comprehensive3DSRStorage})
STRUCTURED_CLASSES = frozenset({*REPORTS, SegmentationStorage})

_STUDY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "StudyDate",
    "StudyTime",
    "Manufacturer",
    "SeriesNumber",
    "InstanceNumber",
)
_OF_REPORTS = ("ReferencedPerformedProcedureStepSequence", "PerformedProcedureCodeSequence")


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedObject:
    """What became of one object.

    Attributes:
        texts: What each text was, and that it was removed, for the eyes of whoever holds the key.
        frames: Number of masks.
    """

    texts: tuple[tuple[str, str], ...]
    frames: int


def clean_structured(path: Path, *, into: Path, disguise: Disguise, source: str) -> CleanedObject:
    """De-identify a structured report or a segmentation.

    Args:
        path: The original.
        into: File to write; replaced when there.
        disguise: What its attributes become.
        source: The original, as the user named it.

    Returns:
        What was done.

    Raises:
        InvalidInput: If it is of another kind, cannot be read, refers to its own items by place,
            or something that could name somebody is found in what was written. Then no file is
            left behind.
    """
    with guarded(source, problem="cannot be de-identified", remedy=EXPORT_AGAIN):
        file = open_dicom(path, source)
        by_table = replace(disguise, table=STRUCTURED_ACTIONS)
        is_report = text_of(file.header, "SOPClassUID") in REPORTS
        clean = _report(file, by_table) if is_report else _segmentation(path, file, by_table)
        clean.file_meta = file_meta(clean, ExplicitVRLittleEndian)
        try:
            clean.save_as(into, enforce_file_format=True)
            _look_again(into, file.header, by_table, source)
        except BaseException:
            into.unlink(missing_ok=True)
            raise
    return CleanedObject(
        texts=tuple(texts_in(file.header)), frames=int(number_of(clean, "NumberOfFrames") or 0)
    )


def _report(file: DicomFile, disguise: Disguise) -> Dataset:
    """A report with the items that may stay."""
    clean = cleaned_patient(file.header, disguise, empty_when_absent=(*_STUDY, *_OF_REPORTS))
    if "ContentSequence" not in clean or "ConceptNameCodeSequence" not in clean:
        raise InvalidInput(
            f"{file.source}: nothing of the report could stay",
            accepted="a report whose title and items a dictionary knows",
            remedy="leave it out",
        )
    for observer in items_of(clean, "VerifyingObserverSequence"):
        observer.VerifyingObserverIdentificationCodeSequence = Sequence([])
    say_what_was_done(clean, CLEAN_CONTENT)
    return clean


def _segmentation(path: Path, file: DicomFile, disguise: Disguise) -> Dataset:
    """A segmentation with its masks, each named by what its code means."""
    _refuse_other_masks(file)
    clean = cleaned_patient(file.header, disguise, empty_when_absent=_STUDY)
    clean.ContentLabel, clean.PatientOrientation = MASKS, None
    for keyword in ("Manufacturer", "ManufacturerModelName"):
        if not clean.get(keyword):
            setattr(clean, keyword, REMOVED)
    for segment in items_of(clean, "SegmentSequence"):
        kinds = items_of(segment, "SegmentedPropertyTypeCodeSequence")
        if not kinds or not items_of(segment, "SegmentedPropertyCategoryCodeSequence"):
            raise InvalidInput(
                f"{file.source}: a segment is of a kind no dictionary knows",
                accepted="segments with known codes",
                remedy="leave it out",
            )
        segment.SegmentLabel = kinds[0].CodeMeaning
    clean.PixelData = _masks(path, file)
    clean["PixelData"].VR = "OB"
    say_what_was_done(clean)
    return clean


def _refuse_other_masks(file: DicomFile) -> None:
    """Masks of one bit a pixel hide nothing in their depth; others might."""
    kind, bits = text_of(file.header, "SegmentationType"), number_of(file.header, "BitsAllocated")
    if kind != "BINARY" or bits != 1 or file.syntax not in NATIVE_SYNTAXES:
        raise InvalidInput(
            f"{file.source}: masks of this kind are not de-identified",
            value=f"{kind or 'no type'}, {bits or 0:.0f} bits",
            accepted="BINARY, one bit a pixel, uncompressed",
            remedy="leave it out",
        )


def _masks(path: Path, file: DicomFile) -> bytes:
    """The bits of the masks and nothing after them."""
    from pydicom import dcmread

    header = file.header
    bits = int(
        (number_of(header, "Rows") or 0)
        * (number_of(header, "Columns") or 0)
        * (number_of(header, "NumberOfFrames") or 0)
    )
    stored = bytes(dcmread(path, specific_tags=["PixelData"]).PixelData)
    whole = -(-bits // 8)
    if not bits or len(stored) < whole:
        raise InvalidInput(
            f"{file.source}: its masks are cut short",
            value=f"{len(stored)} bytes",
            accepted=f"{whole}",
            remedy=EXPORT_AGAIN,
        )
    kept = bytearray(stored[:whole])
    if bits % 8:
        kept[-1] &= (1 << bits % 8) - 1
    return bytes(kept) + b"\0" * (whole % 2)


def _look_again(written: Path, original: Dataset, disguise: Disguise, source: str) -> None:
    """Refuse a file in which something came through."""
    found = what_came_through(
        written, original=original, pseudonym=disguise.pseudonym, table=disguise.table
    )
    if found:
        raise InvalidInput(
            f"{source}: something that could name the patient came through",
            value="; ".join(found),
            accepted="nothing of the original's names, numbers and words",
            remedy="report this with the attributes named, without their values",
        )
