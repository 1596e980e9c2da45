"""``deeppcos export-fhir``: a report as one FHIR transaction."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra

TOKEN = "DEEPPCOS_FHIR_TOKEN"


def export_fhir(
    report: Annotated[
        Path, typer.Argument(help="Folder that deeppcos analyze --out wrote.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Where to write the bundle; must be new.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder with the images, if they were moved.")
    ] = None,
    patient: Annotated[
        str, typer.Option(help="The patient on the server, such as Patient/123.")
    ] = "",
    patient_system: Annotated[
        str, typer.Option(help="URI of the identifier system of the images' Patient ID.")
    ] = "",
    server: Annotated[
        str,
        typer.Option(
            help=f"Also send it to this FHIR server; a bearer token is taken from {TOKEN}."
        ),
    ] = "",
    fhir_version: Annotated[
        str, typer.Option(help="R4, or R5 with the frames behind each measurement.")
    ] = "R4",
    client_id: Annotated[
        str, typer.Option(help="Our name at the server, for SMART backend services.")
    ] = "",
    key: Annotated[
        Path | None, typer.Option(help="The private key to prove ourselves with there.")
    ] = None,
    amends: Annotated[
        bool, typer.Option("--amends", help="It corrects a signed report that was sent before.")
    ] = False,
) -> None:
    """Write a report as a FHIR bundle, and send it (records extra)."""
    with told_plainly(), with_extra("records"):
        # Asked first, so that its absence is told before anything is read.
        import fhir.resources.R4B  # noqa: F401

        from deeppcos.app.fhir_results import bundle_of_report, peer_named, write_json
        from deeppcos.errors import InvalidInput
        from deeppcos.records.fhir.context import Addressee
        from deeppcos.records.fhir.parts import FhirVersion
        from deeppcos.records.fhir.server import transact

        if patient and patient_system:
            raise InvalidInput(
                "the patient is given twice", accepted="--patient or --patient-system, not both"
            )
        addressee = Addressee(patient=patient, identifier_system=patient_system)
        if fhir_version not in list(FhirVersion):
            raise InvalidInput("no version of FHIR", value=fhir_version, accepted="R4, R5")
        bundle = bundle_of_report(
            report,
            images=images,
            addressee=addressee,
            amends=amends,
            version=FhirVersion(fhir_version),
        )
        write_json(bundle, out)
        typer.echo(f"wrote {out}: {len(bundle['entry'])} resources")
        if server:
            token = os.environ.get(TOKEN, "")
            peer = peer_named(server, token=token, client_id=client_id, key=key)
            sent = transact(bundle, peer=peer)
            kept = len(sent.replaced_or_kept)
            typer.echo(f"sent to {server}: {len(sent.created)} new, {kept} already there")
