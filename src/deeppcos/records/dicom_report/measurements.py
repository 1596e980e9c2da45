"""TID 1500: every measurement with its identifier, its interval and the frames behind it.

Owns the tree: one Measurement Group (TID 1501) for each ovary with its counts, volume and
diameters, and one planar group (TID 1410) for each ovary, follicle and lesion outlined in a
still and each follicle followed through a sweep, in the frame of its largest section. A group
carries the same tracking identifier as the segment of the same thing in the segmentation.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from deeppcos.clinical.ovary import Side
from deeppcos.errors import NotAssessable
from deeppcos.records import codes
from deeppcos.records.codes import Code
from deeppcos.records.dicom_report.content_items import (
    dicom,
    document_of,
    frame_numbers,
    in_words,
    number_of,
    observation_context,
    said_of,
    source_references,
    standing,
    text_items,
    uncertainty,
)
from deeppcos.records.dicom_result import MAKER, ResultKind, release_name, software_versions
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_outlines import FollowedBody, OutlinedBody
from deeppcos.records.result_sides import QUANTITY_CODES, SideMeasurement
from deeppcos.records.tracking_identifiers import Outline, Quantity, TrackingIdentifier
from deeppcos.vision.findings import Polygon

if TYPE_CHECKING:
    from highdicom import sr

Body = OutlinedBody | FollowedBody

METHODS = {
    Quantity.FNPS: codes.SECTION_METHOD,
    Quantity.TRACKED_ESTIMATE: codes.TRACKING_METHOD,
    Quantity.FNPO: codes.VOLUME_COUNT_METHOD,
}
FOUND = {
    Outline.OVARY: (codes.ANATOMICAL_STRUCTURE, codes.OVARY),
    Outline.FOLLICLE: (codes.ANATOMICAL_STRUCTURE, codes.OVARIAN_FOLLICLE),
    Outline.TRACKED_FOLLICLE: (codes.ANATOMICAL_STRUCTURE, codes.OVARIAN_FOLLICLE),
    Outline.LESION: (codes.MORPHOLOGICALLY_ABNORMAL, codes.LESION),
}
PIXEL_CENTRE = 0.5
"""An SCOORD counts from the corner of the first pixel; our outlines count from its centre."""


def measurement_report(content: ResultContent, *, evidence: Iterable[Dataset] = ()) -> Dataset:
    """The measurements of a study as a TID 1500 report.

    Args:
        content: What is to be said.
        evidence: Other objects of the same result, such as the segmentations.

    Returns:
        A Comprehensive SR, ready to be written.

    Raises:
        NotAssessable: If nothing at all was measured.
    """
    from highdicom import sr

    groups: list[sr.MeasurementsAndQualitativeEvaluations] = []
    groups += (_side_group(content, side) for side in content.sides)
    bodies: tuple[Body, ...] = (*content.outlined, *content.followed)
    planar = [_planar_group(content, body) for body in bodies]
    if not groups and not planar:
        raise NotAssessable(
            "nothing was measured in these pictures, so there is no measurement report",
            remedy="send the PDF, which says why",
        )
    report = sr.MeasurementReport(
        observation_context=observation_context(content),
        procedure_reported=dicom(codes.US_PELVIS),
        imaging_measurements=[*groups, *planar],
        title=dicom(codes.IMAGING_MEASUREMENT_REPORT),
    )
    return document_of(report, content, ResultKind.MEASUREMENTS, evidence=evidence)


def _side_group(
    content: ResultContent, side: Side | None
) -> "sr.MeasurementsAndQualitativeEvaluations":
    """The numbers said of one ovary."""
    from highdicom import sr

    own = [one for one in content.measured if one.side is side]
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(content.scope.of_side(side, Quantity.OVARY)),
        finding_type=dicom(codes.OVARY),
        finding_category=dicom(codes.ANATOMICAL_STRUCTURE),
        finding_sites=_sites(side),
        algorithm_id=_algorithm(content),
        measurements=[_measurement(content, one) for one in own],
    )
    comments = [f"{in_words(one.quantity)}: {said_of(one)}" for one in own if said_of(one)]
    group[0].ContentSequence.extend(text_items([*comments, standing(content)]))
    return group


def _measurement(content: ResultContent, measured: SideMeasurement) -> "sr.Measurement":
    """One number with its own identifier, method, interval and images."""
    from highdicom import sr

    name, unit = QUANTITY_CODES[measured.quantity]
    method = METHODS.get(measured.quantity)
    if measured.quantity is Quantity.VOLUME:
        method = codes.ELLIPSOID_METHOD if "pi/6" in measured.method else codes.SLICES_METHOD
    item = sr.Measurement(
        name=dicom(name),
        value=number_of(measured),
        unit=dicom(unit),
        tracking_identifier=_tracking(measured.identifier),
        method=dicom(method) if method else None,
        referenced_images=[
            sr.SourceImageForMeasurement(
                referenced_sop_class_uid=image.sop_class_uid,
                referenced_sop_instance_uid=image.sop_instance_uid,
                referenced_frame_numbers=frames,
            )
            for image, frames in source_references(content, measured)
        ]
        or None,
    )
    item[0].ContentSequence.extend(uncertainty(measured))
    return item


def _planar_group(
    content: ResultContent, body: Body
) -> "sr.PlanarROIMeasurementsAndQualitativeEvaluations":
    """One outline and what was measured of it."""
    from highdicom import sr

    category, kind = FOUND[body.kind]
    size_class = body.follicle_kind
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(body.identifier),
        referenced_region=_region(body),
        finding_type=dicom(kind),
        finding_category=dicom(category),
        finding_sites=_sites(body.side),
        algorithm_id=_algorithm(content),
        measurements=[
            sr.Measurement(
                name=dicom(name),
                value=value,
                unit=dicom(unit),
                derivation=dicom(derivation) if derivation else None,
            )
            for name, value, unit, derivation in _numbers(body)
        ],
        qualitative_evaluations=None
        if size_class is None
        else [
            sr.QualitativeEvaluation(
                name=dicom(codes.FOLLICLE_SIZE_CLASS),
                value=dicom(codes.SIZE_CLASSES[size_class.value]),
            )
        ],
    )


def _numbers(body: Body) -> Iterator[tuple[Code, float, Code, Code | None]]:
    """What was measured of an outline: name, value, unit and derivation."""
    yield codes.PROBABILITY, round(body.probability, 3), codes.NO_UNITS, None
    if body.mean_diameter_mm is not None:
        diameter = round(body.mean_diameter_mm, 2)
        yield codes.DIAMETER, diameter, codes.MILLIMETRE, codes.MEAN
    for name, value, unit in _sizes(body):
        if value is not None:
            yield name, round(value, 2), unit, None


def _sizes(body: Body) -> Iterator[tuple[Code, float | None, Code]]:
    """Further sizes, where they are known."""
    if isinstance(body, OutlinedBody):
        yield codes.LENGTH, body.length_mm, codes.MILLIMETRE
        yield codes.WIDTH, body.width_mm, codes.MILLIMETRE
        yield codes.AREA, body.area_mm2, codes.SQUARE_MILLIMETRE
        return
    axes = (codes.LONG_AXIS, codes.SHORT_AXIS, codes.HEIGHT)
    for name, value in zip(axes, body.diameters_mm or (), strict=False):
        yield name, value, codes.MILLIMETRE
    yield codes.VOLUME, body.volume_ml, codes.CUBIC_CENTIMETRE


def _region(body: Body) -> "sr.ImageRegion":
    """The outline as spatial coordinates in its frame."""
    from highdicom import sr

    frame = body.frame if isinstance(body, OutlinedBody) else body.largest_in
    polygon = body.polygon if isinstance(body, OutlinedBody) else body.largest_outline
    image = body.image
    return sr.ImageRegion(
        graphic_type=sr.GraphicTypeValues.POLYLINE,
        graphic_data=closed(polygon, columns=image.columns, rows=image.rows),
        source_image=sr.SourceImageForRegion(
            referenced_sop_class_uid=image.sop_class_uid,
            referenced_sop_instance_uid=image.sop_instance_uid,
            referenced_frame_numbers=frame_numbers(image, [frame]),
        ),
    )


def closed(polygon: Polygon, *, columns: int, rows: int) -> npt.NDArray[np.float64]:
    """An outline as SCOORD graphic data: closed, inside the picture, counted from the corner.

    Args:
        polygon: Outline in frame pixels.
        columns: Picture width.
        rows: Picture height.

    Returns:
        ``(n + 1, 2) float64`` of (column, row), the first corner again at the end.

    Examples:
        >>> closed(((0, 0), (4, 0), (4, 9)), columns=5, rows=5).tolist()
        [[0.5, 0.5], [4.5, 0.5], [4.5, 5.0], [0.5, 0.5]]
    """
    corners = np.asarray([*polygon, polygon[0]], dtype=np.float64) + PIXEL_CENTRE
    return np.clip(corners, 0.0, (columns, rows))


def _tracking(identifier: TrackingIdentifier) -> "sr.TrackingIdentifier":
    from highdicom import sr

    return sr.TrackingIdentifier(uid=identifier.uid, identifier=identifier.label)


def _sites(side: Side | None) -> list["sr.FindingSite"]:
    """The ovary, with its side where one is stated."""
    from highdicom import sr

    laterality = None if side is None else dicom(codes.SIDES[side])
    return [sr.FindingSite(anatomic_location=dicom(codes.OVARY), laterality=laterality)]


def _algorithm(content: ResultContent) -> "sr.AlgorithmIdentification":
    """Which release saw it."""
    from highdicom import sr

    return sr.AlgorithmIdentification(
        name=f"{MAKER} {release_name(content)}",
        version=software_versions(content)[0],
        parameters=[f"weights SHA-256 {content.scope.release}"],
        family=dicom(codes.ARTIFICIAL_INTELLIGENCE),
        manufacturer=MAKER,
    )
