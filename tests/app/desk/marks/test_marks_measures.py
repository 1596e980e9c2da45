"""Findings from marks, and the measurements of a study as its reader sees it."""

from tests.app.desk.marks.conftest import PICTURE, MakeEdit, frame_findings, mark, square

from deeppcos.app.desk.marks.edits import Delta, applied
from deeppcos.app.desk.marks.findings import edited_findings
from deeppcos.app.desk.marks.mark import FrameMarks, MarkKind, Remark, RemarkKind, machine_marks
from deeppcos.app.desk.marks.measures import PictureFindings, measured
from deeppcos.clinical.ovary import Side
from deeppcos.records.study_file import MediaKind
from deeppcos.vision.findings import FollicleKind, FrameFindings

OVARY = f"m:{PICTURE}:0:o0"
FIRST, SECOND = f"{OVARY}f0", f"{OVARY}f1"


def seen(marks: FrameMarks, *, is_assessable: bool = True) -> FrameFindings:
    return edited_findings(frame_findings(is_assessable=is_assessable), marks, picture=PICTURE)


def start(*, is_assessable: bool = True) -> FrameMarks:
    return machine_marks(frame_findings(is_assessable=is_assessable), picture=PICTURE)


def still(findings: FrameFindings) -> PictureFindings:
    return PictureFindings(
        key=PICTURE, source="left.png", kind=MediaKind.STILL, side=Side.LEFT, frames=(findings,)
    )


def test_untouched_marks_give_the_machines_findings_back() -> None:
    assert seen(start()) == frame_findings()


def test_a_deleted_follicle_is_not_counted_and_the_interval_goes(edit: MakeEdit) -> None:
    after = applied(start(), edit(Delta.EXTRA, removes=(FIRST,)))
    [ovary] = seen(after).ovaries
    assert ovary.follicle_count_section.value == 2
    sides, record = measured([still(frame_findings())], {(PICTURE, 0): after})
    count = sides[0].measurements.fnps
    assert count is not None
    assert (count.value, count.low, count.high) == (2, None, None)
    assert record.left is not None
    assert record.left.fnps.value == 2


def test_without_edits_the_measurements_are_the_machines() -> None:
    _, record = measured([still(frame_findings())], {})
    assert record.left is not None
    assert (record.left.fnps.value, record.left.fnps.low, record.left.fnps.high) == (3, 2, 5)


def test_an_ovary_nobody_touched_keeps_its_diameters_from_before_simplifying(
    edit: MakeEdit,
) -> None:
    cyst = mark("r1", square(450, 20), MarkKind.CYST, said=True)
    [ovary] = seen(applied(start(), edit(Delta.MISSED, adds=(cyst,)))).ovaries
    assert (ovary.length_mm, ovary.follicle_count_section.high) == (41.0, 5)


def test_a_vessel_is_not_counted_and_a_cyst_is_another_structure(edit: MakeEdit) -> None:
    vessel = mark("r1", square(50, 50), MarkKind.VESSEL, said=True)
    cyst = mark("r2", square(150, 50), MarkKind.CYST, said=True)
    marks = applied(start(), edit(Delta.WRONG_KIND, removes=(FIRST,), adds=(vessel,)))
    marks = applied(marks, edit(Delta.WRONG_KIND, removes=(SECOND,), adds=(cyst,)))
    found = seen(marks)
    assert found.ovaries[0].follicle_count_section.value == 1
    assert len(found.lesions) == 2
    sides, _ = measured([still(frame_findings())], {(PICTURE, 0): marks})
    assert sides[0].measurements.dominant_follicle_or_corpus_luteum is True


def test_a_follicle_outside_the_ovary_is_not_counted(edit: MakeEdit) -> None:
    outside = mark("r1", square(450, 20))
    [ovary] = seen(applied(start(), edit(Delta.MISSED, adds=(outside,)))).ovaries
    assert ovary.follicle_count_section.value == 3


def test_a_dominant_follicle_is_marked_and_not_counted(edit: MakeEdit) -> None:
    large = mark("r1", square(50, 150, 120), MarkKind.DOMINANT)
    [ovary] = seen(applied(start(), edit(Delta.MISSED, adds=(large,)))).ovaries
    assert ovary.follicle_count_section.value == 3
    assert [f.kind for f in ovary.follicles].count(FollicleKind.DOMINANT) == 1


def test_a_frame_called_not_assessable_is_so_for_the_readers_reason(edit: MakeEdit) -> None:
    remark = Remark(id="q1", kind=RemarkKind.NOT_ASSESSABLE, text="shadow over the ovary")
    found = seen(applied(start(), edit(Delta.NOT_ASSESSABLE, remarks=(remark,))))
    assert not found.is_assessable
    assert found.not_assessable_because == ("shadow over the ovary",)
    _, record = measured(
        [still(frame_findings())],
        {(PICTURE, 0): applied(start(), edit(Delta.NOT_ASSESSABLE, remarks=(remark,)))},
    )
    assert record.left is not None
    assert record.left.fnps.value is None


def test_a_doubtful_ovary_counts_only_once_a_person_outlined_it(edit: MakeEdit) -> None:
    doubtful = start(is_assessable=False)
    unsaid = applied(doubtful, edit(Delta.EXTRA, removes=(FIRST,)))
    assert not seen(unsaid, is_assessable=False).is_assessable
    sure = mark("r1", square(0, 0, 400), MarkKind.OVARY)
    said = applied(doubtful, edit(Delta.MISSED, removes=(OVARY,), adds=(sure,)))
    found = seen(said, is_assessable=False)
    assert found.is_assessable
    assert found.ovaries[0].probability == 1.0


def test_a_reading_that_starts_from_nothing_is_measured_on_its_own(edit: MakeEdit) -> None:
    import dataclasses

    blank = dataclasses.replace(frame_findings(), ovaries=(), lesions=(), is_assessable=False)
    ovary = mark("r1", square(0, 0, 400), MarkKind.OVARY)
    marks = applied(FrameMarks(), edit(Delta.MISSED, adds=(ovary, mark("r2", square(50, 50)))))
    _, record = measured([still(blank)], {(PICTURE, 0): marks})
    assert record.left is not None
    assert record.left.fnps.value == 1
    assert record.left.length_mm is not None
