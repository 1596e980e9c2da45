"""The report in the terminal: what matters on one screen, 80 columns, with or without colour.

Owns the lines and their styles. Printing them is the business of the command line.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import wrap

from rich.text import Text

from deeppcos.app.report import wording
from deeppcos.app.report.field_names import listed
from deeppcos.app.report.view import AxisRow, CriterionCard, ReportView, report_view
from deeppcos.records.assessment_document import AssessmentDocument

WIDTH = 80
MOST_LINES = 45
MOST_NAMED = 8
"""Missing inputs named in one list: they are what a reader can act on, so reasons give way."""
_MARKERS = {"present": "[+]", "absent": "[-]", "unknown": "[?]", "not_assessable": "[/]"}
_STATE_STYLES = {
    "present": "bold blue",
    "absent": "bold",
    "unknown": "bold yellow",
    "not_assessable": "bold magenta",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the terminal report; ``style`` is a rich style or empty."""

    text: str
    style: str = ""


def report_text(document: AssessmentDocument, *, width: int = WIDTH) -> str:
    """The report as plain text, every line at most ``width`` columns, ending in a newline.

    Args:
        document: The assessment.
        width: Columns, at least 40.
    """
    return "".join(f"{line.text}\n" for line in report_lines(document, width=width))


def report_rich(document: AssessmentDocument, *, width: int = WIDTH) -> Text:
    """The same lines for a rich console, which drops the colours where there are none.

    Args:
        document: The assessment.
        width: Columns, at least 40.
    """
    styled = [(f"{line.text}\n", line.style) for line in report_lines(document, width=width)]
    return Text.assemble(*styled, no_wrap=True)


def report_lines(document: AssessmentDocument, *, width: int = WIDTH) -> tuple[Line, ...]:
    """The report line by line, at most 45: what is left out is said.

    Args:
        document: The assessment.
        width: Columns, at least 40.
    """
    view = report_view(document)
    for most in (6, 5, 4, 3, 2, 1):
        lines = _lines(view, width=width, most=most)
        if len(lines) <= MOST_LINES:
            return lines
    shortened = Line(text="... shortened; the document holds the rest", style="dim")
    return (*lines[: MOST_LINES - 2], shortened, lines[-1])


def _lines(view: ReportView, *, width: int, most: int) -> tuple[Line, ...]:
    document = view.document
    conclusion = document.conclusion
    lines = [Line(text=wording.BANNER, style="dim")]
    flags = [f"{flag.trigger}: {flag.message}" for flag in conclusion.red_flags]
    for flag in _shortened(flags, most):
        lines += _wrapped(f"!! {flag}", width, "bold red", indent=3)
    lines += _wrapped(view.sentence, width, "bold")
    if conclusion.missing:
        missing = f"Still missing: {listed(conclusion.missing, most=MOST_NAMED)}"
        lines += _wrapped(missing, width, "yellow")
    lines.append(Line(text=""))
    for card in view.criteria:
        lines += _criterion(card, width, most)
    lines += _measurements(view, width)
    lines += _severity(view, width, most)
    if document.would_settle:
        steps = [step.measurement for step in document.would_settle]
        settle = f"Would settle this: {listed(steps, most=MOST_NAMED)}"
        lines += [Line(text=""), *_wrapped(settle, width, "bold")]
    return (*lines, *_closing(view, width, most))


def _criterion(card: CriterionCard, width: int, most: int) -> list[Line]:
    head = f"{_MARKERS[card.state]} {card.title}: {card.word.lower()}"
    lines = [Line(text=head[:width], style=_STATE_STYLES[card.state])]
    for reason in _shortened(card.reasons, most):
        lines += _wrapped(f"    {reason}", width, indent=4)
    if card.missing:
        lead = "unknown because missing" if card.state == "unknown" else "missing"
        missing = f"    {lead}: {listed(card.missing, most=MOST_NAMED)}"
        lines += _wrapped(missing, width, "yellow", indent=4)
    if card.provisional_on:
        provisional = f"    provisional until known: {listed(card.provisional_on)}"
        lines += _wrapped(provisional, width, "yellow", indent=4)
    return lines


def _measurements(view: ReportView, width: int) -> list[Line]:
    if not view.sides:
        return []
    lines = [Line(text=""), Line(text="Measurements", style="bold")]
    for place, side in enumerate(view.sides):
        known = [row for row in view.measurements if row.cells[place].value is not None]
        values = [f"{row.title} {row.cells[place].value}" for row in known]
        lines += _wrapped(f"  {side}: {'; '.join(values) or 'nothing'}", width, indent=4)
        unknown = [
            f"{row.title} ({row.cells[place].detail})"
            for row in view.measurements
            if row not in known
        ]
        if unknown:
            lines += _wrapped(f"    unknown: {'; '.join(unknown)}", width, "yellow", indent=4)
    return lines


def _severity(view: ReportView, width: int, most: int) -> list[Line]:
    lines = [Line(text=""), Line(text=f"Severity  {view.severity_profile}", style="bold")]
    for row in view.severity:
        lines += _wrapped(f"  {_axis(row, most)}", width, indent=4)
    notice = f"  {view.document.severity.notice} {wording.NEVER_SUMMED}"
    return [*lines, *_wrapped(notice, width, "dim", indent=2)]


def _axis(row: AxisRow, most: int) -> str:
    parts = [f"{row.title}: {row.words}"]
    if row.drivers:
        parts += _shortened(row.drivers, most)
    if row.missing:
        parts.append(f"missing {listed(row.missing, most=most + 1)}")
    return "; ".join(parts)


def _closing(view: ReportView, width: int, most: int) -> list[Line]:
    document = view.document
    lines = [Line(text="")]
    for group in view.silent[:most]:
        unread = f"Not assessable: {group.source}, {group.frames}: {listed(group.reasons)}"
        lines += _wrapped(unread, width, indent=2)[:2]
    if len(view.silent) > most:
        lines.append(Line(text=f"and {len(view.silent) - most} more not assessable"))
    for refusal in document.refused[:most]:
        refused = f"Refused: {refusal.source}: {refusal.reason}"
        lines += _wrapped(refused, width, "yellow", indent=2)[:2]
    if len(document.refused) > most:
        lines.append(Line(text=f"and {len(document.refused) - most} more refused"))
    status = wording.signed_words(document.signature) if document.signature else wording.DRAFT
    return [*lines, *_wrapped(f"{wording.at_a_glance(document)}. {status}.", width, "dim")]


def _shortened(items: Iterable[str], most: int) -> list[str]:
    kept = list(items)
    if len(kept) <= most:
        return kept
    return [*kept[:most], f"and {len(kept) - most} more"]


def _wrapped(text: str, width: int, style: str = "", *, indent: int = 0) -> list[Line]:
    """The text in lines of the width; control characters never reach the terminal."""
    safe = "".join(letter if letter.isprintable() else "�" for letter in text)
    start = safe[: len(safe) - len(safe.lstrip())]
    pieces = wrap(safe.lstrip(), width, initial_indent=start, subsequent_indent=" " * indent) or [
        ""
    ]
    return [Line(text=piece, style=style) for piece in pieces]
