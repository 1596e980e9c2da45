"""Laboratory results of an ORU^R01 message.

Owns reading OBX segments as results. Which of several counts is the business of
``records.lab_choice``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.units import unit_for
from deeppcos.errors import InvalidInput
from deeppcos.records.hl7v2.people import Patient, only_patient
from deeppcos.records.hl7v2.problems import MessageProblem, Reason
from deeppcos.records.hl7v2.site import NO_SITE, Site
from deeppcos.records.hl7v2.text import (
    message_of,
    part,
    repeats,
    require_segments,
    segments_of,
    time_of,
)
from deeppcos.records.lab_choice import FoundLab, analyte_of, found_lab

if TYPE_CHECKING:
    import hl7

USABLE = frozenset({"F", "C"})
LOINC = "LN"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabResults:
    """What a message says of one patient.

    Attributes:
        control_id: MSH-10.
        patient: Whose results.
        found: Results.
        refused: Results that are not used because of their unit or number.
        others: Everything else that was passed over, and why.
    """

    control_id: str
    patient: Patient
    found: tuple[FoundLab, ...]
    refused: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def patient_id(self) -> str:
        """The number that counts."""
        return self.patient.number.value


def read_labs(content: bytes, site: Site = NO_SITE) -> LabResults:
    """Read the laboratory results of a message.

    Args:
        content: The message, without the frame of MLLP.
        site: How the site writes.

    Returns:
        Its results.

    Raises:
        MessageProblem: If it is no ORU^R01, lacks a segment, or names no patient or several.
    """
    message = message_of(content, unstated=site.unstated_character_set)
    require_segments(message, "MSH", "PID", "OBR", "OBX")
    header = segments_of(message, "MSH")[0]
    kind = f"{part(header, 9)}^{part(header, 9, 2)}"
    if kind != "ORU^R01":
        raise MessageProblem(
            "the message carries no results",
            place="MSH-9",
            reason=Reason.UNKNOWN_KIND,
            value=kind,
            accepted="ORU^R01",
        )
    return labs_in(message, site)


def labs_in(message: "hl7.Message", site: Site) -> LabResults:
    """The laboratory results in a message.

    Raises:
        MessageProblem: If it lacks a segment, or names no patient or several.
    """
    require_segments(message, "MSH", "PID", "OBR", "OBX")
    found: list[FoundLab] = []
    refused, others = [], []
    drawn = ""
    for segment in message:
        if str(segment[0]) == "OBR":
            drawn = part(segment, 7)
        if str(segment[0]) != "OBX":
            continue
        try:
            lab = _lab(segment, drawn, site)
        except InvalidInput as problem:
            refused.append(str(problem))
            continue
        if isinstance(lab, FoundLab):
            found.append(lab)
        else:
            others.append(lab)
    return LabResults(
        control_id=part(segments_of(message, "MSH")[0], 10),
        patient=only_patient(message, site),
        found=tuple(found),
        refused=tuple(refused),
        others=tuple(others),
    )


def _lab(segment: "hl7.Segment", drawn: str, site: Site) -> FoundLab | str:
    """A result, or why it is not used."""
    origin = f"OBX {part(segment, 1) or '?'}"
    analyte, usual_unit = _test(segment, site)
    if analyte is None:
        name = part(segment, 3, 2) or part(segment, 3) or "no code"
        return f"{origin}: OBX-3: {name} is not a known LOINC, nor in the site's table"
    status = part(segment, 11)
    if status not in USABLE:
        return f"{origin}: OBX-11: {analyte.label} has status {status or 'none'}, not F or C"
    if part(segment, 2) != "NM" or repeats(segment, 5) != 1:
        return f"{origin}: OBX-5: {analyte.label} is not one number"
    try:
        value = float(part(segment, 5))
    except ValueError as error:
        raise InvalidInput(
            f"{origin}: OBX-5: {analyte.label} is no number",
            value=repr(part(segment, 5)),
            accepted="a number in OBX-5",
        ) from error
    unit = _unit(segment, analyte, usual_unit, origin)
    at = time_of(part(segment, 14) or drawn)
    return found_lab(
        analyte, value, unit, upper_limit=_upper_limit(part(segment, 7)), at=at, origin=origin
    )


def _test(segment: "hl7.Segment", site: Site) -> tuple[Analyte | None, str]:
    """The test, by LOINC or the site's own code, and the unit the site's table gives for it."""
    coded = [(part(segment, 3, n), part(segment, 3, n + 2)) for n in (1, 4)]
    for code, system in coded:
        analyte = analyte_of(code) if system == LOINC else None
        if analyte is not None:
            return analyte, ""
    for code, system in coded:
        local = site.local_test(code, system)
        if local is not None:
            return local.analyte, local.unit
    return None, ""


def _unit(segment: "hl7.Segment", analyte: Analyte, usual_unit: str, origin: str) -> str:
    """The unit of a result: stated by it, else by the site; where they contradict, none."""
    stated = part(segment, 6)
    if not stated and not usual_unit:
        raise InvalidInput(
            f"{origin}: OBX-6: {analyte.label} has no unit",
            value=part(segment, 5),
            accepted="a unit in OBX-6, or in the site's table",
            remedy="ask the laboratory",
        )
    contradicts = bool(stated and usual_unit) and _scale(analyte, stated) != _scale(
        analyte, usual_unit
    )
    if contradicts:
        raise InvalidInput(
            f"{origin}: OBX-6: {analyte.label} is in another unit than the site's table says",
            value=stated,
            accepted=usual_unit,
            remedy="ask the laboratory, and correct its table or the site's",
        )
    return stated or usual_unit


def _scale(analyte: Analyte, unit: str) -> tuple[str, int]:
    """What a unit counts and its power of ten: mIU/mL and IU/L are one."""
    found = unit_for(analyte, unit)
    return found.kind, found.exponent


def _upper_limit(stated: str) -> float | None:
    """The upper end of a reference range such as ``0.4-4.0``; None of any other."""
    low, dash, high = stated.partition("-")
    try:
        return float(high) if dash and float(low) < float(high) else None
    except ValueError:
        return None
