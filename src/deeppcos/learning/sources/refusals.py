"""Folders of pictures that hold no ovary: uteri, photographs, documents."""

import hashlib
from pathlib import Path

import numpy as np

from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.pictures import PICTURE_ENDINGS, read_grey


def read_refusals(
    folder: Path,
    ledger: Ledger | None = None,
    *,
    kind: str,
    endings: frozenset[str] = PICTURE_ENDINGS,
) -> list[Sample]:
    """Read every picture of a folder as one without ovary and lesion.

    Args:
        folder: Folder of pictures.
        ledger: Where faulty pictures are written down; without one the first is refused.
        kind: ``neither`` for ultrasound, ``foreign`` for everything else.
        endings: File name endings that are read; others are passed over.

    Returns:
        One sample a picture, each a group of its own.

    Raises:
        InvalidInput: If, without a ledger, a picture cannot be read.
    """
    ledger = ledger or strict()
    samples = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in endings:
            continue
        with ledger.passing_over(kind, path.name):
            samples.append(_sample(path, kind))
    return samples


def _sample(path: Path, kind: str) -> Sample:
    """One picture."""
    grey, raw = read_grey(path)
    nothing = np.zeros(grey.shape, bool)
    content = hashlib.sha256(grey.tobytes()).hexdigest()[:12]
    return Sample(
        name=f"{kind}/{path.name}",
        source=kind,
        group=f"{kind}/{content}",
        kind=kind,
        grey=grey,
        raw_grey=raw,
        ovary=nothing,
        lesion=nothing,
        readings={},
        subgroup=path.parent.name,
    )
