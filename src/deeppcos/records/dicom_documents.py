"""The report as an Encapsulated PDF.

Owns the object around the PDF. Rendering the PDF is the business of ``deeppcos.app.report``.
"""

from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from deeppcos.errors import InvalidInput
from deeppcos.records.codes import US_PELVIS
from deeppcos.records.dicom_result import (
    ResultKind,
    completed,
    fitted,
    local_time,
    made_at,
    said_at,
)
from deeppcos.records.result_content import ResultContent

PDF_TYPE = "application/pdf"
LARGEST_PDF_BYTES = 256 * 1024**2


def encapsulated_pdf(content: ResultContent, pdf: bytes, *, title: str = "") -> Dataset:
    """The PDF of a report, in the study of its images.

    Args:
        content: What the report was made from.
        pdf: The PDF file.
        title: Title shown in a list of documents; says whether it is a draft when empty.

    Returns:
        An Encapsulated PDF, ready to be written.

    Raises:
        InvalidInput: If the bytes are no PDF, or too many.
    """
    if not pdf.startswith(b"%PDF-") or len(pdf) > LARGEST_PDF_BYTES:
        raise InvalidInput(
            "the report is no PDF that is sent",
            value=f"{len(pdf)} bytes beginning {pdf[:8]!r}",
            accepted=f"a PDF of up to {LARGEST_PDF_BYTES // 1024**2} MB",
            remedy="write the report again with deeppcos analyze --out",
        )
    signature = content.document.signature
    standing = f"signed by {signature.name}" if signature else "draft, not signed"
    made = Dataset()
    made.SOPClassUID = EncapsulatedPDFStorage
    made.ConversionType = "WSD"
    image = content.images[0]
    made.AcquisitionDateTime = f"{local_time(made_at(content), image.utc_offset):%Y%m%d%H%M%S}"
    # The page prints no name, but nobody promises that of what a clinician wrote into it.
    made.BurnedInAnnotation = "YES"
    made.DocumentTitle = fitted(
        title or f"DeepPCOS ovarian ultrasound report, {standing}", longest=1024
    )
    made.ConceptNameCodeSequence = [_coded()]
    made.VerificationFlag = "VERIFIED" if signature else "UNVERIFIED"
    made.SourceInstanceSequence = [_reference(one.reference()) for one in content.images]
    made.MIMETypeOfEncapsulatedDocument = PDF_TYPE
    made.EncapsulatedDocumentLength = len(pdf)
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return completed(made, content, ResultKind.DOCUMENT, at=said_at(content))


def pdf_of(stored: Dataset) -> bytes:
    """The PDF of an Encapsulated PDF, without padding.

    Args:
        stored: The object.

    Raises:
        InvalidInput: If it is no Encapsulated PDF.
    """
    if stored.get("SOPClassUID") != EncapsulatedPDFStorage or "EncapsulatedDocument" not in stored:
        raise InvalidInput(
            "the object is no Encapsulated PDF", accepted=EncapsulatedPDFStorage.name
        )
    document = bytes(stored.EncapsulatedDocument)
    return document[: int(stored.get("EncapsulatedDocumentLength", len(document)))]


def _coded() -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = US_PELVIS.value, US_PELVIS.scheme.value
    item.CodeMeaning = US_PELVIS.meaning
    return item


def _reference(image: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = image.SOPClassUID
    item.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return item
