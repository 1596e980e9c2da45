"""``deeppcos trace``: the way of one measurement to every system that has it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption

if TYPE_CHECKING:
    from deeppcos.records.result_content import ResultContent


def trace(
    identifier: Annotated[
        str,
        typer.Argument(
            help="Identifier of a measurement: 2.25..., urn:oid:2.25... or a UUID.",
            show_default=False,
        ),
    ],
    report: Annotated[
        Path | None,
        typer.Option(help="Folder that deeppcos analyze --out wrote; else the desk is asked."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder with the images of the report, if they were moved.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Show the way of a measurement, from pixels to who acknowledged it (records extra)."""
    with told_plainly(), with_extra("records"):
        from deeppcos.app.connections.outbox import Outbox
        from deeppcos.app.connections.trace import identifier_of, stations, study_of
        from deeppcos.app.connections.working_folder import data_folder
        from deeppcos.errors import InvalidInput
        from deeppcos.records.tracking_identifiers import digest_of

        folder = data_folder(home)
        outbox = Outbox(folder / "connections")
        uid = identifier_of(identifier)
        if report is not None:
            from deeppcos.app.fhir_results import content_of_report

            content = content_of_report(report, images=images)
            study = digest_of(content.document)[:32]
        else:
            known = study_of(uid, outbox)
            if known is None:
                raise InvalidInput(
                    "nothing that was sent from here carries this identifier",
                    value=uid,
                    remedy="name the report's folder with --report, or another --home",
                )
            study, content = known, _of_desk(folder, known, uid)
        for station in stations(uid, content, outbox, study=study):
            typer.echo(f"{station.name + ':':<13}{station.words[0] if station.words else ''}")
            for words in station.words[1:]:
                typer.echo(f"{'':<13}{words}")


def _of_desk(home: Path, study: str, uid: str) -> "ResultContent":
    """The results of a study of the desk in this data folder."""
    with with_extra("web"):
        from deeppcos.app.web import preparing

        preparing.set_up_django(home)
        from deeppcos.app.web.connections.tracing import content_with

        return content_with(uid, study=study)
