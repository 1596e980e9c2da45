"""What a release in shadow would have said, kept beside what was shown, and shown to nobody.

Owns the file of comparisons, one line a study, and their summary. The shadow never reaches a
report, a page of a study, or another system.
"""

import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeppcos.app.releases.files import append_line
from deeppcos.app.releases.shelf import Shelf

FOLDER = "shadow"
SIDES = ("left", "right", "side_unknown")
COUNTS = ("fnps", "tracked_estimate", "fnpo")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowSummary:
    """How far a release in shadow lies from what was shown.

    Attributes:
        studies: Studies read by both.
        failures: Studies that only the current release could read.
        counts: Pairs of counts of one ovary.
        mean_change: Mean of shadow minus shown, follicles; None without a pair.
        other_conclusions: Studies whose conclusion would have been another.
    """

    studies: int
    failures: int
    counts: int
    mean_change: float | None
    other_conclusions: int


def keep(shelf: Shelf, *, name: str, study: str, shown: dict[str, Any], unseen: Any) -> None:
    """Add one study.

    Args:
        shelf: The shelf.
        name: The release in shadow.
        study: Id of the study.
        shown: The assessment that was shown, ``deeppcos.assessment/1``.
        unseen: The one that was not; a sentence where it failed.
    """
    folder = shelf.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    row = {"study": study, "shown": _said(shown)}
    row["unseen"] = unseen if isinstance(unseen, str) else _said(unseen)
    append_line(folder / f"{name}.jsonl", json.dumps(row, sort_keys=True))


def summary(shelf: Shelf, name: str) -> ShadowSummary:
    """What is known of a release in shadow.

    Args:
        shelf: The shelf.
        name: The release.

    Returns:
        The summary; the last reading of a study counts.
    """
    rows = {row["study"]: row for row in _rows(shelf.folder / FOLDER / f"{name}.jsonl")}
    read = [row for row in rows.values() if not isinstance(row["unseen"], str)]
    changes = [
        row["unseen"]["counts"][key] - shown
        for row in read
        for key, shown in row["shown"]["counts"].items()
        if key in row["unseen"]["counts"]
    ]
    return ShadowSummary(
        studies=len(read),
        failures=len(rows) - len(read),
        counts=len(changes),
        mean_change=statistics.fmean(changes) if changes else None,
        other_conclusions=sum(r["shown"]["status"] != r["unseen"]["status"] for r in read),
    )


def _said(document: dict[str, Any]) -> dict[str, Any]:
    """Conclusion and counts of an assessment; unknown counts are left out."""
    measurements = document.get("measurements") or {}
    counts = {}
    for side in SIDES:
        for kind in COUNTS:
            value = ((measurements.get(side) or {}).get(kind) or {}).get("value")
            if value is not None:
                counts[f"{side} {kind}"] = value
    return {"status": document["conclusion"]["status"], "counts": counts}


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    """Every whole line."""
    if file.is_file():
        for line in file.read_text(encoding="utf-8").split("\n")[:-1]:
            yield json.loads(line)
