"""What is said of one study in every hospital format: measurements and outlines, identified.

Owns the step from an assessment and its images to a flat list of what was measured, each with
its identifier, so that a structured report, a segmentation, a FHIR bundle and an HL7 message
say the same of the same things. How each format says it is the business of its writer.

Everything is taken from the assessment document as it was published, rounding included: a result
sent tomorrow from the stored document is the result of today.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from deeppcos.clinical.ovary import Side
from deeppcos.records import assessment_document as record
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_frames import frame_findings, polygon_of
from deeppcos.records.codes import (
    CUBIC_CENTIMETRE,
    FNPO,
    FNPS,
    HEIGHT,
    LENGTH,
    MILLIMETRE,
    NO_UNITS,
    TRACKED_ESTIMATE,
    VOLUME,
    WIDTH,
    Code,
)
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.study_file import MediaKind
from deeppcos.records.tracking_identifiers import (
    Outline,
    Quantity,
    TrackingIdentifier,
    TrackingScope,
    scope_of,
)
from deeppcos.vision.findings import FollicleKind, Polygon
from deeppcos.vision.frame import ScaleSource
from deeppcos.vision.tracking import TrackedFollicles, track_follicles

QUANTITY_CODES: dict[Quantity, tuple[Code, Code]] = {
    Quantity.FNPS: (FNPS, NO_UNITS),
    Quantity.TRACKED_ESTIMATE: (TRACKED_ESTIMATE, NO_UNITS),
    Quantity.FNPO: (FNPO, NO_UNITS),
    Quantity.VOLUME: (VOLUME, CUBIC_CENTIMETRE),
    Quantity.LENGTH: (LENGTH, MILLIMETRE),
    Quantity.WIDTH: (WIDTH, MILLIMETRE),
    Quantity.THICKNESS: (HEIGHT, MILLIMETRE),
}
"""What each measurement of an ovary is called, and the unit its value is in."""


STATED_SCALES = frozenset({ScaleSource.DICOM_REGIONS, ScaleSource.VOLUME_SPACING})


@dataclass(frozen=True, slots=True, kw_only=True)
class SideMeasurement:
    """One number said of one ovary as a whole.

    Attributes:
        identifier: The same in every format.
        side: Left or right; None where no file states it.
        quantity: What was measured.
        value: In the unit of ``QUANTITY_CODES``.
        low: Lower end of the measurement interval, or None.
        high: Upper end, or None.
        method: How, in words.
        coverage: Part of the ovary that was shown, 0 to 1, of a tracked estimate.
        sources: The frames it was read from.
    """

    identifier: TrackingIdentifier
    side: Side | None
    quantity: Quantity
    value: float
    low: float | None = None
    high: float | None = None
    method: str = ""
    coverage: float | None = None
    sources: tuple[record.FrameReference, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultContent:
    """Everything there is to say of one study.

    Attributes:
        document: The assessment.
        scope: What its identifiers have in common.
        images: Its DICOM images.
        measured: Numbers of each ovary.
        outlined: Outlines in stills.
        followed: Ovaries and follicles followed through sweeps and volumes.
        left_out: What the objects cannot say, and why: pictures that are no DICOM image.
    """

    document: AssessmentDocument
    scope: TrackingScope
    images: tuple[SourceImage, ...]
    measured: tuple[SideMeasurement, ...]
    outlined: tuple[OutlinedBody, ...]
    followed: tuple[FollowedBody, ...]
    left_out: tuple[str, ...] = ()

    def image_of(self, source: str) -> SourceImage | None:
        """The DICOM image of a file the assessment names; None for other files."""
        return next((image for image in self.images if image.source == source), None)

    def stated_spacing_mm(self, image: SourceImage) -> tuple[float, float] | None:
        """Distance between rows and columns where the header states one for all frames.

        A scale read from a burned-in ruler stays out: other systems would measure with it
        without knowing where it came from.
        """
        scales = [one.mm_per_pixel for one in self.document.frames if one.source == image.source]
        found = {
            (scale.y, scale.x) if scale and scale.source in STATED_SCALES else None
            for scale in scales
        }
        return found.pop() if len(found) == 1 else None

    @property
    def sides(self) -> tuple[Side | None, ...]:
        """Sides of which anything was measured: left, right, unknown."""
        there = {one.side for one in self.measured}
        return tuple(side for side in (Side.LEFT, Side.RIGHT, None) if side in there)

    def follicles_of(self, side: Side | None) -> tuple[FollowedBody | OutlinedBody, ...]:
        """The follicles to list for one ovary, each once.

        Those followed through the sweep or volume with the most of them; where nothing was
        followed, those of the section with the most of them, which is never a whole ovary.
        """
        return _fullest(
            one
            for one in self.followed
            if one.side is side and one.kind is Outline.TRACKED_FOLLICLE
        ) or _fullest(
            one for one in self.outlined if one.side is side and one.kind is Outline.FOLLICLE
        )


def result_content(
    document: AssessmentDocument, images: Iterable[SourceImage] = ()
) -> ResultContent:
    """Gather what is to be said of a study.

    Args:
        document: The assessment.
        images: Its DICOM images, all of one study (``dicom_source.refuse_mixed``); other
            pictures count for the measurements and have no outlines here.

    Returns:
        The content, the same each time.
    """
    every = tuple(images)
    uids = {image.study_instance_uid for image in every}
    scope = scope_of(document, study_instance_uid=min(uids) if uids else None)
    outlined: list[OutlinedBody] = []
    followed: list[FollowedBody] = []
    for image in every:
        frames = [one for one in document.frames if one.source == image.source]
        if image.kind is MediaKind.STILL:
            outlined += (body for frame in frames for body in _outlined(scope, image, frame))
        else:
            followed += _followed(scope, image, frames)
    known = {image.source for image in every}
    others = dict.fromkeys(one.source for one in document.frames if one.source not in known)
    return ResultContent(
        document=document,
        scope=scope,
        images=every,
        measured=tuple(side_measurements(document, scope)),
        outlined=tuple(outlined),
        followed=tuple(followed),
        left_out=tuple(
            f"{source}: is no DICOM image, so nothing refers to it" for source in others
        ),
    )


def side_measurements(
    document: AssessmentDocument, scope: TrackingScope
) -> Iterator[SideMeasurement]:
    """The numbers of each ovary, with identifiers.

    Args:
        document: The assessment.
        scope: What the identifiers have in common.

    Yields:
        Left, right, then side unknown; only what is known.
    """
    measurements = document.measurements
    for side, values in (
        (Side.LEFT, measurements.left),
        (Side.RIGHT, measurements.right),
        (None, measurements.side_unknown),
    ):
        if values is not None:
            yield from _of_side(side, values, scope)


def _of_side(
    side: Side | None, values: record.SideMeasurements, scope: TrackingScope
) -> Iterator[SideMeasurement]:
    """What is known of one ovary."""
    for quantity, stated in (
        (Quantity.FNPS, values.fnps),
        (Quantity.TRACKED_ESTIMATE, values.tracked_estimate),
        (Quantity.FNPO, values.fnpo),
        (Quantity.VOLUME, values.volume_ml),
    ):
        if stated.value is not None:
            yield SideMeasurement(
                identifier=scope.of_side(side, quantity),
                side=side,
                quantity=quantity,
                value=stated.value,
                low=stated.low,
                high=stated.high,
                method=stated.method or "",
                coverage=getattr(stated, "coverage", None),
                sources=tuple(stated.sources),
            )
    for quantity, length_mm in (
        (Quantity.LENGTH, values.length_mm),
        (Quantity.WIDTH, values.width_mm),
        (Quantity.THICKNESS, values.thickness_mm),
    ):
        if length_mm is not None:
            yield SideMeasurement(
                identifier=scope.of_side(side, quantity),
                side=side,
                quantity=quantity,
                value=length_mm,
                method="largest section with a scale",
            )


def _outlined(
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


def _followed(
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


def _fullest(
    bodies: Iterable[FollowedBody | OutlinedBody],
) -> tuple[FollowedBody | OutlinedBody, ...]:
    """Of bodies in several pictures, those of the picture with the most."""
    by_picture: dict[tuple[str, int], list[FollowedBody | OutlinedBody]] = {}
    for body in bodies:
        frame = body.frame if isinstance(body, OutlinedBody) else 0
        by_picture.setdefault((body.image.sop_instance_uid, frame), []).append(body)
    found = sorted(by_picture.values(), key=len, reverse=True)
    return tuple(found[0]) if found else ()
