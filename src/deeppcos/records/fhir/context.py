"""What a result stands on: the patient, the imaging study, and the program as a device.

Owns these three resources and how the others refer to them. A patient is never created on a guess:
without the name of the hospital's identifier system the result names the patient by the bare
number of the images, which links it to nobody until the hospital does.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from deeppcos.records.dicom_header import text_of
from deeppcos.records.dicom_result import release_name
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.fhir.parts import (
    ACCESSION_TYPE,
    RELEASE_SYSTEM,
    URI_SYSTEM,
    Resource,
    by_identifier,
    created_once,
    study_identifier,
)
from deeppcos.records.result_content import ResultContent

MODALITY = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "US"}
SEXES = {"F": "female", "M": "male", "O": "other"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Whose result it is, in the words of the server it goes to. Give at most one.

    Attributes:
        patient: Reference the server knows, such as ``Patient/123``; or empty.
        identifier_system: URI of the system the Patient ID of the images belongs to; or empty.
    """

    patient: str = ""
    identifier_system: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every resource of one result refers to.

    Attributes:
        entries: The resources themselves, to be created once.
        subject: Reference to the patient; None where the images name none.
        device: Reference to the program.
        study: Reference to the imaging study; None where no picture is DICOM.
    """

    entries: tuple[Resource, ...]
    subject: Resource | None
    device: Resource
    study: Resource | None


def context_of(content: ResultContent, addressee: Addressee) -> Context:
    """What a result refers to.

    Args:
        content: The result.
        addressee: Whose it is on the server it goes to.

    Returns:
        The entries and references.
    """
    entries = []
    subject = _subject(content, addressee)
    patient = _patient(content, addressee)
    if patient is not None:
        url = content.scope.of_result("fhir patient", addressee.identifier_system).uuid_urn
        entries.append(created_once(url, patient, by_identifier(patient["identifier"][0])))
        subject = {"reference": url}
    device = _device(content)
    device_url = content.scope.of_result("fhir device").uuid_urn
    entries.append(created_once(device_url, device, by_identifier(device["identifier"][0])))
    study = None
    if content.images:
        made = _imaging_study(content, subject)
        study_url = content.scope.of_result("fhir imaging study").uuid_urn
        entries.append(created_once(study_url, made, by_identifier(made["identifier"][0])))
        study = {"reference": study_url}
    return Context(
        entries=tuple(entries), subject=subject, device={"reference": device_url}, study=study
    )


def study_moment(image: SourceImage) -> str | None:
    """When the study was done, as precisely as its header allows; None when it does not say.

    A time without a stated offset is left out: FHIR takes none, and the zone would be a guess.
    """
    date, time = text_of(image.identity, "StudyDate"), text_of(image.identity, "StudyTime")
    if not date or len(date) != len("YYYYMMDD") or not date.isdigit():
        return None
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    offset = image.utc_offset
    if len(offset) != len("+0300") or not time or len(time) < len("HHMMSS"):
        return day
    return f"{day}T{time[:2]}:{time[2:4]}:{time[4:6]}{offset[:3]}:{offset[3:]}"


def _subject(content: ResultContent, addressee: Addressee) -> Resource | None:
    """The patient by the server's reference, else by the number of the images."""
    if addressee.patient:
        return {"reference": addressee.patient}
    number = text_of(content.images[0].identity, "PatientID") if content.images else None
    return {"type": "Patient", "identifier": {"value": number}} if number else None


def _patient(content: ResultContent, addressee: Addressee) -> Resource | None:
    """The patient as the images name her, where the identifier system is known."""
    if not (addressee.identifier_system and content.images) or addressee.patient:
        return None
    identity = content.images[0].identity
    number = text_of(identity, "PatientID")
    if not number:
        return None
    made: Resource = {
        "resourceType": "Patient",
        "identifier": [{"system": addressee.identifier_system, "value": number}],
    }
    name = _name(identity)
    if name:
        made["name"] = [name]
    born = text_of(identity, "PatientBirthDate") or ""
    if len(born) == len("YYYYMMDD") and born.isdigit():
        made["birthDate"] = f"{born[:4]}-{born[4:6]}-{born[6:]}"
    sex = SEXES.get(text_of(identity, "PatientSex") or "")
    return {**made, "gender": sex} if sex else made


def _name(identity: Dataset) -> Resource | None:
    """A DICOM person name as a HumanName."""
    written = identity.get("PatientName")
    if not written:
        return None
    name: Resource = {"text": str(written).replace("^", " ").strip()}
    if written.family_name:
        name["family"] = str(written.family_name)
    given = [part for part in (written.given_name, written.middle_name) if part]
    return {**name, "given": [str(part) for part in given]} if given else name


def _device(content: ResultContent) -> Resource:
    """The program with its release."""
    document = content.document
    versions = [("release", release_name(content)), ("weights", content.scope.release)]
    if document.provenance.version:
        versions.insert(0, ("software", document.provenance.version))
    return {
        "resourceType": "Device",
        "identifier": [
            {
                "system": RELEASE_SYSTEM,
                "value": f"{document.provenance.version or 'unknown'}/{content.scope.release}",
            }
        ],
        "status": "active",
        "deviceName": [{"name": document.provenance.software, "type": "model-name"}],
        "type": {"text": "Ultrasound image analysis program, research use"},
        "version": [{"type": {"text": what}, "value": value} for what, value in versions if value],
    }


def _imaging_study(content: ResultContent, subject: Resource | None) -> Resource:
    """The study the images belong to, where the server does not have it from the archive."""
    image = content.images[0]
    identifiers = [study_identifier(image.study_instance_uid)]
    accession = text_of(image.identity, "AccessionNumber")
    if accession:
        identifiers.append({"type": ACCESSION_TYPE, "value": accession})
    started = study_moment(image)
    return {
        "resourceType": "ImagingStudy",
        "identifier": identifiers,
        "status": "available",
        "modality": [MODALITY],
        # FHIR wants a subject here, and says of an unknown one that it is unknown.
        "subject": subject or {"display": "not stated by the images"},
        **({"started": started} if started else {}),
        "series": list(_series(content)),
    }


def _series(content: ResultContent) -> Iterator[Resource]:
    """The series with the images that were analysed; others it may have are not known here."""
    by_uid: dict[str, list[SourceImage]] = defaultdict(list)
    for image in content.images:
        by_uid[image.series_instance_uid].append(image)
    for uid, images in by_uid.items():
        yield {
            "uid": uid,
            "modality": MODALITY,
            "instance": [
                {
                    "uid": image.sop_instance_uid,
                    "sopClass": {"system": URI_SYSTEM, "code": f"urn:oid:{image.sop_class_uid}"},
                    **({"number": image.number} if image.number > 0 else {}),
                }
                for image in images
            ],
        }
