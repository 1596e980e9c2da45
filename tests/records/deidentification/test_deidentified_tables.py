"""Rows: what is not declared is dropped, what does not fit its column is dropped."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification import DeidentificationKey, Holds, deidentify_rows
from deeppcos.records.deidentification.tables import Cell
from deeppcos.records.identifiers import PatientIdentifier

KEY = DeidentificationKey(secret=bytes(range(32)))
COLUMNS = {
    "patient": Holds.PATIENT,
    "seen": Holds.DATE,
    "last_period": Holds.DATE,
    "born": Holds.BIRTH_DATE,
    "age": Holds.AGE_YEARS,
    "amh": Holds.NUMBER,
    "phenotype": Holds.CATEGORY,
    "study": Holds.UID,
    "notes": Holds.FREE_TEXT,
}
ROW: dict[str, Cell] = {
    "patient": "NC-7",
    "seen": "2026-03-02",
    "last_period": dt.date(2026, 2, 10),
    "born": dt.date(1930, 5, 1),
    "age": 95,
    "amh": 7.1,
    "phenotype": "A",
    "study": "1.2.826.0.1.77.1",
    "notes": "Anna Kowalska",
    "surprise": "Anna Kowalska",
}


def test_a_row_keeps_its_intervals_and_loses_its_patient() -> None:
    [row] = deidentify_rows(
        [ROW],
        columns=COLUMNS,
        key=KEY,
        issuer="North",
        words={"phenotype": frozenset("ABCD")},
        reference_date="seen",
    )
    patient = PatientIdentifier(issuer="North", value="NC-7")
    assert row["patient"] == KEY.pseudonym(patient)
    assert row["seen"] == dt.date(2026, 3, 2) + dt.timedelta(days=KEY.shift_days(patient))
    assert isinstance(row["seen"], dt.date)
    assert isinstance(row["last_period"], dt.date)
    assert (row["seen"] - row["last_period"]).days == 20
    assert (row["born"], row["age"], row["amh"], row["phenotype"]) == (90, 90, 7.1, "A")
    assert row["study"] == KEY.uid("1.2.826.0.1.77.1")
    assert "notes" not in row
    assert "surprise" not in row


@given(st.sampled_from(sorted(set(COLUMNS) - {"patient", "notes"})), st.text(min_size=4))
def test_words_in_a_column_of_something_else_never_pass(column: str, words: str) -> None:
    [row] = deidentify_rows([ROW | {column: words}], columns=COLUMNS, key=KEY)
    assert row[column] is None or str(row[column]) != words


def test_an_age_without_a_reference_date_is_unknown() -> None:
    [row] = deidentify_rows([ROW], columns=COLUMNS, key=KEY)
    assert row["born"] is None


def test_a_table_without_a_patient_column_is_refused() -> None:
    with pytest.raises(InvalidInput, match="patient by patient"):
        list(deidentify_rows([ROW], columns={"amh": Holds.NUMBER}, key=KEY))


def test_a_row_without_a_patient_is_refused() -> None:
    with pytest.raises(InvalidInput, match="identifier is empty"):
        list(deidentify_rows([ROW | {"patient": None}], columns=COLUMNS, key=KEY))
