"""Which pictures are the same one: equal files, equal pixels, and copies made from each other.

Owns joining confirmed pairs into groups of one source picture. How a pair is found and decided
is the business of ``candidates`` and ``confirm``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deeppcos.learning.audit.candidates import Candidate, find_candidates
from deeppcos.learning.audit.confirm import Agreement, compare
from deeppcos.learning.audit.local_features import FeatureStore
from deeppcos.learning.audit.looking_at_pictures import PictureFacts, Progress
from deeppcos.learning.audit.threads import each

ENOUGH_PARTNERS = 4
"""Confirmed pairs of a picture after which more inside its own group are not looked for."""

_ROUND = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPair:
    """Two pictures made from one.

    Attributes:
        first: Number of one.
        second: Number of the other.
        agreement: How they agree.
    """

    first: int
    second: int
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """All that was found equal.

    Attributes:
        same_files: Groups of equal files.
        same_pixels: Groups of files that differ but show equal pixels.
        near_pairs: Confirmed pairs that are not equal in pixels.
        sources: Every usable picture, grouped by the picture it was made from; largest first.
        compared: Pairs laid over each other.
    """

    same_files: tuple[tuple[int, ...], ...]
    same_pixels: tuple[tuple[int, ...], ...]
    near_pairs: tuple[NearPair, ...]
    sources: tuple[tuple[int, ...], ...]
    compared: int


class Groups:
    """Numbers joined into groups (disjoint sets)."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._parent = {number: number for number in numbers}

    def of(self, number: int) -> int:
        """The group of a number, named by one of its members."""
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, first: int, second: int) -> None:
        """Put two numbers into one group."""
        a, b = sorted((self.of(first), self.of(second)))
        self._parent[b] = a

    def listed(self) -> tuple[tuple[int, ...], ...]:
        """All groups, largest first, members in order."""
        members: dict[int, list[int]] = defaultdict(list)
        for number in sorted(self._parent):
            members[self.of(number)].append(number)
        return tuple(sorted(map(tuple, members.values()), key=lambda group: (-len(group), group)))


def find_copies(
    facts: Mapping[int, PictureFacts],
    store: FeatureStore,
    *,
    threads: int,
    progress: Progress | None = None,
) -> Copies:
    """Find the pictures that are one.

    Args:
        facts: Facts by picture number.
        store: Their keypoints.
        threads: Pairs compared at a time.
        progress: Told how many pairs are compared.

    Returns:
        The groups.
    """
    groups = Groups(facts)
    same_files = _equal(facts, lambda fact: fact.byte_digest)
    same_pixels = _equal(facts, lambda fact: fact.pixel_digest)
    for group in (*same_files, *same_pixels):
        for other in group[1:]:
            groups.join(group[0], other)
    # Of equal pictures one is enough to compare with the rest.
    alone = sorted({group[0] for group in groups.listed()})
    gists = np.stack([facts[n].gist for n in alone]) if alone else np.zeros((0, 256), np.float32)
    candidates = find_candidates(store, alone, gists, threads=threads)
    pairs, compared = _confirmed(candidates, store, groups, threads=threads, progress=progress)
    known = {frozenset(group) for group in same_files}
    return Copies(
        same_files=same_files,
        same_pixels=tuple(group for group in same_pixels if frozenset(group) not in known),
        near_pairs=tuple(sorted(pairs, key=lambda pair: (pair.first, pair.second))),
        sources=groups.listed(),
        compared=compared,
    )


def _equal(
    facts: Mapping[int, PictureFacts], digest: Callable[[PictureFacts], str]
) -> tuple[tuple[int, ...], ...]:
    """Groups of two and more with one digest."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, fact in facts.items():
        found[digest(fact)].append(number)
    return tuple(tuple(group) for group in found.values() if len(group) > 1)


def _confirmed(
    candidates: Sequence[Candidate],
    store: FeatureStore,
    groups: Groups,
    *,
    threads: int,
    progress: Progress | None,
) -> tuple[list[NearPair], int]:
    """Compare in rounds; pairs that can teach nothing new are passed over.

    What is passed over depends on finished rounds only, so that any number of threads gives
    the same answer.
    """
    partners: dict[int, int] = defaultdict(int)
    found: dict[tuple[int, int], NearPair] = {}
    compared = 0
    for start in range(0, len(candidates), _ROUND):
        upcoming = [
            candidate
            for candidate in candidates[start : start + _ROUND]
            if not _is_settled(candidate, groups, partners, found)
        ]
        agreements = _compared(upcoming, store, threads=threads)
        compared += len(upcoming)
        for candidate, agreement in zip(upcoming, agreements, strict=True):
            if agreement is None or not agreement.is_copy:
                continue
            key = (candidate.first, candidate.second)
            if key not in found:
                partners[candidate.first] += 1
                partners[candidate.second] += 1
            found.setdefault(key, NearPair(first=key[0], second=key[1], agreement=agreement))
            groups.join(*key)
        if progress:
            progress("comparing pairs", min(start + _ROUND, len(candidates)), len(candidates))
    return list(found.values()), compared


def _is_settled(
    candidate: Candidate,
    groups: Groups,
    partners: Mapping[int, int],
    found: Mapping[tuple[int, int], NearPair],
) -> bool:
    """Whether a pair is known, or both are well tied into one group already."""
    pair = (candidate.first, candidate.second)
    tied = min(partners.get(number, 0) for number in pair) >= ENOUGH_PARTNERS
    return pair in found or (tied and groups.of(pair[0]) == groups.of(pair[1]))


def _compared(
    candidates: Sequence[Candidate], store: FeatureStore, *, threads: int
) -> list[Agreement | None]:
    def work(place: int) -> Agreement | None:
        candidate = candidates[place]
        return compare(
            store.get(candidate.first),
            store.get(candidate.second),
            is_mirrored=candidate.is_mirrored,
        )

    results = dict(each(work, len(candidates), threads=threads))
    return [results[place] for place in range(len(candidates))]
