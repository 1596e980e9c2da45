"""Agreement, consensus, conflicts and drift: what several readers of one picture add up to."""

import datetime

import numpy as np
import pytest

from deeppcos.learning.feedback.agreement import (
    agreement_of_pairs,
    agreement_of_readers,
    pair_rows,
)
from deeppcos.learning.feedback.conflicts import conflict_between
from deeppcos.learning.feedback.consensus import consensus_document, consensus_of
from deeppcos.learning.feedback.drift import drift_of_readers
from deeppcos.learning.sources.reviewed_document import (
    Outline,
    Reading,
    ReviewedDocument,
    ReviewedImage,
    ReviewedStudy,
)

START = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)


def circle(x: float, y: float, radius: float = 10, certainty: str = "sure") -> Outline:
    turns = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    corners = [(x + radius * float(np.cos(t)), y + radius * float(np.sin(t))) for t in turns]
    return Outline(polygon=corners, certainty="sure" if certainty == "sure" else "maybe")


def reading(reader: str, *places: float, day: int = 0, shows: str = "ovary") -> Reading:
    """A reader who outlined the ovary and a follicle at each place."""
    return Reading(
        reader=reader,
        is_clinician=True,
        read_at=START + datetime.timedelta(days=day),
        release_shown=None,
        shows=shows,  # type: ignore[arg-type]
        ovaries=[circle(100, 50, 45)] if shows == "ovary" else [],
        follicles=[circle(x, 50) for x in places],
        lesions=[],
    )


def document(*pictures: list[Reading]) -> ReviewedDocument:
    """Each picture is a patient of her own."""
    studies = [
        ReviewedStudy(
            study=f"s{n}",
            patient_group=f"p{n}",
            may_train=True,
            images=[
                ReviewedImage(file=f"{n}.png", sha256="0" * 64, mm_per_pixel=None, readings=said)
            ],
        )
        for n, said in enumerate(pictures)
    ]
    return ReviewedDocument(
        schema="deeppcos.reviewed/1", exported_at=START, exported_by="a test", studies=studies
    )


def test_two_readers_who_share_two_of_three_follicles_agree_by_two_thirds() -> None:
    rows = pair_rows(document([reading("a", 20, 60, 100), reading("b", 20, 60, 150)]))
    (one,) = agreement_of_pairs(rows, rounds=10)
    assert one.f1.value == pytest.approx(2 / 3)
    assert one.ovary_dice.value == pytest.approx(1.0, abs=0.01)
    assert one.count_concordance.value is None


def test_a_reader_is_compared_with_all_others_and_intervals_go_by_patient() -> None:
    said = [[reading("a", 20, 60), reading("b", 20, 60), reading("c")] for _ in range(5)]
    by_reader = {one.first: one for one in agreement_of_readers(pair_rows(document(*said)))}
    assert by_reader["c"].f1.value == 0
    assert by_reader["a"].f1.value == pytest.approx(4 / 6)
    assert by_reader["a"].f1.groups == 5


def test_an_adjudicator_is_no_independent_reader() -> None:
    assert pair_rows(document([reading("a", 20), reading("adjudicator-x", 60)])) == ()


def test_who_did_not_look_for_follicles_is_not_taken_for_finding_none() -> None:
    silent = reading("a").model_copy(update={"follicles": None})
    (row,) = pair_rows(document([silent, reading("b", 20)]))
    assert row.first_count is None
    (one,) = agreement_of_pairs([row], rounds=10)
    assert one.f1.value is None


def test_one_of_three_can_neither_add_a_follicle_nor_take_one_away() -> None:
    honest = [reading("a", 20, 60), reading("b", 22, 61)]
    added = consensus_of([*honest, reading("c", 20, 60, 100, 140, 180)])
    taken = consensus_of([*honest, reading("c")])
    assert added is not None
    assert added.follicles is not None
    assert [f.certainty for f in added.follicles] == ["sure", "sure"]
    assert taken is not None
    assert taken.follicles is not None
    assert [f.certainty for f in taken.follicles] == ["maybe", "maybe"]


def test_what_one_of_two_marked_is_a_maybe() -> None:
    both = consensus_of([reading("a", 20, 60), reading("b", 20)])
    assert both is not None
    assert both.follicles is not None
    assert sorted(f.certainty for f in both.follicles) == ["maybe", "sure"]


def test_two_readers_who_see_different_things_have_no_consensus() -> None:
    said = [reading("a", 20), reading("b", shows="lesion")]
    assert consensus_of(said) is None
    assert consensus_document(document(said)).studies == []
    assert "disagree on what it shows" in conflict_between(said)


def test_an_adjudicator_ends_a_conflict_and_her_word_is_the_label() -> None:
    said = [reading("a", 20), reading("b", shows="lesion"), reading("adjudicator-x", 60, 100)]
    assert conflict_between(said) == ""
    settled = consensus_of(said)
    assert settled is not None
    assert settled.reader == "adjudicator-x"


def test_readers_who_share_little_contradict_and_one_follicle_more_is_noise() -> None:
    assert "share 0" in conflict_between([reading("a", 20, 60), reading("b", 100, 140, 180)])
    assert conflict_between([reading("a", 20), reading("b", 20, 60)]) == ""
    assert conflict_between([reading("a", 20)], is_disputed=True) == "a reader disputes the label"


def test_machine_marks_that_one_reader_saw_are_not_forgotten_in_a_consensus() -> None:
    seen = reading("b", 20).model_copy(update={"release_shown": "r1"})
    settled = consensus_of([reading("a", 20), seen])
    assert settled is not None
    assert settled.release_shown == "r1"


def test_a_reader_who_begins_to_over_mark_is_seen_to_drift_and_a_steady_pair_is_not() -> None:
    steady = [[reading("a", 20, 60, day=d), reading("b", 20, 60, day=d)] for d in range(30)]
    drifting = [
        [reading("a", 20, 60, *((100.0, 140.0, 180.0) if d >= 15 else ()), day=d),
         reading("b", 20, 60, day=d)]
        for d in range(30)
    ]  # fmt: skip
    assert [d.has_changed for d in drift_of_readers(pair_rows(document(*steady)))] == [False, False]
    first = drift_of_readers(pair_rows(document(*drifting)))[0]
    assert first.has_changed is True
    assert first.count_change.value == pytest.approx(3.0)


def test_few_pictures_give_no_verdict_on_drift() -> None:
    rows = pair_rows(document([reading("a", 20), reading("b", 20)]))
    assert {d.has_changed for d in drift_of_readers(rows, rounds=10)} == {None}
