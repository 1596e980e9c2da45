"""The images a result belongs to, as what is written about them must know them.

Owns reading their headers, in Unicode whatever their character set, and the check that all of
them belong to one study of one patient. Their pixels are the business of ``dicom_images``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID

from deeppcos.clinical.ovary import Side
from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_file import EXPORT_AGAIN, open_dicom, pixel_layout
from deeppcos.records.dicom_header import text_of
from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.records.dicom_names import in_unicode, is_plain
from deeppcos.records.on_disk import sha256_of
from deeppcos.records.study_file import MediaKind
from deeppcos.vision.decoder_guard import guarded

SIDES = {"L": Side.LEFT, "R": Side.RIGHT}

IDENTITY = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "OtherPatientIDsSequence",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
)
"""What a result takes over from its images unchanged: whose it is and of which study."""

CHARACTERS = "SpecificCharacterSet"
COMPRESSION = (
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)

TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
"""Elements that must be there even where nobody knows their value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImage:
    """One image of the study.

    Attributes:
        source: The file, as the assessment names it.
        sop_class_uid: SOP Class UID.
        sop_instance_uid: SOP Instance UID.
        study_instance_uid: Study Instance UID.
        series_instance_uid: Series Instance UID.
        kind: Still, cine or volume.
        frames: Number of frames.
        rows: Height, pixels.
        columns: Width, pixels.
        side: The ovary its header names, or None.
        slice_spacing_mm: Distance between the slices of a volume, mm; None when unknown.
        number: Instance Number, for people; 0 when the file states none.
        institution: Institution Name, or empty.
        utc_offset: Timezone Offset From UTC as the header states it, or empty.
        compression: How its pixels were compressed with loss, where they were.
        identity: Patient and study, in Unicode: the elements of ``IDENTITY`` that are there.
    """

    source: str
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    kind: MediaKind
    frames: int
    rows: int
    columns: int
    side: Side | None
    slice_spacing_mm: float | None
    number: int
    institution: str
    utc_offset: str
    compression: Dataset
    identity: Dataset

    @property
    def label(self) -> str:
        """Words for people that give nothing away, such as ``image 3``."""
        return f"image {self.number}" if self.number else "image without number"

    def reference(self) -> Dataset:
        """The image as highdicom takes evidence: identifiers, no patient."""
        item = Dataset()
        item.SOPClassUID, item.SOPInstanceUID = self.sop_class_uid, self.sop_instance_uid
        item.StudyInstanceUID = self.study_instance_uid
        item.SeriesInstanceUID = self.series_instance_uid
        item.Rows, item.Columns = self.rows, self.columns
        if self.frames > 1:
            item.NumberOfFrames = self.frames
        for keyword in TYPE_2:
            setattr(item, keyword, "")
        item.Modality = "US"
        item.update(self.compression)
        return item


def read_source_image(
    path: Path, *, source: str = "", sha256: str | None = None, unstated_character_set: str = ""
) -> SourceImage:
    """Read what results need to know of an image.

    Args:
        path: The file.
        source: The file, as the assessment names it; the path when empty.
        sha256: What the file's content must hash to, where the assessment says so.
        unstated_character_set: What it is written in if it does not state it; where empty, texts
            beyond ASCII are left out rather than garbled.

    Returns:
        The image.

    Raises:
        InvalidInput: If it is no DICOM ultrasound image, states no UID, or is not the file that
            was analysed.
    """
    source = source or str(path)
    _refuse_another(path, source, sha256)
    opened = open_dicom_image(path, source=source)
    with guarded(source, problem="cannot be read as DICOM", remedy=EXPORT_AGAIN):
        header = open_dicom(path, source).header
        layout = pixel_layout(header, source)
        _refuse_nameless(header, source)
        hints = opened.header
        return SourceImage(
            source=source,
            sop_class_uid=str(header.SOPClassUID),
            sop_instance_uid=str(header.SOPInstanceUID),
            study_instance_uid=str(header.StudyInstanceUID),
            series_instance_uid=str(header.SeriesInstanceUID),
            kind=opened.kind,
            frames=layout.frames,
            rows=layout.rows,
            columns=layout.columns,
            side=SIDES.get(hints.laterality or "") if hints else None,
            slice_spacing_mm=opened.slice_spacing_mm,
            number=_instance_number(header),
            institution=text_of(header, "InstitutionName") or "",
            utc_offset=text_of(header, "TimezoneOffsetFromUTC") or "",
            compression=_taken_over(header, COMPRESSION),
            identity=_identity(header, unstated_character_set),
        )


def refuse_mixed(images: Iterable[SourceImage]) -> None:
    """Refuse images of several studies or patients: a result belongs to one.

    Args:
        images: The images.

    Raises:
        InvalidInput: If there is none, or they do not belong together.
    """
    every = tuple(images)
    if not every:
        raise InvalidInput(
            "no DICOM image among the pictures",
            accepted="at least one DICOM ultrasound image: results belong to its study",
            remedy="send the results by another way, such as the PDF",
        )
    for what, values in (
        ("studies", {one.study_instance_uid for one in every}),
        ("patients", {_patient(one) for one in every}),
    ):
        if len(values) > 1:
            raise InvalidInput(
                f"the images belong to several {what}",
                value="; ".join(sorted(values)),
                accepted="images of one study of one patient",
                remedy="analyse each study alone",
            )


def _patient(image: SourceImage) -> str:
    """Who the patient is, as far as the image says."""
    parts = (image.identity.get("PatientID"), image.identity.get("IssuerOfPatientID"))
    return " of ".join(str(part) for part in parts if part) or "no Patient ID"


def _refuse_another(path: Path, source: str, sha256: str | None) -> None:
    """Refuse a file whose content is not what was analysed."""
    if sha256 is None:
        return
    if not path.is_file():
        raise InvalidInput(f"{source}: is not there", remedy="name the folder with the images")
    found = sha256_of(path)
    if found != sha256:
        raise InvalidInput(
            f"{source}: is not the file that was analysed",
            value=f"SHA-256 {found}",
            accepted=sha256,
            remedy="analyse the study again, or name the folder with the original images",
        )


def _refuse_nameless(header: Dataset, source: str) -> None:
    """Refuse an image nothing can refer to."""
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        uid = text_of(header, keyword) or ""
        if not UID(uid).is_valid:
            raise InvalidInput(
                f"{source}: {keyword} is missing or no UID",
                value=uid or "nothing",
                accepted="a DICOM UID",
                remedy=EXPORT_AGAIN,
            )


def _instance_number(header: Dataset) -> int:
    """Instance Number, or 0."""
    text = str(header.get("InstanceNumber") or "").strip()
    return int(text) if text.isdigit() else 0


def _identity(header: Dataset, unstated_character_set: str) -> Dataset:
    """Patient and study in Unicode, type 2 elements there even when empty."""
    stated = Dataset()
    is_implicit, is_little = header.original_encoding
    stated.set_original_encoding(is_implicit, is_little, header.original_character_set)
    for keyword in (CHARACTERS, *IDENTITY):
        if keyword in header:
            stated[keyword] = header.get_item(keyword)  # still as the bytes that came
    stated = in_unicode(stated, unstated_character_set)
    stated.decode()
    identity = _taken_over(stated, IDENTITY)
    if not stated.get(CHARACTERS):
        _leave_out_garbled(identity)
    for keyword in TYPE_2:
        if keyword not in identity:
            setattr(identity, keyword, "")
    return identity


def _leave_out_garbled(header: Dataset) -> None:
    """Drop texts beyond ASCII that nobody knows the letters of, nested ones too."""
    for element in list(header):
        if element.VR == "SQ":
            for item in element.value:
                _leave_out_garbled(item)
        elif not is_plain(str(element.value or "")):
            del header[element.tag]


def _taken_over(header: Dataset, keywords: Iterable[str]) -> Dataset:
    """Some elements of a header, where they are there."""
    taken = Dataset()
    for keyword in keywords:
        if keyword in header:
            setattr(taken, keyword, _in_unicode(header[keyword].value))
    return taken


def _in_unicode(value: object) -> object:
    """A value without the bytes it was read from."""
    if isinstance(value, DicomSequence):
        return [_copied(item) for item in value]
    if isinstance(value, MultiValue):
        return [_in_unicode(one) for one in value]
    return value if isinstance(value, int | float) else ("" if value is None else str(value))


def _copied(item: Dataset) -> Dataset:
    """A sequence item in Unicode."""
    copy = Dataset()
    for element in item:
        copy.add_new(element.tag, element.VR, _in_unicode(element.value))
    return copy
