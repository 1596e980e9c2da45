"""What is said of one study in every hospital format: measurements and outlines, identified.

Owns the step from an assessment and its images to one list of what there is to say, so that a
structured report, a segmentation, a FHIR bundle and an HL7 message say the same of the same
things. How each format says it is the business of its writer; the numbers of an ovary are in
``result_sides``, outlines in ``result_outlines``.

Everything is taken from the assessment document as it was published, rounding included: a result
sent tomorrow from the stored document is the result of today.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from deeppcos.clinical.ovary import Side
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.result_outlines import (
    FollowedBody,
    OutlinedBody,
    followed_bodies,
    fullest,
    outlined_bodies,
)
from deeppcos.records.result_sides import SideMeasurement, side_measurements
from deeppcos.records.study_file import MediaKind
from deeppcos.records.tracking_identifiers import Outline, TrackingScope, scope_of
from deeppcos.vision.frame import ScaleSource

STATED_SCALES = frozenset({ScaleSource.DICOM_REGIONS, ScaleSource.VOLUME_SPACING})


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
        return fullest(
            one
            for one in self.followed
            if one.side is side and one.kind is Outline.TRACKED_FOLLICLE
        ) or fullest(
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
            outlined += (body for frame in frames for body in outlined_bodies(scope, image, frame))
        else:
            followed += followed_bodies(scope, image, frames)
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
