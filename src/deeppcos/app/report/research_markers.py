"""Markers of insulin resistance as a report shows them: values with their formula and source.

Owns which are shown and their numbers. They are computed by ``clinical.insulin_resistance``; no
report grades them.
"""

from dataclasses import dataclass

from deeppcos.app.report.field_names import listed
from deeppcos.records.assessment_document import AssessmentDocument, ResearchMarker


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerRow:
    """One marker as shown.

    Attributes:
        label: Its name.
        value: Its value and unit.
        formula: How it is computed.
        source: Where the formula comes from.
    """

    label: str
    value: str
    formula: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkersShown:
    """The markers a chart allows, and what the others lack.

    Attributes:
        notice: What they are not.
        rows: Markers with a value.
        lacking: The others, each with the reason.
    """

    notice: str
    rows: tuple[MarkerRow, ...]
    lacking: tuple[str, ...]


def markers_shown(document: AssessmentDocument) -> MarkersShown | None:
    """The markers of a document; None where the chart allows none."""
    said = document.insulin_resistance
    if said is None or all(marker.value is None for marker in said.markers):
        return None
    return MarkersShown(
        notice=said.notice,
        rows=tuple(_row(marker) for marker in said.markers if marker.value is not None),
        lacking=tuple(
            f"{marker.label} ({_reason(marker)})" for marker in said.markers if marker.value is None
        ),
    )


def _row(marker: ResearchMarker) -> MarkerRow:
    unit = "" if marker.unit == "1" else f" {marker.unit}"
    return MarkerRow(
        label=marker.label,
        value=f"{marker_number(marker.value or 0.0)}{unit}",
        formula=marker.formula.replace(" x ", " \N{MULTIPLICATION SIGN} "),
        # What follows the citation is a note to the rule book's readers.
        source=marker.source.split(";")[0],
    )


def marker_number(value: float) -> str:
    """Three digits that matter.

    Examples:
        >>> marker_number(2.0), marker_number(0.3412), marker_number(120.36)
        ('2.00', '0.341', '120')
    """
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def _reason(marker: ResearchMarker) -> str:
    return marker.undefined_because or f"missing: {listed(marker.missing)}"
