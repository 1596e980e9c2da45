"""Whether neighbouring files come from one patient.

Data sets are numbered as they were exported: patient by patient. Where neighbouring numbers look
more alike than chance, a split by file puts one patient on both sides. Owns the measure and the
runs of files to keep together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from deeppcos.learning.audit.findings import Share
from deeppcos.learning.audit.looking_at_pictures import PictureFacts
from deeppcos.learning.audit.picture_set import Picture, natural_key
from deeppcos.learning.audit.trivial import file_number

LEAST_PAIRS = 20
CHANCE_PAIRS = 20_000
RUN_QUANTILE = 0.9
"""Neighbours at least as alike as this share of chance pairs of one class are one run."""

RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourLikeness:
    """How alike neighbouring files are.

    Attributes:
        more_alike: How often a neighbouring pair is more alike than a chance pair of the same
            class; 0.5 by chance. Copies are left out.
        runs: Files to keep together, two and more each.
        held_out: Items outside the training part.
        beside_training: Of those, how many have a neighbour of the same class in training.
    """

    more_alike: Share
    runs: tuple[tuple[int, ...], ...]
    held_out: int
    beside_training: int


def neighbour_likeness(
    pictures: Sequence[Picture],
    facts: Mapping[int, PictureFacts],
    source_of: Mapping[int, int],
) -> NeighbourLikeness | None:
    """Compare neighbouring files with chance pairs of the same class.

    Args:
        pictures: All pictures.
        facts: Facts by picture number.
        source_of: Source picture of each usable picture.

    Returns:
        The likeness; None where files have no numbers or there are too few.
    """
    order = sorted(
        (n for n in facts if file_number(pictures[n].name) is not None),
        key=lambda n: (natural_key(pictures[n].path.stem), pictures[n].name),
    )
    beside = [
        (a, b)
        for a, b in pairwise(order)
        if pictures[a].label == pictures[b].label and _is_next(pictures[a], pictures[b])
    ]
    fresh = [(a, b) for a, b in beside if source_of[a] != source_of[b]]
    if len(fresh) < LEAST_PAIRS:
        return None
    chance = _chance_likeness(pictures, facts, source_of, [a for a, _ in fresh])
    likeness = np.asarray([_alike(facts[a], facts[b]) for a, b in fresh])
    bar = float(np.quantile(chance, RUN_QUANTILE))
    joined = [(a, b) for a, b in beside if _alike(facts[a], facts[b]) >= bar]
    held_out, near = _beside_training(pictures, beside, facts)
    return NeighbourLikeness(
        more_alike=_superiority(likeness, np.sort(chance)),
        runs=_runs(joined),
        held_out=held_out,
        beside_training=near,
    )


def _is_next(first: Picture, second: Picture) -> bool:
    """Whether no more than a few numbers are missing between two files."""
    a, b = file_number(first.name), file_number(second.name)
    return a is not None and b is not None and 0 <= b - a <= 3


def _alike(first: PictureFacts, second: PictureFacts) -> float:
    return float(first.gist @ second.gist)


def _chance_likeness(
    pictures: Sequence[Picture],
    facts: Mapping[int, PictureFacts],
    source_of: Mapping[int, int],
    like: Sequence[int],
) -> npt.NDArray[np.float64]:
    """Likeness of random pairs, with classes as often as among the neighbours."""
    draw = np.random.default_rng(0)
    members: dict[str | None, list[int]] = {}
    for number in facts:
        members.setdefault(pictures[number].label, []).append(number)
    found = []
    for first in draw.choice(np.asarray(like), CHANCE_PAIRS):
        peers = members[pictures[int(first)].label]
        second = peers[int(draw.integers(len(peers)))]
        if source_of[int(first)] != source_of[second]:
            found.append(_alike(facts[int(first)], facts[second]))
    return np.asarray(found or [0.0])


def _superiority(likeness: npt.NDArray[np.float64], chance: npt.NDArray[np.float64]) -> Share:
    """Mean share of chance pairs that are less alike, with a bootstrap interval."""
    ranks = np.searchsorted(chance, likeness, side="left") / len(chance)
    drawn = np.random.default_rng(0).integers(len(ranks), size=(RESAMPLES, len(ranks)))
    low, high = (float(end) for end in np.quantile(ranks[drawn].mean(axis=1), (0.025, 0.975)))
    return Share(value=float(ranks.mean()), low=low, high=high, n=len(ranks))


def _runs(joined: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Chains of neighbours."""
    runs: list[list[int]] = []
    for first, second in joined:
        if runs and runs[-1][-1] == first:
            runs[-1].append(second)
        else:
            runs.append([first, second])
    return tuple(map(tuple, runs))


def _beside_training(
    pictures: Sequence[Picture],
    beside: Sequence[tuple[int, int]],
    facts: Mapping[int, PictureFacts],
) -> tuple[int, int]:
    """Held-out pictures, and those with a same-class neighbour in training."""
    held_out = {n for n in facts if pictures[n].split not in (None, "train")}
    near = set()
    for a, b in beside:
        for one, other in ((a, b), (b, a)):
            if one in held_out and pictures[other].split == "train":
                near.add(one)
    return len(held_out), len(near)
