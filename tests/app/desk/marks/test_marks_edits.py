"""Corrections: applying, taking back, refusing what does not fit."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.desk.marks.conftest import NOON, PICTURE, MakeEdit, frame_findings, mark, square

from deeppcos.app.desk.marks.edits import (
    Delta,
    DoesNotFit,
    Edit,
    applied,
    folded,
    refuse_malformed,
    standing,
)
from deeppcos.app.desk.marks.mark import (
    FrameMarks,
    FramePlace,
    MarkKind,
    Remark,
    RemarkKind,
    machine_marks,
)
from deeppcos.errors import InvalidInput

START = machine_marks(frame_findings(), picture=PICTURE)
OVARY = f"m:{PICTURE}:0:o0"
FIRST, SECOND, THIRD = (f"{OVARY}f{number}" for number in range(3))


def before(place: FramePlace) -> FrameMarks:
    return START


def test_the_machines_marks_have_the_same_ids_every_time() -> None:
    assert list(START.marks) == [OVARY, FIRST, SECOND, THIRD, f"m:{PICTURE}:0:l0"]
    assert machine_marks(frame_findings(), picture=PICTURE) == START


def test_marks_in_a_frame_that_cannot_be_judged_are_doubtful() -> None:
    marks = machine_marks(frame_findings(is_assessable=False), picture=PICTURE).marks
    assert marks[OVARY].is_doubtful
    assert marks[FIRST].is_doubtful


def test_an_edit_takes_away_and_adds(edit: MakeEdit) -> None:
    new = mark("r1", square(60, 60))
    after = applied(START, edit(Delta.BOUNDARY, removes=(FIRST,), adds=(new,)))
    assert FIRST not in after.marks
    assert after.marks["r1"] == new
    assert FIRST in START.marks


def test_an_edit_of_a_mark_that_is_gone_does_not_fit(edit: MakeEdit) -> None:
    after = applied(START, edit(Delta.EXTRA, removes=(FIRST,)))
    with pytest.raises(DoesNotFit, match="changed it meanwhile"):
        applied(after, edit(Delta.EXTRA, removes=(FIRST,)))


def test_the_same_mark_is_not_added_twice(edit: MakeEdit) -> None:
    twice = edit(Delta.MISSED, adds=(mark("r1", square(0, 0)), mark("r1", square(9, 9))))
    with pytest.raises(DoesNotFit, match="the same mark twice"):
        applied(START, twice)


def test_an_undo_puts_back_exactly_what_was_taken(edit: MakeEdit) -> None:
    gone = edit(Delta.EXTRA, removes=(FIRST,))
    back = edit(Delta.UNDO, adds=(START.marks[FIRST],), undoes=gone.id)
    [state] = folded(before, [gone, back]).values()
    assert dict(state.marks) == dict(START.marks)
    assert standing([gone, back]) == ()


def test_taking_an_undo_back_brings_the_correction_back(edit: MakeEdit) -> None:
    gone = edit(Delta.EXTRA, removes=(FIRST,))
    back = edit(Delta.UNDO, adds=(START.marks[FIRST],), undoes=gone.id)
    again = edit(Delta.UNDO, removes=(FIRST,), undoes=back.id)
    [state] = folded(before, [gone, back, again]).values()
    assert FIRST not in state.marks
    assert standing([gone, back, again]) == (gone,)


def test_an_undo_cannot_smuggle_in_another_mark(edit: MakeEdit) -> None:
    gone = edit(Delta.EXTRA, removes=(FIRST,))
    false = edit(Delta.UNDO, adds=(mark(FIRST, square(300, 300)),), undoes=gone.id)
    with pytest.raises(InvalidInput, match="not the reverse"):
        folded(before, [gone, false])


def test_an_undo_of_nothing_is_refused(edit: MakeEdit) -> None:
    lost = edit(Delta.UNDO, removes=(FIRST,), undoes="no-such-edit")
    with pytest.raises(InvalidInput, match="not the reverse"):
        folded(before, [lost])


@pytest.mark.parametrize(
    ("delta", "parts"),
    [
        (Delta.MISSED, {"removes": (FIRST,)}),
        (Delta.EXTRA, {"removes": (FIRST,), "adds": (mark("r1", square(0, 0)),)}),
        (Delta.BOUNDARY, {"removes": (FIRST, SECOND), "adds": (mark("r1", square(0, 0)),)}),
        (Delta.SPLIT, {"removes": (FIRST,), "adds": (mark("r1", square(0, 0)),)}),
        (Delta.MERGE, {"removes": (FIRST,), "adds": (mark("r1", square(0, 0)),)}),
        (Delta.WRONG_KIND, {"removes": (FIRST,)}),
        (Delta.NOT_ASSESSABLE, {"adds": (mark("r1", square(0, 0)),)}),
        (Delta.LABEL_DISPUTE, {"removes": (FIRST, SECOND)}),
        (Delta.UNDO, {"removes": (FIRST,)}),
        (Delta.EXTRA, {"removes": (FIRST,), "undoes": "another"}),
    ],
    ids=[f"{number:02d}" for number in range(10)],
)
def test_parts_that_contradict_the_delta_are_refused(
    edit: MakeEdit, delta: Delta, parts: dict[str, tuple[str, ...]]
) -> None:
    with pytest.raises(InvalidInput):
        refuse_malformed(edit(delta, **parts))


def test_a_reader_may_not_choose_a_kind_that_follows_from_the_size(edit: MakeEdit) -> None:
    said = mark("r1", square(0, 0), MarkKind.BELOW_RANGE, said=True)
    with pytest.raises(InvalidInput, match="antral, cyst, dominant, vessel"):
        refuse_malformed(edit(Delta.WRONG_KIND, removes=(FIRST,), adds=(said,)))


def test_a_remark_is_withdrawn_like_a_mark(edit: MakeEdit) -> None:
    remark = Remark(id="q1", kind=RemarkKind.NOT_ASSESSABLE, text="shadow")
    said = edit(Delta.NOT_ASSESSABLE, remarks=(remark,))
    taken_back = edit(Delta.NOT_ASSESSABLE, removes=("q1",))
    for one in (said, taken_back):
        refuse_malformed(one)
    [state] = folded(before, [said, taken_back]).values()
    assert not state.remarks


def _random_log(choices: list[tuple[int, int]]) -> list[Edit]:
    """A log in which each choice adds, removes, or takes the last standing edit back."""

    def make(delta: Delta, number: int, **parts: object) -> Edit:
        return Edit(
            id=f"e{number}", delta=delta, picture=PICTURE, frame=0, seconds=1.0, at=NOON,
            machine_marks_seen=True, **parts,  # type: ignore[arg-type]
        )  # fmt: skip

    log: list[Edit] = []
    state = START
    history: list[tuple[Edit, FrameMarks]] = []
    for number, (what, which) in enumerate(choices):
        ids = list(state.marks)
        if what == 0 or not ids:
            new = mark(f"r{number}", square(which, which))
            one = make(Delta.MISSED, number, adds=(new,))
        elif what == 1:
            one = make(Delta.EXTRA, number, removes=(ids[which % len(ids)],))
        elif history:
            undone, was = history.pop()
            back = tuple(was.marks[key] for key in undone.removes)
            added = tuple(m.id for m in undone.adds)
            one = make(Delta.UNDO, number, removes=added, adds=back, undoes=undone.id)
        else:
            continue
        if one.undoes is None:
            history.append((one, state))
        state = applied(state, one)
        log.append(one)
    return log


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 99)), max_size=25))
def test_a_log_gives_the_same_frame_with_and_without_what_was_taken_back(
    choices: list[tuple[int, int]],
) -> None:
    log = _random_log(choices)
    whole = folded(before, log)
    short = folded(before, standing(log))
    for place, state in whole.items():
        expected = short.get(place, before(place))
        assert dict(state.marks) == dict(expected.marks)


def test_frames_nobody_edited_are_left_out() -> None:
    nothing: list[Edit] = []
    assert folded(before, nothing) == {}


def test_the_start_is_asked_for_once_a_frame(edit: MakeEdit) -> None:
    asked: list[FramePlace] = []

    def start(place: FramePlace) -> FrameMarks:
        asked.append(place)
        return START

    first: Callable[..., Edit] = edit
    folded(start, [first(Delta.EXTRA, removes=(FIRST,)), first(Delta.EXTRA, removes=(SECOND,))])
    assert asked == [(PICTURE, 0)]
