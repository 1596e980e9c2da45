import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.clinical.ovary import Side
from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.records.assessment_document import CountMeasurement, Measurements, VolumeMeasurement
from deeppcos.records.result_content import ResultContent
from deeppcos.records.tracking_identifiers import Quantity

pytest.importorskip("fhir.resources", reason="the records extra is not installed")

from deeppcos.records.fhir.context import Addressee
from deeppcos.records.fhir.observations import read_measurements
from deeppcos.records.fhir.parts import checked
from deeppcos.records.fhir.result_bundle import result_bundle

PDF = b"%PDF-1.4\n%%EOF"
WARD = Addressee(identifier_system="urn:ward")
MakeContent = Callable[..., ResultContent]
Validate = Callable[[dict[str, Any]], list[str]]


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    every = [entry["resource"] for entry in bundle["entry"]]
    return [one for one in every if one["resourceType"] == kind]


@pytest.mark.parametrize("signed", [False, True], ids=["draft", "signed"])
def test_every_resource_passes_an_independent_validator(
    make_content: MakeContent, errors_of: Validate, signed: bool
) -> None:
    bundle = result_bundle(make_content(signed=signed), addressee=WARD, pdf=PDF)
    assert errors_of(bundle) == []
    for entry in bundle["entry"]:
        assert errors_of(entry["resource"]) == [], entry["resource"]["resourceType"]


def test_the_validators_do_find_a_wrong_status(errors_of: Validate) -> None:
    assert errors_of({"resourceType": "Observation", "code": {"text": "x"}})


def test_a_measurement_carries_the_identifier_of_the_structured_report(
    make_content: MakeContent,
) -> None:
    content = make_content()
    found = {
        one["identifier"][0]["value"]: one
        for one in resources(result_bundle(content), "Observation")
    }
    for one in content.measured:
        assert found[f"urn:oid:{one.identifier.uid}"]["valueQuantity"]["value"] == one.value


def test_the_unknown_has_a_reason_and_no_value(make_content: MakeContent) -> None:
    content = make_content()
    found = {
        one["identifier"][0]["value"]: one
        for one in resources(result_bundle(content), "Observation")
    }
    fnpo = found[content.scope.of_side(Side.LEFT, Quantity.FNPO).oid_urn]
    assert fnpo["dataAbsentReason"]["text"] == "single sections never give FNPO"
    right = found[content.scope.of_side(Side.RIGHT, Quantity.VOLUME).oid_urn]
    assert right["dataAbsentReason"]["text"] == "no assessable picture is known to show this ovary"
    assert not [one for one in (fnpo, right) if "valueQuantity" in one]


def test_a_draft_only_creates_and_a_signed_result_replaces_it(make_content: MakeContent) -> None:
    draft, signed = (result_bundle(make_content(signed=signed)) for signed in (False, True))
    assert all("ifNoneExist" in entry["request"] for entry in draft["entry"])
    assert {one["status"] for one in resources(draft, "Observation")} == {"preliminary"}
    methods = {
        entry["resource"]["resourceType"]: entry["request"]["method"] for entry in signed["entry"]
    }
    assert methods["DiagnosticReport"] == methods["Observation"] == "PUT"
    assert methods["Device"] == methods["ImagingStudy"] == methods["Provenance"] == "POST"
    assert resources(signed, "DiagnosticReport")[0]["status"] == "final"


def test_the_searches_of_draft_and_signed_result_are_the_same(make_content: MakeContent) -> None:
    draft, signed = (result_bundle(make_content(signed=signed)) for signed in (False, True))
    wanted = {
        entry["request"]["url"].partition("?")[2]
        for entry in signed["entry"]
        if entry["request"]["method"] == "PUT"
    }
    assert wanted <= {entry["request"]["ifNoneExist"] for entry in draft["entry"]}


def test_a_correction_of_a_signed_result_is_amended(make_content: MakeContent) -> None:
    bundle = result_bundle(make_content(signed=True), amends=True)
    assert resources(bundle, "DiagnosticReport")[0]["status"] == "amended"
    with pytest.raises(InvalidInput, match="a draft cannot amend"):
        result_bundle(make_content(), amends=True)


def test_the_patient_is_created_only_where_the_identifier_system_is_known(
    make_content: MakeContent,
) -> None:
    content = make_content()
    bare = result_bundle(content)
    assert not resources(bare, "Patient")
    assert resources(bare, "DiagnosticReport")[0]["subject"]["identifier"] == {"value": "P 1,2"}
    [patient] = resources(result_bundle(content, addressee=WARD), "Patient")
    assert patient["birthDate"] == "1998-01-04"
    assert patient["name"][0]["family"] == "山田"
    known = result_bundle(content, addressee=Addressee(patient="Patient/7"))
    assert resources(known, "ImagingStudy")[0]["subject"] == {"reference": "Patient/7"}


def test_the_pdf_comes_back_byte_for_byte(make_content: MakeContent) -> None:
    [made] = resources(result_bundle(make_content(), pdf=PDF), "DocumentReference")
    assert base64.b64decode(made["content"][0]["attachment"]["data"]) == PDF
    with pytest.raises(InvalidInput, match="no PDF"):
        result_bundle(make_content(), pdf=b"MZ")


def test_pictures_that_are_no_dicom_still_give_a_report(
    make_content: MakeContent, errors_of: Validate
) -> None:
    bundle = result_bundle(make_content(images=False))
    assert not resources(bundle, "ImagingStudy")
    assert errors_of(bundle) == []


def test_a_resource_that_came_out_wrong_is_never_sent() -> None:
    with pytest.raises(ContractBroken, match="came out wrong"):
        checked({"resourceType": "Bundle", "type": "transaction", "entry": [{"resources": 1}]})


counts = st.integers(0, 60)
millilitres = st.integers(0, 9999).map(lambda hundredths: hundredths / 100)


@settings(max_examples=15, deadline=None)
@given(st.lists(counts, min_size=3, max_size=3), st.lists(millilitres, min_size=3, max_size=3))
def test_what_is_written_is_read_back_the_same(
    make_content: MakeContent, numbers: list[int], volumes: list[float]
) -> None:
    from dataclasses import replace

    low, number, high = sorted(numbers)
    least, ml, most = sorted(volumes)
    from deeppcos.records.assessment_document import SideMeasurements

    side = SideMeasurements(
        tracked_estimate=CountMeasurement(
            value=number, low=low, high=high, coverage=0.97, method="followed"
        ),
        volume_ml=VolumeMeasurement(value=ml, low=least, high=most, method="pi/6 x 3"),
        width_mm=14.25,
    )
    content = make_content(measurements=Measurements(left=side, side_unknown=side))
    read = read_measurements(entry["resource"] for entry in result_bundle(content)["entry"])
    assert read == tuple(replace(one, sources=()) for one in content.measured)
