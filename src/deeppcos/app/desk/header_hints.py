"""What a DICOM header offers a chart, as JSON and back, so that a study is read once."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from deeppcos.records.dicom_header import ChartHints

_DATES = ("last_menstrual_date", "study_date")


def chart_hints_to_json(hints: ChartHints | None) -> dict[str, Any] | None:
    """The hints as JSON; None where the file has no header."""
    if hints is None:
        return None
    content = asdict(hints)
    return content | {name: content[name].isoformat() for name in _DATES if content[name]}


def chart_hints_from_json(content: Mapping[str, Any] | None) -> ChartHints:
    """The hints from JSON; without a header nothing is known.

    Examples:
        >>> hints = ChartHints(laterality="L", study_date=datetime.date(2026, 1, 5))
        >>> chart_hints_from_json(chart_hints_to_json(hints)) == hints
        True
        >>> chart_hints_from_json(None) == ChartHints()
        True
    """
    known = dict(content or {})
    dates = {name: datetime.date.fromisoformat(known[name]) for name in _DATES if known.get(name)}
    return ChartHints(**(known | dates))
