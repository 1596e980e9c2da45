from hypothesis import given
from hypothesis import strategies as st

from deeppcos.clinical.finding import (
    Finding,
    State,
    absent,
    agreeing,
    any_of,
    at_least,
    hinging_on,
    not_assessable,
    present,
    unknown,
)

FINDINGS = st.sampled_from(
    [present("p"), absent("a"), unknown("u", missing=["u"]), not_assessable("n")]
)


def test_any_of_is_absent_only_when_everything_was_looked_for() -> None:
    assert any_of(absent(), absent()).state is State.ABSENT
    assert any_of(absent(), unknown()).state is State.UNKNOWN
    assert any_of(absent(), not_assessable()).state is State.NOT_ASSESSABLE


def test_any_of_is_present_as_soon_as_one_part_is() -> None:
    assert any_of(unknown(), present(), absent()).state is State.PRESENT


def test_not_assessable_beside_unknown_is_shown_as_unknown() -> None:
    assert any_of(unknown(), not_assessable()).state is State.UNKNOWN


def test_two_of_three_is_settled_early_either_way() -> None:
    assert at_least(2, present(), present(), unknown()).state is State.PRESENT
    assert at_least(2, absent(), absent(), unknown()).state is State.ABSENT
    assert at_least(2, present(), absent(), unknown()).state is State.UNKNOWN


def test_what_is_missing_is_named_only_while_the_question_is_open() -> None:
    open_question = any_of(absent(), unknown(missing=["tsh"]))
    answered = any_of(present("seen"), unknown(missing=["tsh"]))
    assert open_question.missing == ("tsh",)
    assert answered.missing == ()
    assert answered.reasons == ("seen",)


@given(st.integers(1, 3), st.lists(FINDINGS, min_size=3, max_size=3), st.integers(0, 2), FINDINGS)
def test_resolving_one_part_never_reverses_the_whole(
    count: int, parts: list[Finding], index: int, answer: Finding
) -> None:
    before = at_least(count, *[*parts[:index], unknown(), *parts[index + 1 :]]).state
    after = at_least(count, *[*parts[:index], answer, *parts[index + 1 :]]).state
    if not before.is_open:
        assert after is before


def test_a_present_whole_is_provisional_only_if_it_needs_a_provisional_part() -> None:
    shaky = present("shaky", provisional_on=["patient.population"])
    assert any_of(shaky, unknown()).provisional_on == ("patient.population",)
    assert not any_of(shaky, present("firm")).is_provisional
    assert at_least(2, shaky, present("firm")).is_provisional


def test_ways_that_agree_give_their_answer_and_open_ways_are_ignored() -> None:
    assert agreeing(present(), unknown(), present()).state is State.PRESENT
    assert agreeing(absent(), unknown()).state is State.ABSENT
    assert agreeing(unknown(), not_assessable()).state is State.UNKNOWN


def test_a_third_answer_never_decides_between_two_that_contradict_each_other() -> None:
    torn = agreeing(present("scan"), absent("amh"))
    assert torn.state is State.UNKNOWN
    assert torn.is_contradicted
    assert agreeing(torn, present("again")).state is State.UNKNOWN
    assert agreeing(any_of(torn, absent()), present()).state is State.UNKNOWN


def test_what_hinges_on_an_unknown_field_is_not_absent_and_not_firmly_present() -> None:
    was_absent = hinging_on(absent("no"), "patient.pregnant", "not asked")
    was_present = hinging_on(present("yes"), "patient.pregnant", "not asked")
    assert was_absent.state is State.UNKNOWN
    assert was_absent.missing == ("patient.pregnant",)
    assert was_present.state is State.PRESENT
    assert was_present.firm_state is State.UNKNOWN
