"""``deeppcos export-dicom``: a report as the DICOM objects a hospital stores."""

from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra


def export_dicom(
    report: Annotated[
        Path, typer.Argument(help="Folder that deeppcos analyze --out wrote.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder for the DICOM files.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder with the images, if they were moved.")
    ] = None,
    slice_mm: Annotated[
        float | None,
        typer.Option(
            help="Section thickness of your probe, mm: OHIF shows segmentations only with one.",
            min=0.1,
            max=20.0,
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace DICOM files already there.")] = False,
) -> None:
    """Write a report as DICOM objects (records extra)."""
    with told_plainly(), with_extra("records"):
        # Asked first, so that its absence is told before anything is read.
        import highdicom  # noqa: F401

        from deeppcos.app.dicom_results import results_of_report, write_results

        results = results_of_report(report, images=images, slice_mm=slice_mm)
        for path in write_results(results, out, force=force):
            typer.echo(f"wrote {path}")
    for reason in results.left_out:
        typer.echo(f"left out: {reason}", err=True)
