"""What a reading corrected in the end: the machine's marks against the reader's, typed.

Owns the net result of a log of edits. A mark dragged five times is one wrong boundary; a mark
added and deleted again is nothing. Learning takes these; the log itself stays as it was made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deeppcos.app.desk.marks.edits import Before, Delta, Edit, KeptEdit, folded, standing
from deeppcos.app.desk.marks.mark import FrameMarks, FramePlace, Mark, Remark, RemarkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkCorrection:
    """One thing that was wrong, and what the reader says instead.

    Attributes:
        delta: What was wrong; never ``undo``.
        picture: Key of the picture.
        frame: Frame in the picture.
        was: Marks the reading started from; empty when something was missed.
        now: The reader's marks; empty when there should be none.
        text: The reader's words, of a remark.
        about: The mark a remark is about, or None.
        readers: Everyone who worked on it, in order.
        seconds: Time spent on it in all, seconds.
        machine_marks_seen: Whether the machine's marks had been shown before its first edit.
        release: The release shown; empty when none was.
    """

    delta: Delta
    picture: str
    frame: int
    was: tuple[Mark, ...] = ()
    now: tuple[Mark, ...] = ()
    text: str = ""
    about: str | None = None
    readers: tuple[str, ...]
    seconds: float
    machine_marks_seen: bool
    release: str


def corrections_of(base: Before, log: Iterable[KeptEdit]) -> tuple[MarkCorrection, ...]:
    """The net corrections of a reading, frame by frame.

    Args:
        base: Marks the reading started from.
        log: Its edits, oldest first.

    Returns:
        One entry a thing corrected; an entry more where both outline and kind of it were wrong.

    Raises:
        DoesNotFit: If the log contradicts itself.
    """
    kept = tuple(log)
    states = folded(base, (one.edit for one in kept))
    stands = {edit.id for edit in standing(one.edit for one in kept)}
    by_place: dict[FramePlace, list[KeptEdit]] = {}
    for one in kept:
        if one.edit.id in stands:
            by_place.setdefault(one.edit.place, []).append(one)
    return tuple(
        correction
        for place, state in sorted(states.items())
        for correction in _of_frame(base(place), state, by_place.get(place, []))
    )


def _of_frame(
    before: FrameMarks, after: FrameMarks, edits: list[KeptEdit]
) -> Iterable[MarkCorrection]:
    """Group what was and what is by descent, and name each group."""
    origins = _origins(before, edits)
    for group in _groups(before, after, origins):
        was = tuple(before.marks[key] for key in group.was)
        now = tuple(after.marks[key] for key in group.now)
        work = [one for one in edits if group.holds(one.edit, origins)]
        for delta in _deltas(was, now):
            yield _correction(delta, work, was=was, now=now)
    for key, remark in after.remarks.items():
        if key not in before.remarks:
            yield _remark_correction(remark, edits)


def _origins(before: FrameMarks, edits: Iterable[KeptEdit]) -> Mapping[str, frozenset[str]]:
    """For every mark that ever stood: the marks of the start it descends from."""
    origins = {key: frozenset({key}) for key in before.marks}
    for one in edits:
        taken = [origins.get(key, frozenset()) for key in one.edit.removes]
        for mark in one.edit.adds:
            origins[mark.id] = frozenset().union(*taken)
    return origins


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Marks of the start and of the end that belong together."""

    was: tuple[str, ...]
    now: tuple[str, ...]

    def holds(self, edit: Edit, origins: Mapping[str, frozenset[str]]) -> bool:
        """Whether the edit worked on this group."""
        touched = frozenset().union(*(origins.get(key, frozenset()) for key in edit.touches))
        if self.was:
            return not touched.isdisjoint(self.was)
        return not edit.touches.isdisjoint(self.now)


def _groups(
    before: FrameMarks, after: FrameMarks, origins: Mapping[str, frozenset[str]]
) -> Iterable[_Group]:
    """Connected sets of start and end marks that differ; untouched marks are left out."""
    changed = [key for key in after.marks if key not in before.marks]
    gone = {key for key in before.marks if key not in after.marks}
    while changed:
        now = [changed.pop(0)]
        was = set(origins.get(now[0], frozenset())) & gone
        joined = [k for k in changed if was & origins.get(k, frozenset())]
        while joined:
            now += joined
            changed = [key for key in changed if key not in joined]
            was |= {key for one in joined for key in origins[one]} & gone
            joined = [k for k in changed if was & origins.get(k, frozenset())]
        gone -= was
        yield _Group(was=tuple(sorted(was)), now=tuple(now))
    for key in sorted(gone):
        yield _Group(was=(key,), now=())


def _deltas(was: tuple[Mark, ...], now: tuple[Mark, ...]) -> tuple[Delta, ...]:
    """What was wrong with a group."""
    if not was or (all(mark.is_doubtful for mark in was) and now):
        return (Delta.MISSED,)
    if not now:
        return (Delta.EXTRA,)
    found = [Delta.MERGE] if len(was) > 1 else []
    found += [Delta.SPLIT] if len(now) > 1 else []
    if found:
        return tuple(found)
    (old,), (new,) = was, now
    wrong_kind = [Delta.WRONG_KIND] if _is_renamed(old, new) else []
    moved = [Delta.BOUNDARY] if old.polygon != new.polygon else []
    return tuple(moved + wrong_kind)


def _is_renamed(old: Mark, new: Mark) -> bool:
    """Whether a person gave another kind; a kind that follows a new size is no correction."""
    return old.kind is not new.kind and new.kind_by != old.kind_by


def _correction(
    delta: Delta, work: list[KeptEdit], *, was: tuple[Mark, ...], now: tuple[Mark, ...]
) -> MarkCorrection:
    return MarkCorrection(
        delta=delta,
        picture=work[0].edit.picture,
        frame=work[0].edit.frame,
        was=was,
        now=now,
        readers=tuple(dict.fromkeys(one.reader for one in work)),
        seconds=sum(one.edit.seconds for one in work),
        machine_marks_seen=work[0].edit.machine_marks_seen,
        release=work[0].edit.release,
    )


def _remark_correction(remark: Remark, edits: Iterable[KeptEdit]) -> MarkCorrection:
    (work,) = [one for one in edits if any(r.id == remark.id for r in one.edit.remarks)]
    is_unassessable = remark.kind is RemarkKind.NOT_ASSESSABLE
    return MarkCorrection(
        delta=Delta.NOT_ASSESSABLE if is_unassessable else Delta.LABEL_DISPUTE,
        picture=work.edit.picture,
        frame=work.edit.frame,
        text=remark.text,
        about=remark.about,
        readers=(work.reader,),
        seconds=work.edit.seconds,
        machine_marks_seen=work.edit.machine_marks_seen,
        release=work.edit.release,
    )
