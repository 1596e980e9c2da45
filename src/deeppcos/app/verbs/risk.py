"""``deeppcos risk``: a table to a report with pictures, a chart to a research estimate.

Owns options and what is printed. The work is ``deeppcos.learning.risk``'s.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra

if TYPE_CHECKING:
    from deeppcos.learning.risk.estimate import Reading, RiskEstimate

risk = typer.Typer(
    name="risk",
    help="Clinical tables, honestly measured, and research estimates. Never a diagnosis.",
    no_args_is_help=True,
)

STRONGEST = 6
"""Features named with an estimate."""


@risk.command()
def report(
    table: Annotated[Path, typer.Argument(help="A CSV or Excel table.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the page, pictures, figures and models.")],
    other: Annotated[
        list[Path] | None, typer.Option(help="Another table to test on; repeat for more.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Repeats of cross-validation.", min=1)] = 3,
    rounds: Annotated[int, typer.Option(help="Bootstrap rounds of intervals.", min=50)] = 400,
    comparators: Annotated[
        bool, typer.Option(help="Also run the models people expect, and the lesson.")
    ] = True,
    force: Annotated[bool, typer.Option(help="Replace a report already there.")] = False,
) -> None:
    """Measure a clinical table and write a report (risk extra)."""
    with told_plainly(), with_extra("risk"):
        from deeppcos.learning.risk.report_folder import REPAIRS, claim_folder, write_report
        from deeppcos.learning.risk.report_folder import write_repairs as write_repair_table
        from deeppcos.learning.risk.study import run_study
        from deeppcos.learning.risk.table import read_table

        claim_folder(out, force=force)
        # Written first: whoever is refused still learns what is wrong with the cells.
        read = read_table(table, on_refused=lambda told: write_repair_table(told, out / REPAIRS))
        write_repair_table(read.repairs, out / REPAIRS)
        study = run_study(
            read,
            others=[read_table(path) for path in other or []],
            repeats=repeats,
            rounds=rounds,
            with_comparators=comparators,
            told=lambda step: typer.echo(f"  {step}", err=True),
        )
        names = " ".join(f"--other {path.name}" for path in other or [])
        write_report(study, out, command=f"deeppcos risk report {table.name} {names}".strip())
    entries = f"{len(read.repairs)} entries in the repair report"
    typer.echo(f"{read.label.size} rows of {read.n_groups} women, {entries}")
    typer.echo(f"wrote {out / 'report.html'}")


@risk.command()
def estimate(
    chart: Annotated[
        Path, typer.Argument(help="A deeppcos.chart/1 JSON file.", show_default=False)
    ],
    answer: Annotated[
        list[str] | None,
        typer.Option(help="An answer the chart has no place for, such as weight_gain=yes."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Another risk.json than the shipped one.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Criteria profile of the rule engine.")
    ] = "guideline_2023",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """A research estimate where the criteria leave the question open."""
    with told_plainly():
        from deeppcos.learning.risk.estimate import estimate as estimated
        from deeppcos.learning.risk.estimate import to_document
        from deeppcos.learning.risk.release_file import SHIPPED, load_release
        from deeppcos.records.chart_json import read_chart

        result = estimated(
            read_chart(chart),
            load_release(model or SHIPPED),
            answers=_answers(answer or []),
            profile=profile,
        )
    if as_json:
        sys.stdout.write(json.dumps(to_document(result), indent=1, ensure_ascii=False) + "\n")
    else:
        _print(result)
    if result.withheld:
        raise typer.Exit(SOME_REFUSED)


@risk.command()
def dictionary() -> None:
    """Print the data dictionary of the clinical tables."""
    from deeppcos.learning.risk.dictionary_page import dictionary_page

    typer.echo(dictionary_page())


def _answers(given: list[str]) -> dict[str, bool]:
    """``name=yes`` as answers."""
    from deeppcos.errors import InvalidInput

    answers: dict[str, bool] = {}
    for text in given:
        name, _, word = text.partition("=")
        if word.lower() not in ("yes", "no"):
            raise InvalidInput(
                "an answer could not be read", value=repr(text), accepted="name=yes or name=no"
            )
        answers[name] = word.lower() == "yes"
    return answers


def _print(result: "RiskEstimate") -> None:
    """The estimate for people: the criteria first."""
    from deeppcos.learning.risk.estimate import STATEMENT

    status = result.conclusion.status.value.replace("_", " ")
    typer.echo(f"Criteria ({result.conclusion.profile}): {status}. This stands.")
    for reason in result.withheld:
        typer.echo(f"No estimate: {reason}.")
    if result.tier is not None:
        typer.echo(f"\n{STATEMENT}\nThe label: {result.label_meaning}.")
        typer.echo(f"Measured: {result.tier.label}")
    for reading in result.readings:
        _print_reading(reading)
    if result.unknown:
        typer.echo(f"\nUnknown, and kept unknown: {_labels(result.unknown)}")
    for words in result.notes:
        typer.echo(f"Note: {words}")


def _print_reading(reading: "Reading") -> None:
    """One reading with its interval and reasons."""
    from deeppcos.learning.risk.dictionary import BY_NAME

    kind = "All features" if reading.with_label_defining else "Without label-defining features"
    chances = f"{reading.probability:.0%} ({reading.low:.0%} to {reading.high:.0%})"
    sure = {
        frozenset({True}): "not labelled is ruled out",
        frozenset({False}): "labelled is ruled out",
    }.get(reading.label_set, "neither can be ruled out")
    auroc = reading.model.figures["auroc"]
    typer.echo(
        f"\n{kind}: {chances}; at {reading.coverage:.0%} coverage {sure}; "
        f"held-out AUROC {auroc.value:.2f}"
    )
    for part in reading.parts[:STRONGEST]:
        value = "unknown" if part.value is None else f"{part.value:g} {BY_NAME[part.feature].unit}"
        typer.echo(f"  {part.log_odds:+.2f}  {BY_NAME[part.feature].label}: {value.strip()}")
    if reading.outside:
        typer.echo(f"  outside what training saw: {_labels(reading.outside)}")


def _labels(names: tuple[str, ...]) -> str:
    """Features as people name them."""
    from deeppcos.learning.risk.dictionary import BY_NAME

    return ", ".join(BY_NAME[name].label for name in names)
