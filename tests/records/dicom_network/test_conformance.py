"""The conformance statement says what the code does."""

from pathlib import Path

from deeppcos.records.dicom_network.accepted import KEPT_CLASSES, KEPT_SYNTAXES
from deeppcos.records.dicom_network.conformance import conformance_statement
from deeppcos.records.dicom_pixel_data import COMPRESSED_SYNTAXES, NATIVE_SYNTAXES

PAGE = Path(__file__).parents[3] / "docs" / "dicom-conformance.md"


def test_the_statement_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == conformance_statement(), (
        "run python scripts/write_conformance.py"
    )


def test_everything_accepted_can_be_read_and_everything_readable_is_accepted() -> None:
    assert set(KEPT_SYNTAXES) == {*NATIVE_SYNTAXES, *COMPRESSED_SYNTAXES}


def test_every_uid_has_a_name_in_the_statement() -> None:
    text = conformance_statement()
    for uid in (*KEPT_CLASSES, *KEPT_SYNTAXES):
        assert uid.name != str(uid)
        assert f"| {uid.name}" in text
        assert f" | {uid} |" in text
