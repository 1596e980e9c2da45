"""Patient numbers with their issuers, and merges as an append-only table."""

import datetime as dt
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput
from deeppcos.records.identifiers import (
    MergeEvent,
    MergeKind,
    MergeTable,
    PatientIdentifier,
    canonical_of,
    standing_merges,
)


def patient(value: str, *, issuer: str = "North Clinic") -> PatientIdentifier:
    return PatientIdentifier(issuer=issuer, value=value)


def event(
    retired: str, surviving: str, *, kind: MergeKind = MergeKind.MERGE, message: str = "A40-1"
) -> MergeEvent:
    return MergeEvent(
        kind=kind,
        retired=patient(retired),
        surviving=patient(surviving),
        told_at=dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC),
        told_by=message,
    )


@pytest.fixture
def table(tmp_path: Path) -> MergeTable:
    return MergeTable(tmp_path / "merges.sqlite3")


def test_the_same_number_of_two_hospitals_is_two_patients(table: MergeTable) -> None:
    table.append(event("1", "2"))
    assert table.canonical(patient("1")) == patient("2")
    assert table.canonical(patient("1", issuer="South")) == patient("1", issuer="South")


def test_an_empty_number_names_nobody() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        patient("  ")


def test_padding_is_no_part_of_an_identifier() -> None:
    assert PatientIdentifier(issuer=" H ", value="7 ") == PatientIdentifier(issuer="H", value="7")


def test_merges_are_followed_through_a_chain_and_known_from_every_end(table: MergeTable) -> None:
    table.append(event("1", "2"))
    table.append(event("2", "3"))
    table.append(event("0", "3"))
    assert {table.canonical(patient(one)) for one in "0123"} == {patient("3")}
    assert table.known_as(patient("1")) == tuple(map(patient, "3012"))


def test_taking_a_merge_back_gives_both_numbers_back_and_keeps_both_events(
    table: MergeTable,
) -> None:
    table.append(event("1", "2"))
    table.append(event("1", "2", kind=MergeKind.UNMERGE, message="A37-1"))
    assert table.canonical(patient("1")) == patient("1")
    assert [one.told_by for one in table.events()] == ["A40-1", "A37-1"]


def test_a_message_sent_twice_stands_once(table: MergeTable) -> None:
    table.append(event("1", "2"))
    table.append(event("1", "2", message="A40-1 again"))
    assert len(table.events()) == 1


@pytest.mark.parametrize(
    ("before", "wrong", "reason"),
    [
        ([], event("1", "1"), "circle"),
        ([event("1", "2")], event("2", "1"), "circle"),
        ([event("1", "2"), event("2", "3")], event("3", "1"), "circle"),
        ([event("1", "2")], event("1", "3"), "already merged"),
        ([], event("1", "2", kind=MergeKind.UNMERGE), "no such merge"),
    ],
    ids=["itself", "back", "through-a-chain", "two-survivors", "nothing-to-take-back"],
)
def test_what_contradicts_the_standing_merges_is_refused_and_not_kept(
    table: MergeTable, before: list[MergeEvent], wrong: MergeEvent, reason: str
) -> None:
    for one in before:
        table.append(one)
    with pytest.raises(InvalidInput, match=reason):
        table.append(wrong)
    assert list(table.events()) == before


def test_nothing_told_can_be_changed_or_deleted(table: MergeTable, tmp_path: Path) -> None:
    table.append(event("1", "2"))
    connection = sqlite3.connect(tmp_path / "merges.sqlite3")
    for statement in ("DELETE FROM merge_events", "UPDATE merge_events SET told_by = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="only appended"):
            connection.execute(statement)
    connection.close()
    assert table.events() == (event("1", "2"),)


def test_two_senders_at_once_lose_nothing(table: MergeTable, tmp_path: Path) -> None:
    def tell(number: int) -> None:
        MergeTable(tmp_path / "merges.sqlite3").append(event(str(number), "100"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, range(12)))
    assert len(table.known_as(patient("100"))) == 13


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), max_size=20))
def test_whatever_is_told_looking_up_ends_and_is_stable(
    told: list[tuple[int, int, bool]],
) -> None:
    from deeppcos.records.identifiers import _changes_something

    kept: list[MergeEvent] = []
    for retired, surviving, is_merge in told:
        kind = MergeKind.MERGE if is_merge else MergeKind.UNMERGE
        one = event(str(retired), str(surviving), kind=kind)
        try:
            if _changes_something(one, standing_merges(kept)):
                kept.append(one)
        except InvalidInput:
            continue
    standing = standing_merges(kept)
    for number in range(7):
        found = canonical_of(patient(str(number)), standing)
        assert canonical_of(found, standing) == found
