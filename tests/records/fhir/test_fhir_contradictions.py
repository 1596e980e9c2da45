"""Bundles that contradict themselves: refused or asked back, never guessed."""

import json
from typing import Any

import pytest

from deeppcos.errors import InvalidInput

pytest.importorskip("fhir.resources", reason="the records extra is not installed")

from deeppcos.records.fhir.reading import KnownChart, read_bundle

PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1998-01-06"}


def study(day: str, status: str = "available") -> dict[str, Any]:
    return {
        "resourceType": "ImagingStudy",
        "id": f"{day}-{status}",
        "status": status,
        "subject": {"reference": "Patient/p"},
        "started": day,
    }


def tsh(**quantity: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "tsh",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "3016-3"}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2025-12-01",
        "valueQuantity": {"value": 2.1, "system": "http://unitsofmeasure.org", **quantity},
    }


def statement(**medication: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "id": "m",
        "status": "active",
        "subject": {"reference": "Patient/p"},
        **medication,
    }


MEDICATION = {
    "resourceType": "Medication",
    "id": "pill",
    "code": {"coding": [{"system": "http://www.whocc.no/atc", "code": "G03AA07"}]},
}


def read(*resources: dict[str, Any], kind: str = "collection") -> KnownChart:
    entries = [{"resource": one} for one in resources]
    return read_bundle(json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}))


def test_a_code_and_a_printed_unit_that_are_two_units_are_refused() -> None:
    for printed in ("nmol/L", "mIU/mL"):
        known = read(PATIENT, study("2026-01-05"), tsh(code="m[IU]/L", unit=printed))
        assert "has two units" in known.refused[0]
        assert "labs" not in known.chart
    assert read(PATIENT, study("2026-01-05"), tsh(code="m[IU]/L", unit="mIU/L")).chart["labs"]


@pytest.mark.parametrize("born", ["2030-01-01", "1880-01-01"], ids=["to come", "long ago"])
def test_an_impossible_date_of_birth_is_asked_back(born: str) -> None:
    known = read({**PATIENT, "birthDate": born}, study("2026-01-05"))
    assert "patient" not in known.chart
    assert "date of birth" in known.questions[0]


def test_a_merged_patient_is_refused() -> None:
    link = [{"other": {"reference": "Patient/q"}, "type": "replaced-by"}]
    with pytest.raises(InvalidInput, match="merged into another"):
        read({**PATIENT, "link": link})


def test_a_history_is_refused_because_it_holds_replaced_values() -> None:
    with pytest.raises(InvalidInput, match="history"):
        read(PATIENT, tsh(code="m[IU]/L"), kind="history")


def test_a_study_entered_in_error_gives_no_day() -> None:
    known = read(PATIENT, study("2020-01-01", "entered-in-error"), study("2026-01-05"))
    assert str(known.study_day) == "2026-01-05"


@pytest.mark.parametrize("where", ["beside", "contained"])
def test_a_medication_by_reference_is_read_as_if_it_stood_there(where: str) -> None:
    if where == "beside":
        resources = [
            statement(medicationReference={"reference": "Medication/pill"}),
            MEDICATION,
        ]
    else:
        resources = [statement(medicationReference={"reference": "#pill"}, contained=[MEDICATION])]
    known = read(PATIENT, study("2026-01-05"), *resources)
    assert known.chart["patient"]["hormonal_contraception"] == "combined"


def test_a_medication_nobody_sent_leaves_contraception_unknown() -> None:
    known = read(
        PATIENT,
        study("2026-01-05"),
        statement(medicationReference={"reference": "Medication/other"}),
        MEDICATION,
    )
    assert "hormonal_contraception" not in known.chart["patient"]
    assert any("no hormonal contraceptive by its ATC code" in one for one in known.others)


def test_a_resource_that_breaks_its_rules_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="Observation/tsh does not follow FHIR R4"):
        read(PATIENT, {**tsh(code="m[IU]/L"), "valueQuantitiy": {"value": 3}})
