"""The reading list: its order and its lots."""

import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning.feedback.reading_list import RANDOM_SHARE, Unread, reading_list, reasons_of

MANY = [Unread(study=f"s{n:03}", margin=float(n), stratum="a") for n in range(400)]


def test_every_study_stands_in_the_list_once_whatever_the_share() -> None:
    for share in (0.0, 0.2, 1.0):
        places = reading_list(MANY, read_by_stratum={}, seed=3, random_share=share)
        assert sorted(p.study for p in places) == [u.study for u in MANY]


def test_a_fifth_of_the_places_is_drawn_by_lot_and_from_everywhere() -> None:
    places = reading_list(MANY, read_by_stratum={}, seed=3, random_share=RANDOM_SHARE)
    lots = [p for p in places[:200] if p.is_random]
    assert 25 <= len(lots) <= 55
    # Lots drawn for the first half of the list reach studies the order alone would put last.
    assert max(int(p.study[1:]) for p in lots) > 300
    assert all(p.is_blind == p.is_random for p in places)


def test_what_ships_is_drawn_by_lot_and_a_fifth_goes_out_blind() -> None:
    places = reading_list(MANY, read_by_stratum={}, seed=3)
    assert all(p.is_random for p in places)
    assert 55 <= sum(p.is_blind for p in places) <= 105


def test_the_same_day_gives_the_same_list_in_whatever_order_studies_come() -> None:
    one = reading_list(MANY, read_by_stratum={}, seed=9)
    other = reading_list(MANY[::-1], read_by_stratum={}, seed=9)
    assert one == other
    assert one != reading_list(MANY, read_by_stratum={}, seed=10)


def test_an_unknown_signal_is_no_reason_for_or_against() -> None:
    unread = [Unread(study="known", uncertainty=0.1), Unread(study="unknown")]
    known, unknown = reasons_of(unread, read_by_stratum={})
    assert dict(known) == {"uncertain": 0.5}
    assert dict(unknown) == {}


def test_a_group_that_was_rarely_read_comes_first() -> None:
    unread = [Unread(study="1", stratum="often"), Unread(study="2", stratum="rarely")]
    read = {"often": 90, "rarely": 2}
    first = reading_list(unread, read_by_stratum=read, seed=1, random_share=0)[0]
    assert first.study == "2"


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match="random share"):
        reading_list(MANY, read_by_stratum={}, seed=1, random_share=share)


def test_a_study_named_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        reading_list([MANY[0], MANY[0]], read_by_stratum={}, seed=1)


def test_a_lot_that_was_drawn_before_is_not_drawn_again() -> None:
    unread = [Unread(study=f"s{n:03}", is_blind=n % 4 == 0) for n in range(40)]
    for share in (RANDOM_SHARE, 1.0):
        places = reading_list(unread, read_by_stratum={}, seed=7, random_share=share)
        assert {p.study for p in places if p.is_blind} == {u.study for u in unread if u.is_blind}
