"""A Segmentation object for each image on which something is outlined.

Owns the segments: one for the ovary and one for each follicle or lesion, named by their tracking
identifiers, a followed follicle being one segment across all its frames. Needs highdicom (the
``records`` extra), which builds the modules that do not depend on frames.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code as DicomCode

from deeppcos.errors import InvalidInput
from deeppcos.records import codes
from deeppcos.records.codes import Code
from deeppcos.records.dicom_result import (
    MAKER,
    ResultKind,
    completed,
    fitted,
    release_name,
    software_versions,
)
from deeppcos.records.dicom_segmentation.frame_table import (
    SegmentFrame,
    dimension_items,
    frame_groups,
    packed_frames,
    shared_groups,
)
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_outlines import FollowedBody, OutlinedBody
from deeppcos.records.tracking_identifiers import Outline

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

COLOURS = {
    Outline.OVARY: (255, 176, 0),
    Outline.FOLLICLE: (74, 200, 235),
    Outline.TRACKED_FOLLICLE: (74, 200, 235),
    Outline.LESION: (220, 90, 160),
}
"""Recommended display colours, RGB: told apart by colour-blind readers too."""

TYPES = {
    Outline.OVARY: (codes.ANATOMICAL_STRUCTURE, codes.OVARY),
    Outline.FOLLICLE: (codes.ANATOMICAL_STRUCTURE, codes.OVARIAN_FOLLICLE),
    Outline.TRACKED_FOLLICLE: (codes.ANATOMICAL_STRUCTURE, codes.OVARIAN_FOLLICLE),
    Outline.LESION: (codes.MORPHOLOGICALLY_ABNORMAL, codes.LESION),
}
"""Segmented Property Category and Type of each kind of outline."""

_TEMPLATE_SIDE = 8
"""Size of the empty picture highdicom builds its part from: ours replaces it."""

Body = OutlinedBody | FollowedBody
SliceMm = float | Mapping[str, float] | None
"""Thickness of the section, mm: of every image, or by ``SourceImage.source``; None unknown."""


def segmentations(content: ResultContent, *, slice_mm: SliceMm = None) -> tuple[Dataset, ...]:
    """The segmentations of a study, one for each image with outlines.

    Args:
        content: What is to be said.
        slice_mm: Thickness of the section, mm, where the site states that of its probe. Some
            viewers (cornerstone3D, OHIF) show a segmentation only with a plane; ultrasound
            images have none, and none is made up: an image that is not named gets none.

    Returns:
        Objects ready to be written, in the order of the images; empty where nothing is outlined.

    Raises:
        InvalidInput: If one is too large.
    """
    outlined = [image for image in content.images if bodies_on(content, image)]
    return tuple(
        segmentation_of(content, image, number=number, slice_mm=_thickness(slice_mm, image))
        for number, image in enumerate(outlined, start=1)
    )


def _thickness(slice_mm: SliceMm, image: SourceImage) -> float | None:
    """What is said of one image."""
    return slice_mm.get(image.source) if isinstance(slice_mm, Mapping) else slice_mm


def bodies_on(content: ResultContent, image: SourceImage) -> tuple[Body, ...]:
    """What is outlined on an image, in the order of its segments.

    Args:
        content: What is to be said.
        image: One of its images.
    """
    every: tuple[Body, ...] = (*content.outlined, *content.followed)
    return tuple(one for one in every if one.image.sop_instance_uid == image.sop_instance_uid)


def segmentation_of(
    content: ResultContent,
    image: SourceImage,
    *,
    number: int = 1,
    slice_mm: float | None = None,
) -> Dataset:
    """The segmentation of one image.

    Args:
        content: What is to be said.
        image: One of its images.
        number: Its place among the segmentations of the study, from 1.
        slice_mm: Thickness of the section, mm, or None, as in ``segmentations``.

    Returns:
        A Segmentation (BINARY), ready to be written.

    Raises:
        InvalidInput: If nothing is outlined on the image, or it would be too large.
    """
    bodies = bodies_on(content, image)
    if not bodies:
        raise InvalidInput(
            f"{image.source}: nothing is outlined on it",
            remedy="segment images on which an ovary could be judged",
        )
    frames = [one for place, body in enumerate(bodies, start=1) for one in _frames(place, body)]
    made = _skeleton(content, image, bodies)
    made.Rows, made.Columns = image.rows, image.columns
    made.NumberOfFrames = len(frames)
    organization = content.scope.of_result("dimensions", image.sop_instance_uid).uid
    made.DimensionOrganizationSequence = [Dataset()]
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    made.DimensionIndexSequence = dimension_items(organization)
    if slice_mm is not None:
        spacing_mm = content.stated_spacing_mm(image)
        made.SharedFunctionalGroupsSequence = shared_groups(spacing_mm, slice_mm)
    made.PerFrameFunctionalGroupsSequence = frame_groups(frames, image)
    made.ReferencedSeriesSequence = [_referenced_series(image)]
    made.PixelData = packed_frames(frames, image)
    made["PixelData"].VR = "OB"
    made.ContentLabel = "OVARIES"
    made.ContentDescription = fitted(f"Ovary and follicle outlines of {image.label}")
    made.ContentCreatorName = ""
    made.PatientOrientation = ""
    return completed(made, content, ResultKind.SEGMENTATION, number=number, series_of_image=image)


def _frames(segment: int, body: Body) -> list[SegmentFrame]:
    """The binary frames of one body."""
    if isinstance(body, OutlinedBody):
        return [SegmentFrame(segment=segment, frame=body.frame, polygon=body.polygon)]
    return [
        SegmentFrame(segment=segment, frame=frame, polygon=polygon)
        for frame, polygon in zip(body.frames, body.outlines, strict=True)
    ]


def _skeleton(content: ResultContent, image: SourceImage, bodies: Sequence[Body]) -> Dataset:
    """Everything but the frames, as highdicom builds it for a single-frame image."""
    from highdicom.seg import Segmentation, SegmentationTypeValues

    template = image.reference()
    template.SOPClassUID = _template_class(image)
    template.Rows = template.Columns = _TEMPLATE_SIDE
    if "NumberOfFrames" in template:
        del template.NumberOfFrames
    empty = np.zeros((1, _TEMPLATE_SIDE, _TEMPLATE_SIDE, len(bodies)), dtype=np.bool_)
    made = Segmentation(
        source_images=[template],
        pixel_array=empty,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _description(content, place, body) for place, body in enumerate(bodies, start=1)
        ],
        series_instance_uid=image.series_instance_uid,
        series_number=1,
        sop_instance_uid=image.sop_instance_uid,
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=MAKER,
        device_serial_number="1",
        omit_empty_frames=False,
        content_label="OVARIES",
    )
    plain = Dataset()
    plain.update({element.tag: element for element in made})
    return plain


def _template_class(image: SourceImage) -> str:
    """SOP Class of the single-frame template: what highdicom accepts as source."""
    from pydicom.uid import UltrasoundImageStorage

    return str(UltrasoundImageStorage) if image.frames > 1 else image.sop_class_uid


def _description(content: ResultContent, number: int, body: Body) -> "SegmentDescription":
    """One item of the Segment Sequence."""
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription

    category, kind = TYPES[body.kind]
    description = SegmentDescription(
        segment_number=number,
        segment_label=fitted(body.identifier.label),
        segmented_property_category=_dicom(category),
        segmented_property_type=_dicom(kind),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=f"{MAKER} {release_name(content)}",
            family=_dicom(codes.ARTIFICIAL_INTELLIGENCE),
            version=software_versions(content)[0],
            source=MAKER,
        ),
        tracking_uid=body.identifier.uid,
        tracking_id=body.identifier.label,
        anatomic_regions=[_dicom(codes.OVARY)],
        display_color=CIELabColor.from_rgb(*COLOURS[body.kind]),
    )
    if body.side is not None:
        modifier = Dataset()
        side = codes.SIDES[body.side]
        modifier.CodeValue, modifier.CodingSchemeDesignator = side.value, side.scheme.value
        modifier.CodeMeaning = side.meaning
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [modifier]
    return description


def _dicom(code: Code) -> DicomCode:
    """A code of our table as pydicom and highdicom take it."""
    return DicomCode(code.value, code.scheme.value, code.meaning)


def _referenced_series(image: SourceImage) -> Dataset:
    """The Referenced Series Sequence item: viewers find the image through it."""
    instance = Dataset()
    instance.ReferencedSOPClassUID = image.sop_class_uid
    instance.ReferencedSOPInstanceUID = image.sop_instance_uid
    series = Dataset()
    series.SeriesInstanceUID = image.series_instance_uid
    series.ReferencedInstanceSequence = [instance]
    return series
