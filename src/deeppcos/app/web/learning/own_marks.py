"""The adjudicator's own mark set: readings she takes over, and what she draws in the viewer.

Owns the rows. Everything in it is an edit like any other: taking over a reading adds its outlines,
choosing another takes them away again, and nothing is ever overwritten.
"""

from collections.abc import Sequence
from typing import Literal
from uuid import uuid4

from django.db.models import F
from django.utils import timezone

from deeppcos.app.desk.marks.edits import Delta
from deeppcos.app.desk.marks.edits import Edit as MarkEdit
from deeppcos.app.desk.marks.mark import (
    FOLLICLES,
    FrameMarks,
    FramePlace,
    Mark,
    MarkKind,
    Remark,
    RemarkKind,
    kind_by_size,
)
from deeppcos.app.desk.marks.wire import MOST_CORNERS, edit_json
from deeppcos.app.web.learning.gathering import ReadPicture
from deeppcos.app.web.models import Edit, Image, MarkSet, Purpose, Study, User
from deeppcos.app.web.viewer.keeping import role_at
from deeppcos.app.web.viewer.reading import edited_frames, reading_for
from deeppcos.errors import InvalidInput
from deeppcos.learning.sources.reviewed_document import Outline, Reading
from deeppcos.vision.findings import Polygon
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.geometry import simplified

NOTHING_HERE = "settled: nothing to outline here"


def mark_set_of(study: Study, user: User, *, release_shown: str = "") -> MarkSet:
    """Her mark set, made now where there is none, and held until the end of the transaction.

    Args:
        study: The study.
        user: Who settles.
        release_shown: Release whose marks swayed a reading she takes over: not forgotten.

    Raises:
        InvalidInput: If the study was not analysed.
    """
    base = study.assessments.filter(marks__isnull=True).order_by("-number").first()
    if base is None:
        raise InvalidInput("the study has not been analysed yet", remedy="wait for the analysis")
    there, _ = MarkSet.objects.get_or_create(
        base=base,
        purpose=Purpose.ADJUDICATION,
        reader=user,
        defaults={
            "study": study,
            "reader_role": role_at(user, study),
            "base_release": base.release,
            "is_blinded": True,
            "machine_shown_first": False,
            "release_shown": "",
        },
    )
    # Corrections of a viewer that is still open wait, or are refused once it is finished.
    marks = MarkSet.objects.select_for_update().get(pk=there.pk)
    if release_shown and not marks.machine_shown_first:
        marks.machine_shown_first, marks.release_shown = True, release_shown
        marks.save(update_fields=["machine_shown_first", "release_shown"])
    return marks


def drawn_frames(marks: MarkSet) -> dict[FramePlace, FrameMarks]:
    """What stands in a mark set, frame by frame.

    Args:
        marks: Of an adjudication.
    """
    return edited_frames(reading_for(marks.study, marks.reader, Purpose.ADJUDICATION))


def begun_by(study: Study, user: User) -> dict[FramePlace, FrameMarks]:
    """What a person has drawn so far and not settled; empty where she has not begun.

    Args:
        study: The study.
        user: The adjudicator.
    """
    reading = reading_for(study, user, Purpose.ADJUDICATION)
    if reading.mark_set is None or reading.mark_set.finished_at is not None:
        return {}
    return {place: one for place, one in edited_frames(reading).items() if one.marks or one.remarks}


def refuse_undrawn(standing: FrameMarks) -> None:
    """Refuse a drawing of nothing.

    Raises:
        InvalidInput: If neither mark nor remark stands.
    """
    if not standing.marks and not standing.remarks:
        raise InvalidInput(
            "you have drawn nothing on a picture",
            accepted="an outline, or a remark",
            remedy="draw it, or choose something else",
        )


def adopt(
    marks: MarkSet,
    user: User,
    read: ReadPicture,
    reading: Reading | None,
    *,
    standing: FrameMarks,
) -> None:
    """Put a reading in the place of whatever stands on a picture.

    Args:
        marks: Her mark set.
        user: She.
        read: The picture.
        reading: What is taken over; None: nobody can judge it.
        standing: What she had drawn there.
    """
    gone = (*standing.marks, *standing.remarks)
    edits = [_edit(read, Delta.EXTRA, marks, removes=gone)] if gone else []
    edits.append(_taken_over(read, reading, marks))
    keep(marks, user, edits, read.image)


def clear(marks: MarkSet, user: User, read: ReadPicture, *, standing: FrameMarks) -> None:
    """Take away whatever stands on a picture, to begin from nothing.

    Args:
        marks: Her mark set.
        user: She.
        read: The picture.
        standing: What she had drawn there.
    """
    gone = (*standing.marks, *standing.remarks)
    if gone:
        keep(marks, user, [_edit(read, Delta.EXTRA, marks, removes=gone)], read.image)


def keep(marks: MarkSet, user: User, edits: Sequence[MarkEdit], image: Image) -> None:
    """Add edits to the log of a mark set.

    Args:
        marks: The mark set; its version goes up.
        user: Who.
        edits: In order.
        image: The picture they are of.
    """
    for number, edit in enumerate(edits, start=marks.version + 1):
        Edit.objects.create(
            mark_set=marks,
            reader=user,
            reader_role=marks.reader_role,
            number=number,
            client_id=edit.id,
            kind=edit.delta.value,
            image=image,
            frame=edit.frame,
            content=edit_json(edit),
            made_at=edit.at,
        )
    MarkSet.objects.filter(pk=marks.pk).update(version=F("version") + len(edits))
    marks.refresh_from_db(fields=["version"])


def _taken_over(read: ReadPicture, reading: Reading | None, marks: MarkSet) -> MarkEdit:
    """A reading as one edit."""
    if reading is None or reading.shows == "not_assessable":
        return _edit(read, Delta.NOT_ASSESSABLE, marks, says=(RemarkKind.NOT_ASSESSABLE, ""))
    adds = tuple(_marks(reading, read.image))
    if not adds:
        return _edit(
            read, Delta.LABEL_DISPUTE, marks, says=(RemarkKind.LABEL_DISPUTE, NOTHING_HERE)
        )
    return _edit(read, Delta.MISSED, marks, adds=adds)


def _edit(
    read: ReadPicture,
    delta: Delta,
    marks: MarkSet,
    *,
    removes: tuple[str, ...] = (),
    adds: tuple[Mark, ...] = (),
    says: tuple[RemarkKind, str] | None = None,
) -> MarkEdit:
    """One edit of a picture, made now."""
    remarks = () if says is None else (Remark(id=f"r{uuid4()}", kind=says[0], text=says[1]),)
    return MarkEdit(
        id=str(uuid4()),
        delta=delta,
        picture=str(read.image.pk),
        frame=read.frame,
        removes=removes,
        adds=adds,
        remarks=remarks,
        seconds=0.0,
        at=timezone.now(),
        machine_marks_seen=bool(marks.release_shown),
        release=marks.release_shown,
    )


def _marks(reading: Reading, image: Image) -> Sequence[Mark]:
    """Outlines of a reading as marks."""
    scale = _scale(image)
    kinds = [
        *((one, MarkKind.OVARY) for one in reading.ovaries or []),
        *((one, kind_by_size(_polygon(one), scale)) for one in reading.follicles or []),
        *((one, MarkKind.CYST) for one in reading.lesions or []),
    ]
    return [
        Mark(
            id=f"a{uuid4()}",
            kind=kind,
            polygon=_polygon(outline),
            is_doubtful=outline.certainty == "maybe",
        )
        for outline, kind in kinds
    ]


def _polygon(outline: Outline) -> Polygon:
    corners = tuple((x, y) for x, y in outline.polygon)
    # An outline of the machine may have more corners than a stored edit may hold.
    kept = corners if len(corners) <= MOST_CORNERS else simplified(corners, within_px=0.5)
    return tuple((round(x, 2), round(y, 2)) for x, y in kept)


def _scale(image: Image) -> MmPerPixel | None:
    if not image.mm_per_pixel_x or not image.mm_per_pixel_y:
        return None
    source = ScaleSource(image.scale_source or ScaleSource.DICOM_REGIONS)
    return MmPerPixel(x=image.mm_per_pixel_x, y=image.mm_per_pixel_y, source=source)


Kind = Literal["ovary", "follicle", "lesion"]


def shapes(reading: Reading) -> list[tuple[Kind, bool, str]]:
    """Outlines as a drawing takes them: kind, whether doubtful, points."""
    kinds: tuple[tuple[Kind, list[Outline] | None], ...] = (
        ("ovary", reading.ovaries),
        ("follicle", reading.follicles),
        ("lesion", reading.lesions),
    )
    return [
        (kind, one.certainty == "maybe", " ".join(f"{x:.1f},{y:.1f}" for x, y in one.polygon))
        for kind, outlines in kinds
        for one in outlines or []
    ]


def shapes_of_marks(standing: FrameMarks) -> list[tuple[Kind, bool, str]]:
    """What she drew, as a drawing takes it.

    Args:
        standing: Her marks on a frame.
    """
    found = []
    for mark in standing.marks.values():
        kind: Kind = (
            "ovary"
            if mark.kind is MarkKind.OVARY
            else "follicle"
            if mark.kind in FOLLICLES
            else "lesion"
        )
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.polygon)
        found.append((kind, mark.is_doubtful, points))
    return found
