"""``deeppcos read-fhir``: what a hospital knows of a patient, as a chart."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra
from deeppcos.app.verbs.export_fhir import TOKEN
from deeppcos.errors import InvalidInput


def read_fhir(
    chart_out: Annotated[Path, typer.Option(help="Where to write the chart; must be new.")],
    bundle: Annotated[
        Path | None,
        typer.Argument(help="A FHIR R4 bundle of one patient, JSON.", show_default=False),
    ] = None,
    server: Annotated[
        str,
        typer.Option(help=f"Ask this FHIR server; a bearer token is taken from {TOKEN}."),
    ] = "",
    patient: Annotated[
        str, typer.Option(help="The patient on the server, such as Patient/123.")
    ] = "",
    client_id: Annotated[
        str, typer.Option(help="Our name at the server, for SMART backend services.")
    ] = "",
    key: Annotated[
        Path | None, typer.Option(help="The private key to prove ourselves with there.")
    ] = None,
    study_date: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Day of the ultrasound study, if the bundle has none."
        ),
    ] = None,
) -> None:
    """Read a FHIR bundle, or a patient of a FHIR server, into a chart (records extra)."""
    with told_plainly(), with_extra("records"):
        import fhir.resources.R4B  # noqa: F401

        from deeppcos.app.fhir_results import write_chart
        from deeppcos.records.fhir.reading import read_bundle

        if (bundle is None) != bool(server and patient):
            raise InvalidInput(
                "one thing is read at a time",
                accepted="a bundle, or --server with --patient",
            )
        text = (
            _file(bundle)
            if bundle is not None
            else _asked(server, patient, client_id=client_id, key=key)
        )
        known = read_bundle(text, study_day=study_date.date() if study_date else None)
        origins = write_chart(known, chart_out, source=str(bundle or f"{server} {patient}"))
    for line in known.origins:
        typer.echo(line)
    typer.echo(f"wrote {chart_out} and {origins}")
    for line in (*known.questions, *(f"refused: {one}" for one in known.refused)):
        typer.echo(line, err=True)
    for line in known.others:
        typer.echo(f"not used: {line}", err=True)
    if known.questions or known.refused:
        raise typer.Exit(SOME_REFUSED)


def _file(bundle: Path) -> str:
    """The text of a file."""
    try:
        return bundle.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{bundle} is not UTF-8", accepted="FHIR JSON") from error


def _asked(server: str, patient: str, *, client_id: str, key: Path | None) -> str:
    """What a server says."""
    from deeppcos.app.fhir_results import peer_named
    from deeppcos.records.fhir.server import read_patient_bundle

    token = os.environ.get(TOKEN, "")
    peer = peer_named(server, token=token, client_id=client_id, key=key)
    return json.dumps(read_patient_bundle(patient, peer=peer))
