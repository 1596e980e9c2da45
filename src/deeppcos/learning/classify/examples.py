"""What is told apart: small grey pictures with a class and a patient group.

Two sets: lesion against normal ovary, from samples that have been split by patient; and any
folder-per-class set with the grouped split that ``deeppcos audit`` wrote for it. Owns the
pictures' size and grey levels; the road from frame to tensor is that of serving.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput, NotAssessable
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.pictures import read_grey
from deeppcos.vision.preprocess import View, content_view, to_tensor

Floats = npt.NDArray[np.float32]

SPLIT_COLUMNS = {"file", "group"}
HELD_BACK_SIDES = frozenset({"test", "val", "validation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One picture of a class.

    Attributes:
        name: Unique name.
        group: Patient or source photograph: never divided.
        label: Class.
        side: ``train`` or ``test`` as the set itself says; empty where it says nothing.
        picture: ``(S, S) float32`` in [0, 1].
    """

    name: str
    group: str
    label: str
    side: str
    picture: Floats


def lesion_examples(samples: Sequence[Sample], *, side_px: int) -> tuple[Example, ...]:
    """Pictures of a lesion and pictures of a normal ovary, of one source.

    Args:
        samples: Samples, of which real ovaries and lesions of MMOTU count.
        side_px: Side of the small picture.

    Returns:
        Examples of the classes ``lesion`` and ``ovary``; frames that hold both are left out,
        since they belong to both.
    """
    return tuple(
        Example(
            name=sample.name,
            group=sample.group,
            label=sample.kind,
            side="",
            picture=small_picture(sample.grey, side_px=side_px),
        )
        for sample in samples
        if sample.source == "mmotu"
        and sample.kind in ("ovary", "lesion")
        and not _shows_both(sample)
    )


def _shows_both(sample: Sample) -> bool:
    """Whether ovary and lesion are outlined in one frame."""
    return all(mask is not None and bool(mask.any()) for mask in (sample.ovary, sample.lesion))


def examples_from_folders(folder: Path, split: Path, *, side_px: int) -> tuple[Example, ...]:
    """A folder-per-class set with the groups that an audit found.

    Args:
        folder: Classes, or ``train`` and ``test`` with classes below.
        split: CSV with ``file`` (relative to the folder) and ``group``, as ``deeppcos audit``
            writes it.
        side_px: Side of the small picture.

    Returns:
        One example a row.

    Raises:
        InvalidInput: If the split file is missing, of another layout, or names no picture.
    """
    if not split.is_file():
        raise InvalidInput(
            f"{split}: no grouped split",
            accepted="the CSV that an audit of the set wrote: file, group, fold",
            remedy=f"run deeppcos audit {folder} first",
        )
    with split.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not set(rows[0]) >= SPLIT_COLUMNS:
        raise InvalidInput(
            f"{split}: not a grouped split",
            value=", ".join(rows[0]) if rows else "no rows",
            accepted="the columns file, group and fold",
        )
    return tuple(_example(folder, row, side_px) for row in rows)


def _example(folder: Path, row: dict[str, str], side_px: int) -> Example:
    """One row of a split file; its class is the folder it lies in."""
    place = Path(row["file"])
    if len(place.parts) < 2:
        raise InvalidInput(
            f"{row['file']}: has no class", accepted="a picture in a folder of its class"
        )
    grey, _ = read_grey(folder / place)
    first = place.parts[0].lower()
    return Example(
        name=row["file"],
        group=row["group"],
        label=place.parent.name,
        side="test" if first in HELD_BACK_SIDES else "train" if len(place.parts) > 2 else "",
        picture=small_picture(grey, side_px=side_px),
    )


def small_picture(grey: npt.NDArray[np.uint8], *, side_px: int) -> Floats:
    """The frame as the serving road shows it, made small.

    Args:
        grey: ``(H, W) uint8`` with graphics filled in.
        side_px: Side of the result.

    Returns:
        ``(side_px, side_px) float32`` in [0, 1].
    """
    try:
        view = content_view(grey)
    except NotAssessable:
        view = View(x=0.0, y=0.0, side=float(max(grey.shape)))
    tensor = to_tensor(grey, view)[0, 0]
    small = cv2.resize(tensor, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
