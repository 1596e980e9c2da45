"""A result as an ORU^R01 message of HL7 v2.6, and back.

Owns how a measurement is said in HL7 v2: one OBX each, with the identifier it has everywhere in
OBX-21, and P, F or C in OBX-11. What nobody knows has no value, status X, and the reason in a note
(NTE); it is never zero.
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeppcos.clinical.ovary import Side
from deeppcos.errors import InvalidInput
from deeppcos.records import codes
from deeppcos.records.dicom_header import text_of
from deeppcos.records.dicom_report.content_items import conclusion_lines
from deeppcos.records.dicom_result import made_at, said_at
from deeppcos.records.hl7v2.text import escaped, part, require_segments
from deeppcos.records.result_content import QUANTITY_CODES, ResultContent, SideMeasurement
from deeppcos.records.result_unknowns import unknowns
from deeppcos.records.tracking_identifiers import Quantity, TrackingIdentifier, digest_of

if TYPE_CHECKING:
    import hl7

VERSION = "2.6"  # OBX-20 and OBX-21 are not in versions before
PRELIMINARY, FINAL, CORRECTED, NOT_OBTAINED = "P", "F", "C", "X"
_SIDES = {
    Side.LEFT: f"{codes.LEFT.value}^Left ovary^SCT",
    Side.RIGHT: f"{codes.RIGHT.value}^Right ovary^SCT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondents:
    """Who sends to whom (MSH-3 to MSH-6).

    Attributes:
        sending_application: Name of this program at the site.
        sending_facility: The site, or empty.
        receiving_application: Who gets it, or empty.
        receiving_facility: Where, or empty.
    """

    sending_application: str = "DEEPPCOS"
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""


def result_message(
    content: ResultContent,
    *,
    between: Correspondents | None = None,
    amends: bool = False,
) -> bytes:
    """A result as one message; the same result gives the same bytes.

    Args:
        content: The result.
        between: Who sends to whom.
        amends: Whether it corrects a signed result that was sent before.

    Returns:
        The message in UTF-8, without the frame of MLLP.

    Raises:
        InvalidInput: If no image names the patient, a draft is to amend, or the assessment does
            not say when it was made.
    """
    status = status_of(content, amends=amends)
    identity = content.images[0].identity if content.images else None
    number = text_of(identity, "PatientID") if identity is not None else None
    if identity is None or not number:
        raise InvalidInput(
            "no image names the patient, so the message would belong to nobody",
            accepted="DICOM images with a Patient ID",
            remedy="send the result by another way, such as the PDF",
        )
    accession = escaped(text_of(identity, "AccessionNumber") or "")
    name = "^".join(escaped(one) for one in str(identity.get("PatientName", "")).split("^"))
    born, sex = text_of(identity, "PatientBirthDate"), text_of(identity, "PatientSex")
    study_day = text_of(identity, "StudyDate") or ""
    report = content.scope.of_result("diagnostic report")
    pid = _segment("PID", {1: "1", 3: escaped(number), 5: name, 7: born or "", 8: sex or ""})
    obr = _segment(
        "OBR",
        {
            1: "1",
            2: accession,
            3: report.hl7_entity_identifier,
            4: codes.US_PELVIS.hl7,
            7: study_day,
            22: _stamp(said_at(content)),
            25: status,
        },
    )
    lines = [_header(content, between or Correspondents(), status), pid, obr]
    lines += _observations(content, status, study_day)
    return ("\r".join(lines) + "\r").encode()


def status_of(content: ResultContent, *, amends: bool = False) -> str:
    """P before signature, F after, C where a signed result is corrected.

    Raises:
        InvalidInput: If a draft is to amend.
    """
    if content.document.signature is None:
        if amends:
            raise InvalidInput(
                "a draft cannot amend a signed result",
                accepted="an assessment a clinician has signed",
                remedy="have it signed, or send it as a draft",
            )
        return PRELIMINARY
    return CORRECTED if amends else FINAL


def _header(content: ResultContent, between: Correspondents, status: str) -> str:
    """MSH. The control identifier is that of the content: a repetition is recognised."""
    control = content.scope.of_result("hl7 message", digest_of(content.document), status)
    fields = {
        1: "^~\\&",
        2: escaped(between.sending_application),
        3: escaped(between.sending_facility),
        4: escaped(between.receiving_application),
        5: escaped(between.receiving_facility),
        6: _stamp(max(made_at(content), said_at(content))),
        8: "ORU^R01^ORU_R01",
        9: control.uuid.hex[:20],  # older receivers keep 20 characters
        10: "P",
        11: VERSION,
        17: "UNICODE UTF-8",
    }
    return _segment("MSH", fields)


def _observations(content: ResultContent, status: str, study_day: str) -> Iterator[str]:
    """One OBX for each measurement, those nobody knows after the others, the conclusion last."""
    place = 0
    for one in content.measured:
        place += 1
        code, unit = QUANTITY_CODES[one.quantity]
        interval = (
            f"{one.low:g}-{one.high:g}" if one.low is not None and one.high is not None else ""
        )
        yield _segment(
            "OBX",
            {
                1: str(place),
                2: "NM",
                3: code.hl7,
                4: _sub_id(one.side),
                5: repr(one.value),
                6: f"{unit.value}^^UCUM",
                11: status,
                14: study_day,
                17: f"^{escaped(one.method)}",
                20: _SIDES[one.side] if one.side else "",
                21: one.identifier.hl7_entity_identifier,
            },
        )
        if interval:
            yield _segment("NTE", {1: "1", 2: "L", 3: f"measurement interval {interval}"})
    for side, kind, reason in unknowns(content):
        place += 1
        fields = {
            1: str(place),
            2: "NM",
            3: QUANTITY_CODES[kind][0].hl7,
            4: _sub_id(side),
            11: NOT_OBTAINED,
            14: study_day,
            20: _SIDES[side] if side else "",
            21: content.scope.of_side(side, kind).hl7_entity_identifier,
        }
        yield _segment("OBX", fields)
        yield _segment("NTE", {1: "1", 2: "L", 3: f"unknown: {escaped(reason)}"})
    conclusion = codes.CONCLUSION.hl7
    for number, line in enumerate(conclusion_lines(content), start=1):
        fields = {1: str(place + number), 2: "TX", 3: conclusion, 4: str(number)}
        yield _segment("OBX", {**fields, 5: escaped(line), 11: status})


def _sub_id(side: Side | None) -> str:
    """OBX-4: tells the two ovaries apart."""
    return side.value if side is not None else "side unknown"


def _segment(name: str, fields: dict[int, str]) -> str:
    """A segment; fields that are not given stay empty."""
    last = max(place for place, value in fields.items() if value)
    return "|".join([name, *(fields.get(place, "") for place in range(1, last + 1))])


def _stamp(at: dt.datetime) -> str:
    """A time stamp with its offset."""
    return f"{at:%Y%m%d%H%M%S%z}"


def read_measurements(message: "hl7.Message") -> tuple[SideMeasurement, ...]:
    """The measurements in a message this program wrote; other OBX are passed over.

    Args:
        message: The message.

    Returns:
        Identifier, side, quantity, value and method; intervals stand in notes for people.

    Raises:
        InvalidInput: If a segment is missing.
    """
    require_segments(message, "MSH", "PID", "OBR", "OBX")
    kinds = {code.value: kind for kind, (code, _) in QUANTITY_CODES.items()}
    return tuple(
        _measurement(segment, kinds[part(segment, 3)])
        for segment in message.segments("OBX")
        if part(segment, 3) in kinds and part(segment, 5) and part(segment, 21, 2) == "DEEPPCOS"
    )


def _measurement(segment: "hl7.Segment", kind: Quantity) -> SideMeasurement:
    """One measurement as it was before it was written."""
    number = int(part(segment, 21).removeprefix("2.25."))
    stated, value = part(segment, 4), float(part(segment, 5))
    is_count = QUANTITY_CODES[kind][1] is codes.NO_UNITS
    return SideMeasurement(
        identifier=TrackingIdentifier(uuid=uuid.UUID(int=number), label=""),
        side=Side(stated) if stated in ("left", "right") else None,
        quantity=kind,
        value=int(value) if is_count else value,
        method=part(segment, 17, 2),
    )
