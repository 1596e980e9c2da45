"""Everything a data folder offers, read into samples in a fixed order.

Owns which sources are looked for where. A source that is absent is left out and named; a
folder without any source is refused.
"""

import importlib.util
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.closeups import read_closeups
from deeppcos.learning.sources.mmotu import read_mmotu
from deeppcos.learning.sources.refusals import read_refusals
from deeppcos.learning.sources.synthetic import draw_synthetic

SYNTHETIC_SEED = 11
PHOTOGRAPH_FOLDERS = (("skimage", "data"), ("sklearn", "datasets/images"))
PHOTOGRAPH_ENDINGS = frozenset({".png", ".jpg"})
"""Photographs, pages and micrographs that ordinary packages ship: pictures without ovaries."""


def gather(folder: Path, *, synthetic: int) -> list[Sample]:
    """Read every source below a folder.

    Args:
        folder: Holds ``mmotu/``, ``ovary_closeups/`` and ``refuse/``, or some of them.
        synthetic: Number of phantom scenes to add.

    Returns:
        Samples in a fixed order.

    Raises:
        InvalidInput: If the folder holds none of the sources.
    """
    samples: list[Sample] = []
    if (folder / "mmotu").is_dir():
        samples += read_mmotu(folder / "mmotu")
    if (folder / "ovary_closeups").is_dir():
        samples += read_closeups(folder / "ovary_closeups")
    if not samples:
        raise InvalidInput(
            f"{folder} holds no data set",
            accepted="a folder with mmotu/ or ovary_closeups/",
            remedy="name the folder above them",
        )
    if (folder / "refuse").is_dir():
        samples += read_refusals(folder / "refuse", kind="neither")
    photographs = [s for place in photograph_folders() for s in _photographs(place)]
    samples += sorted(photographs, key=lambda sample: sample.name)
    return samples + draw_synthetic(count=synthetic, seed=SYNTHETIC_SEED)


def photograph_folders() -> list[Path]:
    """Folders of the installed packages that ship pictures."""
    found = []
    for package, below in PHOTOGRAPH_FOLDERS:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found.append(Path(spec.origin).parent / below)
    return [place for place in found if place.is_dir()]


def _photographs(folder: Path) -> list[Sample]:
    """Pictures of one package; its Shepp-Logan phantom is left out, it resembles anatomy."""
    return [
        sample
        for sample in read_refusals(folder, kind="foreign", endings=PHOTOGRAPH_ENDINGS)
        if not sample.name.endswith("/phantom.png")
    ]
