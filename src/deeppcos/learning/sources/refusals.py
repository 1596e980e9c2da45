"""Folders of pictures that hold no ovary: uteri, photographs, documents."""

import hashlib
from pathlib import Path

import numpy as np

from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.pictures import read_grey

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})


def read_refusals(
    folder: Path, *, kind: str, endings: frozenset[str] = PICTURE_ENDINGS
) -> list[Sample]:
    """Read every picture of a folder as one without ovary and lesion.

    Args:
        folder: Folder of pictures.
        kind: ``neither`` for ultrasound, ``foreign`` for everything else.
        endings: File name endings that are read; others are passed over.

    Returns:
        One sample a picture, each a group of its own.
    """
    samples = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in endings:
            continue
        grey, raw = read_grey(path)
        nothing = np.zeros(grey.shape, bool)
        content = hashlib.sha256(grey.tobytes()).hexdigest()[:12]
        samples.append(
            Sample(
                name=f"{kind}/{path.name}",
                source=kind,
                group=f"{kind}/{content}",
                kind=kind,
                grey=grey,
                raw_grey=raw,
                ovary=nothing,
                lesion=nothing,
                readings={},
                subgroup=folder.name,
            )
        )
    return samples
