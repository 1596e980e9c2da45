"""``deeppcos data``: bring public data sets, look at what a folder holds, say who is who.

Owns options, exit status and where reports are written. Exit status: 0 when a set is here and
usable, 1 when its audit finds that figures on it would mislead or something was passed over, 2 for
wrong usage, 3 when network, source or disk failed and a later call will go on.
"""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import progress_bar, told_plainly, with_extra
from deeppcos.errors import InvalidInput, TemporaryFailure

if TYPE_CHECKING:
    from deeppcos.learning.audit import AuditReport

PASSED_OVER, COME_AGAIN = 1, 3
AUDIT_FOLDER = "audit"

data = typer.Typer(
    name="data",
    help="Bring public data sets, and look at what a folder of training data holds.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NameArgument = Annotated[str, typer.Argument(help="Name in the catalogue.", show_default=False)]
FolderArgument = Annotated[Path, typer.Argument(help="Folder of a data set.", show_default=False)]


@data.command("list")
def list_sets() -> None:
    """Name the public data sets of the catalogue."""
    from deeppcos.learning.fetch.catalogue import PUBLIC_SETS

    for one in PUBLIC_SETS.values():
        typer.echo(f"{one.name:24} {one.title}")
        typer.echo(f"{'':24} {one.size}; licence: {one.licence or 'not stated on its pages'}")


@data.command()
def show(name: NameArgument) -> None:
    """Show a data set's source, licence, use and traps."""
    from deeppcos.learning.fetch.catalogue import described, public_set

    with told_plainly():
        typer.echo("\n".join(described(public_set(name))))


@data.command()
def get(
    name: NameArgument,
    out: Annotated[Path, typer.Option(help="Folder of data sets.")] = Path("deeppcos-data"),
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You read and accept licence and source.")
    ] = False,
    accept_changed_licence: Annotated[
        bool,
        typer.Option(
            "--accept-changed-licence", help="Also where the source states another one now."
        ),
    ] = False,
    local: Annotated[
        list[Path] | None,
        typer.Option("--from", help="Files or a folder that you have already."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Bring it once more; the earlier one is kept aside.")
    ] = False,
) -> None:
    """Bring a public data set, convert it to one layout and audit it at once (data extra)."""
    with told_plainly(), with_extra("data"):
        from deeppcos.learning.fetch.catalogue import described, public_set
        from deeppcos.learning.fetch.download import new_session
        from deeppcos.learning.fetch.get import Consent, bring

        one = public_set(name)
        typer.echo("\n".join(described(one)), err=True)
        consent = Consent(licence=accept_licence, changed_licence=accept_changed_licence)
        try:
            with new_session() as session, progress_bar(is_wanted=sys.stderr.isatty()) as progress:
                receipt = bring(
                    session,
                    one,
                    out,
                    consent,
                    local=tuple(local or ()),
                    again=again,
                    progress=progress,
                )
        except TemporaryFailure as problem:
            typer.echo(f"deeppcos: {problem}", err=True)
            raise typer.Exit(COME_AGAIN) from None
        folder = out / name
        typer.echo(f"here: {folder} (licence: {receipt.licence or 'not stated by its source'})")
        for note in receipt.notes:
            typer.echo(f"note: {note}")
        for item, reason in receipt.skipped:
            typer.echo(f"passed over: {item}: {reason}", err=True)
        is_spoiled = _audited(folder)
    if is_spoiled or receipt.skipped:
        raise typer.Exit(PASSED_OVER)


@data.command()
def check(
    folder: FolderArgument,
    layout: Annotated[str, typer.Option(help="Its layout; found out when not given.")] = "",
    out: Annotated[Path | None, typer.Option(help="Also write the report here, as JSON.")] = None,
) -> None:
    """Read a folder as training would, and say what is passed over and why."""
    with told_plainly(), with_extra("data"):
        from deeppcos.learning.pool import read_sets

        _, report = read_sets(folder, layout=layout)
        if out is not None:
            out.write_text(json.dumps(report.document(), indent=1) + "\n", encoding="utf-8")
    typer.echo("\n".join(report.lines()))
    if report.skipped:
        raise typer.Exit(PASSED_OVER)


@data.command()
def groups(
    folder: FolderArgument,
    pattern: Annotated[
        str,
        typer.Option(
            help="Regular expression on the file, relative to the folder; its first group is the "
            "patient, such as '(P[0-9]+)_'."
        ),
    ] = "",
    from_audit: Annotated[
        Path | None, typer.Option(help="A grouped-split.csv that the audit wrote.")
    ] = None,
    each_alone: Annotated[
        bool, typer.Option("--each-alone", help="You know that every picture is another patient.")
    ] = False,
) -> None:
    """Write groups.csv: which pictures of a folder belong to one patient."""
    with told_plainly():
        from deeppcos.learning.sources.grouping import write_groups

        if sum((bool(pattern), from_audit is not None, each_alone)) != 1:
            raise InvalidInput(
                "which pictures belong together?",
                accepted="one of --pattern, --from-audit and --each-alone",
                remedy="choose what you know",
            )
        found = _audit_groups(from_audit) if from_audit else _named_groups(folder, pattern)
        table = write_groups(folder, found)
    typer.echo(f"wrote {table}: {len(found)} pictures of {len(set(found.values()))} patients")


def _named_groups(folder: Path, pattern: str) -> dict[str, str]:
    """Patient of each picture from its name; the picture itself without a pattern."""
    from deeppcos.learning.sources.pictures import PICTURE_ENDINGS

    files = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PICTURE_ENDINGS and "masks" not in path.relative_to(folder).parts
    ]
    if not files:
        raise InvalidInput(f"{folder}: no pictures", remedy="name the folder of a data set")
    if not pattern:
        return {file: file for file in files}
    try:
        compiled = re.compile(pattern)
    except re.error as problem:
        raise InvalidInput("not a regular expression", value=f"{pattern}: {problem}") from None
    if compiled.groups < 1:
        raise InvalidInput("no group in the pattern", value=pattern, accepted="'(P[0-9]+)_'")
    matches = {file: compiled.search(file) for file in files}
    without = [file for file, match in matches.items() if match is None or not match.group(1)]
    if without:
        raise InvalidInput(
            f"{len(without)} pictures have no patient by this pattern",
            value=without[0],
            remedy="widen the pattern, so that every picture has one",
        )
    return {file: match.group(1) for file, match in matches.items() if match is not None}


def _audit_groups(table: Path) -> dict[str, str]:
    """Groups of the audit's split file."""
    from deeppcos.learning.sources.grouping import read_groups_of

    return read_groups_of(table)


def _audited(folder: Path) -> bool:
    """Audit a set that was brought, write the reports, fill in the groups; whether it misleads."""
    from deeppcos.learning.audit import ColumnChoice, audit_dataset
    from deeppcos.learning.fetch.convert import regroup

    tables = sorted((folder / "tables").glob("*")) if (folder / "tables").is_dir() else []
    is_indexed = (folder / "index.csv").is_file()
    if not tables and not is_indexed:
        typer.echo("audit: volumes are not audited; the audit reads pictures and tables")
        return False
    reports = []
    with progress_bar(is_wanted=sys.stderr.isatty()) as progress:
        for place in tables or [folder]:
            choice = (
                ColumnChoice(file="file", label="class", split="source_split", group="group")
                if is_indexed
                else ColumnChoice()
            )
            report = audit_dataset(place, choice, progress=progress)
            target = folder / AUDIT_FOLDER / (place.stem if tables else "")
            _write_audit(report, target)
            reports.append(report)
    if is_indexed and reports[0].images is not None:
        together, copies = _groups_of(reports[0])
        left = regroup(folder, together, copies)
        count = len(set(together.values()))
        typer.echo(f"groups: {len(together)} pictures of {count} patient groups, in index.csv")
        if left:
            typer.echo(f"note: {left} pictures got no group from the audit", err=True)
    return any(report.is_spoiled for report in reports)


def _groups_of(report: "AuditReport") -> tuple[dict[str, str], dict[str, str]]:
    """Group and source picture of each file, as the audit found them."""
    images = report.images
    assert images is not None
    names = {n: images.pictures.pictures[n].name for n in images.facts}
    clusters = {n: str(place) for place, ones in enumerate(images.copies.sources) for n in ones}
    return (
        {name: str(images.groups[n]) for n, name in names.items()},
        {name: clusters[n] for n, name in names.items()},
    )


def _write_audit(report: "AuditReport", folder: Path) -> None:
    """The audit's three files, and its findings on standard output."""
    from rich.console import Console

    from deeppcos.app.report.audit_html import render_audit_html
    from deeppcos.app.report.audit_text import WIDTH, print_audit
    from deeppcos.learning.audit import as_document, split_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit.html").write_text(render_audit_html(report), encoding="utf-8")
    document = json.dumps(as_document(report), indent=1, ensure_ascii=False)
    (folder / "audit.json").write_text(document + "\n", encoding="utf-8")
    (folder / "grouped-split.csv").write_text(split_file(report), encoding="utf-8")
    console = Console(highlight=False, markup=False)
    print_audit(report, console if console.is_terminal else Console(highlight=False, width=WIDTH))
    typer.echo(f"audit: {folder / 'audit.html'}")
