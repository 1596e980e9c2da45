"""The MMOTU OTU-2D layout: transvaginal stills with the outline of one object each.

The class names the masked object, not the picture: the same frame occurs twice with different
masks, so masks of pictures in one duplicate cluster and of one size are merged. Neighbouring
ids are one patient's series, so series and duplicate clusters are joined into groups.
"""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import FollicleMark, Mask, Sample
from deeppcos.learning.sources.pictures import read_grey
from deeppcos.learning.splits import joined_groups

SAME_FRAME_MEAN_DIFFERENCE = 6.0
"""Grey levels of 255 within which two pictures of one cluster are the same frame."""


def read_mmotu(folder: Path) -> list[Sample]:
    """Read a folder with ``index.csv``, ``images/``, ``masks/`` and ``follicles.json``.

    Args:
        folder: The data set.

    Returns:
        One sample a distinct frame.

    Raises:
        InvalidInput: If the index is missing or a picture cannot be read.
    """
    index = folder / "index.csv"
    if not index.is_file():
        raise InvalidInput(
            f"{folder}: no index.csv", accepted="the MMOTU layout", remedy="name its folder"
        )
    with index.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    groups = joined_groups(
        {row["id"]: [f"series {row['group']}", f"twin {row['duplicate_cluster']}"] for row in rows}
    )
    marks_file = folder / "follicles.json"
    marks = json.loads(marks_file.read_text()) if marks_file.is_file() else {}
    samples = [_sample(folder, row, groups[row["id"]], marks) for row in rows]
    clusters: dict[str, list[Sample]] = {}
    for row, sample in zip(rows, samples, strict=True):
        clusters.setdefault(row["duplicate_cluster"], []).append(sample)
    return [merged for cluster in clusters.values() for merged in _merge_same_frames(cluster)]


def _sample(
    folder: Path, row: dict[str, str], group: str, marks: dict[str, dict[str, dict[str, Any]]]
) -> Sample:
    """One row of the index."""
    grey, raw = read_grey(folder / "images" / f"{row['id']}.webp")
    mask = cv2.imread(str(folder / "masks" / f"{row['id']}.png"), cv2.IMREAD_GRAYSCALE)
    if mask is None or mask.shape != grey.shape:
        raise InvalidInput(f"MMOTU {row['id']}: mask missing or of another size")
    inside: Mask = mask > 127
    nothing = np.zeros(grey.shape, bool)
    is_ovary = row["class"] == "Ovary_Normal"
    return Sample(
        name=f"mmotu/{row['id']}",
        source="mmotu",
        group=f"mmotu/{group}",
        kind="ovary" if is_ovary else "lesion",
        grey=grey,
        raw_grey=raw,
        ovary=inside if is_ovary else nothing,
        lesion=nothing if is_ovary else inside,
        readings=_readings(marks.get(row["id"], {})) if is_ovary else {},
        subgroup=row["class"],
    )


def _readings(by_reader: dict[str, dict[str, Any]]) -> dict[str, tuple[FollicleMark, ...]]:
    """Marks by reader."""
    return {
        reader: tuple(
            FollicleMark(
                polygon=np.asarray(mark["polygon"], np.float32),
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
    return Sample(
        name=kept.name,
        source=kept.source,
        group=kept.group,
        kind=kept.kind,
        grey=kept.grey,
        raw_grey=kept.raw_grey,
        ovary=kept.ovary | other.ovary,
        lesion=kept.lesion | (other.lesion & ~kept.ovary),
        readings={**other.readings, **kept.readings},
        subgroup=kept.subgroup,
    )
