"""Training pictures that show what the test set shows, though their pixels differ.

A picture saved again, cropped, turned or rescaled has another hash. The audit of data sets finds
these by keypoints that are confirmed geometrically; here it is asked about pairs that cross from
training to test. Owns nothing of how copies are found.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from deeppcos.learning.audit.copies import find_copies
from deeppcos.learning.audit.local_features import FeatureStore
from deeppcos.learning.audit.looking_at_pictures import look_at_all
from deeppcos.learning.audit.picture_set import Picture
from deeppcos.learning.samples import Sample

THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """What was found to cross.

    Attributes:
        pairs: Training and test picture that were made from one.
        looked_at: Pictures that were compared.
        unusable: Pictures that could not be, with the reason.
    """

    pairs: tuple[tuple[str, str], ...]
    looked_at: int
    unusable: tuple[str, ...]


def find_leakage(training: Sequence[Sample], test: Sequence[Sample]) -> Leakage:
    """Look for copies across the split.

    Args:
        training: What the candidate learned from; drawn pictures may be left out by the caller.
        test: The frozen test set.

    Returns:
        The pairs, by name.
    """
    samples = [*training, *test]
    with tempfile.TemporaryDirectory() as folder, FeatureStore(len(samples)) as store:
        pictures = tuple(
            _written(Path(folder), number, sample) for number, sample in enumerate(samples)
        )
        facts, refused = look_at_all(pictures, store, threads=THREADS)
        copies = find_copies(facts, store, threads=THREADS)
    pairs = [
        (samples[a].name, samples[b].name)
        for group in copies.sources
        for a in group
        for b in group
        if a < len(training) <= b
    ]
    return Leakage(
        pairs=tuple(sorted(pairs)),
        looked_at=len(facts),
        unusable=tuple(f"{samples[int(one.name)].name}: {one.reason}" for one in refused),
    )


def _written(folder: Path, number: int, sample: Sample) -> Picture:
    """A sample as a file without loss, which is what the audit reads."""
    path = folder / f"{number}.png"
    cv2.imwrite(str(path), sample.raw_grey)
    return Picture(path=path, name=str(number), group=sample.group)
