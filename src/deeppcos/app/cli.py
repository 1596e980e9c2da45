"""The command line: one thin function a verb.

Owns options, exit status and what goes to which stream. The work is done by ``workflow``, and
heavy parts are imported inside the commands so that help stays instant.

Exit status: 0 when every input was read, 1 when some were refused, 2 for wrong usage.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, progress_bar, told_plainly
from deeppcos.app.verbs.audit import audit
from deeppcos.app.verbs.audit_log import audit_log
from deeppcos.app.verbs.cohort import cohort
from deeppcos.app.verbs.connect import connect
from deeppcos.app.verbs.data import data
from deeppcos.app.verbs.deidentify import deidentify
from deeppcos.app.verbs.evaluate import evaluate
from deeppcos.app.verbs.explain import explain
from deeppcos.app.verbs.export_dicom import export_dicom
from deeppcos.app.verbs.export_fhir import export_fhir
from deeppcos.app.verbs.federate import federate
from deeppcos.app.verbs.learn import learn
from deeppcos.app.verbs.listen import listen
from deeppcos.app.verbs.read_fhir import read_fhir
from deeppcos.app.verbs.read_report import read_report
from deeppcos.app.verbs.release import release
from deeppcos.app.verbs.risk import risk
from deeppcos.app.verbs.send import send
from deeppcos.app.verbs.serve import serve
from deeppcos.app.verbs.trace import trace
from deeppcos.app.verbs.train import train
from deeppcos.app.verbs.upkeep import backup, doctor, restore
from deeppcos.app.verbs.watch import watch

if TYPE_CHECKING:
    from deeppcos.records.assessment_document import AssessmentDocument

app = typer.Typer(
    name="deeppcos",
    help="Reads ovarian ultrasound and a chart, measures follicles, and answers the PCOS "
    "criteria with reasons and unknowns. Research use. Not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command()(backup)
app.command()(restore)
app.command()(doctor)
app.command()(explain)
app.command()(serve)
app.command("export-dicom")(export_dicom)
app.command()(deidentify)
app.command("read-report")(read_report)
app.command("export-fhir")(export_fhir)
app.command("read-fhir")(read_fhir)
app.command()(listen)
app.command()(send)
app.add_typer(connect)
app.command()(trace)
app.command()(audit)
app.add_typer(audit_log)
app.add_typer(data)
app.add_typer(cohort)
app.add_typer(risk)
app.add_typer(learn)
app.command()(watch)
app.add_typer(federate)


class OutputFormat(StrEnum):
    """What is written to standard output."""

    TEXT = "text"
    JSON = "json"


class Naming(StrEnum):
    """The name of the condition that is shown."""

    PCOS = "pcos"
    PMOS = "pmos"
    BOTH = "both"


ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile",
        help="Criteria profile: guideline_2023, rotterdam_2003, nih_1990, aepcos_2006 or "
        "aepcos_2006_fnpo25.",
    ),
]
FormatOption = Annotated[
    OutputFormat, typer.Option("--format", help="Text for people, or one JSON document.")
]
NameOption = Annotated[
    Naming,
    typer.Option("--name", envvar="DEEPPCOS_NAME", help="Name of the condition that is shown."),
]


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)
    ] = False,
) -> None:
    """Reads ovarian ultrasound and a chart; answers the PCOS criteria. Research use."""
    if version:
        from deeppcos import __version__

        typer.echo(f"deeppcos {__version__}")
        raise typer.Exit


@app.command()
def analyze(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Pictures, sweeps, volumes, or folders of them.", show_default=False),
    ],
    chart: Annotated[
        Path | None, typer.Option(help="The patient's chart, a deeppcos.chart/1 JSON file.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for report.html, report.pdf, assessment.json and overlays."),
    ] = None,
    profile: ProfileOption = "guideline_2023",
    output_format: FormatOption = OutputFormat.TEXT,
    name: NameOption = Naming.BOTH,
    force: Annotated[bool, typer.Option(help="Replace a report that is already there.")] = False,
    release: Annotated[
        Path | None, typer.Option(help="Folder of another release than the shipped one.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            help="Read an archive, each file for itself, on local, ray or ray://HOST:PORT."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes of an archive run.", min=1)
    ] = None,
) -> None:
    """Measure pictures and assess the chart."""
    if on is not None:
        from deeppcos.app.verbs.archive import analyze_archive

        analyze_archive(paths, on=on, out=out, chart=chart, release=release, workers=workers)
        return
    from deeppcos.app import workflow

    with told_plainly():
        if out is not None:
            workflow.claim_output(out, force=force)
        known, refused = workflow.chart_or_refusals(chart) if chart else (None, [])
        with progress_bar(is_wanted=sys.stderr.isatty()) as progress:
            study = workflow.analyze_study(
                paths,
                chart=known,
                profile=profile,
                name=name.value,
                release=release,
                already_refused=refused,
                leave_out=out,
                progress=progress,
            )
        if out is not None:
            workflow.write_report(study, out)
    _write(study.document, output_format)
    _tell_refused(study.document)


@app.command()
def assess(
    chart: Annotated[
        Path,
        typer.Argument(
            help="The patient's chart, a deeppcos.chart/1 JSON file; - reads it from "
            "standard input.",
            show_default=False,
        ),
    ],
    profile: ProfileOption = "guideline_2023",
    output_format: FormatOption = OutputFormat.TEXT,
    name: NameOption = Naming.BOTH,
) -> None:
    """Assess a chart alone, without pictures."""
    from deeppcos.app import workflow

    with told_plainly():
        if str(chart) == "-":
            document = workflow.assess_chart(sys.stdin.read(), profile=profile, name=name.value)
        else:
            known, refused = workflow.chart_or_refusals(chart)
            document = workflow.assess_chart(
                known, profile=profile, name=name.value, refused=refused
            )
    # The text of an empty chart would pass for an answer; the document names the refusal.
    if not document.refused or output_format is OutputFormat.JSON:
        _write(document, output_format)
    _tell_refused(document)


@app.command()
def example(
    folder: Annotated[Path, typer.Argument(help="Where to write the study.")] = Path(
        "deeppcos-example"
    ),
    force: Annotated[bool, typer.Option(help="Replace an example already there.")] = False,
) -> None:
    """Write a ready synthetic study to try."""
    from deeppcos.app.example_study import write_example_study

    with told_plainly():
        study = write_example_study(folder, force=force)
    typer.echo(f"wrote {folder}: {len(study.stills)} stills, a sweep and a chart")
    typer.echo(f"next: deeppcos analyze {folder} --chart {study.chart} --out {folder}/report")


app.command()(train)
app.command()(release)
app.command()(evaluate)


def _write(document: "AssessmentDocument", output_format: OutputFormat) -> None:
    """One document on standard output, nothing else there."""
    if output_format is OutputFormat.JSON:
        from deeppcos.records.assessment_json import to_json

        text = to_json(document)
    else:
        from deeppcos.app.report.text import report_text

        text = report_text(document)
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def _tell_refused(document: "AssessmentDocument") -> None:
    """Name each refusal on standard error; the exit status says that there were some."""
    for refusal in document.refused:
        typer.echo(f"refused: {refusal.reason}", err=True)
    if document.refused:
        raise typer.Exit(SOME_REFUSED)
