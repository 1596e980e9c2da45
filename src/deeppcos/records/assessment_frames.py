"""Frames of the published document back as the vision room's records.

Owns that one step: whoever follows follicles through a stored assessment starts here. Writing
the document is the business of ``assessment_json``.
"""

from collections.abc import Iterable

from deeppcos.records import assessment_document as record
from deeppcos.vision.findings import (
    Follicle,
    FollicleKind,
    FrameFindings,
    Interval,
    Lesion,
    Ovary,
    Polygon,
)
from deeppcos.vision.frame import MmPerPixel, ScaleSource


def frame_findings(frame: record.FrameRecord) -> FrameFindings:
    """A frame of the published document as the vision room takes it.

    Args:
        frame: The frame.

    Returns:
        The same findings, rounded as the document rounds them.
    """
    scale = frame.mm_per_pixel
    return FrameFindings(
        source=frame.source,
        frame=frame.frame,
        width=frame.width,
        height=frame.height,
        mm_per_pixel=None
        if scale is None
        else MmPerPixel(x=scale.x, y=scale.y, source=ScaleSource(scale.source)),
        scale_problem=frame.scale_problem or "",
        is_assessable=frame.assessable,
        not_assessable_because=tuple(frame.not_assessable_because),
        ovaries=tuple(_ovary(one) for one in frame.ovaries),
        lesions=tuple(
            Lesion(
                polygon=polygon_of(one.polygon),
                probability=one.probability,
                largest_diameter_mm=one.largest_diameter_mm,
            )
            for one in frame.lesions
        ),
        burned_in_graphics=tuple(frame.burned_in_graphics),
    )


def _ovary(ovary: record.OvaryRecord) -> Ovary:
    """An ovary of the document as the vision room takes it."""
    count, area = ovary.follicle_count_section, ovary.area_interval_mm2
    return Ovary(
        polygon=polygon_of(ovary.polygon),
        probability=ovary.probability,
        follicles=tuple(
            Follicle(
                polygon=polygon_of(one.polygon),
                probability=one.probability,
                mean_diameter_mm=one.mean_diameter_mm,
                kind=FollicleKind(one.kind),
            )
            for one in ovary.follicles
        ),
        follicle_count_section=Interval(value=count.value, low=count.low, high=count.high),
        length_mm=ovary.length_mm,
        width_mm=ovary.width_mm,
        area_mm2=ovary.area_mm2,
        area_interval_mm2=None if area is None else (area.low, area.high),
        luteal_like=tuple(ovary.luteal_like),
    )


def polygon_of(points: Iterable[tuple[float, float]]) -> Polygon:
    """Corners of the document as a polygon of the vision room."""
    return tuple((x, y) for x, y in points)
