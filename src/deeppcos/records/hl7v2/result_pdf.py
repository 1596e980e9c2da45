"""The report as PDF in an ORU^R01 message: in it (ED), or where to find it (RP).

Owns these two data types. Which of them a hospital wants is its choice.
"""

import base64

from deeppcos.errors import InvalidInput
from deeppcos.records.codes import US_PELVIS
from deeppcos.records.dicom_documents import LARGEST_PDF_BYTES
from deeppcos.records.hl7v2.text import escaped

APPLICATION, KIND, FORMAT, ENCODING = "DEEPPCOS", "AP", "PDF", "Base64"
LONGEST_ADDRESS = 999


def pdf_fields(pdf: bytes | None, *, address: str = "") -> dict[int, str]:
    """OBX-2, OBX-3 and OBX-5 of a report.

    Args:
        pdf: The report, to stand in the message; None where it does not.
        address: Where it is found, ``https://...``; empty where it stands in the message.

    Returns:
        The fields; none where there is no report.

    Raises:
        InvalidInput: If both are given, the bytes are no PDF, or the address is none.
    """
    if pdf is not None and address:
        raise InvalidInput("the report is given twice", accepted="the PDF or its address")
    if pdf is not None:
        if not pdf.startswith(b"%PDF-") or len(pdf) > LARGEST_PDF_BYTES:
            raise InvalidInput(
                "the report is no PDF that is sent",
                value=f"{len(pdf)} bytes beginning {pdf[:8]!r}",
                accepted=f"a PDF of up to {LARGEST_PDF_BYTES // 1024**2} MB",
            )
        data = base64.b64encode(pdf).decode()
        return _fields("ED", "^".join([APPLICATION, KIND, FORMAT, ENCODING, data]))
    if not address:
        return {}
    if not address.startswith("https://") or len(address) > LONGEST_ADDRESS:
        raise InvalidInput(
            "no address of a report", value=address[:80], accepted="https://... of this desk"
        )
    return _fields("RP", "^".join([escaped(address), APPLICATION, KIND, FORMAT]))


def _fields(kind: str, value: str) -> dict[int, str]:
    return {2: kind, 3: US_PELVIS.hl7, 4: "report", 5: value}
