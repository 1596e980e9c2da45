"""The layouts of data sets that can be read, in the order in which a folder is tried.

Owns the one table: a new data set needs its reader in ``sources``, its test, and a line here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.closeups import is_closeups, read_closeups
from deeppcos.learning.sources.coco import is_coco, read_coco
from deeppcos.learning.sources.folders import is_folders, read_folders
from deeppcos.learning.sources.labelled import is_labelled, read_labelled
from deeppcos.learning.sources.ledger import Ledger
from deeppcos.learning.sources.masks import is_masks, read_masks
from deeppcos.learning.sources.mmotu import is_mmotu, read_mmotu
from deeppcos.learning.sources.reviewed import is_reviewed, read_reviewed
from deeppcos.learning.sources.usova3d import is_usova3d, read_usova3d
from deeppcos.learning.sources.yolo import is_yolo, read_yolo


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One layout.

    Attributes:
        name: As ``--layout`` takes it.
        holds: What a folder of it holds, in a few words.
        recognises: Whether a folder holds it.
        read: Folder and ledger to samples.
        has_outlines: False where only a class is known for each picture.
    """

    name: str
    holds: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, Ledger], list[Sample]]
    has_outlines: bool = True


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            name="reviewed",
            holds="reviewed.json and its pictures",
            recognises=is_reviewed,
            read=read_reviewed,
        ),
        Layout(
            name="mmotu",
            holds="index.csv, images/ and masks/",
            recognises=is_mmotu,
            read=read_mmotu,
        ),
        Layout(
            name="closeups",
            holds="marks.json and images/",
            recognises=is_closeups,
            read=read_closeups,
        ),
        Layout(
            name="usova3d",
            holds="volN.vtk with ratings",
            recognises=is_usova3d,
            read=read_usova3d,
        ),
        Layout(
            name="yolo", holds="data.yaml, images/ and labels/", recognises=is_yolo, read=read_yolo
        ),
        Layout(name="coco", holds="a COCO JSON file", recognises=is_coco, read=read_coco),
        Layout(
            name="masks",
            holds="images/ and masks/ovary, masks/follicles or masks/lesion",
            recognises=is_masks,
            read=read_masks,
        ),
        Layout(
            name="labelled",
            holds="index.csv with the columns file and class",
            recognises=is_labelled,
            read=read_labelled,
            has_outlines=False,
        ),
        Layout(
            name="folders",
            holds="a folder of pictures for each class",
            recognises=is_folders,
            read=read_folders,
            has_outlines=False,
        ),
    )
}


def layout_of(folder: Path) -> Layout | None:
    """The layout a folder holds, or None."""
    return next((layout for layout in LAYOUTS.values() if layout.recognises(folder)), None)


def layout_named(name: str) -> Layout:
    """A layout by its name.

    Args:
        name: As ``--layout`` takes it.

    Returns:
        The layout.

    Raises:
        InvalidInput: If there is none of that name.
    """
    if name not in LAYOUTS:
        raise InvalidInput("unknown layout", value=name, accepted=", ".join(LAYOUTS))
    return LAYOUTS[name]
