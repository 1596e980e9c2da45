"""From what was unpacked to the one layout.

The layout: ``index.csv`` and ``images/``, with ``masks/`` where the set has outlines; ``volumes/``
for volumes, ``tables/`` for tables. Owns what each published set looks like inside. Files are
moved, never changed, except masks, which become black and white PNG. What cannot be used is
written into the ledger. Patient groups and duplicates are filled in after the audit, by
``regroup``.
"""

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.sources.folders import SIDES, class_folders, is_folders
from deeppcos.learning.sources.ledger import Ledger
from deeppcos.learning.sources.mmotu import CLASSES
from deeppcos.learning.sources.pictures import PICTURE_ENDINGS, picture_size, read_labels

INDEX_COLUMNS = ("file", "class", "group", "duplicate_cluster", "source_split", "width", "height")
SHORTEST_SERIES = 13
"""Neighbouring ids of MMOTU are one patient's series; blocks are cut where the class changes."""

Row = dict[str, str]
Conversion = Callable[[Path, Path, Ledger], None]


def mmotu(original: Path, folder: Path, ledger: Ledger) -> None:
    """OTU_2d: ``images/ID.JPG``, ``annotations/ID_binary.PNG`` and two class lists.

    Args:
        original: What was unpacked.
        folder: The data set.
        ledger: Where faulty entries are written down.

    Raises:
        InvalidInput: If the lists are not there.
    """
    root = _only_parent_of(original, "train_cls.txt")
    rows: list[Row] = []
    for side in ("train", "val"):
        for line in (root / f"{side}_cls.txt").read_text(encoding="utf-8").split("\n"):
            if line.strip():
                with ledger.passing_over("mmotu", line.split()[0]):
                    rows.append(_mmotu_row(root, folder, line, side))
    rows.sort(key=lambda row: int(row["id"]))
    series = _series([row["class"] for row in rows])
    for number, (row, group) in enumerate(zip(rows, series, strict=True)):
        row["group"], row["duplicate_cluster"] = str(group), str(number)
    write_index(folder, rows)


def _mmotu_row(root: Path, folder: Path, line: str, side: str) -> Row:
    """One line of a class list: its picture moved, its mask made black and white."""
    file, _, number = line.strip().rpartition(" ")
    identity = Path(file.strip()).stem
    if not identity.isdigit() or not number.isdigit() or int(number) >= len(CLASSES):
        raise InvalidInput(f"{line}: not a picture and a class", accepted="17.JPG 5")
    picture = _only_file(root / "images", identity)
    height, width = picture_size(picture)
    names = (f"{identity}_binary", f"{identity}_binary_binary")
    mask = next((m for n in names for m in _files_named(root / "annotations", n)), None)
    if mask is None:
        raise InvalidInput(f"{identity}: no mask", accepted=f"{names[0]}.PNG")
    inside = read_labels(mask, height=height, width=width) > 0
    target = folder / "images" / f"{identity}{picture.suffix.lower()}"
    (folder / "masks").mkdir(exist_ok=True)
    target.parent.mkdir(exist_ok=True)
    if not cv2.imwrite(str(folder / "masks" / f"{identity}.png"), inside.astype(np.uint8) * 255):
        raise OSError(f"{folder / 'masks'}: cannot be written")
    picture.replace(target)
    return {
        "id": identity,
        "file": target.relative_to(folder).as_posix(),
        "class": CLASSES[int(number)],
        "source_split": side,
        "width": str(width),
        "height": str(height),
    }


def _series(classes: list[str]) -> Iterator[int]:
    """Block of each picture in id order: at least ``SHORTEST_SERIES`` long, of whole classes."""
    block, begun = 0, 0
    for place, name in enumerate(classes):
        if place - begun >= SHORTEST_SERIES and name != classes[place - 1]:
            block, begun = block + 1, place
        yield block


def classes(original: Path, folder: Path, ledger: Ledger) -> None:
    """Class folders, with or without folders a side, at any depth.

    Args:
        original: What was unpacked.
        folder: The data set.
        ledger: Where faulty pictures are written down.

    Raises:
        InvalidInput: If there are no class folders.
    """
    places = [original, *(p for p in sorted(original.rglob("*")) if p.is_dir())]
    root = next((place for place in places if is_folders(place)), None)
    if root is None:
        raise InvalidInput(
            f"{original}: no class folders",
            accepted="two folders of pictures or more",
            remedy="look at what was unpacked: the set may have changed",
        )
    rows = []
    for name, found in sorted(class_folders(root).items()):
        for picture in (p for place in found for p in _pictures(place)):
            file = picture.relative_to(root).as_posix()
            side = file.split("/")[0].lower()
            with ledger.passing_over(folder.name, file):
                rows.append(_moved(picture, folder, file, name, side if side in SIDES else ""))
    write_index(folder, rows)


def pcosgen(original: Path, folder: Path, ledger: Ledger) -> None:
    """PCOSGen: ``images/`` and a table of labels, for training and for test.

    Args:
        original: What was unpacked.
        folder: The data set.
        ledger: Where faulty pictures are written down.

    Raises:
        InvalidInput: If no table of labels is there.
    """
    tables = [p for p in sorted(original.rglob("*")) if _is_label_table(p)]
    if not tables:
        raise InvalidInput(
            f"{original}: no table of labels",
            accepted="class_label.xlsx or class label.csv",
            remedy="look at what was unpacked: the set may have changed",
        )
    rows = []
    for table in tables:
        side = "test" if "test" in table.relative_to(original).as_posix().lower() else "train"
        pictures = {p.name.lower(): p for p in sorted(table.parent.rglob("*")) if _is_picture(p)}
        for name, label in _label_rows(table):
            with ledger.passing_over(folder.name, f"{side}/{name}"):
                picture = pictures.get(name.lower())
                if picture is None:
                    raise InvalidInput(f"{name}: in {table.name}, but no such picture")
                if not label:
                    raise InvalidInput(f"{name}: no label in {table.name}")
                rows.append(_moved(picture, folder, f"{side}/{name}", label, side))
    write_index(folder, rows)


def _label_rows(table: Path) -> Iterator[tuple[str, str]]:
    """Picture and label of each row after the header."""
    if table.suffix.lower() == ".csv":
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows: list[tuple[object, ...]] = [tuple(row) for row in csv.reader(lines)]
    else:
        from openpyxl import load_workbook

        book = load_workbook(table, read_only=True, data_only=True)
        try:
            rows = [tuple(row) for row in book.worksheets[0].iter_rows(values_only=True)]
        finally:
            book.close()
    for row in rows[1:]:
        if len(row) > 1 and row[0] is not None:
            yield str(row[0]).strip(), "" if row[1] is None else str(row[1]).strip()


def usova3d(original: Path, folder: Path, ledger: Ledger) -> None:
    """USOVA3D: every VTK file into ``volumes/``.

    Args:
        original: What was unpacked.
        folder: The data set.
        ledger: Where files of one name are written down.

    Raises:
        InvalidInput: If there is none.
    """
    files = sorted(original.rglob("*.vtk"))
    if not files:
        raise InvalidInput(f"{original}: no volumes", accepted="volN.vtk")
    (folder / "volumes").mkdir(exist_ok=True)
    for file in files:
        target = folder / "volumes" / file.name
        if target.exists():
            ledger.skip("usova3d", file.name, "a second volume of this name")
        else:
            file.replace(target)


def tables(original: Path, folder: Path, ledger: Ledger) -> None:
    """Tables, as they are.

    Args:
        original: What was unpacked.
        folder: The data set.
        ledger: Unused: tables are not looked into here.

    Raises:
        InvalidInput: If there is none.
    """
    del ledger
    found = [p for p in sorted(original.rglob("*")) if p.suffix.lower() in (".csv", ".xlsx")]
    if not found:
        raise InvalidInput(f"{original}: no table", accepted="CSV or XLSX")
    (folder / "tables").mkdir(exist_ok=True)
    for file in found:
        shutil.move(file, folder / "tables" / file.name)


CONVERSIONS: dict[str, Conversion] = {
    "mmotu": mmotu,
    "classes": classes,
    "pcosgen": pcosgen,
    "usova3d": usova3d,
    "tables": tables,
}


def write_index(folder: Path, rows: list[Row]) -> None:
    """Write ``index.csv``.

    Args:
        folder: The data set.
        rows: One a picture.

    Raises:
        InvalidInput: If there is none.
    """
    if not rows:
        raise InvalidInput(
            f"{folder}: no usable picture", remedy="look at the report: the set may have changed"
        )
    columns = (["id"] if "id" in rows[0] else []) + list(INDEX_COLUMNS)
    unfinished = folder / "index.csv.part"
    with unfinished.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    unfinished.replace(folder / "index.csv")


def read_index(folder: Path) -> list[Row]:
    """Rows of ``index.csv``."""
    with (folder / "index.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def regroup(folder: Path, groups: dict[str, str], clusters: dict[str, str]) -> int:
    """Fill in what the audit found: which pictures belong together, and which are one.

    Args:
        folder: The data set.
        groups: File to patient group, as the audit joins copies, series and stated groups.
        clusters: File to the source picture it is a copy of.

    Returns:
        Pictures whose group the audit did not give; they keep what they had.
    """
    rows = read_index(folder)
    for row in rows:
        row["group"] = groups.get(row["file"], row["group"])
        row["duplicate_cluster"] = clusters.get(row["file"], row["duplicate_cluster"])
    write_index(folder, rows)
    return sum(row["file"] not in groups for row in rows)


def _moved(picture: Path, folder: Path, file: str, label: str, side: str) -> Row:
    """A picture moved below ``images/``, as a row of the index."""
    height, width = picture_size(picture)
    target = folder / "images" / file
    if target.exists():
        raise InvalidInput(f"{file}: a second picture of this name")
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.replace(target)
    return {
        "file": target.relative_to(folder).as_posix(),
        "class": label,
        "source_split": side,
        "width": str(width),
        "height": str(height),
    }


def _only_parent_of(folder: Path, name: str) -> Path:
    """The one folder that holds a file of a name."""
    found = sorted(folder.rglob(name))
    if len(found) != 1:
        raise InvalidInput(
            f"{folder}: {len(found)} files named {name}",
            accepted="one",
            remedy="look at what was unpacked: the set may have changed",
        )
    return found[0].parent


def _only_file(folder: Path, stem: str) -> Path:
    """The one picture of a name, whatever the case of its ending."""
    found = [path for path in _files_named(folder, stem) if _is_picture(path)]
    if len(found) != 1:
        raise InvalidInput(f"{stem}: {len(found)} pictures of this name", accepted="one")
    return found[0]


def _files_named(folder: Path, stem: str) -> list[Path]:
    """Files of a name, whatever their ending."""
    return sorted(path for path in folder.glob(f"{stem}.*") if path.stem == stem)


def _pictures(folder: Path) -> list[Path]:
    """Pictures directly in a folder."""
    return [path for path in sorted(folder.iterdir()) if _is_picture(path)]


def _is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name."""
    return path.suffix.lower() in PICTURE_ENDINGS and path.is_file()


def _is_label_table(path: Path) -> bool:
    """Whether a file is a PCOSGen table of labels."""
    stem = path.stem.lower().replace(" ", "_")
    return path.suffix.lower() in (".csv", ".xlsx") and stem.startswith("class_label")
