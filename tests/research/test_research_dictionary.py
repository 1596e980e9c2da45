"""The data dictionary stands in the documents as it stands in the code."""

from pathlib import Path

import pytest

from deeppcos.research.columns import BY_NAME, TABLES, Kind
from deeppcos.research.dictionary_page import dictionary_page, dictionary_rows

PAGE = Path(__file__).resolve().parents[2] / "docs" / "research-data-dictionary.md"


def test_the_page_in_the_documents_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary_page(), (
        "write it again: deeppcos cohort dictionary > docs/research-data-dictionary.md"
    )


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_meaning_and_a_name_of_its_own(table: str) -> None:
    names = [column.name for column in TABLES[table]]
    assert len(set(names)) == len(names)
    assert all(row["meaning"].endswith(".") for row in dictionary_rows(table))


@pytest.mark.parametrize("suffix", ["_mm", "_ml", "_ng_ml", "_nmol_l", "_cm"])
def test_a_unit_in_a_name_is_stated_as_a_unit(suffix: str) -> None:
    measured = [
        column
        for columns in TABLES.values()
        for column in columns
        if column.name.endswith(suffix) and column.kind is Kind.NUMBER
    ]
    assert measured
    assert all(column.unit for column in measured)


def test_the_pseudonyms_and_days_are_marked_as_identifying() -> None:
    assert {name for name, column in BY_NAME.items() if column.identifies} == {
        *("assessment_id", "patient_id", "performed_on"),
    }
