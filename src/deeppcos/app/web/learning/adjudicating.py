"""Readings that contradict each other, laid side by side without names, and settled by a third.

Owns who may settle and what is kept. Whoever read a study herself cannot settle it; what she sees
says neither who read nor who had seen the machine's marks. A settlement is an edit like any other:
it is kept in the log of a mark set of its own, and no reading is changed. Where none is right she
draws her own in the viewer, beginning from one of them or from nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from deeppcos.app.desk.marks.mark import FrameMarks
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, sites_with, visible_studies
from deeppcos.app.web.learning.gathering import ReadPicture, read_pictures
from deeppcos.app.web.learning.own_marks import (
    adopt,
    clear,
    drawn_frames,
    mark_set_of,
    refuse_undrawn,
)
from deeppcos.app.web.learning.pseudonyms import Pseudonyms
from deeppcos.app.web.models import MarkSet, Purpose, Study, User
from deeppcos.errors import InvalidInput
from deeppcos.learning.feedback.consensus import consensus_of
from deeppcos.learning.sources.reviewed_document import Reading

MOST_LOOKED_AT = 300
TOGETHER, NOT_ASSESSABLE = "together", "not_assessable"
OWN, NOTHING = "own", "nothing"
OF_TWO = 2
NO_MARKS = FrameMarks()


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
        InvalidInput: If a picture is left out, somebody was quicker, a reading came in between,
            or nothing was drawn where a drawing was chosen.
    """
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        refuse_unfit(now, user)
        cases = cases_of(now, names)
        if not cases:
            raise InvalidInput("nothing is left to settle", remedy="somebody was quicker")
        settled = [(case, chosen(case, choices.get(case.key), may_draw=True)) for case in cases]
        shown = next((r.release_shown for _, r in settled if r and r.release_shown), "")
        marks = mark_set_of(now, user, release_shown=shown)
        drawn = drawn_frames(marks)
        for case, reading in settled:
            key, _ = choices[case.key]
            standing = drawn.get(case.read.place, NO_MARKS)
            if key == OWN:
                refuse_undrawn(standing)
            else:
                adopt(marks, user, case.read, reading, standing=standing)
        marks.finished_at = timezone.now()
        marks.save(update_fields=["finished_at"])
        audit.record(
            "reading.settled",
            actor=user,
            study=now,
            detail={
                "mark_set": str(marks.pk),
                "pictures": len(settled),
                "drawn": sum(choices[case.key][0] == OWN for case, _ in settled),
            },
        )
    return marks


def chosen(case: Case, choice: tuple[str, str] | None, *, may_draw: bool = False) -> Reading | None:
    """The reading that was chosen.

    Args:
        case: The picture.
        choice: Key and the seal that was looked at; None where nothing was chosen.
        may_draw: Whether the adjudicator's own drawing may be chosen.

    Returns:
        The reading; None for a picture nobody can judge, and for her own drawing.

    Raises:
        InvalidInput: If nothing, or nothing on offer, was chosen, or a reading came in between.
    """
    if choice is None:
        raise InvalidInput("a picture is not settled", remedy="choose for every picture")
    key, seal = choice
    if seal != case.seal:
        raise InvalidInput(
            "another reading came in while you looked", remedy="look at the pictures again"
        )
    if key == NOT_ASSESSABLE or (key == OWN and may_draw):
        return None
    for alternative in case.alternatives:
        if alternative.key == key:
            return alternative.reading
    raise InvalidInput(
        "what was chosen for a picture",
        value=key,
        accepted=", ".join([*(one.key for one in case.alternatives), NOT_ASSESSABLE]),
    )


def begin_drawing(
    study: Study, user: User, *, key: str, start: str, seal: str, names: Pseudonyms
) -> ReadPicture:
    """Lay out what she begins to draw from; nothing is settled by it.

    Args:
        study: The study.
        user: Who settles.
        key: The case, as the form names it.
        start: A reading on offer, ``nothing``, or ``own`` to go on with what she drew.
        seal: Of the readings she looked at.
        names: Pseudonyms.

    Returns:
        The picture to open.

    Raises:
        InvalidInput: If there is no such case, she cannot settle it, or a reading came in between.
    """
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        refuse_unfit(now, user)
        case = next((one for one in cases_of(now, names) if one.key == key), None)
        if case is None:
            raise InvalidInput("nothing is left to settle there", remedy="somebody was quicker")
        empty = NOTHING if start == NOTHING else ""
        reading = None if empty else chosen(case, (start, seal), may_draw=True)
        shown = reading.release_shown if reading else None
        marks = mark_set_of(now, user, release_shown=shown or "")
        standing = drawn_frames(marks).get(case.read.place, NO_MARKS)
        if reading is not None:
            adopt(marks, user, case.read, reading, standing=standing)
        elif empty:
            clear(marks, user, case.read, standing=standing)
        audit.record(
            "reading.drawn",
            actor=user,
            study=now,
            detail={"mark_set": str(marks.pk), "from": start},
        )
    return case.read
