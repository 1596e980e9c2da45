"""One correction, whether it fits, and what a log of corrections adds up to.

Owns the typed deltas and the rule by which they are applied: every edit takes marks away and
puts marks in their place. An undo is one more edit that puts back what another took, so the log
only grows. Who may edit, and storing the log, is the business of ``deeppcos.app.web.viewer``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deeppcos.app.desk.marks.mark import (
    CHOSEN,
    FrameMarks,
    FramePlace,
    KindBy,
    Mark,
    Remark,
    RemarkKind,
)
from deeppcos.errors import InvalidInput


class Delta(StrEnum):
    """What was wrong with what stood there."""

    MISSED = "missed"  # nothing was marked, or only as doubtful
    EXTRA = "extra"  # the mark should not be there
    BOUNDARY = "boundary"  # right thing, wrong outline
    SPLIT = "split"  # one mark over several things
    MERGE = "merge"  # several marks over one thing
    WRONG_KIND = "wrong_kind"  # right outline, wrong name
    NOT_ASSESSABLE = "not_assessable"  # nobody can judge this frame
    LABEL_DISPUTE = "label_dispute"  # the reader disagrees with what is said of it
    UNDO = "undo"  # takes another edit back


class DoesNotFit(InvalidInput):
    """The edit is well formed, but what it changes is no longer there: merge and send again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One correction.

    Attributes:
        id: Made by whoever corrects; sending it twice keeps it once.
        delta: What was wrong.
        picture: Key of the picture.
        frame: Frame in the picture.
        removes: Ids of marks and remarks taken away.
        adds: Marks put in their place.
        remarks: Remarks added.
        undoes: The edit this one takes back; only of ``undo``.
        seconds: Time the reader worked on it, seconds.
        at: When, by the reader's clock.
        machine_marks_seen: Whether the machine's marks of this frame had been shown before.
        release: The release whose marks were shown; empty when none were.
    """

    id: str
    delta: Delta
    picture: str
    frame: int
    removes: tuple[str, ...] = ()
    adds: tuple[Mark, ...] = ()
    remarks: tuple[Remark, ...] = ()
    undoes: str | None = None
    seconds: float
    at: datetime
    machine_marks_seen: bool
    release: str = ""

    @property
    def place(self) -> FramePlace:
        """The frame it changes."""
        return self.picture, self.frame

    @property
    def touches(self) -> frozenset[str]:
        """Every mark and remark it takes away or adds."""
        return frozenset(self.removes).union(
            (mark.id for mark in self.adds), (remark.id for remark in self.remarks)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEdit:
    """An edit as the log holds it.

    Attributes:
        number: Place in the log of the reading, from 1.
        reader: Who made it.
        role: The reader's role then.
        received: When it was kept, by the server's clock.
        edit: The correction.
    """

    number: int
    reader: str
    role: str
    received: datetime
    edit: Edit


Before = Callable[[FramePlace], FrameMarks]
"""Gives the marks a reading started from, frame by frame."""


def refuse_malformed(edit: Edit) -> None:
    """Refuse an edit whose parts contradict its delta.

    Args:
        edit: The edit.

    Raises:
        InvalidInput: If it takes away, adds or says what its delta cannot.
    """
    counts = (len(edit.removes), len(edit.adds), len(edit.remarks))
    if not _FITS[edit.delta](edit):
        raise InvalidInput(
            f"the parts of the correction contradict its kind, {edit.delta}",
            value=f"{counts[0]} taken away, {counts[1]} added, {counts[2]} remarks",
            accepted=_ACCEPTED[edit.delta],
        )
    if (edit.undoes is None) == (edit.delta is Delta.UNDO):
        raise InvalidInput(
            "an undo names the correction it takes back, and nothing else does",
            value=f"{edit.delta} with {edit.undoes}",
        )
    if any(mark.kind_by is KindBy.READER and mark.kind not in CHOSEN for mark in edit.adds):
        raise InvalidInput(
            "the kind of a mark is not one a reader may choose",
            accepted=", ".join(sorted(CHOSEN)),
        )


def _says(edit: Edit, kind: RemarkKind) -> bool:
    """Whether the edit is one remark of a kind, or takes one away."""
    if edit.adds:
        return False
    if edit.remarks:
        return len(edit.remarks) == 1 and edit.remarks[0].kind is kind
    return len(edit.removes) == 1


_FITS: Mapping[Delta, Callable[[Edit], bool]] = {
    Delta.MISSED: lambda e: bool(e.adds) and not e.remarks,
    Delta.EXTRA: lambda e: bool(e.removes) and not e.adds and not e.remarks,
    Delta.BOUNDARY: lambda e: len(e.removes) == len(e.adds) == 1 and not e.remarks,
    Delta.SPLIT: lambda e: len(e.removes) == 1 and len(e.adds) >= 2 and not e.remarks,
    Delta.MERGE: lambda e: len(e.removes) >= 2 and len(e.adds) == 1 and not e.remarks,
    Delta.WRONG_KIND: lambda e: len(e.removes) == len(e.adds) == 1 and not e.remarks,
    Delta.NOT_ASSESSABLE: lambda e: _says(e, RemarkKind.NOT_ASSESSABLE),
    Delta.LABEL_DISPUTE: lambda e: _says(e, RemarkKind.LABEL_DISPUTE),
    Delta.UNDO: lambda e: bool(e.removes or e.adds or e.remarks),
}
_ACCEPTED: Mapping[Delta, str] = {
    Delta.MISSED: "at least one mark added",
    Delta.EXTRA: "at least one mark taken away, none added",
    Delta.BOUNDARY: "one mark for another",
    Delta.SPLIT: "one mark for at least two",
    Delta.MERGE: "at least two marks for one",
    Delta.WRONG_KIND: "one mark for another",
    Delta.NOT_ASSESSABLE: "one remark added or taken away",
    Delta.LABEL_DISPUTE: "one remark added or taken away",
    Delta.UNDO: "what the other correction did, turned round",
}


def applied(before: FrameMarks, edit: Edit) -> FrameMarks:
    """The frame after an edit.

    Args:
        before: The frame as it was; not changed.
        edit: A well-formed edit of this frame.

    Returns:
        A new state.

    Raises:
        DoesNotFit: If something it takes away is not there, or something it adds is.
    """
    there = {*before.marks, *before.remarks}
    gone = [one for one in edit.removes if one not in there]
    added = [mark.id for mark in edit.adds] + [remark.id for remark in edit.remarks]
    twice = there.difference(edit.removes).intersection(added)
    if gone or twice or len(set(added)) < len(added):
        raise DoesNotFit(
            "the correction no longer fits the picture: someone changed it meanwhile",
            value=", ".join([*gone, *sorted(twice)]) or "the same mark twice",
            remedy="look at the newer marks and decide which to keep",
        )
    removed = set(edit.removes)
    marks = {key: mark for key, mark in before.marks.items() if key not in removed}
    remarks = {key: remark for key, remark in before.remarks.items() if key not in removed}
    marks.update((mark.id, mark) for mark in edit.adds)
    remarks.update((remark.id, remark) for remark in edit.remarks)
    return FrameMarks(marks=marks, remarks=remarks)


def folded(base: Before, edits: Iterable[Edit]) -> dict[FramePlace, FrameMarks]:
    """The frames that were edited, as the log leaves them.

    Args:
        base: Marks the reading started from.
        edits: The log, oldest first.

    Returns:
        State by frame; frames without edits are left out.

    Raises:
        DoesNotFit: If an edit does not fit what the earlier ones left.
        InvalidInput: If an undo is not the reverse of what it takes back.
    """
    states: dict[FramePlace, FrameMarks] = {}
    seen: dict[str, tuple[Edit, FrameMarks]] = {}
    for edit in edits:
        before = states[edit.place] if edit.place in states else base(edit.place)
        if edit.undoes is not None:
            _refuse_false_undo(edit, seen.get(edit.undoes))
        states[edit.place] = applied(before, edit)
        seen[edit.id] = (edit, before)
    return states


def _refuse_false_undo(undo: Edit, undone: tuple[Edit, FrameMarks] | None) -> None:
    """Refuse an undo that would bring in, or take away, anything else than what was."""
    if undone is not None:
        edit, before = undone
        marks = {before.marks[key] for key in edit.removes if key in before.marks}
        remarks = {before.remarks[key] for key in edit.removes if key in before.remarks}
        added = {mark.id for mark in edit.adds} | {remark.id for remark in edit.remarks}
        if (
            undo.place == edit.place
            and set(undo.removes) == added
            and set(undo.adds) == marks
            and set(undo.remarks) == remarks
        ):
            return
    raise InvalidInput(
        "the undo is not the reverse of the correction it names",
        value=str(undo.undoes),
        remedy="load the study again",
    )


def standing(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The corrections that were not taken back, without undos.

    Args:
        edits: The log, oldest first. An undo of an undo brings the first edit back.
    """
    every = tuple(edits)
    taken_back: set[str] = set()
    for edit in reversed(every):
        if edit.undoes is not None and edit.id not in taken_back:
            taken_back.add(edit.undoes)
    return tuple(e for e in every if e.undoes is None and e.id not in taken_back)
