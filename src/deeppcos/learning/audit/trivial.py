"""How far features that see no ovary get: under the given split, and under a grouped one.

Owns the features, the nearest-neighbour classifier that uses them and its intervals. A network
that does no better has learnt nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from deeppcos.learning.audit.findings import Share, wilson
from deeppcos.learning.audit.looking_at_pictures import PictureFacts
from deeppcos.learning.audit.picture_set import Picture

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NEIGHBOURS = 5
RESAMPLES = 1000
_LAST_NUMBER = re.compile(r"(\d+)\D*$")
_GRAPHICS = ("coloured_marks", "colour_doppler", "white_marks")

FEATURES: Mapping[str, str] = {
    "image_size": "image size",
    "brightness": "brightness",
    "thumbnail": "8x8 thumbnail",
    "neighbour_id": "class of the nearest file number",
    "graphics": "burned-in graphics",
}
"""Name and wording of each feature."""

SAYS_NOTHING_MEDICAL = frozenset({"image_size", "neighbour_id", "graphics"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAccuracy:
    """Accuracy under one split.

    Attributes:
        accuracy: With an interval by source picture or patient.
        majority: Accuracy of always answering the training part's commonest class.
    """

    accuracy: Share
    majority: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrivialResult:
    """What one feature reaches.

    Attributes:
        feature: Name in ``FEATURES``.
        given: Under the given split, or a random one where none is given.
        grouped: Under the grouped split.
    """

    feature: str
    given: SplitAccuracy | None
    grouped: SplitAccuracy | None


def feature_matrices(
    pictures: Sequence[Picture], facts: Sequence[PictureFacts]
) -> dict[str, Floats]:
    """The features of some pictures.

    Args:
        pictures: The pictures.
        facts: Their facts, in the same order.

    Returns:
        ``(n, d) float64`` by feature; ``neighbour_id`` only where every file has a number.
    """
    size = [[f.width, f.height, f.width / f.height, np.log(f.width * f.height)] for f in facts]
    drawn = [[*(kind in f.graphics for kind in _GRAPHICS), f.graphics_share] for f in facts]
    found = {
        "image_size": np.asarray(size, np.float64),
        "brightness": np.asarray([f.brightness for f in facts], np.float64),
        "thumbnail": np.asarray([f.thumbnail for f in facts], np.float64),
        "graphics": np.asarray(drawn, np.float64),
    }
    numbers = [file_number(picture.name) for picture in pictures]
    if all(number is not None for number in numbers):
        found["neighbour_id"] = np.asarray(numbers, np.float64)[:, None]
    return found


def file_number(name: str) -> int | None:
    """The last number in a file's name.

    Examples:
        >>> file_number("train/a/img_0_716.jpg"), file_number("a/left.png")
        (716, None)
    """
    found = _LAST_NUMBER.search(PurePosixPath(name).stem)
    return int(found[1][-15:]) if found else None


def trivial_results(
    features: Mapping[str, Floats],
    labels: Sequence[str],
    groups: Sequence[int],
    *,
    given: Sequence[tuple[Ints, Ints]],
    grouped: Sequence[tuple[Ints, Ints]],
) -> tuple[TrivialResult, ...]:
    """Measure every feature under both splits.

    Args:
        features: ``(n, d)`` by name.
        labels: Class of each of the n items.
        groups: Source or patient of each, for the intervals.
        given: (training, held-out) item numbers of each round of the given split.
        grouped: The same of the grouped split.
    """
    codes = np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64)
    owners = np.asarray(groups, np.int64)
    return tuple(
        TrivialResult(
            feature=name,
            given=_accuracy(features[name], codes, owners, given, name=name),
            grouped=_accuracy(features[name], codes, owners, grouped, name=name),
        )
        for name in FEATURES
        if name in features
    )


def rounds_of(folds: Sequence[int]) -> list[tuple[Ints, Ints]]:
    """Training and held-out items of each fold in turn.

    Examples:
        >>> [(a.tolist(), b.tolist()) for a, b in rounds_of([0, 1, 1])]
        [([1, 2], [0]), ([0], [1, 2])]
    """
    values = np.asarray(folds)
    return [
        (np.flatnonzero(values != fold), np.flatnonzero(values == fold))
        for fold in sorted(set(folds))
    ]


def _accuracy(
    features: Floats,
    codes: Ints,
    owners: Ints,
    rounds: Sequence[tuple[Ints, Ints]],
    *,
    name: str,
) -> SplitAccuracy | None:
    right, common, tested = [], [], []
    neighbours = 1 if name == "neighbour_id" else NEIGHBOURS
    for training, held_out in rounds:
        if len(training) == 0 or len(held_out) == 0:
            continue
        guessed = nearest_class(features[training], codes[training], features[held_out], neighbours)
        commonest = np.bincount(codes[training]).argmax()
        right.append(guessed == codes[held_out])
        common.append(codes[held_out] == commonest)
        tested.append(owners[held_out])
    if not right:
        return None
    hits = np.concatenate(right).astype(np.float64)
    return SplitAccuracy(
        accuracy=share_by_group(hits, np.concatenate(tested)),
        majority=float(np.concatenate(common).mean()),
    )


def nearest_class(known: Floats, codes: Ints, asked: Floats, neighbours: int) -> Ints:
    """Class of the nearest known items, nearer ones counting more.

    Args:
        known: ``(n, d)`` features of known items.
        codes: ``(n,)`` their classes.
        asked: ``(m, d)`` features to classify.
        neighbours: How many to ask.
    """
    middle, spread = known.mean(axis=0), known.std(axis=0)
    spread[spread == 0] = 1.0
    known, asked = (known - middle) / spread, (asked - middle) / spread
    classes = int(codes.max()) + 1
    k = min(neighbours, len(known))
    answers = []
    for block in np.array_split(asked, max(1, len(asked) // 256)):
        gaps = (block**2).sum(1)[:, None] + (known**2).sum(1) - 2 * block @ known.T
        gaps = np.sqrt(gaps.clip(0))
        nearest = np.argpartition(gaps, k - 1, axis=1)[:, :k]
        weights = 1 / (np.take_along_axis(gaps, nearest, axis=1) + 1e-3)
        votes = np.zeros((len(block), classes))
        for column in range(k):
            np.add.at(votes, (np.arange(len(block)), codes[nearest[:, column]]), weights[:, column])
        answers.append(votes.argmax(axis=1))
    return np.concatenate(answers).astype(np.int64)


def share_by_group(hits: Floats, owners: Ints) -> Share:
    """A share with a 95 % interval by resampling groups, not items.

    Args:
        hits: ``(n,)`` 1 for right and 0 for wrong.
        owners: ``(n,)`` group of each.

    Returns:
        The share; without an interval where there are fewer than three groups.
    """
    _, codes = np.unique(owners, return_inverse=True)
    per_group = np.bincount(codes)
    sums = np.bincount(codes, weights=hits)
    value = float(hits.mean())
    if len(per_group) < 3:
        return Share(value=value, low=None, high=None, n=len(hits))
    if np.ptp(sums / per_group) == 0:
        # Resampling equal groups has no spread; so many groups still leave room for others.
        of_groups = wilson(round(value * len(sums)), len(sums))
        return Share(value=value, low=of_groups.low, high=of_groups.high, n=len(hits))
    drawn = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / per_group[drawn].sum(axis=1)
    low, high = (float(end) for end in np.quantile(means, (0.025, 0.975)))
    return Share(value=value, low=low, high=high, n=len(hits))
