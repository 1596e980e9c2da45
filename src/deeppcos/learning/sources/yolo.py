"""YOLO segmentation exports: ``images/``, ``labels/`` and ``data.yaml`` with the class names.

A label line is a class number and the corners of a polygon as fractions of width and height. A
line of four fractions is a box, which is no outline. An empty label file says that nothing is
there; a missing one says nothing, and its picture is passed over.
"""

from pathlib import Path
from typing import Any

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.learning.sources.categories import TARGETS, target_of_names
from deeppcos.learning.sources.grouping import group_of, read_groups
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.outlined import Identity, Outlines, outlined_sample
from deeppcos.learning.sources.outlines import Polygon, checked_polygon
from deeppcos.learning.sources.pictures import PICTURE_ENDINGS, filled, picture_size

READER = "yolo"
NAMES_FILES = ("data.yaml", "data.yml", "dataset.yaml")
_BOX_FRACTIONS = 4


def is_yolo(folder: Path) -> bool:
    """Whether a folder holds this layout."""
    return _names_file(folder) is not None


def read_yolo(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Read every labelled picture.

    Args:
        folder: The data set.
        ledger: Where faulty pictures are written down; without one the first is refused.

    Returns:
        One sample a picture.

    Raises:
        InvalidInput: If a class is unknown, or patient groups are missing.
    """
    ledger = ledger or strict()
    names = _class_names(folder)
    meaning = target_of_names(folder, names)
    targets = [meaning[name] for name in names]
    known = {target: target in targets for target in TARGETS}
    groups = read_groups(folder)
    samples, seen = [], set()
    for path in _pictures(folder):
        file = path.relative_to(folder).as_posix()
        with ledger.passing_over(folder.name, file):
            identity = Identity(
                name=f"{folder.name}/{file}",
                source=folder.name,
                group=f"{folder.name}/{group_of(groups, file)}",
            )
            outlines, occurring = _outlines(path, targets)
            seen |= occurring
            samples.append(outlined_sample(path, identity, outlines, known, reader=READER))
    for number, name in enumerate(names):
        if number not in seen:
            ledger.remark(f"{folder.name}: class {name} has no outline")
    return samples


def _outlines(path: Path, targets: list[str]) -> tuple[Outlines, set[int]]:
    """What is outlined on one picture, and the class numbers that occur."""
    labels = _labels_of(path)
    if not labels.is_file():
        raise InvalidInput(
            f"{path.name}: no label file",
            accepted=f"{labels.name}, empty where nothing is there",
            remedy="add it",
        )
    height, width = picture_size(path)
    outlines, seen = Outlines(), set()
    for line in labels.read_text(encoding="utf-8").split("\n"):
        if not line.strip():
            continue
        number, polygon = _polygon(line.split(), path.name, height, width)
        if number >= len(targets):
            raise InvalidInput(
                f"{path.name}: unknown class",
                value=str(number),
                accepted=f"0 to {len(targets) - 1}",
            )
        seen.add(number)
        if targets[number] == "follicle":
            mark = FollicleMark(polygon=polygon, is_sure=True)
            outlines.follicles.setdefault(READER, []).append(mark)
        elif targets[number]:
            outlines.add_area(targets[number], filled(polygon, height=height, width=width))
    return outlines, seen


def _polygon(fields: list[str], name: str, height: int, width: int) -> tuple[int, Polygon]:
    """Class number and polygon of one line."""
    try:
        number, fractions = int(fields[0]), np.asarray(fields[1:], np.float64)
    except ValueError:
        raise InvalidInput(f"{name}: a label line that is no number", value=fields[0]) from None
    if len(fractions) == _BOX_FRACTIONS:
        raise InvalidInput(
            f"{name}: a box, not an outline",
            accepted="a polygon",
            remedy="export segmentations, not boxes",
        )
    if number < 0 or len(fractions) % 2:
        raise InvalidInput(f"{name}: a label line with half a corner", remedy="export it again")
    corners = fractions.reshape(-1, 2) * np.array([width, height])
    return number, checked_polygon(corners, height=height, width=width, name=name)


def _class_names(folder: Path) -> list[str]:
    """Class names in the order of their numbers."""
    import yaml

    file = _names_file(folder)
    if file is None:
        raise InvalidInput(f"{folder}: no data.yaml", remedy="add it with the class names")
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        names = content["names"]
        listed = [names[k] for k in sorted(names)] if isinstance(names, dict) else list(names)
    except (yaml.YAMLError, KeyError, TypeError) as problem:
        raise InvalidInput(
            f"{file}: no class names", accepted="names: [ovary, follicle]", remedy="add them"
        ) from problem
    return [str(name) for name in listed]


def _names_file(folder: Path) -> Path | None:
    """The file with the class names."""
    return next((folder / n for n in NAMES_FILES if (folder / n).is_file()), None)


def _pictures(folder: Path) -> list[Path]:
    """Every picture that lies below a folder ``images``."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_ENDINGS
        and "images" in path.relative_to(folder).parts[:-1]
    )


def _labels_of(path: Path) -> Path:
    """Label file of a picture: the last folder ``images`` of its path becomes ``labels``."""
    parts = list(path.parts)
    last = len(parts) - 1 - parts[::-1].index("images")
    parts[last] = "labels"
    return Path(*parts).with_suffix(".txt")
