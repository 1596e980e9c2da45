"""A stored report as a FHIR transaction, and a FHIR bundle as a chart.

Owns finding a report's assessment, images and PDF again, and where the chart and its origins are
written. FHIR itself is the business of ``deeppcos.records.fhir``.
"""

import json
from pathlib import Path

from deeppcos.app.dicom_results import ASSESSMENT, PDF, place_of
from deeppcos.errors import InvalidInput
from deeppcos.records.assessment_json import from_json
from deeppcos.records.dicom_source import read_source_image, refuse_mixed
from deeppcos.records.fhir.context import Addressee
from deeppcos.records.fhir.parts import FhirVersion, Resource
from deeppcos.records.fhir.reading import KnownChart
from deeppcos.records.fhir.result_bundle import result_bundle
from deeppcos.records.fhir.server import FhirPeer
from deeppcos.records.fhir.smart import SigningKey, SmartClient, backend_token
from deeppcos.records.file_types import Reader, recognise
from deeppcos.records.result_content import ResultContent, result_content


def content_of_report(folder: Path, *, images: Path | None = None) -> ResultContent:
    """What a stored report says, with the identifiers its DICOM objects have.

    Args:
        folder: The folder ``deeppcos analyze --out`` wrote.
        images: Folder with the images; None looks where they were when they were analysed.

    Returns:
        The content.

    Raises:
        InvalidInput: If there is no report, an image is gone or has changed, or the images
            belong to several studies. Without its images a result would get other identifiers.
    """
    path = folder / ASSESSMENT
    if not path.is_file():
        raise InvalidInput(
            f"{folder}: holds no report",
            accepted=f"a folder with {ASSESSMENT}",
            remedy="write one with deeppcos analyze --out",
        )
    document = from_json(path.read_text(encoding="utf-8"))
    hashes = {one.source: one.sha256 for one in document.provenance.inputs}
    found = []
    for source in dict.fromkeys(frame.source for frame in document.frames):
        place = place_of(source, folder, images)
        if not place.is_file():
            raise InvalidInput(
                f"{source}: is not there any more",
                accepted="the images that were analysed",
                remedy="name the folder with the images (--images)",
            )
        if recognise(place, source) is Reader.DICOM:
            found.append(read_source_image(place, source=source, sha256=hashes.get(source)))
    if found:
        refuse_mixed(found)
    return result_content(document, found)


def bundle_of_report(
    folder: Path,
    *,
    images: Path | None = None,
    addressee: Addressee | None = None,
    amends: bool = False,
    version: FhirVersion = FhirVersion.R4,
) -> Resource:
    """A stored report as a transaction, with its PDF where there is one.

    Args:
        folder: The folder ``deeppcos analyze --out`` wrote.
        images: Folder with the images, if they were moved.
        addressee: Whose result it is on the server it goes to.
        amends: Whether it corrects a signed result that was sent before.
        version: What the server speaks.

    Returns:
        The Bundle.

    Raises:
        InvalidInput: As ``content_of_report`` and ``result_bundle``.
    """
    content = content_of_report(folder, images=images)
    pdf = folder / PDF
    return result_bundle(
        content,
        addressee=addressee,
        pdf=pdf.read_bytes() if pdf.is_file() else None,
        amends=amends,
        version=version,
    )


def peer_named(
    server: str, *, token: str = "", client_id: str = "", key: Path | None = None
) -> FhirPeer:
    """A FHIR server, with the way we are let in.

    Args:
        server: Its base address.
        token: Bearer token got elsewhere, or empty.
        client_id: Our name there, for SMART backend services; or empty.
        key: The key to prove ourselves with.

    Raises:
        InvalidInput: If there are two ways, or one without its key.
        TemporaryFailure: If the server cannot be asked where its tokens are.
    """
    if bool(client_id) != (key is not None) or (client_id and token):
        raise InvalidInput(
            "it is not clear how to be let in",
            accepted="a token, or --client-id with --key, or neither",
        )
    if client_id and key is not None:
        client = SmartClient(client_id=client_id, key=SigningKey(file=key))
        return FhirPeer(url=server, token=backend_token(server, client=client))
    return FhirPeer(url=server, token=(lambda: token) if token else None)


def write_json(content: object, out: Path) -> None:
    """Write a new JSON file.

    Raises:
        InvalidInput: If the file is there already.
    """
    if out.exists():
        raise InvalidInput(f"{out} is there already", remedy="name another file, or remove it")
    out.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_chart(known: KnownChart, out: Path, *, source: str = "") -> Path:
    """Write a chart, and beside it where each value is from.

    Args:
        known: What was read.
        out: The chart; must be new.
        source: The file or server it was read from.

    Returns:
        The file with the origins.

    Raises:
        InvalidInput: If either file is there already.
    """
    origins = out.with_name(f"{out.stem}.origins.json")
    if origins.exists():
        raise InvalidInput(f"{origins} is there already", remedy="name another chart")
    write_json(known.chart, out)
    said = {
        "source": source,
        "study_date": known.study_day.isoformat() if known.study_day else None,
        "used": known.origins,
        "questions": known.questions,
        "refused": known.refused,
        "not_used": known.others,
    }
    write_json(said, origins)
    return origins
