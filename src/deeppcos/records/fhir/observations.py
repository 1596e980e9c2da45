"""One Observation for each measurement of an ovary, written and read back.

Owns how a measurement is said in FHIR. An ovary's counts and volume are always said, left and
right: what nobody knows has a reason in place of a value, never zero.
"""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from deeppcos.clinical.ovary import Side
from deeppcos.errors import InvalidInput
from deeppcos.records import codes
from deeppcos.records.dicom_report.measurements import METHODS
from deeppcos.records.fhir.context import Context
from deeppcos.records.fhir.parts import (
    ABSENT_SYSTEM,
    Resource,
    concept,
    quantity,
    tracked,
)
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_sides import QUANTITY_CODES, SideMeasurement
from deeppcos.records.result_unknowns import unknowns
from deeppcos.records.tracking_identifiers import Quantity, TrackingIdentifier

CATEGORY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "imaging",
            "display": "Imaging",
        }
    ]
}
COVERAGE_TEXT = "Part of the ovary that was shown"
_BY_SIDE = {
    Quantity.VOLUME: codes.OVARY_VOLUME,
    Quantity.LENGTH: codes.OVARY_LENGTH,
    Quantity.WIDTH: codes.OVARY_WIDTH,
    Quantity.THICKNESS: codes.OVARY_HEIGHT,
}
_COUNTS = frozenset({Quantity.FNPS, Quantity.TRACKED_ESTIMATE, Quantity.FNPO})


def measured_observations(
    content: ResultContent, context: Context, *, status: str
) -> Iterator[tuple[TrackingIdentifier, Resource]]:
    """Every measurement of both ovaries, known or not.

    Args:
        content: The result.
        context: What it refers to.
        status: ``preliminary``, ``final`` or ``amended``.

    Yields:
        Identifier and Observation: what is known as the result lists it, then what is not.
    """
    for one in content.measured:
        made = _observation(one.identifier, one.side, one.quantity, context, status)
        yield one.identifier, {**made, **_known(one)}
    for side, kind, reason in unknowns(content):
        identifier = content.scope.of_side(side, kind)
        absent = {"coding": [{"system": ABSENT_SYSTEM, "code": "unknown"}], "text": reason}
        made = _observation(identifier, side, kind, context, status)
        yield identifier, {**made, "dataAbsentReason": absent}


def _observation(
    identifier: TrackingIdentifier,
    side: Side | None,
    kind: Quantity,
    context: Context,
    status: str,
) -> Resource:
    """What a known and an unknown measurement have in common."""
    by_side = _BY_SIDE.get(kind, {})
    names = [QUANTITY_CODES[kind][0], *([by_side[side]] if side in by_side else [])]
    made: Resource = {
        "resourceType": "Observation",
        "identifier": [tracked(identifier)],
        "status": status,
        "category": [CATEGORY],
        "code": concept(*names, text=identifier.label),
        "bodySite": body_site(side),
        "device": context.device,
    }
    if context.subject is not None:
        made["subject"] = context.subject
    if context.study is not None:
        made["derivedFrom"] = [context.study]
    return made


def body_site(side: Side | None) -> Resource:
    """The ovary with its side, as a SNOMED CT expression made of the codes in ``codes``."""
    if side is None:
        return concept(codes.OVARY, text="Ovary, side not stated")
    expression = f"{codes.OVARY.value}:{codes.LATERALITY.value}={codes.SIDES[side].value}"
    coded = {"system": codes.OVARY.fhir_system, "code": expression}
    return {"coding": [coded], "text": f"{side.value.capitalize()} ovary"}


def _known(one: SideMeasurement) -> Resource:
    """Value, method, interval and coverage."""
    unit = QUANTITY_CODES[one.quantity][1]
    made: Resource = {"valueQuantity": quantity(_number(one.quantity, one.value), unit)}
    coded = METHODS.get(one.quantity)
    if one.quantity is Quantity.VOLUME:
        coded = codes.ELLIPSOID_METHOD if "pi/6" in one.method else codes.SLICES_METHOD
    if one.method or coded:
        made["method"] = concept(*([coded] if coded else []), text=one.method)
    parts = []
    for name, span in (
        (codes.LOWER_UNCERTAINTY, None if one.low is None else one.value - one.low),
        (codes.UPPER_UNCERTAINTY, None if one.high is None else one.high - one.value),
    ):
        if span is not None:
            number = _number(one.quantity, round(span, 6))
            parts.append({"code": concept(name), "valueQuantity": quantity(number, unit)})
    if one.coverage is not None:
        shown = quantity(one.coverage, codes.NO_UNITS)
        parts.append({"code": {"text": COVERAGE_TEXT}, "valueQuantity": shown})
    return {**made, "component": parts} if parts else made


def _number(kind: Quantity, value: float) -> float:
    """Counts as whole numbers."""
    return int(value) if kind in _COUNTS else value


def read_measurements(resources: Iterable[Resource]) -> tuple[SideMeasurement, ...]:
    """The measurements in Observations this program wrote; others are passed over.

    Args:
        resources: Resources of a bundle or a server.

    Returns:
        The known measurements, without the frames they were read from: R4 has no place for those.

    Raises:
        InvalidInput: If one is ours by its code, but in another unit.
    """
    return tuple(
        _measurement(one, kind)
        for one in resources
        if one.get("resourceType") == "Observation"
        and "valueQuantity" in one
        and (kind := _kind(one)) is not None
        and _tracking(one) is not None
    )


def _kind(observation: Resource) -> Quantity | None:
    """Which measurement of an ovary an Observation says."""
    said = {(one.get("system"), one.get("code")) for one in observation["code"].get("coding", [])}
    for kind, (code, _) in QUANTITY_CODES.items():
        if (code.fhir_system, code.value) in said:
            return kind
    return None


def _tracking(observation: Resource) -> str | None:
    """Its identifier, as ``urn:oid:2.25...``."""
    for one in observation.get("identifier", []):
        if str(one.get("value", "")).startswith("urn:oid:2.25."):
            return str(one["value"])
    return None


def _measurement(observation: Resource, kind: Quantity) -> SideMeasurement:
    """One measurement as it was before it was written."""
    unit = QUANTITY_CODES[kind][1].value
    stated = observation["valueQuantity"]
    if stated.get("code") != unit:
        raise InvalidInput(
            f"{kind.value} of an ovary is in another unit",
            value=repr(stated.get("code")),
            accepted=unit,
            remedy="ask who changed it",
        )
    value = stated["value"]
    number = int((_tracking(observation) or "").removeprefix("urn:oid:2.25."))
    low, high = (
        _span(observation, codes.LOWER_UNCERTAINTY),
        _span(observation, codes.UPPER_UNCERTAINTY),
    )
    return SideMeasurement(
        identifier=TrackingIdentifier(
            uuid=uuid.UUID(int=number), label=observation["code"].get("text", "")
        ),
        side=_side(observation),
        quantity=kind,
        value=value,
        low=None if low is None else round(value - low, 6),
        high=None if high is None else round(value + high, 6),
        method=observation.get("method", {}).get("text", ""),
        coverage=_coverage(observation),
    )


def _side(observation: Resource) -> Side | None:
    """The side its body site names."""
    coded = [one.get("code") for one in observation.get("bodySite", {}).get("coding", [])]
    for side in Side:
        if body_site(side)["coding"][0]["code"] in coded:
            return side
    return None


def _span(observation: Resource, code: codes.Code) -> Any:
    """The number of a component, by its code."""
    for part in observation.get("component", []):
        if any(one.get("code") == code.value for one in part["code"].get("coding", [])):
            return part["valueQuantity"]["value"]
    return None


def _coverage(observation: Resource) -> Any:
    """Part of the ovary that was shown, 0 to 1."""
    for part in observation.get("component", []):
        if part["code"].get("text") == COVERAGE_TEXT:
            return part["valueQuantity"]["value"]
    return None
