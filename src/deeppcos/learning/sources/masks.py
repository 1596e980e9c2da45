"""Mask folders: pictures in ``images/`` and a mask of each in a folder a target.

The targets are ``masks/ovary``, ``masks/lesion`` and ``masks/follicles``. A follicle mask numbers
its follicles (1, 2, 3) or is black and white, and then each piece is one follicle: follicles that
touch are one piece, so numbers are better. A target without a folder is unknown for every
picture; a picture without a mask in a folder that exists is passed over.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.grouping import group_of, read_groups
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.outlined import Identity, Outlines, outlined_sample
from deeppcos.learning.sources.outlines import marks_of_labels, separate_pieces
from deeppcos.learning.sources.pictures import PICTURE_ENDINGS, picture_size, read_labels, read_mask

READER = "masks"
FOLDERS = {"ovary": "ovary", "lesion": "lesion", "follicle": "follicles"}


def is_masks(folder: Path) -> bool:
    """Whether a folder holds this layout."""
    return (folder / "images").is_dir() and any(
        (folder / "masks" / name).is_dir() for name in FOLDERS.values()
    )


def read_masks(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Read every picture with its masks.

    Args:
        folder: The data set.
        ledger: Where faulty pictures are written down; without one the first is refused.

    Returns:
        One sample a picture.

    Raises:
        InvalidInput: If patient groups are missing.
    """
    ledger = ledger or strict()
    known = {t: (folder / "masks" / name).is_dir() for t, name in FOLDERS.items()}
    groups = read_groups(folder)
    samples = []
    for path in sorted((folder / "images").iterdir()):
        if path.suffix.lower() not in PICTURE_ENDINGS:
            continue
        with ledger.passing_over(folder.name, path.name):
            file = path.relative_to(folder).as_posix()
            identity = Identity(
                name=f"{folder.name}/{path.name}",
                source=folder.name,
                group=f"{folder.name}/{group_of(groups, file)}",
            )
            outlines = _outlines(folder, path, known)
            samples.append(outlined_sample(path, identity, outlines, known, reader=READER))
    return samples


def _outlines(folder: Path, path: Path, known: dict[str, bool]) -> Outlines:
    """The masks of one picture."""
    height, width = picture_size(path)
    outlines = Outlines()
    for target in ("ovary", "lesion"):
        if known[target]:
            stored = _mask_file(folder, FOLDERS[target], path)
            mask = read_mask(stored, height=height, width=width)
            if mask.any():
                outlines.add_area(target, mask)
    if known["follicle"]:
        stored = _mask_file(folder, FOLDERS["follicle"], path)
        labels = _numbered(read_labels(stored, height=height, width=width), path.name)
        outlines.follicles[READER] = list(marks_of_labels(labels))
    return outlines


def _numbered(labels: npt.NDArray[np.int32], name: str) -> npt.NDArray[np.int32]:
    """Follicles by number, each in one piece; black and white becomes numbers."""
    if len(np.unique(labels[labels != 0])) <= 1:
        return separate_pieces(labels != 0)
    for label in np.unique(labels[labels != 0]):
        pieces = int(separate_pieces(labels == label).max())
        if pieces != 1:
            raise InvalidInput(
                f"{name}: follicle {label} is in {pieces} pieces",
                accepted="one piece, or a mask of black and white",
                remedy="number the pieces, or export black and white",
            )
    return labels


def _mask_file(folder: Path, target: str, path: Path) -> Path:
    """The mask of a picture, PNG or TIFF."""
    place = folder / "masks" / target
    found = [place / f"{path.stem}{ending}" for ending in (".png", ".tif", ".tiff")]
    return next((file for file in found if file.is_file()), found[0])
