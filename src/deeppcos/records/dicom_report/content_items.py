"""What both reports are made of: codes, observers, numbers with intervals, and the document.

Owns the standing of a report: PARTIAL, PRELIMINARY and UNVERIFIED until a named clinician has
signed the assessment; COMPLETE, FINAL and VERIFIED by that observer after. Needs highdicom (the
``records`` extra).
"""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code as DicomCode

from deeppcos.records import codes
from deeppcos.records.codes import Code, Scheme
from deeppcos.records.dicom_result import (
    MAKER,
    NOT_STATED,
    ResultKind,
    completed,
    fitted,
    local_time,
    release_name,
    said_at,
    serial_number,
    software_versions,
)
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_sides import QUANTITY_CODES, SideMeasurement
from deeppcos.records.tracking_identifiers import Quantity

if TYPE_CHECKING:
    from highdicom.sr import ContentItem, ObservationContext

RESEARCH_USE = "Research use. Not a medical device. It does not diagnose."
_PLACEHOLDER_UID = "1.2.3"


def dicom(code: Code) -> DicomCode:
    """A code of our table as pydicom and highdicom take it."""
    return DicomCode(code.value, code.scheme.value, code.meaning)


def person_name(name: str) -> str:
    r"""A name as typed, as a DICOM person name.

    ``Family, Given`` becomes two components; anything else stays one, because nobody can tell
    which of its words is the family's.

    Examples:
        >>> person_name("Yılmaz, Ayşe"), person_name("Dr Ayşe Yılmaz")
        ('Yılmaz^Ayşe', 'Dr Ayşe Yılmaz^')
    """
    plain = "".join(" " if character in "^=\\" else character for character in fitted(name))
    family, comma, given = (part.strip() for part in plain.partition(","))
    return f"{family}^{given}" if comma else f"{plain.strip()}^"


def observation_context(content: ResultContent) -> "ObservationContext":
    """Who observed: the program, and the clinician who signed."""
    from highdicom import sr
    from pydicom.sr.codedict import codes as dictionary

    device = sr.ObserverContext(
        observer_type=dictionary.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=content.scope.of_result("device", *software_versions(content)).uid,
            name=MAKER,
            manufacturer_name=MAKER,
            model_name=f"{MAKER} {release_name(content)}",
            serial_number=serial_number(content),
        ),
    )
    signature = content.document.signature
    person = (
        None
        if signature is None
        else sr.ObserverContext(
            observer_type=dictionary.DCM.Person,
            observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(
                name=person_name(signature.name), organization_name=organization(content)
            ),
        )
    )
    return sr.ObservationContext(observer_person_context=person, observer_device_context=device)


def organization(content: ResultContent) -> str:
    """The signer's organisation: the institution of the images, or that nobody states one."""
    return fitted(content.images[0].institution or NOT_STATED)


def frame_numbers(image: SourceImage, frames: Iterable[int]) -> list[int] | None:
    """Frame numbers as DICOM counts them, from 1; None for a single-frame image."""
    return sorted({frame + 1 for frame in frames}) if image.frames > 1 else None


def uncertainty(measured: SideMeasurement) -> list["ContentItem"]:
    """How far the true value may lie above and below, in the value's own unit (CID 225)."""
    from highdicom import sr

    if measured.low is None or measured.high is None:
        return []
    unit = dicom(QUANTITY_CODES[measured.quantity][1])
    value = number_of(measured)
    return [
        sr.NumContentItem(
            name=dicom(name),
            value=distance if isinstance(distance, int) else round(distance, 6),
            unit=unit,
            relationship_type=sr.RelationshipTypeValues.HAS_PROPERTIES,
        )
        for name, distance in (
            (codes.UPPER_UNCERTAINTY, measured.high - value),
            (codes.LOWER_UNCERTAINTY, value - measured.low),
        )
    ]


def source_references(
    content: ResultContent, measured: SideMeasurement
) -> list[tuple[SourceImage, list[int] | None]]:
    """The DICOM images, and of multi-frame ones the frames, a number was read from."""
    frames: dict[str, list[int]] = {}
    for where in measured.sources:
        frames.setdefault(where.source, []).append(where.frame)
    pairs = ((content.image_of(source), numbers) for source, numbers in frames.items())
    return [
        (image, frame_numbers(image, numbers) if _names_frames(measured) else None)
        for image, numbers in pairs
        if image is not None
    ]


def standing(content: ResultContent) -> str:
    """Research use, and whether a clinician stands behind it."""
    signature = content.document.signature
    said = "Signed by a clinician." if signature else "Draft until a named clinician signs."
    return f"{RESEARCH_USE} {said}"


def conclusion_lines(content: ResultContent) -> list[str]:
    """What the assessment concludes, in its own words, its standing first."""
    document = content.document
    conclusion = document.conclusion
    status = conclusion.status.replace("_", " ")
    return [
        standing(content),
        f"{document.condition}, criteria profile {conclusion.profile}: {status}.",
        *conclusion.reasons,
    ]


def in_words(quantity: Quantity) -> str:
    """A quantity for people.

    Examples:
        >>> in_words(Quantity.FNPS), in_words(Quantity.TRACKED_ESTIMATE)
        ('FNPS', 'tracked estimate')
    """
    is_initials = quantity in (Quantity.FNPS, Quantity.FNPO)
    return quantity.value.upper() if is_initials else quantity.value.replace("_", " ")


def said_of(measured: SideMeasurement) -> str:
    """How a number was obtained, with the part of the ovary it rests on; empty when unknown."""
    parts = [measured.method] if measured.method else []
    if measured.coverage is not None:
        parts.append(f"{measured.coverage:.0%} of the ovary covered")
    return "; ".join(parts)


def number_of(measured: SideMeasurement) -> float:
    """The value as written: counts as whole numbers."""
    is_count = QUANTITY_CODES[measured.quantity][1] is codes.NO_UNITS
    return int(measured.value) if is_count else measured.value


def text_items(lines: Iterable[str]) -> list["ContentItem"]:
    """Comments, one a line."""
    from highdicom import sr

    return [
        sr.TextContentItem(
            name=dicom(codes.COMMENT),
            value=line,
            relationship_type=sr.RelationshipTypeValues.CONTAINS,
        )
        for line in lines
    ]


def document_of(
    root: DicomSequence,
    content: ResultContent,
    kind: ResultKind,
    *,
    evidence: Iterable[Dataset] = (),
) -> Dataset:
    """A Comprehensive SR around a content tree.

    Args:
        root: The root container.
        content: What it was made from.
        kind: Which report it is.
        evidence: Other objects it rests on, such as segmentations.

    Returns:
        The object, ready to be written.
    """
    from highdicom.sr import ComprehensiveSR

    signature = content.document.signature
    images = [image.reference() for image in content.images]
    with warnings.catch_warnings():
        # highdicom warns of names of one component; patients' names are not ours to mend.
        warnings.simplefilter("ignore")
        made = ComprehensiveSR(
            evidence=[*images, *(_reference(one) for one in evidence)],
            content=root,
            series_instance_uid=_PLACEHOLDER_UID,
            series_number=1,
            sop_instance_uid=_PLACEHOLDER_UID,
            instance_number=1,
            manufacturer=MAKER,
            is_complete=signature is not None,
            is_final=signature is not None,
            is_verified=signature is not None,
            verifying_observer_name=person_name(signature.name) if signature else None,
            verifying_organization=organization(content) if signature else None,
        )
    plain = Dataset()
    plain.update({element.tag: element for element in made})
    plain.CodingSchemeIdentificationSequence = [_own_scheme()]
    at = said_at(content)
    if signature is not None:
        local = local_time(at, content.images[0].utc_offset)
        plain.VerifyingObserverSequence[0].VerificationDateTime = f"{local:%Y%m%d%H%M%S%z}"
    return completed(plain, content, kind, at=at)


def _reference(made: Dataset) -> Dataset:
    """One of our own objects as evidence."""
    item = Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(item, keyword, made[keyword].value)
    return item


def _names_frames(measured: SideMeasurement) -> bool:
    """Whether a number was read from single frames and not from a whole sweep or volume."""
    return measured.coverage is None


def _own_scheme() -> Dataset:
    """What the private coding scheme designator stands for."""
    item = Dataset()
    item.CodingSchemeDesignator = Scheme.DEEPPCOS.value
    item.CodingSchemeName = "DeepPCOS codes of what no standard names"
    item.CodingSchemeResponsibleOrganization = MAKER
    return item
