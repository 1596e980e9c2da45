"""Tight crops of ovaries from several machines, with ovary and follicle outlines.

Names are not labels. The same picture occurs under several names, noted by the reader; such
pictures are joined into one group, so that none is learned from and measured on.
"""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.outlines import checked_polygon
from deeppcos.learning.sources.pictures import filled, picture_named, read_grey
from deeppcos.learning.splits import joined_groups

Grey = npt.NDArray[np.uint8]

THUMBNAIL_SIDE = 24
SAME_LOOK_CORRELATION = 0.9
"""Correlation of thumbnails above which two crops are taken for one scan."""


def is_closeups(folder: Path) -> bool:
    """Whether a folder holds this layout."""
    return (folder / "marks.json").is_file()


def read_closeups(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Read a folder with ``marks.json`` and ``images/``.

    Args:
        folder: The data set.
        ledger: Where faulty entries are written down; without one the first is refused.

    Returns:
        One sample a picture.

    Raises:
        InvalidInput: If the marks are missing or, without a ledger, an entry is faulty.
    """
    ledger = ledger or strict()
    marks_file = folder / "marks.json"
    if not marks_file.is_file():
        raise InvalidInput(f"{folder}: no marks.json", remedy="name the folder that holds it")
    entries = json.loads(marks_file.read_text(encoding="utf-8"))
    pictures: dict[str, tuple[Grey, Grey]] = {}
    for entry in entries:
        with ledger.passing_over("closeups", entry["id"]):
            pictures[entry["id"]] = read_grey(picture_named(folder / "images", entry["id"]))
    identities: dict[str, list[str]] = {e["id"]: _named_twins(e) for e in entries}
    names = sorted(pictures)
    looks = {name: _look(pictures[name][0]) for name in names}
    for i, a in enumerate(names):
        for b in names[:i]:
            if float(looks[a] @ looks[b]) > SAME_LOOK_CORRELATION:
                identities[a].append(b)
    groups = joined_groups(identities)
    samples = []
    for entry in entries:
        if entry["id"] in pictures:
            with ledger.passing_over("closeups", entry["id"]):
                samples.append(_sample(entry, groups[entry["id"]], pictures[entry["id"]]))
    return samples


def _named_twins(entry: dict[str, str]) -> list[str]:
    """The picture itself and the names its note calls the same."""
    note = entry.get("note") or ""
    named = re.findall(r"(?:normal|pco)_\d+", note) if "same" in note else []
    return [entry["id"], *named]


def _look(grey: Grey) -> npt.NDArray[np.float32]:
    """Unit-length thumbnail."""
    small = cv2.resize(grey, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
    centred = small.astype(np.float32).ravel() - float(small.mean())
    return np.asarray(centred / (float(np.linalg.norm(centred)) + 1e-6), np.float32)


def _sample(entry: dict[str, Any], group: str, pictures: tuple[Grey, Grey]) -> Sample:
    """One entry of the marks file."""
    grey, raw = pictures
    height, width = grey.shape
    outline = entry["ovary"]
    ovary = None
    if outline is not None:
        border = checked_polygon(outline, height=height, width=width, name="ovary")
        ovary = filled(border, height=height, width=width)
    marks = tuple(
        FollicleMark(
            polygon=checked_polygon(m["polygon"], height=height, width=width, name="follicle"),
            is_sure=m["certainty"] == "sure",
        )
        for m in entry["follicles"]
    )
    return Sample(
        name=f"closeups/{entry['id']}",
        source="closeups",
        group=f"closeups/{group}",
        kind="ovary",
        grey=grey,
        raw_grey=raw,
        ovary=ovary,
        lesion=np.zeros(grey.shape, bool),
        readings={"r1": marks},
        subgroup="close-up",
    )
