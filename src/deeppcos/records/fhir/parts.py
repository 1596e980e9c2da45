"""The small pieces FHIR resources are made of, and the check every resource goes through.

Owns identifiers, coded concepts, quantities and bundle entries. What they say is the business of
the modules that use them. Resources are plain JSON objects; ``checked`` holds each against the
R4B model of ``fhir.resources`` before it leaves or enters.
"""

import datetime as dt
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.records.codes import Code
from deeppcos.records.tracking_identifiers import TrackingIdentifier

Resource = dict[str, Any]

URI_SYSTEM = "urn:ietf:rfc:3986"
DICOM_UID_SYSTEM = "urn:dicom:uid"
RELEASE_SYSTEM = "urn:deeppcos:release"
RESULT_SYSTEM = "urn:deeppcos:result"
ACCESSION_TYPE = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]
}
UCUM_SYSTEM = "http://unitsofmeasure.org"
ABSENT_SYSTEM = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
SHOWN_PROBLEMS = 3


def coding(code: Code) -> Resource:
    """One code as a Coding."""
    return {"system": code.fhir_system, "code": code.value, "display": code.meaning}


def concept(*codes: Code, text: str = "") -> Resource:
    """One concept, in one or several code systems."""
    made: Resource = {"coding": [coding(code) for code in codes]} if codes else {}
    return {**made, "text": text} if text else made


def quantity(value: float, unit: Code) -> Resource:
    """A number with its UCUM unit."""
    return {"value": value, "unit": unit.meaning, "system": unit.fhir_system, "code": unit.value}


def tracked(identifier: TrackingIdentifier) -> Resource:
    """A measurement's identifier, the same as in DICOM and HL7 v2."""
    return {"system": URI_SYSTEM, "value": identifier.oid_urn}


def study_identifier(study_instance_uid: str) -> Resource:
    """A Study Instance UID, as FHIR writes it."""
    return {"system": DICOM_UID_SYSTEM, "value": f"urn:oid:{study_instance_uid}"}


def moment(at: dt.datetime) -> str:
    """A moment as an ``instant``, with its offset."""
    return at.isoformat(timespec="seconds")


def created_once(full_url: str, resource: Resource, search: str) -> Resource:
    """An entry that creates a resource unless the server has it already.

    Args:
        full_url: What the other entries call it, ``urn:uuid:...``.
        resource: The resource.
        search: What finds it, such as ``identifier=system|value``.
    """
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": search}
    return {"fullUrl": full_url, "resource": resource, "request": request}


def created_or_replaced(full_url: str, resource: Resource, search: str) -> Resource:
    """An entry that creates a resource, or puts a new version in place of the one found."""
    request = {"method": "PUT", "url": f"{resource['resourceType']}?{search}"}
    return {"fullUrl": full_url, "resource": resource, "request": request}


def by_identifier(identifier: Resource) -> str:
    """The search that finds a resource by its identifier."""
    return f"identifier={token(identifier['system'], identifier['value'])}"


def token(system: str, value: str) -> str:
    """A token search parameter; what would end the parameter is escaped.

    Examples:
        >>> token("urn:ward", "A&B,1")
        'urn:ward|A%26B%5C%2C1'
    """
    escaped = [
        part.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")
        for part in (system, value)
    ]
    return "|".join(quote(part, safe=":/.-_~") for part in escaped)


class FhirVersion(StrEnum):
    """Versions results are written in."""

    R4 = "R4"
    R5 = "R5"


def problems_of(resource: Resource, version: FhirVersion = FhirVersion.R4) -> list[str]:
    """What the model of ``fhir.resources`` finds wrong with a resource, place by place.

    Args:
        resource: The resource, as JSON.
        version: Held against R4B or R5.

    Returns:
        One line each; empty when nothing is wrong.
    """
    from fhir.resources import get_fhir_model_class as class_in_r5
    from fhir.resources.R4B import get_fhir_model_class as class_in_r4b
    from pydantic import ValidationError

    kind = resource.get("resourceType")
    try:
        model = (class_in_r5 if version is FhirVersion.R5 else class_in_r4b)(str(kind))
    except (KeyError, ValueError):
        return [f"resourceType {kind!r} is not one of {version}"]
    try:
        model.model_validate(resource)
    except ValidationError as error:
        return [
            f"{'.'.join(str(step) for step in one['loc']) or kind}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    except (TypeError, LookupError, AttributeError, ValueError, RecursionError) as error:
        # The library itself stumbles over some values, such as a list as resourceType.
        return [f"{kind}: cannot be read ({type(error).__name__})"]
    return []


def nulls_in(value: Any, place: str = "", *, is_paired: bool = False) -> list[str]:
    """Where a resource says null, which FHIR allows only beside the extensions of a list.

    Examples:
        >>> nulls_in({"code": None, "given": ["A", None], "_given": [None, {"id": "x"}]})
        ['code: null']
    """
    if value is None:
        return [f"{place}: null"]
    if isinstance(value, dict):
        return [
            said
            for key, child in value.items()
            for said in nulls_in(
                child, f"{place}.{key}".lstrip("."), is_paired=f"_{key}" in value or key[:1] == "_"
            )
        ]
    if isinstance(value, list):
        parts = [child for child in value if child is not None or not is_paired]
        return [said for child in parts for said in nulls_in(child, place)]
    return []


def checked(bundle: Resource, version: FhirVersion = FhirVersion.R4) -> Resource:
    """A bundle of ours, unless a resource in it is wrong.

    Args:
        bundle: The bundle.
        version: What it must follow.

    Returns:
        The same.

    Raises:
        ContractBroken: If it would be refused: a fault of this program.
    """
    found = problems_of(bundle, version)
    if found:
        raise ContractBroken(
            "a FHIR resource came out wrong", value="; ".join(found[:SHOWN_PROBLEMS])
        )
    return bundle


def accepted(resource: Resource, place: str) -> Resource:
    """A resource of somebody else, unless it is wrong.

    Args:
        resource: The resource.
        place: What to call it in a message, such as ``Observation/12``.

    Returns:
        The same.

    Raises:
        InvalidInput: If it does not follow R4.
    """
    found = [*nulls_in(resource), *problems_of(resource)]
    if found:
        raise InvalidInput(
            f"{place} does not follow FHIR R4",
            value="; ".join(found[:SHOWN_PROBLEMS]),
            accepted="a valid R4 resource",
            remedy="ask whoever sent it to correct it",
        )
    return resource
