"""``deeppcos read-fhir``: what a hospital knows of a patient, as a chart."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra


def read_fhir(
    bundle: Annotated[Path, typer.Argument(help="A FHIR R4 bundle of one patient, JSON.")],
    chart_out: Annotated[Path, typer.Option(help="Where to write the chart; must be new.")],
    study_date: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Day of the ultrasound study, if the bundle has none."
        ),
    ] = None,
) -> None:
    """Read a FHIR bundle into a chart (records extra)."""
    with told_plainly(), with_extra("records"):
        import fhir.resources.R4B  # noqa: F401

        from deeppcos.app.fhir_results import write_chart
        from deeppcos.errors import InvalidInput
        from deeppcos.records.fhir.reading import read_bundle

        try:
            text = bundle.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{bundle} is not UTF-8", accepted="FHIR JSON") from error
        known = read_bundle(text, study_day=study_date.date() if study_date else None)
        origins = write_chart(known, chart_out)
    for line in known.origins:
        typer.echo(line)
    typer.echo(f"wrote {chart_out} and {origins}")
    for line in (*known.questions, *(f"refused: {one}" for one in known.refused)):
        typer.echo(line, err=True)
    for line in known.others:
        typer.echo(f"not used: {line}", err=True)
    if known.questions or known.refused:
        raise typer.Exit(SOME_REFUSED)
