"""Readings that contradict each other, laid side by side without names, and settled by a third.

Owns who may settle and what is kept. Whoever read a study herself cannot settle it; what she sees
says neither who read nor who had seen the machine's marks. A settlement is an edit like any other:
it is kept in the log of a mark set of its own, and no reading is changed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from deeppcos.app.desk.marks.edits import Delta
from deeppcos.app.desk.marks.edits import Edit as MarkEdit
from deeppcos.app.desk.marks.mark import Mark, MarkKind, Remark, RemarkKind, kind_by_size
from deeppcos.app.desk.marks.wire import MOST_CORNERS, edit_json
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, sites_with, visible_studies
from deeppcos.app.web.learning.gathering import ReadPicture, read_pictures
from deeppcos.app.web.learning.pseudonyms import Pseudonyms
from deeppcos.app.web.models import Edit, Image, MarkSet, Purpose, Study, User
from deeppcos.app.web.viewer.keeping import role_at
from deeppcos.errors import InvalidInput
from deeppcos.learning.feedback.consensus import consensus_of
from deeppcos.learning.sources.reviewed_document import Outline, Reading
from deeppcos.vision.findings import Polygon
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.geometry import simplified

MOST_LOOKED_AT = 300
TOGETHER, NOT_ASSESSABLE = "together", "not_assessable"
OF_TWO = 2
NOTHING_HERE = "settled: nothing to outline here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What may be chosen for a picture.

    Attributes:
        key: What the form sends: a letter, or ``together``.
        reading: What it says.
    """

    key: str
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One picture to settle.

    Attributes:
        read: The picture and its readings.
        alternatives: Readings in an order that says nothing, then what most share.
        seal: Of exactly these readings: another reading in between makes it another case.
    """

    read: ReadPicture
    alternatives: tuple[Alternative, ...]
    seal: str

    @property
    def key(self) -> str:
        """Picture and frame, as the form names them."""
        return f"{self.read.image.pk}:{self.read.frame}"


def studies_to_settle(user: User, names: Pseudonyms) -> list[tuple[Study, list[Case]]]:
    """Studies this person may settle, with their contradictions.

    Args:
        user: Who would settle.
        names: Pseudonyms.

    Returns:
        Studies, newest first; those she read herself are left out.
    """
    finished = Q(mark_sets__finished_at__isnull=False)
    studies = (
        visible_studies(user, Right.SIGN)
        .annotate(finished=Count("mark_sets", filter=finished, distinct=True))
        .filter(finished__gt=0)
        .exclude(mark_sets__purpose=Purpose.ADJUDICATION, mark_sets__finished_at__isnull=False)
        .select_related("patient", "site")
        .order_by("-arrived_at")[:MOST_LOOKED_AT]
    )
    found = ((study, cases_of(study, names)) for study in studies if not has_read(study, user))
    return [(study, cases) for study, cases in found if cases]


def has_read(study: Study, user: User) -> bool:
    """Whether a person took part in any reading of a study other than an adjudication."""
    own = study.mark_sets.exclude(purpose=Purpose.ADJUDICATION)
    return (
        own.filter(Q(reader=user) | Q(edits__reader=user)).exists()
        or study.reports.filter(signer=user).exists()
    )


def cases_of(study: Study, names: Pseudonyms) -> list[Case]:
    """The contradictions of a study that nobody has settled."""
    return [_case(study, one) for one in read_pictures(study, names) if one.conflict]


def _case(study: Study, read: ReadPicture) -> Case:
    seal = _digest(study.pk, *(one.model_dump_json() for one in read.readings))
    # An order by the seal is the same at every look, and says nothing of who or when.
    shuffled = sorted(read.readings, key=lambda one: _digest(seal, one.reader))
    alternatives = [
        Alternative(key="ABCDEFGHIJ"[n], reading=one) for n, one in enumerate(shuffled[:10])
    ]
    # Of two who differ nothing is shared by most: offering a mixture would invent a third reading.
    together = consensus_of(read.readings) if len(read.readings) > OF_TWO else None
    if together is not None:
        alternatives.append(Alternative(key=TOGETHER, reading=together))
    return Case(read=read, alternatives=tuple(alternatives), seal=seal)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def refuse_unfit(study: Study, user: User) -> None:
    """Refuse who may not settle a study.

    Raises:
        PermissionDenied: Without the right to sign at the study's site.
        InvalidInput: If the person read it herself.
    """
    if study.site_id not in sites_with(user, Right.SIGN):
        raise PermissionDenied
    if has_read(study, user):
        raise InvalidInput(
            "you read this study yourself",
            accepted="somebody who has neither read nor signed it",
            remedy="ask a colleague to settle it",
        )


def settle(
    study: Study, user: User, choices: Mapping[str, tuple[str, str]], names: Pseudonyms
) -> MarkSet:
    """Settle every contradiction of a study at once.

    Args:
        study: The study.
        user: Who settles.
        choices: Picture and frame to what was chosen and the seal that was looked at.
        names: Pseudonyms.

    Returns:
        The mark set of the adjudication.

    Raises:
        InvalidInput: If a picture is left out, somebody was quicker, or a reading came in between.
    """
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        refuse_unfit(now, user)
        cases = cases_of(now, names)
        if not cases:
            raise InvalidInput("nothing is left to settle", remedy="somebody was quicker")
        settled = [_chosen(case, choices.get(case.key)) for case in cases]
        marks = _mark_set(now, user, [reading for _, reading in settled])
        for number, (case, reading) in enumerate(settled, start=marks.version + 1):
            _keep(marks, user, number, case.read, reading)
        marks.version += len(settled)
        marks.finished_at = timezone.now()
        marks.save(update_fields=["version", "finished_at"])
        audit.record(
            "reading.settled",
            actor=user,
            study=now,
            detail={"mark_set": str(marks.pk), "pictures": len(settled)},
        )
    return marks


def _chosen(case: Case, choice: tuple[str, str] | None) -> tuple[Case, Reading | None]:
    """The reading that was chosen; None for a picture nobody can judge."""
    if choice is None:
        raise InvalidInput("a picture is not settled", remedy="choose for every picture")
    key, seal = choice
    if seal != case.seal:
        raise InvalidInput(
            "another reading came in while you looked", remedy="look at the pictures again"
        )
    if key == NOT_ASSESSABLE:
        return case, None
    for alternative in case.alternatives:
        if alternative.key == key:
            return case, alternative.reading
    raise InvalidInput(
        "what was chosen for a picture",
        value=key,
        accepted=", ".join([*(one.key for one in case.alternatives), NOT_ASSESSABLE]),
    )


def _mark_set(study: Study, user: User, chosen: Sequence[Reading | None]) -> MarkSet:
    """Her mark set, made now; machine marks that swayed a chosen reading are not forgotten."""
    base = study.assessments.filter(marks__isnull=True).order_by("-number").first()
    if base is None:
        raise InvalidInput("the study has not been analysed yet", remedy="wait for the analysis")
    shown = next((one.release_shown for one in chosen if one and one.release_shown), None)
    marks, _ = MarkSet.objects.get_or_create(
        base=base,
        purpose=Purpose.ADJUDICATION,
        reader=user,
        defaults={
            "study": study,
            "reader_role": role_at(user, study),
            "base_release": base.release,
            "machine_shown_first": shown is not None,
            "release_shown": shown or "",
        },
    )
    return marks


def _keep(
    marks: MarkSet, user: User, number: int, read: ReadPicture, reading: Reading | None
) -> None:
    """The settlement of one picture as an edit."""
    edit = _edit(read, reading, release=marks.release_shown)
    Edit.objects.create(
        mark_set=marks,
        reader=user,
        reader_role=marks.reader_role,
        number=number,
        client_id=edit.id,
        kind=edit.delta.value,
        image=read.image,
        frame=read.frame,
        content=edit_json(edit),
        made_at=edit.at,
    )


def _edit(read: ReadPicture, reading: Reading | None, *, release: str) -> MarkEdit:
    adds = () if reading is None else tuple(_marks(reading, read.image))
    remarks: tuple[Remark, ...] = ()
    delta = Delta.MISSED
    if reading is None or reading.shows == "not_assessable":
        adds, delta = (), Delta.NOT_ASSESSABLE
        remarks = (Remark(id=f"r{uuid4()}", kind=RemarkKind.NOT_ASSESSABLE, text=""),)
    elif not adds:
        delta = Delta.LABEL_DISPUTE
        remarks = (Remark(id=f"r{uuid4()}", kind=RemarkKind.LABEL_DISPUTE, text=NOTHING_HERE),)
    return MarkEdit(
        id=str(uuid4()),
        delta=delta,
        picture=str(read.image.pk),
        frame=read.frame,
        adds=adds,
        remarks=remarks,
        seconds=0.0,
        at=timezone.now(),
        machine_marks_seen=bool(release),
        release=release,
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
