"""An assessment becomes one row that says what its document and chart say, and nothing more."""

import copy
from typing import Any

import pytest

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.assessment import assess
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.patient import Cycles, Patient
from deeppcos.clinical.profiles import PROFILES
from deeppcos.clinical.units import LabValue
from deeppcos.errors import InvalidInput
from deeppcos.research.bare import bare_document
from deeppcos.research.columns import BY_NAME
from deeppcos.research.flatten import StudyFacts, flatten
from deeppcos.research.simulation import SimulatedVisit

FACTS = StudyFacts(assessment_id="a1", patient_id="p1")


def row_of(chart: PatientChart) -> dict[str, Any]:
    return flatten(bare_document(chart), FACTS, chart=chart).assessment


def test_every_column_of_a_row_stands_in_the_dictionary(visits: list[SimulatedVisit]) -> None:
    assert visits[0].rows().assessment.keys() <= BY_NAME.keys()


def test_what_is_unknown_stays_null() -> None:
    row = row_of(PatientChart())
    for name in ("age_years", "amh_ng_ml", "fnpo_largest", "bmi_kg_m2", "axis_morphology", "route"):
        assert row[name] is None, name
    assert row["status"] == "indeterminate"


def test_days_of_bleeding_never_become_a_cycle_interval() -> None:
    row = row_of(PatientChart(cycles=Cycles(bleeding_days=5)))
    assert row["cycle_interval_days"] is None


def test_laboratory_values_are_converted_to_the_unit_in_their_name() -> None:
    lab = LabValue(analyte=Analyte.AMH, value=50, unit="pmol/L")
    flattened = flatten(
        bare_document(PatientChart(labs=(lab,))), FACTS, chart=PatientChart(labs=(lab,))
    )
    assert flattened.assessment["amh_ng_ml"] == pytest.approx(7.0, rel=0.01)
    assert flattened.labs[0]["value"] == 50
    assert flattened.labs[0]["unit"] == "pmol/L"


def test_every_profile_concludes_as_the_rule_engine_does(visits: list[SimulatedVisit]) -> None:
    for visit in visits[:25]:
        row = visit.rows().assessment
        for key in PROFILES:
            conclusion = assess(visit.chart, profile=key).conclusion
            assert row[f"status_{key}"] == conclusion.status.value
            assert row[f"phenotype_{key}"] == conclusion.phenotype


def test_the_larger_ovary_counts_and_the_chart_goes_before_a_picture(
    visits: list[SimulatedVisit],
) -> None:
    visit = next(v for v in visits if v.chart.ultrasound.left.fnpo is not None)
    document = copy.deepcopy(visit.document)
    empty = {"value": None, "low": None, "high": None}
    document["measurements"]["left"] = {
        "fnps": empty, "tracked_estimate": empty, "fnpo": empty | {"value": 199},
        "volume_ml": empty, "length_mm": None, "width_mm": None, "thickness_mm": None,
    }  # fmt: skip
    flattened = flatten(document, visit.facts, chart=visit.chart)
    scan = visit.chart.ultrasound
    charted = [o.fnpo.value for o in (scan.left, scan.right) if o.fnpo is not None]
    assert flattened.assessment["fnpo_largest"] == max(charted)
    assert {o["source"] for o in flattened.ovaries} == {"picture", "chart"}


@pytest.mark.parametrize(
    "missing", ["conclusion", "findings", "severity", "measurements", "frames"]
)
def test_a_document_that_lacks_a_part_is_refused_by_name(missing: str) -> None:
    document = bare_document(PatientChart(patient=Patient(age_years=30)))
    del document[missing]
    with pytest.raises(InvalidInput, match=missing):
        flatten(document, FACTS)


def test_another_document_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"deeppcos\.chart/1.*accepted: deeppcos\.assessment/1"):
        flatten({"schema": "deeppcos.chart/1"}, FACTS)
