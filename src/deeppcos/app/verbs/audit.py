"""``deeppcos audit``: what is wrong with a data set, before any number is measured on it.

Owns the options, the exit status and which file is written where. Exit status: 0 when nothing
spoils an evaluation, 1 when something does, 2 for wrong usage, 130 when interrupted.
"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import progress_bar, told_plainly, with_extra

if TYPE_CHECKING:
    from deeppcos.learning.audit import AuditReport

SPOILED, INTERRUPTED = 1, 130
FILES = ("audit.html", "audit.json", "grouped-split.csv")


class AuditFormat(StrEnum):
    """What is written to standard output."""

    TEXT = "text"
    JSON = "json"


def audit(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="A folder of pictures (a folder per class, train/test folders, or with a table "
            "that names them), or a table (CSV, TSV, XLSX).",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for audit.html, audit.json and grouped-split.csv."),
    ] = None,
    output_format: Annotated[
        AuditFormat, typer.Option("--format", help="Text for people, or one JSON document.")
    ] = AuditFormat.TEXT,
    file_column: Annotated[
        str, typer.Option(help="Column of the table that names the files.")
    ] = "",
    label_column: Annotated[str, typer.Option(help="Column of the class or label.")] = "",
    split_column: Annotated[str, typer.Option(help="Column of the split.")] = "",
    group_column: Annotated[str, typer.Option(help="Column of the patient or study.")] = "",
    folds: Annotated[int, typer.Option(help="Folds of the grouped split.", min=2, max=100)] = 5,
    threads: Annotated[int, typer.Option(help="Pictures at a time.", min=1, max=64)] = 2,
    strict: Annotated[
        bool, typer.Option("--strict", help="Cautions count as findings for the exit status.")
    ] = False,
    force: Annotated[bool, typer.Option(help="Replace a report that is already there.")] = False,
) -> None:
    """Find copies, leaks and shortcuts in a data set (status 1 where they spoil an evaluation)."""
    with told_plainly(), with_extra("audit"):
        from deeppcos.learning.audit import ColumnChoice, Weight, audit_dataset

        _claim(out, force=force)
        choice = ColumnChoice(
            file=file_column, label=label_column, split=split_column, group=group_column
        )
        try:
            with progress_bar(is_wanted=sys.stderr.isatty()) as progress:
                report = audit_dataset(
                    dataset, choice, folds=folds, threads=threads, progress=progress
                )
        except KeyboardInterrupt:
            typer.echo("deeppcos: interrupted; nothing was written", err=True)
            raise typer.Exit(INTERRUPTED) from None
        if out is not None:
            _write(report, out)
        _show(report, output_format)
    if out is not None:
        typer.echo(f"written: {', '.join(str(out / name) for name in FILES)}", err=True)
    if report.is_spoiled or (strict and report.count(Weight.CAUTION)):
        raise typer.Exit(SPOILED)


def _claim(out: Path | None, *, force: bool) -> None:
    """Refuse before the work what could not be written after it."""
    from deeppcos.errors import InvalidInput

    if out is None:
        return
    if out.exists() and not out.is_dir():
        raise InvalidInput(f"{out} is a file", accepted="a folder", remedy="name another place")
    there = [name for name in FILES if (out / name).exists()]
    if there and not force:
        raise InvalidInput(
            f"{out} already holds an audit",
            value=", ".join(there),
            remedy="name another folder, or replace it with --force",
        )


def _write(report: "AuditReport", out: Path) -> None:
    """Each file is written beside and then renamed, so that a half-written one is never found."""
    from deeppcos.app.report.audit_html import render_audit_html
    from deeppcos.learning.audit import split_file

    out.mkdir(parents=True, exist_ok=True)
    texts = (render_audit_html(report), _json(report), split_file(report))
    for name, text in zip(FILES, texts, strict=True):
        partial = out / f".{name}.partial"
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, out / name)


def _json(report: "AuditReport") -> str:
    import json

    from deeppcos.learning.audit import as_document

    return json.dumps(as_document(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _show(report: "AuditReport", output_format: AuditFormat) -> None:
    if output_format is AuditFormat.JSON:
        sys.stdout.write(_json(report))
        return
    from rich.console import Console

    from deeppcos.app.report.audit_text import WIDTH, print_audit

    console = Console(highlight=False, markup=False, soft_wrap=False)
    # A file or pipe has no width of its own.
    print_audit(report, console if console.is_terminal else Console(highlight=False, width=WIDTH))
