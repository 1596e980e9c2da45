"""A result as one FHIR transaction that may be sent any number of times.

Owns which resources there are and how sending twice stays one result. A draft only ever creates:
it cannot overwrite what a clinician has signed. A signed result puts its report and measurements
in place of the draft's, found by their identifiers; everything else is created once.
"""

import base64
import datetime as dt
import hashlib

from deeppcos.errors import InvalidInput
from deeppcos.records.codes import US_PELVIS
from deeppcos.records.dicom_documents import LARGEST_PDF_BYTES, PDF_TYPE
from deeppcos.records.dicom_report.content_items import conclusion_lines
from deeppcos.records.dicom_result import made_at, said_at
from deeppcos.records.fhir.context import Addressee, Context, context_of, study_moment
from deeppcos.records.fhir.observations import measured_observations
from deeppcos.records.fhir.parts import (
    RESULT_SYSTEM,
    FhirVersion,
    Resource,
    by_identifier,
    checked,
    concept,
    created_once,
    created_or_replaced,
    moment,
    token,
    tracked,
)
from deeppcos.records.fhir.r5 import in_r5
from deeppcos.records.result_content import ResultContent
from deeppcos.records.tracking_identifiers import digest_of

PRELIMINARY, FINAL, AMENDED = "preliminary", "final", "amended"
_AGENTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_SECTIONS = "http://terminology.hl7.org/CodeSystem/v2-0074"


def result_bundle(
    content: ResultContent,
    *,
    addressee: Addressee | None = None,
    pdf: bytes | None = None,
    amends: bool = False,
    version: FhirVersion = FhirVersion.R4,
) -> Resource:
    """Everything there is to say of a study, to be sent in one request.

    Args:
        content: The result.
        addressee: Whose it is on the server it goes to; None leaves the patient by the number
            of the images.
        pdf: The report as PDF, of the same standing; None sends none.
        amends: Whether it corrects a signed result that was sent before.
        version: What the server speaks.

    Returns:
        A transaction Bundle, checked against that version.

    Raises:
        InvalidInput: If a draft is to amend, the PDF is none, or the assessment does not say
            when it was made.
    """
    status = standing_of(content, amends=amends)
    context = context_of(content, addressee or Addressee())
    put = created_once if status == PRELIMINARY else created_or_replaced
    entries, results = [], []
    for identifier, made in measured_observations(content, context, status=status):
        made = {**made, **_dated(content), "issued": moment(said_at(content))}
        entries.append(put(identifier.uuid_urn, made, by_identifier(tracked(identifier))))
        results.append({"reference": identifier.uuid_urn})
    report = content.scope.of_result("diagnostic report")
    made = _report(content, context, status, results)
    entries.append(put(report.uuid_urn, made, by_identifier(tracked(report))))
    if pdf is not None:
        entries.append(_document(content, context, status, pdf))
    entries.append(_provenance(content, context, [*results, {"reference": report.uuid_urn}]))
    made = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [*context.entries, *entries],
    }
    return checked(in_r5(made, content) if version is FhirVersion.R5 else made, version)


def standing_of(content: ResultContent, *, amends: bool = False) -> str:
    """The status of a report: preliminary before signature, then final, or amended.

    Args:
        content: The result.
        amends: Whether it corrects a signed result.

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
    return AMENDED if amends else FINAL


def _dated(content: ResultContent) -> Resource:
    """When the study was done, where the images say it."""
    at = study_moment(content.images[0]) if content.images else None
    return {"effectiveDateTime": at} if at else {}


def _report(
    content: ResultContent, context: Context, status: str, results: list[Resource]
) -> Resource:
    """The report that holds the measurements together."""
    signature = content.document.signature
    made: Resource = {
        "resourceType": "DiagnosticReport",
        "identifier": [tracked(content.scope.of_result("diagnostic report"))],
        "status": status,
        "category": [{"coding": [{"system": _SECTIONS, "code": "RUS"}]}],
        "code": concept(US_PELVIS),
        **_dated(content),
        "issued": moment(said_at(content)),
        "result": results,
        "conclusion": "\n".join(conclusion_lines(content)),
    }
    if context.subject is not None:
        made["subject"] = context.subject
    if context.study is not None:
        made["imagingStudy"] = [context.study]
    if signature is not None:
        made["resultsInterpreter"] = [{"display": signature.name}]
    return made


def _document(content: ResultContent, context: Context, status: str, pdf: bytes) -> Resource:
    """The report as people read it. Another PDF is another document."""
    if not pdf.startswith(b"%PDF-") or len(pdf) > LARGEST_PDF_BYTES:
        raise InvalidInput(
            "the report is no PDF that is sent",
            value=f"{len(pdf)} bytes beginning {pdf[:8]!r}",
            accepted=f"a PDF of up to {LARGEST_PDF_BYTES // 1024**2} MB",
            remedy="write the report again with deeppcos analyze --out",
        )
    identifier = content.scope.of_result("report pdf", hashlib.sha256(pdf).hexdigest(), status)
    report = content.scope.of_result("diagnostic report")
    signature = content.document.signature
    related = [{"reference": report.uuid_urn}, *([context.study] if context.study else [])]
    made: Resource = {
        "resourceType": "DocumentReference",
        "masterIdentifier": tracked(identifier),
        "identifier": [tracked(identifier)],
        "status": "current",
        "docStatus": status,
        "type": concept(US_PELVIS),
        "date": moment(said_at(content)),
        "author": [context.device],
        "description": "DeepPCOS ovarian ultrasound report, "
        + (f"signed by {signature.name}" if signature else "draft, not signed"),
        "content": [
            {
                "attachment": {
                    "contentType": PDF_TYPE,
                    "data": base64.b64encode(pdf).decode(),
                    "size": len(pdf),
                    # FHIR R4 asks for SHA-1 here; it protects nothing, it finds damage.
                    "hash": base64.b64encode(
                        hashlib.sha1(pdf, usedforsecurity=False).digest()
                    ).decode(),
                    "title": "report.pdf",
                }
            }
        ],
        "context": {"related": related},
    }
    if context.subject is not None:
        made["subject"] = context.subject
    return created_once(identifier.uuid_urn, made, by_identifier(tracked(identifier)))


def _provenance(content: ResultContent, context: Context, targets: list[Resource]) -> Resource:
    """Who made and who signed this version. It has no identifier in R4, so a tag finds it."""
    signature = content.document.signature
    identifier = content.scope.of_result("provenance", digest_of(content.document))
    agents = [_agent("assembler", context.device)]
    if signature is not None:
        agents.append(_agent("verifier", {"display": signature.name}))
    inputs = [
        {
            "role": "source",
            "what": {"identifier": {"system": "urn:deeppcos:sha256", "value": one.sha256}},
        }
        for one in content.document.provenance.inputs
    ]
    made: Resource = {
        "resourceType": "Provenance",
        "meta": {"tag": [{"system": RESULT_SYSTEM, "code": str(identifier.uuid)}]},
        "target": targets,
        "recorded": moment(_recorded(content)),
        "agent": agents,
        **({"entity": inputs} if inputs else {}),
    }
    search = f"_tag={token(RESULT_SYSTEM, str(identifier.uuid))}"
    return created_once(identifier.uuid_urn, made, search)


def _recorded(content: ResultContent) -> dt.datetime:
    """When this version came to be."""
    return max(made_at(content), said_at(content))


def _agent(role: str, who: Resource) -> Resource:
    """Who took part, and as what."""
    return {"type": {"coding": [{"system": _AGENTS, "code": role}]}, "who": who}
