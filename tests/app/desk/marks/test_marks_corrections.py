"""Net corrections: what a log adds up to for those who learn from it."""

import datetime as dt

from tests.app.desk.marks.conftest import NOON, PICTURE, MakeEdit, frame_findings, mark, square

from deeppcos.app.desk.marks.corrections import MarkCorrection, corrections_of
from deeppcos.app.desk.marks.edits import Delta, Edit, KeptEdit
from deeppcos.app.desk.marks.mark import (
    FrameMarks,
    FramePlace,
    MarkKind,
    Remark,
    RemarkKind,
    machine_marks,
)

START = machine_marks(frame_findings(), picture=PICTURE)
OVARY = f"m:{PICTURE}:0:o0"
FIRST, SECOND, THIRD = (f"{OVARY}f{number}" for number in range(3))


def net(*edits: Edit, readers: tuple[str, ...] = ("Dr Ada",)) -> tuple[MarkCorrection, ...]:
    def before(place: FramePlace) -> FrameMarks:
        return START

    log = [
        KeptEdit(
            number=number,
            reader=readers[(number - 1) % len(readers)],
            role="clinician",
            received=NOON + dt.timedelta(seconds=number),
            edit=one,
        )
        for number, one in enumerate(edits, start=1)
    ]
    return corrections_of(before, log)


def test_a_mark_added_and_deleted_again_is_nothing(edit: MakeEdit) -> None:
    added = edit(Delta.MISSED, adds=(mark("r1", square(0, 300)),))
    assert net(added, edit(Delta.EXTRA, removes=("r1",))) == ()


def test_an_outline_dragged_three_times_is_one_wrong_boundary(edit: MakeEdit) -> None:
    [one] = net(
        edit(Delta.BOUNDARY, removes=(FIRST,), adds=(mark("r1", square(52, 50)),), seconds=1),
        edit(Delta.BOUNDARY, removes=("r1",), adds=(mark("r2", square(54, 50)),), seconds=2),
        edit(Delta.BOUNDARY, removes=("r2",), adds=(mark("r3", square(56, 50)),), seconds=4),
        readers=("Dr Ada", "Dr Bo"),
    )
    assert one.delta is Delta.BOUNDARY
    assert [m.id for m in one.was] == [FIRST]
    assert [m.id for m in one.now] == ["r3"]
    assert one.readers == ("Dr Ada", "Dr Bo")
    assert one.seconds == 7
    assert one.machine_marks_seen
    assert one.release == "seeing-2"


def test_a_deleted_machine_mark_was_extra_and_a_new_one_missed(edit: MakeEdit) -> None:
    found = net(
        edit(Delta.EXTRA, removes=(SECOND,)),
        edit(Delta.MISSED, adds=(mark("r1", square(0, 300)),), seen=False),
    )
    assert {one.delta for one in found} == {Delta.EXTRA, Delta.MISSED}
    [missed] = [one for one in found if one.delta is Delta.MISSED]
    assert not missed.machine_marks_seen
    assert missed.release == ""


def test_two_for_one_is_a_split_and_one_for_two_a_merge(edit: MakeEdit) -> None:
    halves = (mark("r1", square(50, 50, 25)), mark("r2", square(75, 50, 25)))
    [split] = net(edit(Delta.SPLIT, removes=(FIRST,), adds=halves))
    assert split.delta is Delta.SPLIT
    [merged] = net(
        edit(Delta.MERGE, removes=(SECOND, THIRD), adds=(mark("r1", square(150, 50, 150)),))
    )
    assert merged.delta is Delta.MERGE
    assert {m.id for m in merged.was} == {SECOND, THIRD}


def test_a_split_of_which_one_part_was_deleted_is_a_boundary(edit: MakeEdit) -> None:
    halves = (mark("r1", square(50, 50, 25)), mark("r2", square(75, 50, 25)))
    [one] = net(
        edit(Delta.SPLIT, removes=(FIRST,), adds=halves), edit(Delta.EXTRA, removes=("r2",))
    )
    assert one.delta is Delta.BOUNDARY


def test_another_kind_and_another_outline_are_two_corrections(edit: MakeEdit) -> None:
    renamed = mark("r1", square(50, 50), MarkKind.VESSEL, said=True)
    moved = mark("r2", square(60, 50), MarkKind.VESSEL, said=True)
    found = net(
        edit(Delta.WRONG_KIND, removes=(FIRST,), adds=(renamed,)),
        edit(Delta.BOUNDARY, removes=("r1",), adds=(moved,)),
    )
    assert [one.delta for one in found] == [Delta.BOUNDARY, Delta.WRONG_KIND]


def test_a_kind_that_only_follows_a_new_size_is_no_wrong_kind(edit: MakeEdit) -> None:
    large = mark("r1", square(50, 50, 120), MarkKind.DOMINANT)
    [one] = net(edit(Delta.BOUNDARY, removes=(FIRST,), adds=(large,)))
    assert one.delta is Delta.BOUNDARY


def test_what_was_undone_is_no_correction(edit: MakeEdit) -> None:
    gone = edit(Delta.EXTRA, removes=(FIRST,))
    back = edit(Delta.UNDO, adds=(START.marks[FIRST],), undoes=gone.id)
    assert net(gone, back) == ()


def test_remarks_keep_the_readers_words(edit: MakeEdit) -> None:
    shadow = Remark(id="q1", kind=RemarkKind.NOT_ASSESSABLE, text="shadow")
    doubt = Remark(id="q2", kind=RemarkKind.LABEL_DISPUTE, text="a vessel", about=FIRST)
    found = net(
        edit(Delta.NOT_ASSESSABLE, remarks=(shadow,)), edit(Delta.LABEL_DISPUTE, remarks=(doubt,))
    )
    assert [(one.delta, one.text, one.about) for one in found] == [
        (Delta.NOT_ASSESSABLE, "shadow", None),
        (Delta.LABEL_DISPUTE, "a vessel", FIRST),
    ]
