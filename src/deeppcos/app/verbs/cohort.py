"""``deeppcos cohort``: from a folder or a raw table to a cohort, its figures and its exports.

Owns options and what is printed. The work is done by ``deeppcos.app.cohorts`` and
``deeppcos.research``.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, progress_bar, told_plainly, with_extra

if TYPE_CHECKING:
    from deeppcos.research.figures.figure import Figure

cohort = typer.Typer(
    name="cohort",
    help="Many women at once: cohorts, figures, exports. Small groups are never shown.",
    no_args_is_help=True,
)

Where = Annotated[
    list[str] | None,
    typer.Option(
        help="A criterion: phenotype=A,B or age_years=18..40 or amh_ng_ml=known; repeat for more.",
        show_default=False,
    ),
]
Name = Annotated[str, typer.Option(help="What the cohort is called.")]
TakeOption = Annotated[
    str, typer.Option(help="Which of a woman's assessments stands for her: latest or first.")
]
Epsilon = Annotated[
    float | None,
    typer.Option(help="Release counts with noise at this cost of privacy budget instead."),
]
Force = Annotated[bool, typer.Option(help="Replace a report already there.")]
TableArgument = Annotated[
    Path, typer.Argument(help="Folder that deeppcos cohort table wrote.", show_default=False)
]
CohortArgument = Annotated[
    Path, typer.Argument(help="File that deeppcos cohort build wrote.", show_default=False)
]


@cohort.command()
def table(
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder with assessment.json files, or a raw clinical table.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the research tables; must be new.")],
) -> None:
    """Make research tables from assessments or a raw clinical table."""
    with told_plainly(), with_extra("research"):
        from deeppcos.app.cohorts.making import make_table

        made = make_table(source, out)
    typer.echo(f"wrote {out}: {made.table.rows['assessments']:,} assessments")
    _tell_refused(made.refused)


@cohort.command()
def build(
    table: TableArgument,
    out: Annotated[Path, typer.Option(help="File for the saved query; must be new.")],
    name: Name = "cohort",
    where: Where = None,
    take: TakeOption = "latest",
) -> None:
    """Save a query and say about how many women it finds."""
    with told_plainly(), with_extra("research"):
        from deeppcos.app.cohorts.making import query_of, save_query
        from deeppcos.research.release import rounded_size
        from deeppcos.research.table import open_table

        opened = open_table(table)
        query = query_of(where or [], take=take)
        about = rounded_size(opened, query)
        save_query(query, opened, out, name=name)
    typer.echo(f"wrote {out}: query {query.sha256[:12]}, {_about(about)} women")


@cohort.command()
def show(
    cohort_file: CohortArgument,
    table: TableArgument,
    epsilon: Epsilon = None,
) -> None:
    """Print the figures of a saved query."""
    with told_plainly(), with_extra("research"):
        from deeppcos.app.cohorts.making import release_of

        release = release_of(cohort_file, table, epsilon=epsilon)
    typer.echo(f"{release.document['name']}: {release.document['women']:,} women\n")
    for figure in release.figures:
        _print(figure)
    typer.echo(release.origin())


@cohort.command()
def export(
    cohort_file: CohortArgument,
    table: TableArgument,
    out: Annotated[Path, typer.Option(help="Folder for the files; must be new.")],
    form: Annotated[
        list[str] | None,
        typer.Option("--format", help="parquet, csv, omop or fhir; repeat for more."),
    ] = None,
) -> None:
    """Export de-identified rows of women who agreed to research."""
    with told_plainly(), with_extra("research"):
        from deeppcos.app.cohorts.exporting import export_cohort

        done = export_cohort(cohort_file, table, out, forms=form or ["parquet", "csv"])
    typer.echo(f"wrote {out}: {done.women:,} women, {len(done.files)} files")
    if done.without_consent:
        typer.echo(f"left out: {done.without_consent:,} women without consent to research")


@cohort.command()
def outlines(
    cohort_file: CohortArgument,
    table: TableArgument,
    studies: Annotated[
        Path,
        typer.Argument(
            help="Folder of assessments that the tables were made from, with its pictures.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for pictures and outlines; must be new.")],
) -> None:
    """Export cleaned pictures and outlines (COCO) of women who agreed to research."""
    with told_plainly(), with_extra("research"), progress_bar(is_wanted=sys.stderr.isatty()) as bar:
        from deeppcos.app.cohorts.outlined_folder import export_folder

        def told(done: int, total: int) -> None:
            if bar is not None:
                bar("studies", done, total)

        done = export_folder(cohort_file, table, studies, out, progress=told)
    typer.echo(f"wrote {out}: {done.images:,} pictures with outlines")
    if done.without_consent:
        typer.echo(f"left out: {done.without_consent:,} studies without consent to research")
    if done.left_out:
        typer.echo(f"left out: {len(done.left_out):,} pictures, see left-out.csv", err=True)
        raise typer.Exit(SOME_REFUSED)


@cohort.command()
def report(
    source: Annotated[
        Path,
        typer.Argument(
            help="Research tables, a folder of assessments, or a raw clinical table.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the page, pictures and tables.")],
    name: Name = "cohort",
    where: Where = None,
    take: TakeOption = "latest",
    epsilon: Epsilon = None,
    force: Force = False,
) -> None:
    """From a raw table to a report with pictures."""
    with told_plainly(), with_extra("research"):
        from deeppcos.app.cohorts.making import make_report, query_of

        made = make_report(
            source,
            out,
            query=query_of(where or [], take=take),
            name=name,
            epsilon=epsilon,
            force=force,
        )
    typer.echo(f"wrote {made.page}")
    if made.repairs is not None:
        typer.echo(f"cells and columns of the table: {', '.join(made.summary) or 'all read as is'}")
        typer.echo(f"each with its row and reason: {made.repairs}")
    _tell_refused(made.refused)


@cohort.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder for the tables.", show_default=False)],
    women: Annotated[int, typer.Option(help="How many women.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Seed; the same women come again.")] = 1,
) -> None:
    """Write research tables of simulated women, to try things with."""
    with told_plainly(), with_extra("research"):
        from deeppcos.app.cohorts.making import make_simulated

        made = make_simulated(out, women=women, seed=seed)
    typer.echo(f"wrote {out}: {made.rows['assessments']:,} simulated assessments")


@cohort.command()
def dictionary() -> None:
    """Print the data dictionary of the research tables."""
    from deeppcos.research.dictionary_page import dictionary_page

    typer.echo(dictionary_page())


def _about(women: int) -> str:
    return f"about {women:,}" if women else "fewer than 10"


def _print(figure: "Figure") -> None:
    """A figure as lines of text."""
    typer.echo(f"{figure.title}\n  {figure.question}")
    for row in figure.rows:
        typer.echo("  " + "  ".join("" if value is None else str(value) for value in row))
    for words in figure.summary:
        typer.echo(f"  {words}")
    typer.echo("")


def _tell_refused(refused: tuple[tuple[str, str], ...]) -> None:
    """Name what could not be read; the exit status says that there was some."""
    for name, reason in refused:
        typer.echo(f"refused: {name}: {json.dumps(reason, ensure_ascii=False)}", err=True)
    if refused:
        raise typer.Exit(SOME_REFUSED)
