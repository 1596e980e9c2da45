"""Which pictures belong to one patient, for sets whose layout does not say it.

Owns ``groups.csv``: a table with the columns ``file`` and ``group``, written by hand, by
``deeppcos data groups`` or by the audit. Without it such a set is refused, because a split by
picture would put one patient on both sides and every figure after it would flatter.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.learning.sources.ledger import Ledger

GROUPS_FILE = "groups.csv"
_REMEDY = (
    "write one with deeppcos data groups FOLDER, from names you know or from what deeppcos audit "
    "found"
)


def read_groups(folder: Path) -> dict[str, str]:
    """The patient group of each file.

    Args:
        folder: The data set.

    Returns:
        File, relative to the folder with forward slashes, to its group.

    Raises:
        InvalidInput: If the table is missing, lacks a column, or names a file twice differently.
    """
    table = folder / GROUPS_FILE
    if not table.is_file():
        raise InvalidInput(
            f"{folder}: nothing says which pictures belong to one patient",
            accepted=f"{GROUPS_FILE} with the columns file and group",
            remedy=_REMEDY,
        )
    return read_groups_of(table)


def read_groups_of(table: Path) -> dict[str, str]:
    """The patient group of each file, from any table with the columns ``file`` and ``group``.

    Args:
        table: ``groups.csv``, or the audit's ``grouped-split.csv``.

    Returns:
        File to its group.

    Raises:
        InvalidInput: If it is missing, lacks a column, or names a file twice differently.
    """
    if not table.is_file():
        raise InvalidInput(f"{table}: not there", remedy="name the table")
    with table.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        if not {"file", "group"} <= set(reader.fieldnames or ()):
            raise InvalidInput(
                f"{table}: columns missing",
                value=", ".join(reader.fieldnames or ()) or "none",
                accepted="file and group",
                remedy="name the columns so",
            )
        groups: dict[str, str] = {}
        for row in reader:
            file, group = row["file"].strip(), (row["group"] or "").strip()
            if groups.setdefault(file, group) != group:
                raise InvalidInput(
                    f"{table}: {file} is in two groups",
                    value=f"{groups[file]} and {group}",
                    remedy="keep one",
                )
    return groups


def write_groups(folder: Path, groups: Mapping[str, str]) -> Path:
    """Write the table.

    Args:
        folder: The data set.
        groups: File, relative to the folder, to its group.

    Returns:
        The file.
    """
    table = folder / GROUPS_FILE
    with table.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["file", "group"])
        writer.writerows(sorted(groups.items()))
    return table


def group_of(groups: Mapping[str, str], file: str) -> str:
    """The group of one file.

    Args:
        groups: As read.
        file: File, relative to the folder.

    Returns:
        Its group.

    Raises:
        InvalidInput: If the table does not name the file, or gives it no group.
    """
    group = groups.get(file, "")
    if not group:
        raise InvalidInput(
            f"{file}: no patient group", accepted=f"a row in {GROUPS_FILE}", remedy="add it"
        )
    return group


def remark_crossing(
    ledger: Ledger, source: str, sides: Mapping[str, str], groups: Mapping[str, str]
) -> None:
    """Say when the split a set comes with divides patients. It is never used.

    Args:
        ledger: Where to say it.
        source: Data set.
        sides: File to the side its source put it on, such as ``train``.
        groups: File to patient group.
    """
    seen: dict[str, set[str]] = defaultdict(set)
    for file, side in sides.items():
        if side and groups.get(file):
            seen[groups[file]].add(side)
    if not seen:
        return
    crossing = sorted(group for group, on in seen.items() if len(on) > 1)
    verdict = (
        f"{len(crossing)} of {len(seen)} patient groups stand on both sides of it, such as "
        f"{crossing[0]}"
        if crossing
        else f"no patient group of {len(seen)} stands on both sides of it"
    )
    ledger.remark(f"{source}: the split it comes with is not used; {verdict}")
