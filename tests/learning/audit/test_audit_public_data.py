"""What the audit says of real sets, held to what is known of them. Skipped where they are not."""

import csv
import os
from pathlib import Path

import pytest

from deeppcos.learning.audit.findings import Weight
from deeppcos.learning.audit.picture_table import ColumnChoice
from deeppcos.learning.audit.report import audit_dataset

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("DEEPPCOS_DATA") or ROOT.parent / "shared" / "data")


def real(name: str) -> Path:
    """A real data set, or a skip with the reason."""
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not there; name its folder in DEEPPCOS_DATA")
    return DATA / name


@pytest.mark.slow
def test_the_popular_ultrasound_sample_is_eight_photographs() -> None:
    report = audit_dataset(real("kaggle_ultrasound_sample"), ColumnChoice())
    found = {finding.code: finding for finding in report.findings}
    assert found["source_images"].figures == {"images": 170, "sources": 8}
    assert found["copies_across_splits"].figures["held_out_with_copy"] == 50
    assert found["copies_across_splits"].figures["equal_files"] == 50
    assert found["trivial_features"].figures["image_size_given"] == 1.0
    assert found["class_with_few_sources"].weight is Weight.SPOILS
    assert report.is_spoiled


def test_the_541_women_hold_the_twenty_known_doubles() -> None:
    pytest.importorskip("openpyxl", reason="needs the audit extra")
    table = real("clinical/PCOS_data_without_infertility.xlsx")
    known: dict[str, list[int]] = {}
    with real("clinical/dup_groups.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            known.setdefault(row["dup_group"], []).append(int(row["Sl. No"]) - 1)
    pairs = {tuple(sorted(rows)) for rows in known.values() if len(rows) > 1}
    report = audit_dataset(table, ColumnChoice())
    assert report.table is not None
    found = {(pair.first, pair.second) for pair in report.table.rows.near}
    assert len(pairs) == 20
    assert pairs <= found
    assert len(found) <= 22
    assert len(report.table.conflicts) == 4
    assert {t.column for t in report.table.troubles if t.kind == "impossible"} >= {
        "FSH(mIU/mL)",
        "LH(mIU/mL)",
        "Vit D3 (ng/mL)",
    }
