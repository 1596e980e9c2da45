"""Tables on the disk: what was changed, renamed, lost or added is refused by name."""

import shutil
from pathlib import Path

import pytest
from tests.research.conftest import answers

from deeppcos.errors import InvalidInput
from deeppcos.research.columns import ASSESSMENTS
from deeppcos.research.table import ResearchTable, open_table, quoted, write_tables


@pytest.fixture
def copied(table: ResearchTable, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(table.folder, folder)
    return folder


def rewritten(folder: Path, columns: str) -> None:
    """Write the flat table with other columns."""
    file = folder / "assessments.parquet"
    old = file.with_name("old.parquet")
    file.rename(old)
    answers(f"COPY (SELECT {columns} FROM {quoted(old)}) TO {quoted(file)} (FORMAT parquet)")
    old.unlink()


def test_what_is_written_is_read_again(table: ResearchTable) -> None:
    again = open_table(table.folder)
    assert again.fingerprint == table.fingerprint
    found = answers(f"SELECT count(*), count(amh_ng_ml) FROM {quoted(table.file('assessments'))}")
    [(rows, known)] = found
    assert rows == table.rows["assessments"]
    assert 0 < known < rows


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("* EXCLUDE (amh_ng_ml)", r"assessments\.amh_ng_ml is missing"),
        (
            "* RENAME (age_years AS age_in_years)",
            r"age_years is missing \(renamed to age_in_years\?",
        ),
        ("*, 1 AS pcos_label", r"assessments\.pcos_label is not in the dictionary"),
        (
            "* REPLACE (CAST(performed_on AS VARCHAR) AS performed_on)",
            r"performed_on is VARCHAR, not DATE",
        ),
        (
            "* REPLACE (replace(CAST(amh_ng_ml AS VARCHAR), '.', ',') AS amh_ng_ml)",
            r"amh_ng_ml is VARCHAR, not DOUBLE",
        ),
    ],
    ids=["missing", "renamed", "extra", "date as text", "decimal commas"],
)
def test_a_table_with_other_columns_is_refused_and_every_difference_named(
    copied: Path, columns: str, said: str
) -> None:
    rewritten(copied, columns)
    with pytest.raises(InvalidInput, match=said):
        open_table(copied)


def test_a_value_changed_afterwards_is_noticed(copied: Path) -> None:
    rewritten(copied, "* REPLACE (amh_ng_ml * 10 AS amh_ng_ml)")
    with pytest.raises(InvalidInput, match="was changed after it was written"):
        open_table(copied)


def test_a_lost_or_damaged_file_is_named(copied: Path) -> None:
    (copied / "labs.parquet").unlink()
    (copied / "ovaries.parquet").write_bytes(b"no parquet")
    with pytest.raises(
        InvalidInput, match=r"ovaries\.parquet cannot be read.*labs\.parquet is missing"
    ):
        open_table(copied)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no research table"):
        open_table(tmp_path)


def test_a_row_with_a_column_nobody_declared_is_refused(tmp_path: Path) -> None:
    row = {"assessment_id": "1", "patient_id": "1", "name": "Jane"}
    with pytest.raises(InvalidInput, match=r"dictionary does not know.*name"):
        write_tables(tmp_path / "t", {"assessments": [row]}, source="made up")


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    made = write_tables(tmp_path / "t", {}, source="nothing")
    assert made.rows["assessments"] == 0
    assert len(ASSESSMENTS) > 50
