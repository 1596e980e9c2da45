"""The MMOTU OTU-2D layout: transvaginal stills with the outline of one object each.

The class names the masked object, not the picture: the same frame occurs twice with different
masks, so masks of pictures in one duplicate cluster and of one size are merged. Neighbouring
ids are one patient's series, so series and duplicate clusters are joined into groups.
"""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.outlines import checked_polygon
from deeppcos.learning.sources.pictures import picture_named, read_grey, read_mask
from deeppcos.learning.splits import joined_groups

SAME_FRAME_MEAN_DIFFERENCE = 6.0
"""Grey levels of 255 within which two pictures of one cluster are the same frame."""

OVARY_CLASS = "Ovary_Normal"
CLASSES = (
    "Chocolate_Cyst",
    "Serous_Cystadenoma",
    "Teratoma",
    "Theca_Cell_Tumor",
    "Simple_Cyst",
    OVARY_CLASS,
    "Mucinous_Cystadenoma",
    "High_Grade_Serous",
)
"""In the order of the numbers in the uploader's ``train_cls.txt`` and ``val_cls.txt``."""

COLUMNS = frozenset({"id", "class", "group", "duplicate_cluster"})


def is_mmotu(folder: Path) -> bool:
    """Whether a folder holds this layout."""
    return (folder / "index.csv").is_file() and (folder / "masks").is_dir()


def read_mmotu(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Read a folder with ``index.csv``, ``images/``, ``masks/`` and ``follicles.json``.

    Args:
        folder: The data set.
        ledger: Where faulty entries are written down; without one the first is refused.

    Returns:
        One sample a distinct frame.

    Raises:
        InvalidInput: If the index is missing or, without a ledger, an entry is faulty.
    """
    ledger = ledger or strict()
    rows = _rows(folder)
    groups = joined_groups(
        {row["id"]: [f"series {row['group']}", f"twin {row['duplicate_cluster']}"] for row in rows}
    )
    marks_file = folder / "follicles.json"
    marks = json.loads(marks_file.read_text(encoding="utf-8")) if marks_file.is_file() else {}
    clusters: dict[str, list[Sample]] = {}
    for row in rows:
        with ledger.passing_over("mmotu", row["id"]):
            sample = _sample(folder, row, groups[row["id"]], marks)
            clusters.setdefault(row["duplicate_cluster"], []).append(sample)
    return [merged for cluster in clusters.values() for merged in _merge_same_frames(cluster)]


def _rows(folder: Path) -> list[dict[str, str]]:
    """The index, with the columns that are needed."""
    index = folder / "index.csv"
    if not index.is_file():
        raise InvalidInput(
            f"{folder}: no index.csv", accepted="the MMOTU layout", remedy="name its folder"
        )
    with index.open(newline="") as lines:
        reader = csv.DictReader(lines)
        missing = COLUMNS - set(reader.fieldnames or ())
        if missing:
            raise InvalidInput(
                f"{index}: columns missing",
                value=", ".join(sorted(missing)),
                accepted=", ".join(sorted(COLUMNS)),
                remedy="convert the set again with deeppcos data get",
            )
        return list(reader)


def _sample(
    folder: Path, row: dict[str, str], group: str, marks: dict[str, dict[str, dict[str, Any]]]
) -> Sample:
    """One row of the index."""
    name = f"MMOTU {row['id']}"
    if row["class"] not in CLASSES:
        raise InvalidInput(
            f"{name}: unknown class", value=row["class"] or "none", accepted=", ".join(CLASSES)
        )
    grey, raw = read_grey(picture_named(folder / "images", row["id"]))
    height, width = grey.shape
    try:
        inside = read_mask(folder / "masks" / f"{row['id']}.png", height=height, width=width)
    except InvalidInput as problem:
        raise InvalidInput(f"{name}: mask missing or of another size") from problem
    if not inside.any():
        raise InvalidInput(f"{name}: the mask is empty", remedy="leave it out or outline it")
    nothing = np.zeros(grey.shape, bool)
    is_ovary = row["class"] == OVARY_CLASS
    return Sample(
        name=f"mmotu/{row['id']}",
        source="mmotu",
        group=f"mmotu/{group}",
        kind="ovary" if is_ovary else "lesion",
        grey=grey,
        raw_grey=raw,
        ovary=inside if is_ovary else nothing,
        lesion=nothing if is_ovary else inside,
        readings=_readings(marks.get(row["id"], {}), height=height, width=width)
        if is_ovary
        else {},
        subgroup=row["class"],
        label=row["class"],
    )


def _readings(
    by_reader: dict[str, dict[str, Any]], *, height: int, width: int
) -> dict[str, tuple[FollicleMark, ...]]:
    """Marks by reader."""
    return {
        reader: tuple(
            FollicleMark(
                polygon=checked_polygon(
                    mark["polygon"], height=height, width=width, name="follicle"
                ),
                is_sure=mark["certainty"] == "sure",
            )
            for mark in reading["follicles"]
        )
        for reader, reading in sorted(by_reader.items())
    }


def _merge_same_frames(cluster: list[Sample]) -> list[Sample]:
    """Give every object of a frame to one sample, preferring the one whose ovary is outlined."""
    kept: list[Sample] = []
    for sample in sorted(cluster, key=lambda s: (s.kind != "ovary", s.name)):
        twin = next((i for i, other in enumerate(kept) if _is_same_frame(sample, other)), None)
        if twin is None:
            kept.append(sample)
        else:
            kept[twin] = _with_objects_of(kept[twin], sample)
    return kept


def _is_same_frame(a: Sample, b: Sample) -> bool:
    """Whether two pictures show the same pixels."""
    if a.grey.shape != b.grey.shape:
        return False
    difference = np.abs(a.grey.astype(np.int16) - b.grey.astype(np.int16)).mean()
    return bool(difference < SAME_FRAME_MEAN_DIFFERENCE)


def _with_objects_of(kept: Sample, other: Sample) -> Sample:
    """The kept sample with the other's outlines added."""
    assert kept.ovary is not None
    assert kept.lesion is not None
    assert other.ovary is not None
    assert other.lesion is not None
    return replace(
        kept,
        ovary=kept.ovary | other.ovary,
        lesion=kept.lesion | (other.lesion & ~kept.ovary),
        readings={**other.readings, **kept.readings},
    )
