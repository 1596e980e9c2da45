import datetime as dt
import json
from typing import Any

import pytest

from deeppcos.clinical.analytes import Analyte
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_json import read_chart

pytest.importorskip("fhir.resources", reason="the records extra is not installed")

from deeppcos.records.fhir.reading import KnownChart, read_bundle

UCUM = "http://unitsofmeasure.org"
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1998-01-06"}
STUDY = {
    "resourceType": "ImagingStudy",
    "id": "s",
    "status": "available",
    "subject": {"reference": "Patient/p"},
    "started": "2026-01-05T10:00:00+03:00",
}


def lab(
    loinc: str, value: float, unit: str, day: str | None = "2025-12-01", **more: Any
) -> dict[str, Any]:
    made = {
        "resourceType": "Observation",
        "id": f"o{abs(hash((loinc, value, unit, day)))}"[:20],
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "subject": {"reference": "Patient/p"},
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
        **more,
    }
    return {**made, "effectiveDateTime": day} if day else made


def pill(atc: str, status: str, **period: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "id": f"{atc}-{status}",
        "status": status,
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.whocc.no/atc", "code": atc}]
        },
        **({"effectivePeriod": period} if period else {}),
    }


def read(*resources: dict[str, Any], **more: Any) -> KnownChart:
    entries = [{"resource": one} for one in resources]
    return read_bundle(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}), **more
    )


def test_the_chart_is_one_deeppcos_reads() -> None:
    found = read(PATIENT, STUDY, lab("3016-3", 2.1, "m[IU]/L"), pill("G03AA07", "active"))
    chart = read_chart(json.dumps(found.chart))
    assert chart.patient.age_years == 27, "the birthday is the day after the study"
    assert chart.patient.hormonal_contraception == "combined"
    tsh = chart.lab(Analyte.TSH)
    assert tsh is not None
    assert tsh.value == 2.1
    assert any("TSH 2.1" in line and "2025-12-01" in line for line in found.origins)


def test_the_latest_result_up_to_the_study_counts_and_the_others_are_listed() -> None:
    found = read(
        STUDY,
        lab("38476-8", 4.0, "ng/mL", "2025-06-01"),
        lab("38476-8", 5.5, "ng/mL", "2025-12-30"),
        lab("38476-8", 9.0, "ng/mL", "2026-02-01"),
    )
    assert [one["value"] for one in found.chart["labs"]] == [5.5]
    assert any("AMH 9" in line and "after the study" in line for line in found.others)
    assert any("AMH 4" in line and "not the latest" in line for line in found.others)


def test_contradicting_results_are_asked_back_and_left_open() -> None:
    found = read(STUDY, lab("3016-3", 2.1, "m[IU]/L"), lab("3016-3", 7.9, "m[IU]/L"))
    assert "labs" not in found.chart
    assert "which of these counts?" in found.questions[0]


def test_an_undated_result_is_not_taken_for_older() -> None:
    found = read(STUDY, lab("3016-3", 2.1, "m[IU]/L"), lab("3016-3", 7.9, "m[IU]/L", None))
    assert "labs" not in found.chart
    assert found.questions


def test_one_result_in_two_units_is_no_contradiction() -> None:
    found = read(STUDY, lab("2986-8", 62, "ng/dL"), lab("14913-8", 2.15, "nmol/L"))
    assert len(found.chart["labs"]) == 1
    assert not found.questions


@pytest.mark.parametrize("unit", ["furlong", "ng", "Mg/L"])
def test_an_unknown_unit_is_refused_by_name(unit: str) -> None:
    found = read(STUDY, lab("3016-3", 2.1, unit))
    assert "labs" not in found.chart
    assert repr(unit) in found.refused[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"status": "preliminary"}, "not final"),
        ({"status": "entered-in-error"}, "not final"),
        ({"valueQuantity": {"value": 1, "unit": "mIU/L", "comparator": "<"}}, "as <"),
        ({"valueQuantity": {"unit": "mIU/L"}}, "no number"),
    ],
    ids=["preliminary", "error", "below", "empty"],
)
def test_what_is_no_final_number_is_not_used(more: dict[str, Any], said: str) -> None:
    found = read(STUDY, {**lab("3016-3", 2.1, "m[IU]/L"), **more})
    assert "labs" not in found.chart
    assert said in found.others[0]


def test_the_reference_range_gives_the_upper_limit_but_never_a_threshold_of_amh() -> None:
    upper: dict[str, Any] = {"referenceRange": [{"high": {"value": 4.2}}]}
    found = read(STUDY, lab("3016-3", 2.1, "m[IU]/L", **upper), lab("38476-8", 5, "ng/mL", **upper))
    limits = {one["analyte"]: one.get("upper_limit") for one in found.chart["labs"]}
    assert limits == {"tsh": 4.2, "amh": None}


def test_no_statement_is_not_no_contraception() -> None:
    assert "hormonal_contraception" not in read(PATIENT, STUDY).chart["patient"]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (pill("G03AC09", "active", start="2025-01-01"), "progestogen"),
        (pill("G03AA07", "stopped", end="2025-12-01"), "stopped_under_3_months"),
        (pill("G03AA07", "stopped", end="2025-05-01"), None),
        (pill("G03AA07", "active", start="2026-03-01"), None),
        (pill("C07AB02", "active"), None),
    ],
    ids=["progestogen", "recent", "long ago", "later", "another drug"],
)
def test_contraception_is_that_of_the_day_of_the_study(
    statement: dict[str, Any], kind: str | None
) -> None:
    found = read(PATIENT, STUDY, statement)
    assert found.chart["patient"].get("hormonal_contraception") == kind


def test_two_contraceptives_at_once_are_asked_back() -> None:
    found = read(STUDY, pill("G03AC09", "active"), pill("G03AA07", "active"))
    assert "patient" not in found.chart
    assert "which hormonal contraception" in found.questions[0]
    assert "when?" in read(STUDY, pill("G03AA07", "stopped")).questions[0]


def test_a_year_of_birth_gives_no_age() -> None:
    found = read({**PATIENT, "birthDate": "1998"}, STUDY)
    assert "patient" not in found.chart


def test_an_active_pregnancy_is_read() -> None:
    status = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    found = read(
        {
            "resourceType": "Condition",
            "id": "c",
            "clinicalStatus": {"coding": [{"system": status, "code": "active"}]},
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "77386006"}]},
            "subject": {"reference": "Patient/p"},
        }
    )
    assert found.chart["patient"] == {"pregnant": True}


def test_two_patients_and_two_studies_are_refused() -> None:
    with pytest.raises(InvalidInput, match="several patients"):
        read(PATIENT, {**PATIENT, "id": "q"})
    with pytest.raises(InvalidInput, match="several patients"):
        read(STUDY, {**lab("3016-3", 2.1, "m[IU]/L"), "subject": {"reference": "Patient/q"}})
    with pytest.raises(InvalidInput, match="several patients"):
        read(PATIENT, {**lab("3016-3", 2.1, "m[IU]/L"), "subject": {"reference": "Patient/q"}})
    other = {**STUDY, "id": "t", "started": "2025-01-01"}
    with pytest.raises(InvalidInput, match="several days"):
        read(STUDY, other)
    assert read(STUDY, other, study_day=dt.date(2026, 1, 5)).study_day == dt.date(2026, 1, 5)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"resourceType": "Patient"}', '{"resourceType": "Bundle", "entry": 3}'],
    ids=["empty", "cut", "list", "patient", "no list"],
)
def test_what_is_no_bundle_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_bundle(text)


def test_a_resource_against_r4_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"Patient/p does not follow FHIR R4.*birthDate"):
        read({**PATIENT, "birthDate": "yesterday"})
