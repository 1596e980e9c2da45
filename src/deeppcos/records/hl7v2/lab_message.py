"""Laboratory results of an ORU^R01 message.

Owns reading OBX segments as results. Which of several counts is the business of
``records.lab_choice``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeppcos.errors import InvalidInput
from deeppcos.records.hl7v2.text import message_of, part, repeats, require_segments, time_of
from deeppcos.records.lab_choice import FoundLab, analyte_of, found_lab

if TYPE_CHECKING:
    import hl7

USABLE = frozenset({"F", "C"})
LOINC = "LN"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabMessage:
    """What a message says of one patient.

    Attributes:
        patient_id: PID-3, the first number.
        found: Results.
        refused: Results that are not used because of their unit or number.
        others: Everything else that was passed over, and why.
    """

    patient_id: str
    found: tuple[FoundLab, ...]
    refused: tuple[str, ...]
    others: tuple[str, ...]


def read_labs(content: bytes) -> LabMessage:
    """Read the laboratory results of a message.

    Args:
        content: The message, without the frame of MLLP.

    Returns:
        Its results.

    Raises:
        InvalidInput: If it is no ORU^R01, lacks a segment, or names no patient or several.
    """
    message = message_of(content)
    require_segments(message, "MSH", "PID", "OBR", "OBX")
    header = message.segments("MSH")[0]
    kind = f"{part(header, 9)}^{part(header, 9, 2)}"
    if kind != "ORU^R01":
        raise InvalidInput("the message carries no results", value=kind, accepted="ORU^R01")
    people = {part(segment, 3) for segment in message.segments("PID")}
    if len(people) != 1 or not min(people):
        raise InvalidInput(
            "the message does not name one patient",
            value=", ".join(sorted(people)),
            accepted="one PID segment with PID-3",
            remedy="send one message for each patient",
        )
    found: list[FoundLab] = []
    refused, others = [], []
    drawn = ""
    for segment in message:
        if str(segment[0]) == "OBR":
            drawn = part(segment, 7)
        if str(segment[0]) != "OBX":
            continue
        try:
            lab = _lab(segment, drawn)
        except InvalidInput as problem:
            refused.append(str(problem))
            continue
        if isinstance(lab, FoundLab):
            found.append(lab)
        else:
            others.append(lab)
    return LabMessage(
        patient_id=min(people), found=tuple(found), refused=tuple(refused), others=tuple(others)
    )


def _lab(segment: "hl7.Segment", drawn: str) -> FoundLab | str:
    """A result, or why it is not used."""
    origin = f"OBX {part(segment, 1) or '?'}"
    loinc = next((part(segment, 3, n) for n in (1, 4) if part(segment, 3, n + 2) == LOINC), "")
    analyte = analyte_of(loinc)
    if analyte is None:
        return (
            f"{origin}: {part(segment, 3, 2) or part(segment, 3) or 'no code'} is not a known LOINC"
        )
    status = part(segment, 11)
    if status not in USABLE:
        return f"{origin}: {analyte.label} has status {status or 'none'}, not F or C"
    if part(segment, 2) != "NM" or repeats(segment, 5) != 1:
        return f"{origin}: {analyte.label} is not one number"
    try:
        value = float(part(segment, 5))
    except ValueError as error:
        raise InvalidInput(
            f"{origin}: {analyte.label} is no number",
            value=repr(part(segment, 5)),
            accepted="a number in OBX-5",
        ) from error
    unit = part(segment, 6)
    if not unit:
        raise InvalidInput(
            f"{origin}: {analyte.label} has no unit",
            value=part(segment, 5),
            accepted="OBX-6",
            remedy="ask the laboratory",
        )
    at = time_of(part(segment, 14) or drawn)
    return found_lab(
        analyte, value, unit, upper_limit=_upper_limit(part(segment, 7)), at=at, origin=origin
    )


def _upper_limit(stated: str) -> float | None:
    """The upper end of a reference range such as ``0.4-4.0``; None of any other."""
    low, dash, high = stated.partition("-")
    try:
        return float(high) if dash and float(low) < float(high) else None
    except ValueError:
        return None
