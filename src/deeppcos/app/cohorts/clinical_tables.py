"""A raw clinical table as research tables, with the repair report of everything done to it.

Owns joining ``learning.risk``, which reads and repairs such tables, to ``research``. Nothing is
added: what a table cannot say stays unknown, and the rule engine leaves the question open.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deeppcos.app.cohorts.folders import Gathered
from deeppcos.errors import InvalidInput
from deeppcos.research.bare import bare_document
from deeppcos.research.flatten import StudyFacts, flatten

SUFFIXES = (".csv", ".tsv", ".xlsx", ".xls")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedTable:
    """A clinical table as rows, and what was done to it.

    Attributes:
        gathered: Its rows.
        repairs: The repair report as CSV.
        summary: How often each thing was done, in sentences.
        title: What the table is.
    """

    gathered: Gathered
    repairs: str
    summary: tuple[str, ...]
    title: str


def gather_clinical_table(path: Path, *, on_refused: Callable[[str], None]) -> RepairedTable:
    """Read a clinical table.

    Args:
        path: CSV or Excel of a known kind.
        on_refused: Given the repair report as CSV where the table is refused.

    Returns:
        Rows and the repair report.

    Raises:
        InvalidInput: If it is of no known kind, has fewer than 30 labelled rows, one class, or a
            column that tells the label.
    """
    from deeppcos.learning.risk.baseline import chart_of
    from deeppcos.learning.risk.leakage import require_no_leak
    from deeppcos.learning.risk.table import read_table, refusal

    if path.suffix.lower() not in SUFFIXES:
        raise InvalidInput(
            f"{path.name} is no table",
            accepted=", ".join(SUFFIXES),
            remedy="name a table or folder",
        )
    table = read_table(path, on_refused=lambda found: on_refused(_as_csv(found)))
    try:
        require_no_leak(table)
    except InvalidInput as problem:
        on_refused(_as_csv((*table.repairs, refusal(path, problem))))
        raise
    gathered = Gathered()
    for row, group, values in zip(table.rows, table.groups, table.values, strict=True):
        facts = StudyFacts(assessment_id=f"row-{row}", patient_id=f"group-{group}", read_by="chart")
        chart = chart_of(values)
        gathered.add(flatten(bare_document(chart), facts, chart=chart))
    return RepairedTable(
        gathered=gathered,
        repairs=_as_csv(table.repairs),
        summary=tuple(_counted(table.repairs)),
        title=table.adapter.title,
    )


def _as_csv(repairs: tuple[object, ...]) -> str:
    """The repair report, one line for each thing done."""
    from deeppcos.learning.risk.repair import Repair

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "column", "found", "action", "because", "used"])
    for r in repairs:
        assert isinstance(r, Repair)
        used = "" if r.used is None else f"{r.used:g}"
        writer.writerow([r.row or "", r.column, r.found, r.action.value, r.because, used])
    return text.getvalue()


def _counted(repairs: tuple[object, ...]) -> list[str]:
    """How often each thing was done."""
    from deeppcos.learning.risk.repair import Repair

    counts = Counter(r.action.value for r in repairs if isinstance(r, Repair))
    return [f"{count} times {action}" for action, count in counts.most_common()]
