"""One folder a class, with or without folders for training and test: the Kaggle layout.

A class name is a label somebody gave the file. It says nothing about what the picture shows, so
the samples are of kind ``unknown`` and carry the name as ``label``, unless ``classes.json`` in the
folder says what each class shows: ``{"notinfected": "neither"}``. Patient groups come from
``groups.csv``.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Mask, Sample
from deeppcos.learning.sources.grouping import group_of, read_groups, remark_crossing
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.pictures import PICTURE_ENDINGS, read_grey

SIDES = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})
KINDS = ("ovary", "lesion", "neither", "foreign", "unknown")
NOT_CLASSES = frozenset({"images", "masks", "labels", "annotations", "download", "volumes"})
SMALLEST_CLASSES = 2


def is_folders(folder: Path) -> bool:
    """Whether a folder holds this layout: two class folders or more, somewhere with pictures."""
    classes = class_folders(folder)
    with_pictures = [n for n, places in classes.items() if any(_files_in(p) for p in places)]
    return len(with_pictures) >= SMALLEST_CLASSES


def class_folders(folder: Path) -> dict[str, list[Path]]:
    """Class folders by class.

    Args:
        folder: The data set.

    Returns:
        Class to its folders, one a side where there are sides.
    """
    below = _folders_in(folder)
    sides = [place for place in below if place.name.lower() in SIDES]
    found: dict[str, list[Path]] = {}
    for parent in sides or [folder]:
        for place in _folders_in(parent):
            if place.name.lower() not in NOT_CLASSES:
                found.setdefault(place.name, []).append(place)
    return found


def read_folders(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Read every picture of every class folder.

    Args:
        folder: The data set.
        ledger: Where faulty pictures are written down; without one the first is refused.

    Returns:
        One sample a picture, without outlines.

    Raises:
        InvalidInput: If the groups are missing, a class has no readable picture, or
            ``classes.json`` names an unknown class or kind.
    """
    ledger = ledger or strict()
    classes = class_folders(folder)
    kinds = _kinds(folder, classes)
    groups = read_groups(folder)
    samples: list[Sample] = []
    sides: dict[str, str] = {}
    for name, places in sorted(classes.items()):
        for path in (path for place in places for path in _files_in(place)):
            file = path.relative_to(folder).as_posix()
            side = path.parts[len(folder.parts)].lower()
            sides[file] = side if side in SIDES else ""
            with ledger.passing_over(folder.name, file):
                group = f"{folder.name}/{group_of(groups, file)}"
                samples.append(
                    labelled_sample(path, f"{folder.name}/{file}", group, name, kinds[name])
                )
    refuse_empty_classes(folder, set(classes), samples)
    remark_crossing(ledger, folder.name, sides, groups)
    return samples


def labelled_sample(path: Path, name: str, group: str, label: str, kind: str) -> Sample:
    """A picture of which only a class is known.

    Args:
        path: The picture.
        name: Name of the sample, its data set first.
        group: Patient group.
        label: Class as the source states it.
        kind: What the class shows; ``unknown`` when nobody said.

    Returns:
        The sample; its outlines are unknown, or empty where the kind excludes them.

    Raises:
        InvalidInput: If the picture cannot be read.
    """
    grey, raw = read_grey(path)
    nothing: Mask | None = np.zeros(grey.shape, bool) if kind in ("neither", "foreign") else None
    return Sample(
        name=name,
        source=name.split("/", 1)[0],
        group=group,
        kind=kind,
        grey=grey,
        raw_grey=raw,
        ovary=nothing,
        lesion=nothing,
        readings={},
        subgroup=label,
        label=label,
    )


def refuse_empty_classes(folder: Path, classes: set[str], samples: list[Sample]) -> None:
    """Refuse a set with a class of which nothing could be read.

    Args:
        folder: The data set.
        classes: Classes it should have.
        samples: What was read.

    Raises:
        InvalidInput: If a class has no example.
    """
    counts = Counter(sample.label for sample in samples)
    empty = sorted(classes - set(counts))
    if empty:
        raise InvalidInput(
            f"{folder}: a class without examples",
            value=", ".join(empty),
            accepted="at least one readable picture a class",
            remedy="add its pictures, or take its folder away",
        )


def _kinds(folder: Path, classes: dict[str, list[Path]]) -> dict[str, str]:
    """What each class shows, from ``classes.json``; unknown where it says nothing."""
    stated: dict[str, str] = {}
    table = folder / "classes.json"
    if table.is_file():
        stated = json.loads(table.read_text(encoding="utf-8"))
    wrong = [f"{c}: {k}" for c, k in stated.items() if c not in classes or k not in KINDS]
    if wrong:
        raise InvalidInput(
            f"{table}: unknown class or kind",
            value="; ".join(wrong),
            accepted=f"classes {', '.join(sorted(classes))}; kinds {', '.join(KINDS)}",
            remedy="correct the file",
        )
    return {name: stated.get(name, "unknown") for name in classes}


def _folders_in(folder: Path) -> list[Path]:
    """Visible folders directly below a folder."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def _files_in(folder: Path) -> list[Path]:
    """Pictures directly in a folder."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_ENDINGS and not path.name.startswith(".")
    )
