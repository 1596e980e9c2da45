"""Laboratory results of a bundle.

Owns reading an Observation as a result: code, number, unit, limit, date and standing. Which of
several counts is the business of ``records.lab_choice``.
"""

import datetime as dt

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.units import parse_unit
from deeppcos.errors import InvalidInput
from deeppcos.records.codes import FHIR_SYSTEMS, Scheme
from deeppcos.records.fhir.parts import UCUM_SYSTEM, Resource
from deeppcos.records.lab_choice import FoundLab, analyte_of, found_lab

USABLE = frozenset({"final", "amended", "corrected"})


def lab_of(observation: Resource, origin: str) -> FoundLab | str | None:
    """A laboratory result, why it is not used, or None for another kind of observation.

    Args:
        observation: The Observation.
        origin: Its name in messages.

    Raises:
        InvalidInput: If the unit is unknown or missing, or the number implausible.
    """
    loincs = coded(observation.get("code", {}), FHIR_SYSTEMS[Scheme.LOINC])
    named = {one for code in loincs if (one := analyte_of(code)) is not None}
    if not named:
        return None
    if len(named) > 1:
        return f"{origin}: its codes name several tests, {', '.join(sorted(named))}"
    [analyte] = named
    if observation.get("status") not in USABLE:
        return f"{origin}: {analyte.label} is {observation.get('status')}, not final"
    stated = observation.get("valueQuantity")
    if stated is None or "value" not in stated:
        return f"{origin}: {analyte.label} has no number"
    if "comparator" in stated:
        return f"{origin}: {analyte.label} is given as {stated['comparator']}, not as a number"
    unit = unit_of(stated)
    _refuse_two_units(stated, analyte, origin)
    if not unit:
        raise InvalidInput(
            f"{origin}: {analyte.label} has no unit",
            value=str(stated["value"]),
            accepted="a UCUM code or the unit as the laboratory prints it",
            remedy="ask the laboratory",
        )
    return found_lab(
        analyte,
        float(stated["value"]),
        unit,
        upper_limit=_upper_limit(observation, unit),
        at=drawn_at(observation),
        origin=origin,
    )


def _refuse_two_units(stated: Resource, analyte: Analyte, origin: str) -> None:
    """Refuse a number whose UCUM code and printed unit are different units."""
    printed, code = str(stated.get("unit") or ""), unit_of(stated)
    if not printed or printed == code:
        return
    try:
        read = parse_unit(printed)
    except InvalidInput:
        return  # words such as "nanomol per litre": the code says it
    meant = parse_unit(code)
    if (read.kind, read.exponent) != (meant.kind, meant.exponent):
        raise InvalidInput(
            f"{origin}: {analyte.label} has two units",
            value=f"{printed} printed, {code} as code",
            accepted="one unit",
            remedy="ask the laboratory",
        )


def coded(concept: Resource, system: str) -> list[str]:
    """The codes a concept has in one code system."""
    return [
        str(one["code"])
        for one in concept.get("coding", [])
        if one.get("system") == system and "code" in one
    ]


def unit_of(stated: Resource) -> str:
    """The unit of a quantity: its UCUM code, else as printed; empty when there is none."""
    if stated.get("system") == UCUM_SYSTEM and stated.get("code"):
        return str(stated["code"])
    return str(stated.get("unit") or "")


def drawn_at(observation: Resource) -> tuple[dt.datetime | None, bool]:
    """When a specimen was drawn, and whether a time of day is stated."""
    period = observation.get("effectivePeriod", {})
    stated = (
        observation.get("effectiveDateTime")
        or observation.get("effectiveInstant")
        or period.get("start")
    )
    return moment_of(str(stated or ""))


def moment_of(text: str) -> tuple[dt.datetime | None, bool]:
    """A FHIR dateTime as a moment, and whether it states a time; a month alone is no day.

    Examples:
        >>> moment_of("2026-01-05")[0].date().isoformat(), moment_of("2026-01")
        ('2026-01-05', (None, False))
    """
    if len(text) < len("2026-01-05"):
        return None, False
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None, False
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)), "T" in text


def _upper_limit(observation: Resource, unit: str) -> float | None:
    """The upper end of the one reference range, where it is in the unit of the result."""
    ranges = observation.get("referenceRange", [])
    high = ranges[0].get("high", {}) if len(ranges) == 1 else {}
    is_same = (unit_of(high) or unit) == unit
    return float(high["value"]) if "value" in high and is_same and high["value"] > 0 else None
