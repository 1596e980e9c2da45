"""``deeppcos deidentify``: images made fit to be given away."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra

if TYPE_CHECKING:
    from deeppcos.records.deidentification.journal import Entry


def deidentify(
    paths: Annotated[
        list[Path], typer.Argument(help="Images, or folders of them.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results; may be given away.")],
    key: Annotated[
        Path | None,
        typer.Option(help="Key file, made when absent; the same key, the same pseudonyms."),
    ] = None,
    private: Annotated[
        Path | None,
        typer.Option(help="Folder for key, lists and sheet [default: OUT-private]. Stays here."),
    ] = None,
    issuer: Annotated[
        str, typer.Option(help="Who gave the patient numbers, where the images do not say.")
    ] = "",
    regions_only: Annotated[
        bool,
        typer.Option(
            "--regions-only",
            help="Blank outside the declared scan regions only, without looking for text inside.",
        ),
    ] = False,
    unknown_layouts: Annotated[
        bool,
        typer.Option(
            "--unknown-layouts",
            help="Take images without scan regions, and PNG and JPEG: reading misses some texts.",
        ),
    ] = False,
) -> None:
    """Remove identity from images: headers, dates, names in the picture (deidentify extra)."""
    with told_plainly(), with_extra("deidentify"):
        from deeppcos.app.deidentified_export import export_deidentified
        from deeppcos.records.deidentification import DeidentificationPolicy

        done = export_deidentified(
            paths,
            out=out,
            private=private,
            key_file=key,
            policy=DeidentificationPolicy(
                default_issuer=issuer,
                trust_regions=regions_only,
                accept_unknown_layouts=unknown_layouts,
            ),
            on_file=_tell_state,
        )
    report = done.report
    typer.echo(
        f"{report.written} images written, {report.duplicates} identical duplicates, "
        f"{report.refused} kept aside; {report.done_before} were done before"
    )
    typer.echo(f"{report.texts} texts blanked in {report.frames} frames")
    typer.echo(f"look through {done.sheet}")
    typer.echo(f"keep to yourself: {done.sheet.parent} and {done.key}")
    if report.refused:
        typer.echo(f"kept aside, with reasons: {done.kept_aside}", err=True)
        raise typer.Exit(SOME_REFUSED)


def _tell_state(entry: "Entry") -> None:
    """How it went, without the file's name: it may be the patient's, and terminals are logged."""
    typer.echo(f"one file {entry.state}", err=True)
