"""One person's reading of a study: which pictures, which marks to start from, what was corrected.

Owns bringing stored rows to the records of ``deeppcos.app.desk.marks``, and what a blinded
reader is given: neither the machine's marks nor another reader's leave this module for her.
Storing corrections is the business of ``keeping``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from deeppcos.app.desk.marks.edits import Before, KeptEdit, folded
from deeppcos.app.desk.marks.mark import FrameMarks, FramePlace, machine_marks
from deeppcos.app.desk.marks.measures import PictureFindings
from deeppcos.app.desk.marks.wire import stored_edit
from deeppcos.app.web.models import (
    Assessment,
    Edit,
    Image,
    ImageKind,
    MarkSet,
    Purpose,
    Study,
    User,
)
from deeppcos.clinical.ovary import Side
from deeppcos.records.assessment_frames import frame_findings
from deeppcos.records.assessment_json import document_from_dict
from deeppcos.records.study_file import MediaKind
from deeppcos.vision.findings import FrameFindings
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.study_measurements import SectionPlane

MEDIA = {
    ImageKind.STILL: MediaKind.STILL,
    ImageKind.SWEEP: MediaKind.CINE,
    ImageKind.VOLUME: MediaKind.VOLUME,
}
NO_MARKS = FrameMarks()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReading:
    """A study as one person reads it.

    Attributes:
        study: The study.
        base: The machine's assessment the reading started from; None before any.
        mark_set: The reader's marks so far; None before the first correction.
        purpose: Why she reads.
        is_blinded: Whether the machine's and others' marks are kept from her.
    """

    study: Study
    base: Assessment | None
    mark_set: MarkSet | None
    purpose: Purpose
    is_blinded: bool

    @property
    def version(self) -> int:
        """Corrections kept so far."""
        return self.mark_set.version if self.mark_set else 0

    @property
    def starts_empty(self) -> bool:
        """Whether it starts from nothing rather than from the machine's marks."""
        return self.purpose != Purpose.REVIEW


def reading_for(study: Study, user: User, purpose: Purpose) -> StudyReading:
    """The reading a person has of a study, for a purpose.

    Args:
        study: The study.
        user: Who reads.
        purpose: Why; a review is the draft all people of the study share.

    Returns:
        The reading; without a mark set before the first correction.
    """
    own = study.mark_sets.filter(purpose=purpose).select_related("base")
    if purpose != Purpose.REVIEW:
        own = own.filter(reader=user)
    mark_set = own.order_by("-base__number").first()
    machines = study.assessments.filter(marks__isnull=True).order_by("-number").first()
    # Corrections are never left behind: a draft with some stays with what it corrects.
    keeps = mark_set is not None and (mark_set.version > 0 or purpose != Purpose.REVIEW)
    if mark_set is not None and not keeps and mark_set.base_id != getattr(machines, "pk", None):
        mark_set = None
    return StudyReading(
        study=study,
        base=mark_set.base if mark_set else machines,
        mark_set=mark_set,
        purpose=purpose,
        is_blinded=bool(mark_set and mark_set.is_blinded and mark_set.finished_at is None),
    )


def open_blinded_reading(study: Study, user: User) -> MarkSet | None:
    """The second reading a person has begun and not finished; until then she sees nothing else."""
    return study.mark_sets.filter(
        purpose=Purpose.SECOND_READING, reader=user, is_blinded=True, finished_at__isnull=True
    ).first()


def pictures_of(study: Study) -> list[Image]:
    """Every file of a study that counts, in the order they are shown; no withdrawn one."""
    return list(study.images.all())


@lru_cache(maxsize=16)
def _machine_findings(assessment_id: UUID) -> Mapping[tuple[str, int], FrameFindings]:
    """Findings by file name and frame; an assessment never changes, so they may be kept."""
    assessment = Assessment.objects.get(pk=assessment_id)
    document = document_from_dict(assessment.document)
    return {(one.source, one.frame): frame_findings(one) for one in document.frames}


def _machine_says(reading: StudyReading, image: Image) -> Mapping[tuple[str, int], FrameFindings]:
    """The machine's findings that hold a file: of the base, else of another that looked at it.

    A file that was added, or withdrawn and put back, after a draft was begun is not in its base.
    Only the release of the base speaks: two machines never share a reading.
    """
    if reading.base is None:
        return {}
    known = _machine_findings(reading.base.pk)
    if (image.name, 0) in known or not image.is_ready:
        return known
    others = reading.study.assessments.filter(marks__isnull=True, release=reading.base.release)
    for key in others.order_by("-number").values_list("pk", flat=True):
        if (image.name, 0) in _machine_findings(key):
            return _machine_findings(key)
    return known


def has_been_looked_at(reading: StudyReading, image: Image) -> bool:
    """Whether the machine's findings of a reading hold a file."""
    return (image.name, 0) in _machine_says(reading, image)


def findings(reading: StudyReading, image: Image) -> tuple[FrameFindings, ...]:
    """The findings a reading starts from, for every frame of a file.

    A reading that starts from nothing is given scale and size of each frame and no outline.
    """
    known = _machine_says(reading, image)
    return tuple(
        _emptied(found) if reading.starts_empty else found
        for frame in range(image.frame_count or 0)
        for found in [known.get((image.name, frame)) or _blank(image, frame)]
    )


def _emptied(found: FrameFindings) -> FrameFindings:
    return FrameFindings(
        source=found.source,
        frame=found.frame,
        width=found.width,
        height=found.height,
        mm_per_pixel=found.mm_per_pixel,
        scale_problem=found.scale_problem,
        is_assessable=False,
        not_assessable_because=(),
        ovaries=(),
        lesions=(),
        burned_in_graphics=(),
    )


def _blank(image: Image, frame: int) -> FrameFindings:
    """A frame the machine has not looked at."""
    scale = None
    if image.mm_per_pixel_x and image.mm_per_pixel_y:
        source = ScaleSource(image.scale_source or ScaleSource.DICOM_REGIONS)
        scale = MmPerPixel(x=image.mm_per_pixel_x, y=image.mm_per_pixel_y, source=source)
    return FrameFindings(
        source=image.name,
        frame=frame,
        width=image.width or 1,
        height=image.height or 1,
        mm_per_pixel=scale,
        scale_problem="" if scale else "the file states no pixel size",
        is_assessable=False,
        not_assessable_because=("the machine has not looked at this frame",),
        ovaries=(),
        lesions=(),
        burned_in_graphics=(),
    )


def starting_marks(reading: StudyReading) -> Before:
    """The marks a reading starts from, frame by frame."""
    images = {str(image.pk): image for image in pictures_of(reading.study)}
    known: dict[str, tuple[FrameFindings, ...]] = {}

    def before(place: FramePlace) -> FrameMarks:
        key, frame = place
        image = images.get(key)
        if reading.starts_empty or image is None:
            return NO_MARKS
        if key not in known:
            known[key] = findings(reading, image)
        frames = known[key]
        return machine_marks(frames[frame], picture=key) if frame < len(frames) else NO_MARKS

    return before


def log_of(mark_set: MarkSet | None, *, since: int = 0, until: int | None = None) -> list[KeptEdit]:
    """The corrections of a mark set, oldest first.

    Args:
        mark_set: The mark set, or None.
        since: Only those after this version.
        until: Only those up to this version; None for all.
    """
    if mark_set is None:
        return []
    rows = mark_set.edits.select_related("reader").filter(number__gt=since)
    if until is not None:
        rows = rows.filter(number__lte=until)
    return [kept_edit(row) for row in rows.order_by("number")]


def kept_edit(row: Edit) -> KeptEdit:
    """A stored correction as the desk takes it."""
    return KeptEdit(
        number=row.number,
        reader=row.reader.get_full_name(),
        role=row.reader_role,
        received=row.received_at,
        edit=stored_edit(row.content),
    )


def edited_frames(
    reading: StudyReading, *, until: int | None = None
) -> dict[FramePlace, FrameMarks]:
    """The frames a reading changed, as they stand at a version; none of a withdrawn file."""
    standing = {str(image.pk) for image in pictures_of(reading.study)}
    log = (kept.edit for kept in log_of(reading.mark_set, until=until))
    return folded(starting_marks(reading), (edit for edit in log if edit.picture in standing))


def picture_findings(reading: StudyReading) -> tuple[PictureFindings, ...]:
    """Every readable file of the study as it is measured."""
    return tuple(
        PictureFindings(
            key=str(image.pk),
            source=image.name,
            kind=MEDIA[ImageKind(image.kind)],
            side=Side(image.side) if image.side else None,
            plane=SectionPlane(image.section_plane)
            if image.section_plane
            else SectionPlane.UNKNOWN,
            slice_spacing_mm=image.slice_spacing_mm,
            frames=findings(reading, image),
        )
        for image in pictures_of(reading.study)
        if image.kind and image.frame_count
    )
