"""Links between patient numbers: symmetric, followed through, taken back, never changed."""

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from deeppcos.errors import InvalidInput
from deeppcos.records.identifiers import PatientIdentifier
from deeppcos.records.patient_links import LinkEvent, LinkKind, LinkTable

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


def who(value: str) -> PatientIdentifier:
    return PatientIdentifier(issuer="H", value=value)


def event(one: str, other: str, kind: LinkKind = LinkKind.LINK) -> LinkEvent:
    return LinkEvent(kind=kind, one=who(one), other=who(other), told_at=NOW, told_by="A24-1")


@pytest.fixture
def table(tmp_path: Path) -> LinkTable:
    return LinkTable(tmp_path / "merges.sqlite3")


def test_a_link_holds_from_both_ends_and_through_others(table: LinkTable) -> None:
    assert table.append(event("1", "2"))
    assert table.append(event("3", "2"))
    assert table.linked_with(who("1")) == (who("2"), who("3"))
    assert table.linked_with(who("3")) == (who("1"), who("2"))
    assert table.linked_with(who("9")) == ()


def test_the_same_link_twice_or_the_other_way_round_stands_once(table: LinkTable) -> None:
    assert table.append(event("1", "2"))
    assert not table.append(event("2", "1"))
    assert len(table.events()) == 1


def test_an_unlink_takes_one_link_back_and_keeps_what_was_told(table: LinkTable) -> None:
    table.append(event("1", "2"))
    table.append(event("2", "3"))
    assert table.append(event("2", "1", LinkKind.UNLINK))
    assert table.linked_with(who("1")) == ()
    assert table.linked_with(who("2")) == (who("3"),)
    assert len(table.events()) == 3
    with pytest.raises(InvalidInput, match="no such link"):
        table.append(event("1", "2", LinkKind.UNLINK))


def test_nothing_told_can_be_changed(table: LinkTable, tmp_path: Path) -> None:
    table.append(event("1", "2"))
    opened = sqlite3.connect(tmp_path / "merges.sqlite3")
    for words in ("DELETE FROM link_events", "UPDATE link_events SET kind = 'unlink'"):
        with pytest.raises(sqlite3.IntegrityError, match="only appended"):
            opened.execute(words)
    opened.close()
