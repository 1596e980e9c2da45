"""The result in R5: valid there, and each measurement with the frames it was read from."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from deeppcos.clinical.ovary import Side
from deeppcos.records.result_content import ResultContent
from deeppcos.records.tracking_identifiers import Quantity

pytest.importorskip("fhir.resources", reason="the records extra is not installed")

from deeppcos.records.fhir.context import Addressee
from deeppcos.records.fhir.parts import FhirVersion, problems_of
from deeppcos.records.fhir.result_bundle import result_bundle

PDF = b"%PDF-1.4\n%%EOF"


@pytest.fixture(scope="module")
def bundle(make_content: Callable[..., ResultContent]) -> dict[str, Any]:
    return result_bundle(
        make_content(signed=True),
        addressee=Addressee(identifier_system="urn:ward"),
        pdf=PDF,
        version=FhirVersion.R5,
    )


def by_kind(bundle: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for entry in bundle["entry"]:
        found[entry["resource"]["resourceType"]].append(entry["resource"])
    return found


def test_every_resource_follows_r5_and_those_that_changed_no_longer_r4(
    bundle: dict[str, Any],
) -> None:
    for entry in bundle["entry"]:
        assert problems_of(entry["resource"], FhirVersion.R5) == []
    changed = {
        entry["resource"]["resourceType"]
        for entry in bundle["entry"]
        if problems_of(entry["resource"])
    }
    assert changed == {
        "Device",
        "ImagingStudy",
        "DiagnosticReport",
        "ImagingSelection",
    }


def test_a_measurement_names_the_frames_it_was_read_from(
    bundle: dict[str, Any], make_content: Callable[..., ResultContent]
) -> None:
    content = make_content(signed=True)
    fnps = content.scope.of_side(Side.LEFT, Quantity.FNPS)
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    derived = [by_url[one["reference"]] for one in by_url[fnps.uuid_urn]["derivedFrom"]]
    [frames] = [one for one in derived if one["resourceType"] == "ImagingSelection"]
    assert frames["instance"][0]["uid"] == content.images[0].sop_instance_uid
    assert frames["instance"][0]["subset"] == ["1"], "frame 0 is the first, and DICOM counts from 1"
    assert frames["studyUid"] == content.images[0].study_instance_uid


def test_the_report_refers_to_study_and_document(bundle: dict[str, Any]) -> None:
    found = by_kind(bundle)
    [report] = found["DiagnosticReport"]
    assert report["study"]
    assert len(report["media"]) == 1
    assert found["DocumentReference"][0]["content"][0]["attachment"]["size"] == str(len(PDF))


def test_the_same_result_gives_the_same_bundle(
    bundle: dict[str, Any], make_content: Callable[..., ResultContent]
) -> None:
    again = result_bundle(
        make_content(signed=True),
        addressee=Addressee(identifier_system="urn:ward"),
        pdf=PDF,
        version=FhirVersion.R5,
    )
    assert again == bundle
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(urls) == len(set(urls))
