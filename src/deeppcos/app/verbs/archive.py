"""``deeppcos analyze --on``: an archive, each file for itself."""

import os
import sys
from pathlib import Path

import typer

from deeppcos.app.terminal import SOME_REFUSED, progress_bar, told_plainly, with_extra
from deeppcos.errors import InvalidInput


def analyze_archive(
    paths: list[Path],
    *,
    on: str,
    out: Path | None,
    chart: Path | None,
    release: Path | None,
    workers: int | None,
) -> None:
    """Read every file for itself; go on where a stopped run left off."""
    from deeppcos.app.archive.engines import place_of
    from deeppcos.app.archive.run import SUMMARY_FILE, analyse_archive

    with told_plainly(), with_extra("cluster"):
        if out is None:
            raise InvalidInput("an archive needs a folder for its rows", remedy="give --out FOLDER")
        if chart is not None:
            raise InvalidInput(
                "a chart belongs to one patient, an archive holds many",
                value=str(chart),
                remedy="leave --chart out, or leave --on out",
            )
        place = place_of(on, workers=workers or os.cpu_count() or 1)
        with progress_bar(is_wanted=sys.stderr.isatty()) as moved:

            def told(done: int, total: int) -> None:
                if moved is not None:
                    moved("files", done, total)

            run = analyse_archive(paths, out, place, release_folder=release, progress=told)
    fresh = run.files - run.done_before
    typer.echo(f"{run.files} files, {run.done_before} done before, {fresh} read now")
    if fresh:
        typer.echo(
            f"{run.frames} frames in {run.seconds:.0f} s: {run.files_a_second:.1f} files a second"
        )
    if run.lost_workers:
        typer.echo(f"workers that died and were replaced: {run.lost_workers}")
    typer.echo(f"wrote {out / SUMMARY_FILE}")
    if run.refused:
        typer.echo(f"refused in part or whole: {run.refused} files, see the table", err=True)
        raise typer.Exit(SOME_REFUSED)
