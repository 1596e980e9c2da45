"""A comparison as files: JSON for programs, CSV for tables, a picture for people."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeppcos.learning.charts.comparators import draw_comparators
from deeppcos.learning.classify.comparators import COMPARATORS

FIGURE = ("value", "low", "high", "n", "groups")


def write_comparison(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a comparison.

    Args:
        document: As of ``as_document``.
        folder: Where; made when missing.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole, table, picture = (
        folder / f"classification.{ending}" for ending in ("json", "csv", "svg")
    )
    whole.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    with table.open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream)
        lines.writerow(("comparator", "split", "crossing", "figure", *FIGURE))
        for row in document["comparisons"]:
            start = (row["comparator"], row["split"], row["crossing"])
            for name, figure in row["figures"].items():
                lines.writerow((*start, name, *(figure[part] for part in FIGURE)))
    names = {key: comparator.words for key, comparator in COMPARATORS.items()}
    draw_comparators(document["comparisons"], names, folder / "classification")
    return [whole, table, picture, folder / "classification.png"]


def comparison_lines(document: Mapping[str, Any]) -> list[str]:
    """Comparisons as aligned text, the area under the curve first."""
    classes = ", ".join(
        f"{label} {count['pictures']} in {count['groups']} groups"
        for label, count in document["classes"].items()
    )
    lines = [classes]
    for row in document["comparisons"]:
        area = row["figures"]["AUROC"]
        value = "undefined" if area["value"] is None else f"{area['value']:.2f}"
        interval = "" if area["low"] is None else f" ({area['low']:.2f} to {area['high']:.2f})"
        words = COMPARATORS[row["comparator"]].words
        seen = f", {row['crossing']} of {area['n']} seen in training" if row["crossing"] else ""
        lines.append(f"{words:32s} {row['split']:8s} AUROC {value}{interval}{seen}")
    return lines
