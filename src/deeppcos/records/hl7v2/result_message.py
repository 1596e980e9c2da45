"""A result as an ORU^R01 message of HL7 v2.6.

Owns how a measurement is said in HL7 v2: one OBX each, with the identifier it has everywhere in
OBX-21, and P, F or C in OBX-11. What nobody knows has no value, status X, and the reason in a note
(NTE); it is never zero.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from deeppcos.clinical.ovary import Side
from deeppcos.errors import InvalidInput
from deeppcos.records import codes
from deeppcos.records.dicom_header import text_of
from deeppcos.records.dicom_report.content_items import conclusion_lines
from deeppcos.records.dicom_result import made_at, said_at
from deeppcos.records.hl7v2.result_pdf import pdf_fields
from deeppcos.records.hl7v2.text import escaped, segment
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_sides import QUANTITY_CODES
from deeppcos.records.result_unknowns import unknowns
from deeppcos.records.tracking_identifiers import digest_of

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
    pdf: bytes | None = None,
    pdf_address: str = "",
) -> bytes:
    """A result as one message; the same result gives the same bytes.

    Args:
        content: The result.
        between: Who sends to whom.
        amends: Whether it corrects a signed result that was sent before.
        pdf: The report as PDF, to stand in the message; None sends none.
        pdf_address: Where the receiver finds the PDF instead; empty names none.

    Returns:
        The message in UTF-8, without the frame of MLLP.

    Raises:
        InvalidInput: If no image names the patient, a draft is to amend, the assessment does not
            say when it was made, or the PDF is none or is given twice.
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
    issuer = escaped(text_of(identity, "IssuerOfPatientID") or "")
    accession = escaped(text_of(identity, "AccessionNumber") or "")
    name = "^".join(escaped(one) for one in str(identity.get("PatientName", "")).split("^"))
    born, sex = text_of(identity, "PatientBirthDate"), text_of(identity, "PatientSex")
    study_day = text_of(identity, "StudyDate") or ""
    report = content.scope.of_result("diagnostic report")
    pid = segment(
        "PID",
        {
            1: "1",
            3: f"{escaped(number)}^^^{issuer}".rstrip("^"),
            5: name,
            7: born or "",
            8: sex or "",
        },
    )
    obr = segment(
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
    attached = pdf_fields(pdf, address=pdf_address)
    told_apart = (
        [hashlib.sha256("".join(attached.values()).encode()).hexdigest()] if attached else []
    )
    lines = [_header(content, between or Correspondents(), status, *told_apart), pid, obr]
    lines += _observations(content, status, study_day)
    if attached:
        place = str(sum(line.startswith("OBX|") for line in lines) + 1)
        lines.append(segment("OBX", {1: place, **attached, 11: status, 14: study_day}))
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


def _header(content: ResultContent, between: Correspondents, status: str, *attached: str) -> str:
    """MSH. The control identifier is that of the content: a repetition is recognised."""
    control = content.scope.of_result("hl7 message", digest_of(content.document), status, *attached)
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
    return segment("MSH", fields)


def _observations(content: ResultContent, status: str, study_day: str) -> Iterator[str]:
    """One OBX for each measurement, those nobody knows after the others, the conclusion last."""
    place = 0
    for one in content.measured:
        place += 1
        code, unit = QUANTITY_CODES[one.quantity]
        interval = (
            f"{one.low:g}-{one.high:g}" if one.low is not None and one.high is not None else ""
        )
        yield segment(
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
            yield segment("NTE", {1: "1", 2: "L", 3: f"measurement interval {interval}"})
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
        yield segment("OBX", fields)
        yield segment("NTE", {1: "1", 2: "L", 3: f"unknown: {escaped(reason)}"})
    conclusion = codes.CONCLUSION.hl7
    for number, line in enumerate(conclusion_lines(content), start=1):
        fields = {1: str(place + number), 2: "TX", 3: conclusion, 4: str(number)}
        yield segment("OBX", {**fields, 5: escaped(line), 11: status})


def _sub_id(side: Side | None) -> str:
    """OBX-4: tells the two ovaries apart."""
    return side.value if side is not None else "side unknown"


def _stamp(at: dt.datetime) -> str:
    """A time stamp with its offset."""
    return f"{at:%Y%m%d%H%M%S%z}"
