"""Finished readings of a study as ``deeppcos.reviewed/1`` holds them, frame by frame.

Owns what counts as a finished reading and what a frame without marks means. A second reading or
an adjudication is finished by its reader, a review by the signature. Whose account was closed
keeps her finished readings; what she left unfinished counts for nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from deeppcos.app.desk.marks.edits import DoesNotFit
from deeppcos.app.desk.marks.mark import (
    FOLLICLES,
    FrameMarks,
    FramePlace,
    Mark,
    MarkKind,
    RemarkKind,
)
from deeppcos.app.web.learning.pseudonyms import Pseudonyms
from deeppcos.app.web.models import Assessment, Image, ImageKind, MarkSet, Purpose, Study, User
from deeppcos.app.web.viewer.reading import StudyReading, edited_frames, starting_marks
from deeppcos.learning.feedback.conflicts import conflict_between
from deeppcos.learning.sources.reviewed_document import Outline, Reading

UNNAMED_RELEASE = "a release without a name"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedReading:
    """One person's finished reading of one study.

    Attributes:
        study: The study.
        base: The machine's assessment it started from.
        mark_set: Her marks; None where she signed the machine's as they were.
        reader: Who read.
        role: What she was at the site.
        purpose: Why.
        finished_at: When.
        machine_first: Whether the machine's marks were seen before the first correction.
        release_shown: Release whose marks were seen; empty when none were.
        until: Version of the marks that counts; None for all.
        seconds: Time at the pictures; None where none was measured.
    """

    study: Study
    base: Assessment
    mark_set: MarkSet | None
    reader: User
    role: str
    purpose: Purpose
    finished_at: datetime
    machine_first: bool
    release_shown: str
    until: int | None
    seconds: float | None

    @property
    def as_read(self) -> StudyReading:
        """The reading as the viewer takes it."""
        return StudyReading(
            study=self.study,
            base=self.base,
            mark_set=self.mark_set,
            purpose=self.purpose,
            is_blinded=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPicture:
    """One frame and what everybody who finished said of it.

    Attributes:
        image: The file.
        frame: Number of the frame.
        readings: Readings, with pseudonyms.
        conflict: Why a person must look; empty where nothing is to settle.
    """

    image: Image
    frame: int
    readings: tuple[Reading, ...]
    conflict: str

    @property
    def place(self) -> FramePlace:
        """Picture and frame, as marks are kept under."""
        return str(self.image.pk), self.frame


def finished_readings(study: Study) -> Iterator[FinishedReading]:
    """Every finished reading of a study.

    Args:
        study: The study.

    Yields:
        The review, where it is signed, then the others in the order they were finished.
    """
    yield from _signed_review(study)
    others = study.mark_sets.filter(finished_at__isnull=False).exclude(purpose=Purpose.REVIEW)
    for marks in others.select_related("base", "reader").order_by("finished_at"):
        yield FinishedReading(
            study=study,
            base=marks.base,
            mark_set=marks,
            reader=marks.reader,
            role=marks.reader_role,
            purpose=Purpose(marks.purpose),
            finished_at=marks.finished_at or marks.started_at,
            machine_first=marks.machine_shown_first,
            release_shown=_release(marks.machine_shown_first, marks.release_shown, marks.base),
            until=None,
            seconds=marks.seconds_at_work or marks.seconds_spent or None,
        )


def _signed_review(study: Study) -> Iterator[FinishedReading]:
    """The draft as it was last signed; a signature on unseen pictures is no reading."""
    report = study.reports.select_related("assessment__marks__reader", "signer").last()
    if report is None:
        return
    signed, marks = report.assessment, report.assessment.marks
    if marks is None:
        sittings = signed.sittings.filter(purpose=Purpose.REVIEW, seconds__gt=0)
        first = sittings.select_related("reader").first()
        if first is None:
            return
        seen = first.machine_shown_first
        yield FinishedReading(
            study=study,
            base=signed,
            mark_set=None,
            reader=first.reader,
            role=first.reader_role,
            purpose=Purpose.REVIEW,
            finished_at=report.signed_at,
            machine_first=seen,
            release_shown=_release(seen, first.release_shown, signed),
            until=None,
            seconds=sittings.aggregate(all=Sum("seconds"))["all"],
        )
        return
    yield FinishedReading(
        study=study,
        base=marks.base,
        mark_set=marks,
        reader=marks.reader,
        role=marks.reader_role,
        purpose=Purpose.REVIEW,
        finished_at=report.signed_at,
        machine_first=marks.machine_shown_first,
        release_shown=_release(marks.machine_shown_first, marks.release_shown, marks.base),
        until=signed.marks_version,
        seconds=marks.seconds_at_work or marks.seconds_spent or None,
    )


def _release(was_shown: bool, said: str, base: Assessment) -> str:
    """The release that was shown; that one was shown is never lost for want of its name."""
    return (said or base.release or UNNAMED_RELEASE) if was_shown else ""


def frames_of(finished: FinishedReading) -> dict[FramePlace, FrameMarks]:
    """Every frame a reading says something of.

    Args:
        finished: The reading.

    Returns:
        Frames with corrections; for a review also every still, whose marks were let stand. A
        frame of a sweep that nobody touched was perhaps never looked at, and is left out.
    """
    reading = finished.as_read
    states = edited_frames(reading, until=finished.until) if finished.mark_set else {}
    if finished.purpose == Purpose.REVIEW:
        before = starting_marks(reading)
        for image in finished.study.images.filter(kind=ImageKind.STILL, is_ready=True):
            place = (str(image.pk), 0)
            if place not in states and before(place).marks:
                states[place] = before(place)
    return states


def read_pictures(study: Study, names: Pseudonyms) -> list[ReadPicture]:
    """What was read of a study, frame by frame.

    Args:
        study: The study.
        names: Pseudonyms of its readers.

    Returns:
        Frames that somebody finished reading, in the order of the study. A reading whose log
        contradicts itself says nothing.
    """
    images = {str(one.pk): one for one in study.images.all()}
    said: dict[FramePlace, list[Reading]] = {}
    disputed: set[FramePlace] = set()
    for finished in finished_readings(study):
        try:
            frames = frames_of(finished)
        except DoesNotFit:
            continue
        for place, marks in frames.items():
            reading = reading_of(marks, finished, names, images.get(place[0]))
            if reading is not None:
                said.setdefault(place, []).append(reading)
            if any(r.kind is RemarkKind.LABEL_DISPUTE for r in marks.remarks.values()):
                disputed.add(place)
    order = {key: number for number, key in enumerate(images)}
    return [
        ReadPicture(
            image=images[place[0]],
            frame=place[1],
            readings=tuple(said[place]),
            conflict=conflict_between(said[place], is_disputed=place in disputed),
        )
        for place in sorted(said, key=lambda place: (order[place[0]], place[1]))
    ]


def reading_of(
    marks: FrameMarks, finished: FinishedReading, names: Pseudonyms, image: Image | None
) -> Reading | None:
    """One frame of one reading; None where nothing was said.

    Args:
        marks: What stands on the frame.
        finished: Whose it is.
        names: Pseudonyms.
        image: The file; None where it is no longer there.

    Returns:
        The reading. Who starts from nothing and leaves nothing has not said that nothing is
        there.
    """
    if image is None or not image.width or not image.height:
        return None
    every = list(marks.marks.values())
    cannot = any(r.kind is RemarkKind.NOT_ASSESSABLE for r in marks.remarks.values())
    starts_empty = finished.as_read.starts_empty
    if not every and not marks.remarks and starts_empty:
        return None
    ovaries = _outlines(every, frozenset({MarkKind.OVARY}), image)
    follicles = _outlines(every, FOLLICLES, image)
    lesions = _outlines(every, frozenset({MarkKind.CYST}), image)
    saw_all = not starts_empty or finished.purpose == Purpose.ADJUDICATION
    shows = "ovary" if ovaries or follicles else "lesion" if lesions else "neither"
    return Reading(
        reader=names.reader(
            finished.reader, is_adjudicator=finished.purpose == Purpose.ADJUDICATION
        ),
        is_clinician="clinician" in finished.role if finished.role else None,
        read_at=finished.finished_at,
        release_shown=finished.release_shown or None,
        shows="not_assessable" if cannot else shows,  # type: ignore[arg-type]
        ovaries=None if cannot else ovaries if ovaries or saw_all else None,
        follicles=None if cannot else follicles if ovaries or follicles or saw_all else None,
        lesions=None if cannot else lesions if lesions or saw_all else None,
    )


def _outlines(marks: list[Mark], kinds: frozenset[MarkKind], image: Image) -> list[Outline]:
    """Outlines of some kinds, inside the picture."""
    return [
        Outline(
            polygon=[
                (
                    min(max(x, 0.0), (image.width or 1) - 1.0),
                    min(max(y, 0.0), (image.height or 1) - 1.0),
                )
                for x, y in mark.polygon
            ],
            certainty="maybe" if mark.is_doubtful else "sure",
        )
        for mark in marks
        if mark.kind in kinds
    ]
