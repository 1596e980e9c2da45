"""Pictures with a class each in ``index.csv``: what ``deeppcos data get`` makes of class folders.

Columns: ``file`` (relative to the folder), ``class``, ``group`` (patient group; empty sends to
``groups.csv``) and ``source_split`` (the side its source put it on, never used). As with class
folders the class is a label, and says nothing about what the picture shows.
"""

import csv
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.folders import labelled_sample, refuse_empty_classes
from deeppcos.learning.sources.grouping import group_of, read_groups, remark_crossing
from deeppcos.learning.sources.ledger import Ledger, strict

COLUMNS = ("file", "class", "group", "source_split")


def is_labelled(folder: Path) -> bool:
    """Whether a folder holds this layout."""
    index = folder / "index.csv"
    if not index.is_file() or (folder / "masks").is_dir():
        return False
    with index.open(newline="", encoding="utf-8-sig") as lines:
        return {"file", "class"} <= set(next(csv.reader(lines), []))


def read_labelled(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Read every row of the index.

    Args:
        folder: The data set.
        ledger: Where faulty rows are written down; without one the first is refused.

    Returns:
        One sample a row, without outlines.

    Raises:
        InvalidInput: If the groups are missing or a class has no readable picture.
    """
    ledger = ledger or strict()
    with (folder / "index.csv").open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    groups = {row["file"]: row.get("group") or "" for row in rows}
    if not all(groups.values()):
        groups = read_groups(folder)
    samples: list[Sample] = []
    for row in rows:
        file = row["file"]
        with ledger.passing_over(folder.name, file):
            samples.append(
                labelled_sample(
                    inside(folder, file),
                    f"{folder.name}/{file}",
                    f"{folder.name}/{group_of(groups, file)}",
                    row["class"],
                    "unknown",
                )
            )
    refuse_empty_classes(folder, {row["class"] for row in rows}, samples)
    sides = {row["file"]: row.get("source_split") or "" for row in rows}
    remark_crossing(ledger, folder.name, sides, groups)
    return samples


def inside(folder: Path, file: str) -> Path:
    """A file that a document names, which must lie below the document's folder.

    Args:
        folder: Folder of the document.
        file: Name in the document.

    Returns:
        Its path.

    Raises:
        InvalidInput: If it is missing, or leads out of the folder.
    """
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidInput(f"{file}: leads out of the data set", remedy="correct the name")
    if not path.is_file():
        raise InvalidInput(f"{file}: no such file", remedy="add it, or leave its entry out")
    return folder / file
