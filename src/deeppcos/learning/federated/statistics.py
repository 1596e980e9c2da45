"""What a site tells of its patients: counts and histograms, none of them of a few.

Owns the division of patients into cells. Only cells leave a site, no sum and no mean: a mean
beside its histogram could be subtracted. Which cells are withheld is decided by the function that
the caller gives; joining sites is the business of ``pooled``.
"""

import csv
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.classify.examples import Example
from deeppcos.learning.federated.question import Question

MISSING, SEVERAL = "missing", "several"
BELOW, ABOVE = "below", "above"
KEYS = ("file", "group")

Row = Mapping[str, str]
Patient = Mapping[str, str]
Withhold = Callable[[Mapping[str, int], int], frozenset[str]]
"""Cells and the fewest patients of a count, to the cells that must not be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What leaves a site.

    Attributes:
        tables: Patients by cell, by table; withheld cells have no number and no name.
        withheld: Cells withheld, by table; how many patients they hold is not said.
    """

    tables: Mapping[str, Mapping[str, int]]
    withheld: Mapping[str, int]


def rows_of(examples: Sequence[Example], table: Path | None = None) -> list[dict[str, str]]:
    """One row a picture: what training sees of it, and what a table says of it.

    Args:
        examples: Pictures.
        table: CSV with the column ``file`` or ``group`` and others, such as ``scanner`` or
            ``age_years``; an empty field is missing.

    Returns:
        Columns ``group``, ``class``, ``grey_mean``, ``grey_sd`` (of the picture as trained on, 0
        to 1), ``pictures`` (of the patient) and those of the table.

    Raises:
        InvalidInput: If the table cannot be joined.
    """
    of_patient = Counter(one.group for one in examples)
    rows = [
        {
            "file": one.name,
            "group": one.group,
            "class": one.label,
            "grey_mean": f"{float(one.picture.mean()):.6f}",
            "grey_sd": f"{float(one.picture.std()):.6f}",
            "pictures": str(of_patient[one.group]),
        }
        for one in examples
    ]
    return rows if table is None else _joined(rows, table)


def _joined(rows: list[dict[str, str]], table: Path) -> list[dict[str, str]]:
    """Rows with the columns of a table; a picture that it does not name has them missing."""
    with table.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        names = list(reader.fieldnames or ())
        more = list(reader)
    key = next((name for name in KEYS if name in names), "")
    clashing = [n for n in names if rows and n in rows[0] and n not in KEYS]
    known = [row[key] for row in more] if key else []
    if not key or clashing or len(set(known)) != len(known):
        raise InvalidInput(
            f"{table}: cannot be joined to the pictures",
            value=", ".join(clashing or names) or "no columns",
            accepted="one row for each file or group, in a column of that name, and columns "
            "that the pictures do not have themselves",
        )
    said = {row[key]: {n: (row[n] or "").strip() for n in names if n not in KEYS} for row in more}
    empty = {n: "" for n in names if n not in KEYS}
    return [{**row, **said.get(row[key], empty)} for row in rows]


def answer_of(rows: Sequence[Row], question: Question, withhold: Withhold) -> Answer:
    """Answer a question from rows.

    Args:
        rows: One a picture, with the column ``group``.
        question: What is asked.
        withhold: Decides which cells are withheld.

    Returns:
        What may leave.

    Raises:
        InvalidInput: If a column is not there, a value is no number, or there are too few patients
            to tell anything.
    """
    _refuse_missing_columns(rows, question)
    patients = _patients(rows)
    if len(patients) < question.fewest:
        raise InvalidInput(
            "too few patients to tell anything of them",
            value=f"{len(patients)}",
            accepted=f"{question.fewest} or more",
        )
    cells = {" x ".join(table): _counted(patients, table) for table in question.counts}
    for name, edges in question.values.items():
        cells[name] = dict(Counter(_cell(_value(one, name), edges) for one in patients))
    tables, withheld = {}, {}
    for name, counts in cells.items():
        hidden = withhold(counts, question.fewest)
        tables[name] = {cell: n for cell, n in sorted(counts.items()) if cell not in hidden}
        withheld[name] = len(hidden)
    return Answer(tables=tables, withheld=withheld)


def _refuse_missing_columns(rows: Sequence[Row], question: Question) -> None:
    there = set(rows[0]) if rows else set()
    asked = {*(name for table in question.counts for name in table), *question.values}
    # The names of patients and files would be the cells of such a table.
    if asked & set(KEYS) or asked - there:
        raise InvalidInput(
            "the question asks for what this site does not have or does not tell",
            value=", ".join(sorted(asked & set(KEYS) | (asked - there))),
            accepted=", ".join(sorted(there - set(KEYS))),
            remedy="give the column in --table, with empty fields where nothing is known",
        )


def _patients(rows: Sequence[Row]) -> list[dict[str, list[str]]]:
    """What is known of each patient, over all pictures."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for name, value in row.items():
            if value:
                found[row["group"]][name].append(value)
    return [found[group] for group in sorted(found)]


def _counted(patients: Sequence[Mapping[str, list[str]]], table: Sequence[str]) -> dict[str, int]:
    """Patients by cell of a table."""
    return dict(Counter(" / ".join(_kind(one, name) for name in table) for one in patients))


def _kind(patient: Mapping[str, list[str]], name: str) -> str:
    """The one thing that is said of a patient; ``several`` where pictures disagree."""
    said = set(patient.get(name, ()))
    return said.pop() if len(said) == 1 else SEVERAL if said else MISSING


def _value(patient: Mapping[str, list[str]], name: str) -> float | None:
    """The middle of a patient's values; None where nothing is known."""
    said = patient.get(name, [])
    try:
        numbers = [float(one) for one in said]
    except ValueError as problem:
        raise InvalidInput(
            f"{name}: not a number", value=str(problem), accepted="a number, or an empty field"
        ) from problem
    if not np.isfinite(numbers).all():
        raise InvalidInput(
            f"{name}: not a finite number",
            value=", ".join(said)[:80],
            accepted="a number, or an empty field",
        )
    return float(np.median(numbers)) if numbers else None


def _cell(value: float | None, edges: Sequence[float]) -> str:
    """The cell of a histogram; the last one holds its upper edge."""
    if value is None:
        return MISSING
    if value < edges[0]:
        return BELOW
    if value > edges[-1]:
        return ABOVE
    return str(min(bisect_right(edges, value) - 1, len(edges) - 2))


def as_text(answer: Answer) -> dict[str, Any]:
    """As it travels and is kept."""
    return {
        "tables": {name: dict(cells) for name, cells in answer.tables.items()},
        "withheld": dict(answer.withheld),
    }
