"""``deeppcos read-report``: what a scanner's own report says of the ovaries."""

from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import told_plainly


def read_report(
    reports: Annotated[
        list[Path], typer.Argument(help="Structured reports (TID 5000).", show_default=False)
    ],
    chart: Annotated[
        Path | None, typer.Option(help="A chart to fill where it leaves the ovaries open.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the filled chart; must be new.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="A DeepPCOS report to hold the measurements against.")
    ] = None,
    numbers_are_whole_ovary: Annotated[
        bool,
        typer.Option(help="Take a number of follicles for those of 2-9 mm in the whole ovary."),
    ] = False,
) -> None:
    """Read a scanner's OB-GYN report into a chart."""
    from deeppcos.app.dicom_reports import (
        chart_json_with,
        discrepancies_with_report,
        with_reports,
    )
    from deeppcos.clinical.chart import PatientChart
    from deeppcos.errors import InvalidInput
    from deeppcos.records.chart_json import read_chart
    from deeppcos.records.dicom_report_reading import read_report as read

    with told_plainly():
        if out is not None and (chart is None or out.exists()):
            raise InvalidInput(
                "the filled chart cannot be written",
                value=str(out),
                accepted="a chart to fill (--chart) and a new file to write (--out)",
            )
        known = read_chart(chart) if chart else PatientChart()
        charted = with_reports(
            known,
            [read(path) for path in reports],
            numbers_are_whole_ovary=numbers_are_whole_ovary,
        )
        found = discrepancies_with_report(charted, against) if against else ()
        if out is not None and chart is not None:
            out.write_text(chart_json_with(chart.read_text(encoding="utf-8"), charted), "utf-8")
    for line in (*charted.taken, *(f"disagree: {one.sentence}" for one in found)):
        typer.echo(line)
    for note in charted.notes:
        typer.echo(f"not used: {note}", err=True)
