"""The key: kept from other eyes, never overwritten, never shown."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.key import (
    DeidentificationKey,
    key_at,
    new_key,
    read_key,
    write_key,
)
from deeppcos.records.identifiers import PatientIdentifier

JANE = PatientIdentifier(issuer="North", value="1")


def test_a_key_is_written_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "private" / "key.json"
    key = key_at(path)
    assert key_at(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(InvalidInput, match="there is a key already"):
        write_key(new_key(), path)
    assert read_key(path) == key


def test_a_key_is_never_shown(tmp_path: Path) -> None:
    key = key_at(tmp_path / "key.json")
    assert key.secret.hex() not in repr(key) + str(key)
    (tmp_path / "other.json").write_text(f'{{"secret": "{key.secret.hex()}"}}', encoding="ascii")
    with pytest.raises(InvalidInput, match="is no key") as refused:
        read_key(tmp_path / "other.json")
    assert key.secret.hex() not in str(refused.value)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(InvalidInput, match="wrong length"):
        DeidentificationKey(secret=b"short")


@given(st.text(min_size=1, max_size=64))
def test_new_uids_are_valid_and_depend_on_the_key(uid: str) -> None:
    one, other = DeidentificationKey(secret=bytes(32)), DeidentificationKey(secret=bytes(31) + b"1")
    assert UID(one.uid(uid)).is_valid
    assert one.uid(uid) == one.uid(uid) != other.uid(uid)


def test_two_hundred_keys_shift_and_name_a_patient_in_two_hundred_ways() -> None:
    keys = [new_key() for _ in range(200)]
    assert len({key.pseudonym(JANE) for key in keys}) == 200
    shifts = {key.shift_days(JANE) for key in keys}
    assert len(shifts) > 150
    assert all(-3650 <= shift <= -30 for shift in shifts)
