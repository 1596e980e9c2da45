"""What is outlined in a study's pictures, or followed through them, each with its identifier.

Owns ovaries, follicles and lesions as the formats need them: which image, which frames, which
outline. Tracking itself is the business of ``vision.tracking``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from deeppcos.clinical.ovary import Side
from deeppcos.records import assessment_document as record
from deeppcos.records.assessment_frames import frame_findings, polygon_of
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.study_file import MediaKind
from deeppcos.records.tracking_identifiers import Outline, TrackingIdentifier, TrackingScope
from deeppcos.vision.findings import FollicleKind, Polygon
from deeppcos.vision.tracking import TrackedFollicles, track_follicles


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinedBody:
    """An ovary, follicle or lesion outlined in one frame of a still.

    Attributes:
        identifier: The same in every format.
        kind: What is outlined.
        image: The image that shows it.
        frame: Frame number, from 0.
        polygon: Outline in frame pixels, pixel centres at whole numbers.
        probability: Calibrated probability that it is what it is called, 0 to 1.
        side: The side the image states, or None.
        follicle_kind: Size class of a follicle; None of anything else.
        mean_diameter_mm: Of a follicle; None without scale.
        length_mm: Longest diameter of an ovary or lesion; None without scale.
        width_mm: Perpendicular diameter of an ovary; None without scale.
        area_mm2: Area of an ovary's section; None without scale.
    """

    identifier: TrackingIdentifier
    kind: Outline
    image: SourceImage
    frame: int
    polygon: Polygon
    probability: float
    side: Side | None = None
    follicle_kind: FollicleKind | None = None
    mean_diameter_mm: float | None = None
    length_mm: float | None = None
    width_mm: float | None = None
    area_mm2: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedBody:
    """An ovary or a follicle followed through the frames of a sweep or volume.

    Attributes:
        identifier: The same in every format.
        kind: ``Outline.OVARY`` or ``Outline.TRACKED_FOLLICLE``.
        image: The sweep or volume.
        frames: Numbers of the frames that show it, from 0, ascending.
        outlines: Outline in each of these frames.
        largest_in: Number of the frame with its largest section.
        probability: Mean over its frames, 0 to 1.
        side: The side the image states, or None.
        follicle_kind: Size class of a follicle; None of an ovary.
        mean_diameter_mm: None without scale.
        diameters_mm: Longest, perpendicular and, in a volume, across the slices; None without
            scale.
        volume_ml: By counting, in a volume.
    """

    identifier: TrackingIdentifier
    kind: Outline
    image: SourceImage
    frames: tuple[int, ...]
    outlines: tuple[Polygon, ...]
    largest_in: int
    probability: float
    side: Side | None = None
    follicle_kind: FollicleKind | None = None
    mean_diameter_mm: float | None = None
    diameters_mm: tuple[float, ...] | None = None
    volume_ml: float | None = None

    @property
    def largest_outline(self) -> Polygon:
        """The outline of its largest section."""
        return self.outlines[self.frames.index(self.largest_in)]


def outlined_bodies(
    scope: TrackingScope, image: SourceImage, frame: record.FrameRecord
) -> Iterator[OutlinedBody]:
    """The outlines of one assessable frame, ovaries before their follicles, lesions last."""
    if not frame.assessable:
        return

    def named(kind: Outline, number: int, within: int = 0) -> TrackingIdentifier:
        return scope.of_outline(
            kind,
            image=image.sop_instance_uid,
            frame=frame.frame,
            number=number,
            within=within,
            side=image.side,
            shown_in=image.label,
        )

    # A file of a stated side shows one ovary: its most probable outline.
    ovaries = frame.ovaries if image.side is None else frame.ovaries[:1]
    for place, ovary in enumerate(ovaries):
        yield OutlinedBody(
            identifier=named(Outline.OVARY, place),
            kind=Outline.OVARY,
            image=image,
            frame=frame.frame,
            polygon=polygon_of(ovary.polygon),
            probability=ovary.probability,
            side=image.side,
            length_mm=ovary.length_mm,
            width_mm=ovary.width_mm,
            area_mm2=ovary.area_mm2,
        )
        for number, follicle in enumerate(ovary.follicles):
            yield OutlinedBody(
                identifier=named(Outline.FOLLICLE, number, place),
                kind=Outline.FOLLICLE,
                image=image,
                frame=frame.frame,
                polygon=polygon_of(follicle.polygon),
                probability=follicle.probability,
                side=image.side,
                follicle_kind=FollicleKind(follicle.kind),
                mean_diameter_mm=follicle.mean_diameter_mm,
            )
    for number, lesion in enumerate(frame.lesions):
        yield OutlinedBody(
            identifier=named(Outline.LESION, number),
            kind=Outline.LESION,
            image=image,
            frame=frame.frame,
            polygon=polygon_of(lesion.polygon),
            probability=lesion.probability,
            side=image.side,
            length_mm=lesion.largest_diameter_mm,
        )


def followed_bodies(
    scope: TrackingScope, image: SourceImage, frames: Sequence[record.FrameRecord]
) -> Iterator[FollowedBody]:
    """The ovary and the follicles followed through one file."""
    if not frames:
        return
    spacing = image.slice_spacing_mm if image.kind is MediaKind.VOLUME else None
    tracked = track_follicles([frame_findings(one) for one in frames], slice_spacing_mm=spacing)
    yield from _followed_ovary(scope, image, tracked)
    for number, one in enumerate(tracked.follicles):
        yield FollowedBody(
            identifier=scope.of_track(
                image=image.sop_instance_uid, number=number, side=image.side, shown_in=image.label
            ),
            kind=Outline.TRACKED_FOLLICLE,
            image=image,
            frames=one.frames,
            outlines=one.outlines,
            largest_in=one.largest_in,
            probability=one.probability,
            side=image.side,
            follicle_kind=one.kind,
            mean_diameter_mm=one.mean_diameter_mm,
            diameters_mm=one.diameters_mm,
            volume_ml=one.volume_ml,
        )


def _followed_ovary(
    scope: TrackingScope, image: SourceImage, tracked: TrackedFollicles
) -> Iterator[FollowedBody]:
    """The ovary in every frame in which it was followed."""
    ovary = tracked.ovary
    if ovary is None:
        return
    yield FollowedBody(
        identifier=scope.of_outline(
            Outline.OVARY,
            image=image.sop_instance_uid,
            frame=0,
            number=0,
            side=image.side,
            shown_in=image.label,
        ),
        kind=Outline.OVARY,
        image=image,
        frames=ovary.frames,
        outlines=ovary.outlines,
        largest_in=ovary.largest_in,
        probability=ovary.probability,
        side=image.side,
        diameters_mm=tracked.ovary_diameters_mm,
        volume_ml=tracked.ovary_volume_ml,
    )


def fullest(
    bodies: Iterable[FollowedBody | OutlinedBody],
) -> tuple[FollowedBody | OutlinedBody, ...]:
    """Of bodies in several pictures, those of the picture with the most."""
    by_picture: dict[tuple[str, int], list[FollowedBody | OutlinedBody]] = {}
    for body in bodies:
        frame = body.frame if isinstance(body, OutlinedBody) else 0
        by_picture.setdefault((body.image.sop_instance_uid, frame), []).append(body)
    found = sorted(by_picture.values(), key=len, reverse=True)
    return tuple(found[0]) if found else ()
