"""Keeping corrections: all of a request or none, never one twice, never over someone else's.

Owns the optimistic lock and the rows. Whether a correction fits is said by
``deeppcos.app.desk.marks.edits``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from deeppcos.app.desk.marks.edits import DoesNotFit, KeptEdit, folded
from deeppcos.app.desk.marks.edits import Edit as MarkEdit
from deeppcos.app.web import audit
from deeppcos.app.web.models import Edit, MarkSet, Purpose, Study, StudyState, User
from deeppcos.app.web.viewer.reading import StudyReading, log_of, starting_marks
from deeppcos.errors import InvalidInput

CLOSED = frozenset({StudyState.SIGNED, StudyState.SENT})


class Closed(InvalidInput):
    """The study was signed, or the reading finished, before this correction arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of corrections that were sent.

    Attributes:
        version: Version of the log now.
        behind: What was kept since the sender last looked; when given, nothing was stored.
        misfit: The correction that does not fit, or empty.
    """

    version: int
    behind: tuple[KeptEdit, ...] | None = None
    misfit: str = ""


def keep_edits(
    reading: StudyReading, user: User, *, base_version: int, edits: Sequence[MarkEdit]
) -> Outcome:
    """Keep corrections, if nobody else was quicker.

    Args:
        reading: The reading they belong to.
        user: Who made them.
        base_version: Version of the log they were made on.
        edits: The corrections, in order. Those already kept are acknowledged again, not stored
            again: an answer may have been lost on the way.

    Returns:
        The new version, or what the sender has to look at first.

    Raises:
        Closed: If the study is signed or the reading finished.
        InvalidInput: If a correction is of a picture that is not in the study.
    """
    with transaction.atomic():
        mark_set = _locked(reading, user, first=edits[0])
        _refuse_closed(reading.study, mark_set)
        sent = {UUID(edit.id) for edit in edits}
        known = set(mark_set.edits.filter(client_id__in=sent).values_list("client_id", flat=True))
        fresh = [edit for edit in edits if UUID(edit.id) not in known]
        if not fresh:
            return Outcome(version=mark_set.version)
        missed = mark_set.edits.filter(number__gt=base_version).exclude(client_id__in=sent)
        if missed.exists():
            return _behind(mark_set, base_version)
        try:
            _refuse_misfits(reading, mark_set, fresh)
        except DoesNotFit:
            return _behind(mark_set, base_version, misfit=fresh[0].id)
        _store(reading, mark_set, user, fresh)
        return Outcome(version=mark_set.version + len(fresh))


def _locked(reading: StudyReading, user: User, *, first: MarkEdit) -> MarkSet:
    """The mark set, held until the end of the transaction; made with the first correction."""
    if reading.base is None:
        raise InvalidInput(
            "the study has not been analysed yet",
            remedy="wait until the analysis is done, then mark",
        )
    if reading.mark_set is None:
        MarkSet.objects.get_or_create(
            base=reading.base,
            purpose=reading.purpose,
            defaults={
                "study": reading.study,
                "reader": user,
                "reader_role": role_at(user, reading.study),
                "base_release": reading.base.release,
                "machine_shown_first": first.machine_marks_seen,
                "release_shown": reading.base.release if first.machine_marks_seen else "",
            },
            **({} if reading.purpose == Purpose.REVIEW else {"reader": user}),
        )
    found = MarkSet.objects.select_for_update().filter(base=reading.base, purpose=reading.purpose)
    if reading.purpose != Purpose.REVIEW:
        found = found.filter(reader=user)
    return found.get()


def _refuse_closed(study: Study, mark_set: MarkSet) -> None:
    state = Study.objects.values_list("state", flat=True).get(pk=study.pk)
    if mark_set.finished_at is not None:
        raise Closed("this reading is finished", remedy="ask for another reading")
    if mark_set.purpose == Purpose.REVIEW and state in CLOSED:
        raise Closed(
            "this study was signed meanwhile",
            remedy="your corrections are kept on this computer; open an amendment to add them",
        )


def _behind(mark_set: MarkSet, base_version: int, *, misfit: str = "") -> Outcome:
    return Outcome(
        version=mark_set.version,
        behind=tuple(log_of(mark_set, since=base_version)),
        misfit=misfit,
    )


def _refuse_misfits(reading: StudyReading, mark_set: MarkSet, fresh: Sequence[MarkEdit]) -> None:
    """Run the corrections on what stands; anything wrong with them raises."""
    frames = {
        str(key): count or 0 for key, count in reading.study.images.values_list("pk", "frame_count")
    }
    for edit in fresh:
        if not 0 <= edit.frame < frames.get(edit.picture, 0):
            raise InvalidInput(
                "the correction is of a frame that is not in this study",
                value=f"{edit.picture}, frame {edit.frame}",
                remedy="load the page again",
            )
    places = {edit.place for edit in fresh}
    log = [one.edit for one in log_of(mark_set) if one.edit.place in places]
    folded(starting_marks(reading), [*log, *fresh])


def _store(reading: StudyReading, mark_set: MarkSet, user: User, fresh: Sequence[MarkEdit]) -> None:
    from deeppcos.app.desk.marks.wire import edit_json

    role = role_at(user, reading.study)
    undone = {
        str(client_id): pk
        for client_id, pk in mark_set.edits.filter(
            client_id__in=[UUID(edit.undoes) for edit in fresh if edit.undoes]
        ).values_list("client_id", "pk")
    }
    for number, edit in enumerate(fresh, start=mark_set.version + 1):
        row = Edit.objects.create(
            mark_set=mark_set,
            reader=user,
            reader_role=role,
            number=number,
            client_id=UUID(edit.id),
            kind=edit.delta.value,
            undoes_id=undone.get(edit.undoes or ""),
            image_id=UUID(edit.picture),
            frame=edit.frame,
            content=edit_json(edit),
            milliseconds=round(edit.seconds * 1000),
            made_at=edit.at,
        )
        undone[edit.id] = row.pk
    MarkSet.objects.filter(pk=mark_set.pk).update(
        version=mark_set.version + len(fresh),
        seconds_spent=F("seconds_spent") + sum(edit.seconds for edit in fresh),
    )
    if mark_set.purpose == Purpose.REVIEW:
        Study.objects.filter(pk=reading.study.pk, state=StudyState.ANALYSED).update(
            state=StudyState.IN_REVIEW, version=F("version") + 1
        )
    audit.record(
        "marks.corrected",
        actor=user,
        study=reading.study,
        detail={
            "mark_set": str(mark_set.pk),
            "from": mark_set.version + 1,
            "to": mark_set.version + len(fresh),
            "kinds": sorted({edit.delta.value for edit in fresh}),
        },
    )


def role_at(user: User, study: Study) -> str:
    """What a person is at the study's site, in a word."""
    return ", ".join(
        user.grants.filter(site_id=study.site_id).order_by("role").values_list("role", flat=True)
    )[:16]


def begin_second_reading(study: Study, user: User) -> MarkSet:
    """Begin a reading that neither the machine nor another reader influences.

    A person who has already opened the study's marks is no longer blind to them: her reading is
    independent of them in what it starts from, and says that she had seen them.

    Args:
        study: The study; it must have been analysed.
        user: The second reader.

    Returns:
        Her mark set, begun before or now.

    Raises:
        InvalidInput: If the study has not been analysed, or she is its first reader.
    """
    from deeppcos.app.web.models import AuditEvent

    base = study.assessments.filter(marks__isnull=True).order_by("-number").first()
    if base is None:
        raise InvalidInput("the study has not been analysed yet", remedy="wait for the analysis")
    if study.mark_sets.filter(purpose=Purpose.REVIEW, edits__reader=user).exists():
        raise InvalidInput(
            "you are the first reader of this study",
            accepted="a second reader who has corrected nothing in it",
            remedy="ask a colleague",
        )
    has_seen = AuditEvent.objects.filter(
        actor=user, action="marks.shown", about=f"study:{study.pk}"
    ).exists()
    with transaction.atomic():
        mark_set, is_new = MarkSet.objects.get_or_create(
            base=base,
            purpose=Purpose.SECOND_READING,
            reader=user,
            defaults={
                "study": study,
                "reader_role": role_at(user, study),
                "base_release": base.release,
                "is_blinded": True,
                "machine_shown_first": has_seen,
                "release_shown": base.release if has_seen else "",
            },
        )
        if is_new:
            audit.record(
                "reading.begun",
                actor=user,
                study=study,
                detail={"mark_set": str(mark_set.pk), "had_seen_marks": has_seen},
            )
    return mark_set


def finish_reading(mark_set: MarkSet, user: User) -> None:
    """Close a second reading; from then on its reader may see the other marks."""
    with transaction.atomic():
        done = MarkSet.objects.filter(pk=mark_set.pk, finished_at__isnull=True).update(
            finished_at=timezone.now()
        )
        if done:
            audit.record(
                "reading.finished",
                actor=user,
                study=mark_set.study,
                detail={"mark_set": str(mark_set.pk), "version": mark_set.version},
            )
