"""The report in the terminal: what matters on one screen, 80 columns, with or without colour.

Owns the lines, their styles and what is left out first. Printing them is the business of the
command line.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import wrap

from rich.text import Text

from deeppcos.app.report import wording
from deeppcos.app.report.field_names import listed
from deeppcos.app.report.sentences import spelled
from deeppcos.app.report.view import AxisRow, CriterionCard, ReportView, report_view
from deeppcos.records.assessment_document import AssessmentDocument

WIDTH = 80
MOST_LINES = 45
"""What the report keeps to by leaving out details; a sentence is never cut for it."""
MOST_REASONS = 2
MOST_NAMED = 8
"""Missing inputs named in one list: they are what a reader can act on, so reasons give way."""
MOST_FILES = 4
"""Files refused, or not assessable, named one by one."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Detail:
    """How much is told of what may be left out.

    Attributes:
        drivers: Drivers of a severity axis.
        missing: Missing inputs of a severity axis.
        whys: Whether every unknown measurement gives its reason.
        reasons: Reasons of a criterion, and red flags.
        markers: Whether the values of research markers are told: no finding rests on them.
    """

    drivers: int
    missing: int
    whys: bool
    reasons: int
    markers: bool = False


_DETAILS = (
    _Detail(drivers=3, missing=4, whys=True, reasons=MOST_REASONS, markers=True),
    _Detail(drivers=3, missing=4, whys=True, reasons=MOST_REASONS),
    _Detail(drivers=1, missing=2, whys=True, reasons=MOST_REASONS),
    _Detail(drivers=0, missing=2, whys=True, reasons=MOST_REASONS),
    _Detail(drivers=1, missing=2, whys=False, reasons=MOST_REASONS),
    _Detail(drivers=0, missing=2, whys=False, reasons=MOST_REASONS),
    _Detail(drivers=1, missing=2, whys=False, reasons=1),
    _Detail(drivers=0, missing=1, whys=False, reasons=1),
)
"""Research markers give way first, then severity loses its details, then unknown measurements
theirs, then criteria a reason; what the next loss leaves room for comes back."""


def report_lines(document: AssessmentDocument, *, width: int = WIDTH) -> tuple[Line, ...]:
    """The report line by line, at most 45 where that needs no cut sentence.

    What is left out is said. The closing always stays whole.

    Args:
        document: The assessment.
        width: Columns, at least 40.
    """
    view = report_view(document)
    for detail in _DETAILS:
        lines = _lines(view, width=width, detail=detail)
        if len(lines) <= MOST_LINES:
            break
    return lines


def _lines(view: ReportView, *, width: int, detail: _Detail) -> tuple[Line, ...]:
    document, conclusion = view.document, view.document.conclusion
    lines = [Line(text=wording.BANNER, style="dim")]
    flags = [f"{spelled(f.trigger)}: {spelled(f.message)}" for f in conclusion.red_flags]
    for flag in _shortened(flags, detail.reasons):
        lines += _wrapped(f"!! {flag}", width, "bold red", indent=3)
    lines += _wrapped(view.sentence, width, "bold")
    if conclusion.missing:
        missing = f"Still missing: {listed(conclusion.missing, most=MOST_NAMED)}"
        lines += _wrapped(missing, width, "yellow")
    lines.append(Line(text=""))
    for card in view.criteria:
        lines += _criterion(card, width, detail)
    lines += _measurements(view, width, detail)
    lines += _severity(view, width, detail)
    lines += _markers(view, width, detail)
    return (*lines, *_closing(document, view, width))


def _criterion(card: CriterionCard, width: int, detail: _Detail) -> list[Line]:
    head = f"{_MARKERS[card.state]} {card.title}: {card.word.lower()}"
    lines = _wrapped(head, width, _STATE_STYLES[card.state], indent=4)
    for reason in _shortened(card.reasons, detail.reasons):
        lines += _wrapped(f"    {reason}", width, indent=4)
    if card.missing:
        lead = "unknown because missing" if card.state == "unknown" else "missing"
        missing = f"    {lead}: {listed(card.missing, most=MOST_NAMED)}"
        lines += _wrapped(missing, width, "yellow", indent=4)
    if card.provisional_on:
        provisional = f"    provisional until known: {listed(card.provisional_on)}"
        lines += _wrapped(provisional, width, "yellow", indent=4)
    return lines


def _measurements(view: ReportView, width: int, detail: _Detail) -> list[Line]:
    if not view.sides:
        return []
    lines = [Line(text=""), Line(text="Measurements", style="bold")]
    for place, side in enumerate(view.sides):
        known = [row for row in view.measurements if row.cells[place].value is not None]
        values = [f"{row.title} {row.cells[place].value}" for row in known]
        lines += _wrapped(f"  {side}: {'; '.join(values) or 'nothing'}", width, indent=4)
        unknown = [
            f"{row.title} ({row.cells[place].detail})" if detail.whys else row.title
            for row in view.measurements
            if row not in known
        ]
        if unknown:
            lines += _wrapped(f"    unknown: {'; '.join(unknown)}", width, "yellow", indent=4)
    return lines


def _severity(view: ReportView, width: int, detail: _Detail) -> list[Line]:
    severity = view.document.severity
    lines = [Line(text=""), Line(text=f"Severity  {view.severity_profile}", style="bold")]
    if severity.overridden_because:
        overridden = f"  Not to be read as severity: {severity.overridden_because}"
        lines += _wrapped(overridden, width, "yellow", indent=2)
    for row in view.severity:
        lines += _wrapped(f"  {_axis(row, detail)}", width, indent=4)
    notice = f"  {severity.notice} {wording.NEVER_SUMMED}"
    return [*lines, *_wrapped(notice, width, "dim", indent=2)]


def _markers(view: ReportView, width: int, detail: _Detail) -> list[Line]:
    """The markers a chart allows, in one paragraph; what they lack stands in the page."""
    if view.markers is None:
        return []
    if not detail.markers:
        return _wrapped(
            f"{wording.MARKERS_TITLE}, not graded: in the report (--out)", width, indent=2
        )
    values = "; ".join(f"{row.label} {row.value}" for row in view.markers.rows)
    said = f"{wording.MARKERS_TITLE}, research only, not graded: {values}"
    return [Line(text=""), *_wrapped(said, width, indent=2)]


def _axis(row: AxisRow, detail: _Detail) -> str:
    parts = [f"{row.title}: {row.words}"]
    if detail.drivers:
        parts += _shortened(row.drivers, detail.drivers)
    if row.reach is None and row.remark and not row.missing:
        parts.append(f"{row.remark[:1].lower()}{row.remark[1:]}")
    if row.missing:
        parts.append(f"missing {listed(row.missing, most=detail.missing)}")
    return "; ".join(parts)


def _closing(document: AssessmentDocument, view: ReportView, width: int) -> list[Line]:
    """What to do next, what could not be read, and who has to sign: never shortened."""
    lines = [Line(text="")]
    if document.would_settle:
        steps = [step.measurement for step in document.would_settle]
        lines += _wrapped(f"Would settle this: {listed(steps)}", width, "bold")
    for group in view.silent[:MOST_FILES]:
        unread = f"Not assessable: {group.source}, {group.frames}: {listed(group.reasons)}"
        lines += _wrapped(unread, width, indent=2)
    if len(view.silent) > MOST_FILES:
        lines.append(Line(text=f"and {len(view.silent) - MOST_FILES} more not assessable"))
    for refusal in document.refused[:MOST_FILES]:
        refused = f"Refused: {refusal.source}: {refusal.reason}"
        lines += _wrapped(refused, width, "yellow", indent=2)
    if len(document.refused) > MOST_FILES:
        lines.append(Line(text=f"and {len(document.refused) - MOST_FILES} more refused"))
    status = wording.signed_words(document.signature) if document.signature else wording.DRAFT
    glance = f"{wording.how_much_was_read(document)}. {status.removesuffix('.')}."
    return [*lines, *_wrapped(glance, width, "dim")]


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
