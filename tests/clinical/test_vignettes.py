"""Patients a physician can read, with what is expected of each.

The column ``fields`` names ready parts (listed in conftest.py) and single fields as
``section.field=value``; a laboratory value is ``value|unit|upper limit|assay``. The last two
columns are for the physician who has checked the row.
"""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from deeppcos.clinical.assessment import assess
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.document import to_document

TABLE = Path(__file__).with_name("vignettes.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TABLE.splitlines()))
FINDINGS = (
    "ovulatory_dysfunction",
    "hyperandrogenism",
    "polycystic_morphology",
    "exclusions",
)


def value_of(name: str, text: str) -> Any:
    if not name.startswith("labs."):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    value, unit, *rest = text.split("|")
    limit, assay = [*rest, "", ""][:2]
    return (float(value), unit, float(limit) if limit else None, assay or None)


def fields_of(row: Mapping[str, str], parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for word in row["fields"].split():
        name, _, text = word.partition("=")
        fields |= {name: value_of(name, text)} if text else parts[name]
    return fields


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['id']} {row['story']}")
def test_the_vignette_is_concluded_as_the_table_says(
    row: dict[str, str],
    make_chart: Callable[[Mapping[str, Any]], PatientChart],
    parts: dict[str, dict[str, Any]],
) -> None:
    chart = make_chart(fields_of(row, parts))
    assessment = assess(chart, profile=row["profile"] or "guideline_2023")
    document = to_document(assessment)
    got = {
        "status": document["conclusion"]["status"],
        "phenotype": document["conclusion"]["phenotype"] or "",
        **{name: document["findings"][name]["state"] for name in FINDINGS},
    }
    assert got == {name: row[name] for name in got}


def test_there_are_enough_vignettes_and_each_has_room_for_a_signature() -> None:
    assert len(ROWS) >= 30
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert all("reviewer" in row and "reviewed_on" in row for row in ROWS)
