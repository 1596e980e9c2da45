"""The audit on the terminal: the verdict, what was found, and what to do.

Owns the order and look of the text. The findings' own words come with them.
"""

from collections import Counter

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from deeppcos.learning.audit.findings import Finding, Share, Weight, counted, percent
from deeppcos.learning.audit.image_audit import ImageAudit
from deeppcos.learning.audit.report import AuditReport
from deeppcos.learning.audit.table_audit import TableAudit
from deeppcos.learning.audit.trivial import FEATURES

WIDTH = 100
SHOWN_EXAMPLES = 4
WEIGHT_WORDS = {
    Weight.SPOILS: ("spoils", "bold red", "✗"),
    Weight.CAUTION: ("caution", "yellow", "!"),
    Weight.NOTE: ("note", "dim", "·"),
}


def print_audit(report: AuditReport, console: Console) -> None:
    """Write the whole report.

    Args:
        report: The report.
        console: Where to.
    """
    console.print(_heading(report))
    explained: set[str] = set()
    for finding in report.findings:
        console.print(_spaced(_finding(finding, is_new=finding.meaning not in explained)))
        explained.add(finding.meaning)
    if report.images and report.images.trivial:
        console.print(_spaced(_trivial(report.images)))
    if report.table and report.table.leaks:
        console.print(_spaced(_models(report.table)))


def _heading(report: AuditReport) -> RenderableType:
    lines = [Text(report.name, style="bold"), Text(verdict(report), style=_verdict_style(report))]
    lines += [Text(line, style="dim") for line in what_was_seen(report)]
    return Group(*lines)


def verdict(report: AuditReport) -> str:
    """The answer in one sentence.

    Args:
        report: The report.
    """
    spoiling, cautions = report.count(Weight.SPOILS), report.count(Weight.CAUTION)
    if spoiling:
        verb = "spoils" if spoiling == 1 else "spoil"
        rest = f"; {counted(cautions, 'caution')}" if cautions else ""
        found = counted(spoiling, "finding")
        return f"Not fit to measure on as it is: {found} {verb} an evaluation{rest}."
    if cautions:
        return (
            f"Nothing found that spoils an evaluation; {counted(cautions, 'caution')} to look at."
        )
    return "Nothing found that spoils an evaluation."


def _verdict_style(report: AuditReport) -> str:
    return "bold red" if report.is_spoiled else "bold green"


def what_was_seen(report: AuditReport) -> list[str]:
    """What the set holds, and how its layout was understood.

    Args:
        report: The report.
    """
    if report.table:
        return _seen_in_table(report.table)
    return _seen_in_images(report.images) if report.images else []


def _seen_in_table(audit: TableAudit) -> list[str]:
    classes = ", ".join(f"{value}: {count}" for value, count in audit.classes.items())
    label = f"label {audit.label} ({classes})" if audit.label else "no label recognised"
    rows = counted(len(audit.table.row_names), "row")
    left_out = ", ".join(audit.rows.identifiers)
    return [
        f"{audit.table.source}: {rows}, {counted(len(audit.table.columns), 'column')}, {label}",
        *([f"taken for identifiers: {left_out}"] if left_out else []),
    ]


def _seen_in_images(audit: ImageAudit) -> list[str]:
    listed = [audit.pictures.pictures[n] for n in audit.facts]
    classes = Counter(p.label for p in listed if p.label)
    splits = Counter(p.split for p in listed if p.split)
    lines = [
        f"{audit.pictures.layout}",
        f"{counted(len(listed), 'image')} from"
        f" {counted(len(audit.copies.sources), 'source picture')}"
        + "".join(f"; {name} {count:,}" for name, count in splits.items()),
    ]
    if classes:
        lines.append(", ".join(f"{name} {count:,}" for name, count in classes.most_common(12)))
    over = ", ".join(f"{count:,} {ending}" for ending, count in audit.pictures.passed_over.items())
    return lines + ([f"passed over, no pictures: {over}"] if over else [])


def _spaced(part: RenderableType) -> RenderableType:
    return Padding(part, (1, 0, 0, 0), expand=False)


def _finding(finding: Finding, *, is_new: bool) -> RenderableType:
    """A finding; what was explained above is not explained again."""
    word, style, sign = WEIGHT_WORDS[finding.weight]
    title = Text.assemble((f"{sign} {word:<8}", style), (finding.title, "bold"))
    body = [Text(finding.meaning), Text(f"→ {finding.remedy}", style="cyan")] if is_new else []
    body += [Text(example, style="dim") for example in finding.examples[:SHOWN_EXAMPLES]]
    more = len(finding.examples) - SHOWN_EXAMPLES
    body += [Text(f"and {more} more (--out or --format json)", style="dim")] if more > 0 else []
    return Group(title, Padding(Group(*body), (0, 0, 0, 10), expand=False))


def _trivial(audit: ImageAudit) -> RenderableType:
    given = "given split" if audit.has_given_split else "random split"
    table = RichTable(
        title="Accuracy without seeing an ovary (95 % interval)", title_justify="left", box=None
    )
    for heading in ("feature", given, "majority", "grouped split", "majority"):
        table.add_column(heading, justify="left" if heading == "feature" else "right")
    for result in audit.trivial:
        cells = [FEATURES[result.feature]]
        for measured in (result.given, result.grouped):
            cells += (
                [share_text(measured.accuracy), percent(measured.majority)]
                if measured
                else ["", ""]
            )
        table.add_row(*cells)
    return table


def _models(audit: TableAudit) -> RenderableType:
    table = RichTable(
        title="AUROC of a logistic regression, grouped folds (95 % interval)",
        title_justify="left",
        box=None,
    )
    for heading in ("columns", "number", "AUROC"):
        table.add_column(heading, justify="left" if heading == "columns" else "right")
    words = {
        "all": "all",
        "definition": "those that define the condition",
        "without_definition": "all others",
    }
    for model in audit.leaks.models if audit.leaks else ():
        table.add_row(words[model.name], str(model.columns), decimal_text(model.auroc))
    return table


def share_text(share: Share) -> str:
    """A share with its interval, in per cent.

    Args:
        share: The share.
    """
    if share.value is None or share.low is None or share.high is None:
        return percent(share.value)
    return f"{percent(share.value)} ({100 * share.low:.0f} to {100 * share.high:.0f})"


def decimal_text(share: Share) -> str:
    """A figure with its interval, two decimals.

    Args:
        share: The figure.
    """
    if share.value is None:
        return "unknown"
    if share.low is None or share.high is None:
        return f"{share.value:.2f}"
    return f"{share.value:.2f} ({share.low:.2f} to {share.high:.2f})"
