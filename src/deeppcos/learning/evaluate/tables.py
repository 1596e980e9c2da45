"""What was measured, as files other programs read: one JSON and a CSV for each table."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

FIGURE = ("value", "low", "high", "n", "groups")
COVERAGES = ("count", "area")


def write_tables(measured: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write everything measured.

    Args:
        measured: As of ``measured_figures``.
        folder: Where; made when missing.

    Returns:
        The files: ``measured.json`` and one CSV a table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "measured.json"
    whole.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    written = [whole]
    for name, columns, rows in _tables(measured):
        file = folder / f"{name}.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            lines = csv.writer(stream)
            lines.writerow(columns)
            lines.writerows(rows)
        written.append(file)
    return written


Table = tuple[str, Sequence[str], Iterable[Sequence[Any]]]


def _tables(measured: Mapping[str, Any]) -> list[Table]:
    """Name, columns and rows of every table; a figure that is unknown has empty cells."""
    errors = measured["calibration error, cross-fitted"]
    return [
        (
            "figures",
            ("figure", *FIGURE),
            [(name, *_cells(figure)) for name, figure in measured["release"].items()],
        ),
        (
            "subgroups",
            ("trait", "value", "figure", *(f"figure_{part}" for part in FIGURE)),
            [
                (trait, value, name, *_cells(figure))
                for trait, values in measured["subgroups"].items()
                for value, figures in values.items()
                for name, figure in figures.items()
            ],
        ),
        (
            "calibration",
            ("score", "probability", "share", "n"),
            [
                (which, one["probability"], one["share"], one["n"])
                for which, error in errors.items()
                for one in error["bins"]
            ],
        ),
        (
            "coverage",
            ("interval", "of", "name", "held", "n"),
            [row for which in COVERAGES for row in _coverage_rows(which, measured)],
        ),
        (
            "counts",
            ("source", "machine", "reader"),
            [(row["source"], row["machine"], row["reader"]) for row in measured["counts"]],
        ),
        (
            "risk",
            ("probability", "coverage", "risk"),
            [
                (row["probability"], row["coverage"], row["risk"])
                for row in measured["risk and coverage, cross-fitted"]
            ],
        ),
        (
            "answers",
            ("shown", "says_ovary", "says_lesion", "says_neither"),
            [
                (kind, row["ovary"], row["lesion"], row["neither"])
                for kind, row in measured["answers"].items()
            ],
        ),
        (
            "gate",
            ("shown", "n", "accepted"),
            [
                (kind, row["n"], row["accepted"])
                for kind, row in measured["accepted as an ovary"].items()
            ],
        ),
    ]


def _coverage_rows(which: str, measured: Mapping[str, Any]) -> list[Sequence[Any]]:
    """Patient groups and subgroups with how many truths an interval held, and of how many."""
    coverage = measured.get(f"{which} interval coverage, cross-fitted") or {}
    tables = {"patient group": coverage.get("by group", {}), **coverage.get("by subgroup", {})}
    return [
        (which, of, name, held, n)
        for of, table in tables.items()
        for name, (held, n) in table.items()
    ]


def _cells(figure: Mapping[str, Any]) -> list[Any]:
    """Cells of a figure; csv writes None as empty."""
    return [figure[part] for part in FIGURE]
