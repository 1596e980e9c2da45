"""TID 5000: the OB-GYN ultrasound report, as gynaecological systems already read it.

Owns the tree: summary (TID 5002), ovaries section (TID 5012) with one volume group a side (TID
5016), and a follicles section (TID 5013) a side with one measurement group a follicle (TID 5014).
highdicom has no class for these templates; its content items are used.

"Number of follicles" in this template is the number in the ovary. Only a count of the whole
ovary (FNPO) is written there; follicles in one section and the estimate of a sweep stand beside
it under codes of their own, and are never passed off as it.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from deeppcos.clinical.ovary import Side
from deeppcos.records import codes
from deeppcos.records.codes import Code
from deeppcos.records.dicom_report.content_items import (
    conclusion_lines,
    dicom,
    document_of,
    frame_numbers,
    in_words,
    number_of,
    observation_context,
    said_of,
    source_references,
    text_items,
    uncertainty,
)
from deeppcos.records.dicom_result import ResultKind
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_outlines import FollowedBody, OutlinedBody
from deeppcos.records.result_sides import QUANTITY_CODES, SideMeasurement
from deeppcos.records.tracking_identifiers import Quantity, TrackingIdentifier

if TYPE_CHECKING:
    from highdicom.sr import ContainerContentItem, ContentItem, NumContentItem

Body = OutlinedBody | FollowedBody

VOLUME_GROUP = {
    Quantity.VOLUME: codes.OVARY_VOLUME,
    Quantity.LENGTH: codes.OVARY_LENGTH,
    Quantity.WIDTH: codes.OVARY_WIDTH,
    Quantity.THICKNESS: codes.OVARY_HEIGHT,
}
"""TID 5016: what the group of one ovary holds, in the template's order."""

COUNTS = (Quantity.FNPO, Quantity.TRACKED_ESTIMATE, Quantity.FNPS)


def ob_gyn_report(content: ResultContent, *, evidence: Iterable[Dataset] = ()) -> Dataset:
    """The study as a TID 5000 report.

    Args:
        content: What is to be said. Ovaries of unknown side have no place in this template:
            the summary says so.
        evidence: Other objects of the same result.

    Returns:
        A Comprehensive SR, ready to be written.
    """
    from highdicom import sr

    root = sr.ContainerContentItem(name=dicom(codes.OB_GYN_REPORT), template_id="5000")
    root.ContentSequence = sr.ContentSequence()
    language = sr.LanguageOfContentItemAndDescendants(
        language=sr.CodedConcept("en-US", "RFC5646", "English (United States)")
    )
    root.ContentSequence.extend(language)
    root.ContentSequence.extend(observation_context(content))
    sides = [side for side in content.sides if side is not None]
    root.ContentSequence.append(_image_library(content))
    root.ContentSequence.append(_summary(content))
    if sides:
        root.ContentSequence.append(_ovaries(content, sides))
    for side in sides:
        root.ContentSequence.append(_follicles(content, side))
    tree = sr.ContentSequence([root], is_root=True)
    return document_of(tree, content, ResultKind.OB_GYN_REPORT, evidence=evidence)


def _image_library(content: ResultContent) -> "ContainerContentItem":
    """The images behind the report."""
    from highdicom import sr

    return _container(
        codes.IMAGE_LIBRARY,
        [
            sr.ImageContentItem(
                name=dicom(codes.SOURCE_OF_MEASUREMENT),
                referenced_sop_class_uid=image.sop_class_uid,
                referenced_sop_instance_uid=image.sop_instance_uid,
                relationship_type=sr.RelationshipTypeValues.CONTAINS,
            )
            for image in content.images
        ],
    )


def _summary(content: ResultContent) -> "ContainerContentItem":
    """TID 5002: the conclusion in words, and what could not be said here."""
    lines = conclusion_lines(content)
    unplaced = [one for one in content.measured if one.side is None]
    if unplaced:
        words = ", ".join(
            f"{in_words(one.quantity)} {number_of(one):g} {QUANTITY_CODES[one.quantity][1].value}"
            for one in unplaced
        )
        lines.append(f"Ovary of unknown side, not listed below: {words}.")
    return _container(codes.SUMMARY, text_items(lines))


def _ovaries(content: ResultContent, sides: Sequence[Side]) -> "ContainerContentItem":
    """TID 5012: one volume group (TID 5016) a side."""
    section = _container(codes.FINDINGS, [_modifier(codes.FINDING_SITE, codes.OVARY)])
    for side in sides:
        numbers = [
            _number(content, one, VOLUME_GROUP[quantity][side])
            for quantity in VOLUME_GROUP
            for one in content.measured
            if one.side is side and one.quantity is quantity
        ]
        if numbers:
            section.ContentSequence.append(_container(codes.OVARY, numbers))
    return section


def _follicles(content: ResultContent, side: Side) -> "ContainerContentItem":
    """TID 5013: the counts of one ovary and one group (TID 5014) a follicle."""
    section = _container(
        codes.FINDINGS,
        [
            _modifier(codes.FINDING_SITE, codes.OVARIAN_FOLLICLE),
            _modifier(codes.LATERALITY, codes.SIDES[side]),
        ],
    )
    for quantity in COUNTS:
        for one in content.measured:
            if one.side is side and one.quantity is quantity:
                is_whole = quantity is Quantity.FNPO
                name = codes.FOLLICLES_IN_OVARY[side] if is_whole else QUANTITY_CODES[quantity][0]
                section.ContentSequence.append(_number(content, one, name))
    bodies = content.follicles_of(side)
    sized = [body for body in bodies if body.mean_diameter_mm is not None]
    for body in sized:
        section.ContentSequence.append(_follicle(body))
    section.ContentSequence.extend(text_items(_follicle_notes(content, side, bodies, sized)))
    return section


def _follicle_notes(
    content: ResultContent, side: Side, bodies: Sequence[Body], sized: Sequence[Body]
) -> list[str]:
    """What the numbers of the section are, in words."""
    own = [one for one in content.measured if one.side is side and one.quantity in COUNTS]
    notes = [f"{in_words(one.quantity)}: {said_of(one)}" for one in own if said_of(one)]
    if sized:
        followed = isinstance(sized[0], FollowedBody)
        where = "followed through a sweep or volume" if followed else "of one section"
        notes.append(f"The follicles listed are those {where} ({sized[0].image.label}).")
    if len(sized) < len(bodies):
        notes.append(
            f"{len(bodies) - len(sized)} follicles have no diameter: the image has no scale."
        )
    return notes


def _follicle(body: Body) -> "ContainerContentItem":
    """TID 5014: one follicle with its diameters."""
    items = [*_identity(body.identifier)]
    mean = round(body.mean_diameter_mm or 0.0, 2)
    items.append(_diameter(mean, body, derivation=codes.MEAN))
    diameters = body.diameters_mm if isinstance(body, FollowedBody) else None
    items += (_diameter(round(one, 2), body) for one in diameters or ())
    return _container(codes.MEASUREMENT_GROUP, items)


def _identity(identifier: TrackingIdentifier) -> list["ContentItem"]:
    """The identifier of a group: for people, and the one every format carries."""
    from highdicom import sr

    within = sr.RelationshipTypeValues.HAS_OBS_CONTEXT
    return [
        sr.TextContentItem(
            name=dicom(codes.IDENTIFIER), value=identifier.label, relationship_type=within
        ),
        sr.UIDRefContentItem(
            name=dicom(codes.TRACKING_UNIQUE_IDENTIFIER),
            value=identifier.uid,
            relationship_type=within,
        ),
    ]


def _diameter(value: float, body: Body, *, derivation: Code | None = None) -> "NumContentItem":
    """One diameter of a follicle, with the frame it was read from."""
    from highdicom import sr

    item = _num(codes.FOLLICLE_DIAMETER, value, codes.MILLIMETRE)
    if derivation is not None:
        item.ContentSequence.append(_modifier(codes.DERIVATION, derivation))
    frame = body.largest_in if isinstance(body, FollowedBody) else body.frame
    item.ContentSequence.append(
        sr.ImageContentItem(
            name=dicom(codes.SOURCE_OF_MEASUREMENT),
            referenced_sop_class_uid=body.image.sop_class_uid,
            referenced_sop_instance_uid=body.image.sop_instance_uid,
            referenced_frame_numbers=frame_numbers(body.image, [frame]),
            relationship_type=sr.RelationshipTypeValues.INFERRED_FROM,
        )
    )
    return item


def _number(content: ResultContent, measured: SideMeasurement, name: Code) -> "NumContentItem":
    """TID 300: a number with its identifier, interval and images."""
    from highdicom import sr

    item = _num(name, number_of(measured), QUANTITY_CODES[measured.quantity][1])
    item.ContentSequence.extend(
        sr.TrackingIdentifier(uid=measured.identifier.uid, identifier=measured.identifier.label)
    )
    item.ContentSequence.extend(uncertainty(measured))
    for image, frames in source_references(content, measured):
        item.ContentSequence.append(
            sr.ImageContentItem(
                name=dicom(codes.SOURCE_OF_MEASUREMENT),
                referenced_sop_class_uid=image.sop_class_uid,
                referenced_sop_instance_uid=image.sop_instance_uid,
                referenced_frame_numbers=frames,
                relationship_type=sr.RelationshipTypeValues.INFERRED_FROM,
            )
        )
    return item


def _num(name: Code, value: float, unit: Code) -> "NumContentItem":
    from highdicom import sr

    item = sr.NumContentItem(
        name=dicom(name),
        value=value,
        unit=dicom(unit),
        relationship_type=sr.RelationshipTypeValues.CONTAINS,
    )
    item.ContentSequence = sr.ContentSequence()
    return item


def _modifier(name: Code, value: Code) -> "ContentItem":
    from highdicom import sr

    return sr.CodeContentItem(
        name=dicom(name),
        value=dicom(value),
        relationship_type=sr.RelationshipTypeValues.HAS_CONCEPT_MOD,
    )


def _container(name: Code, items: Sequence["ContentItem"]) -> "ContainerContentItem":
    from highdicom import sr

    container = sr.ContainerContentItem(
        name=dicom(name),
        is_content_continuous=False,
        relationship_type=sr.RelationshipTypeValues.CONTAINS,
    )
    container.ContentSequence = sr.ContentSequence(items)
    return container
