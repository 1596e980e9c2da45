"""Which pairs of pictures are worth laying over each other.

Owns the search that spares comparing every picture with every other: an inverted index over
quantised keypoints, asked once with each picture and once with its mirror image, and beside it
the likeness of small thumbnails under the four flips, for pictures with too few keypoints.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.audit.local_features import FeatureStore, inner, mirrored, unit_vectors
from deeppcos.learning.audit.threads import each

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

CANDIDATES = 10
"""Pictures looked at more closely for each picture."""

MIRRORED_CANDIDATES = 6

TRAINING_DESCRIPTORS = 40_000
KEPT_DIRECTIONS = 24
CENTRES = 128
SECOND_BEST = 2
"""Words asked for in each half of the code, so that a keypoint near a border is not lost."""

COMPARE_ALL_UP_TO = 24


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Candidate:
    """Two pictures that may be copies.

    Attributes:
        first: Number of one picture, the smaller.
        second: Number of the other.
        is_mirrored: Whether the mirror image of the first is meant.
    """

    first: int
    second: int
    is_mirrored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """How a keypoint becomes one of ``CENTRES`` squared words.

    Attributes:
        mean: ``(128,) float32`` taken off first.
        directions: ``(KEPT_DIRECTIONS, 128) float32`` principal directions, shared alternately
            between the two halves of the code.
        centres: ``(2, CENTRES, KEPT_DIRECTIONS / 2) float32``.
    """

    mean: Floats
    directions: Floats
    centres: Floats

    def words(self, descriptors: npt.NDArray[np.uint8], *, ways: int) -> Ints:
        """Words of some keypoints.

        Args:
            descriptors: ``(n, 128) uint8``.
            ways: How many centres of each half to use.

        Returns:
            ``(n, ways * ways) int64``.
        """
        values = inner(unit_vectors(descriptors) - self.mean, self.directions)
        halves = []
        for half in range(2):
            part = np.ascontiguousarray(values[:, half::2])
            centres = self.centres[half]
            distance = (centres * centres).sum(axis=1) - 2 * inner(part, centres)
            nearest = np.argpartition(distance, ways, axis=1)[:, :ways]
            halves.append(nearest.astype(np.int64))
        product = halves[0][:, :, None] * CENTRES + halves[1][:, None, :]
        return np.asarray(product.reshape(len(values), -1), np.int64)


def learn_vocabulary(store: FeatureStore, numbers: list[int]) -> Vocabulary:
    """Learn the words from a sample of the set's own keypoints.

    Args:
        store: Features of the pictures.
        numbers: Pictures to learn from.
    """
    chosen = np.random.default_rng(0).permutation(numbers)[:1500]
    each = max(8, TRAINING_DESCRIPTORS // max(1, len(chosen)))
    sample = np.concatenate([store.get(int(number)).descriptors[:each] for number in chosen])
    values = unit_vectors(sample)
    mean = values.mean(axis=0)
    values = values - mean
    _, vectors = np.linalg.eigh(values.T @ values)
    directions = np.ascontiguousarray(vectors[:, ::-1][:, :KEPT_DIRECTIONS].T, np.float32)
    values = inner(values, directions)
    return Vocabulary(
        mean=mean,
        directions=directions,
        centres=np.stack([_cluster(values[:, half::2]) for half in range(2)]),
    )


def _cluster(values: Floats) -> Floats:
    """Centres of the values; as many as there are values where those are few."""
    values = np.ascontiguousarray(values, np.float32)
    if len(values) < 4 * CENTRES:
        return np.resize(values, (CENTRES, values.shape[1])).astype(np.float32)
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    _, _, centres = cv2.kmeans(values, CENTRES, None, stop, 1, cv2.KMEANS_RANDOM_CENTERS)  # type: ignore[call-overload]
    return np.asarray(centres, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvertedIndex:
    """For every word, the pictures that have it.

    Attributes:
        starts: ``(words + 1,)`` places in ``pictures``.
        pictures: Numbers of pictures, sorted by word.
        weights: ``(words,) float32``: rare words say more.
        count: Number of pictures.
    """

    starts: Ints
    pictures: Ints
    weights: Floats
    count: int

    def votes(self, words: Ints) -> Floats:
        """Summed weight of the words each picture shares.

        Args:
            words: Distinct words.

        Returns:
            ``(count,) float32``.
        """
        spans = [self.pictures[self.starts[w] : self.starts[w + 1]] for w in words]
        if not spans:
            return np.zeros(self.count, np.float32)
        weights = np.repeat(self.weights[words], [len(span) for span in spans])
        found = np.bincount(np.concatenate(spans), weights=weights, minlength=self.count)
        return found.astype(np.float32)


def build_index(store: FeatureStore, vocabulary: Vocabulary) -> InvertedIndex:
    """Index every picture by its words.

    Args:
        store: Features of the pictures.
        vocabulary: The words.
    """
    count = len(store)
    codes = [
        np.unique(vocabulary.words(store.get(n).descriptors, ways=1)) * count + n
        for n in range(count)
        if store.has(n) and len(store.get(n).descriptors)
    ]
    postings = np.sort(np.concatenate(codes)) if codes else np.zeros(0, np.int64)
    words, pictures = postings // count, postings % count
    often = np.bincount(words, minlength=CENTRES * CENTRES)
    weights = np.log((count + 1) / (often + 0.5)).clip(0)
    return InvertedIndex(
        starts=np.concatenate(([0], np.cumsum(often))),
        pictures=pictures,
        weights=(weights**2).astype(np.float32),
        count=count,
    )


def find_candidates(
    store: FeatureStore, numbers: list[int], gists: Floats, *, threads: int
) -> list[Candidate]:
    """Pairs worth laying over each other, the likeliest first.

    Args:
        store: Features of the pictures.
        numbers: Pictures to compare.
        gists: ``(len(numbers), 256) float32`` whole pictures of length 1, for those with few
            keypoints.
        threads: Pictures asked for at a time.

    Returns:
        Distinct candidates.
    """
    if len(numbers) < 2:
        return []
    if len(numbers) <= COMPARE_ALL_UP_TO:
        return [
            Candidate(first=a, second=b, is_mirrored=turned)
            for place, a in enumerate(numbers)
            for b in numbers[place + 1 :]
            for turned in (False, True)
        ]
    scored = _by_keypoints(store, numbers, threads=threads)
    for candidate, likeness in alike_wholes(numbers, gists).items():
        scored[candidate] = scored.get(candidate, 0.0) + likeness
    return sorted(scored, key=lambda c: (-scored[c], c))


def _by_keypoints(
    store: FeatureStore, numbers: list[int], *, threads: int
) -> dict[Candidate, float]:
    """Candidates that share rare words, with the weight they share."""
    with_points = [n for n in numbers if len(store.get(n).descriptors) > 1]
    if len(with_points) < 2:
        return {}
    vocabulary = learn_vocabulary(store, with_points)
    index = build_index(store, vocabulary)
    listed = np.zeros(index.count, bool)
    listed[numbers] = True

    def ask(place: int) -> list[tuple[Candidate, float]]:
        return _asked(with_points[place], store, vocabulary, index, listed)

    scored: dict[Candidate, float] = {}
    for _, answers in each(ask, len(with_points), threads=threads):
        for candidate, votes in answers:
            scored[candidate] = max(scored.get(candidate, 0.0), votes)
    return scored


def _asked(
    number: int,
    store: FeatureStore,
    vocabulary: Vocabulary,
    index: InvertedIndex,
    listed: npt.NDArray[np.bool_],
) -> list[tuple[Candidate, float]]:
    """The pictures that share most with one picture, as it is and mirrored."""
    descriptors = store.get(number).descriptors
    found = []
    for turned, most in ((False, CANDIDATES), (True, MIRRORED_CANDIDATES)):
        seen = mirrored(descriptors) if turned else descriptors
        votes = index.votes(np.unique(vocabulary.words(seen, ways=SECOND_BEST)))
        votes[~listed] = 0
        votes[number] = 0
        most = min(most, len(votes) - 1)
        for other in np.argpartition(-votes, most)[:most]:
            if votes[other] > 0:
                first, second = sorted((number, int(other)))
                candidate = Candidate(first=first, second=second, is_mirrored=turned)
                found.append((candidate, float(votes[other])))
    return found


ALIKE_WHOLES = 0.97
"""Correlation of two 16 x 16 pictures from which they are looked at more closely."""

_BLOCK = 512


def alike_wholes(numbers: list[int], gists: Floats) -> dict[Candidate, float]:
    """Pairs that look alike as a whole, as they are or mirrored left to right.

    Args:
        numbers: The pictures.
        gists: ``(len(numbers), 256) float32`` of length 1.

    Returns:
        Up to ``CANDIDATES`` for each picture, with their correlation.
    """
    side = round(gists.shape[1] ** 0.5)
    turned = np.ascontiguousarray(gists.reshape(-1, side, side)[:, :, ::-1]).reshape(gists.shape)
    found: dict[Candidate, float] = {}
    for start in range(0, len(numbers), _BLOCK):
        for is_mirrored, asked in ((False, gists), (True, turned)):
            alike = inner(asked[start : start + _BLOCK], gists)
            for row, near in enumerate(alike):
                near[start + row] = 0
                most = min(CANDIDATES, len(near) - 1)
                for other in np.argpartition(-near, most)[:most]:
                    if near[other] >= ALIKE_WHOLES:
                        first, second = sorted((numbers[start + row], numbers[int(other)]))
                        found[Candidate(first=first, second=second, is_mirrored=is_mirrored)] = (
                            float(near[other])
                        )
    return found
