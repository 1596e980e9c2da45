"""Several folders in one pool: named once each, their patients kept apart, their copies found.

Owns what only several folders bring: two sets that use one name for different patients, and one
picture that two sets hold, be it cropped, rescaled or mirrored. The search is that of the audit.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.candidates import Candidate, find_candidates
from deeppcos.learning.audit.confirm import compare
from deeppcos.learning.audit.local_features import FeatureStore, describe
from deeppcos.learning.audit.looking_at_pictures import gist_of
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.ledger import Ledger

SEARCH_THREADS = 2
Pairs = tuple[tuple[int, int], ...]


def refuse_folders_named_twice(folders: Sequence[Path]) -> None:
    """Refuse a folder that is named twice or lies in another one that is named.

    Args:
        folders: As the user named them.

    Raises:
        InvalidInput: If one holds another: its pictures would be learned from twice.
    """
    places = [folder.resolve() for folder in folders]
    for number, place in enumerate(places):
        for other in places[:number] + places[number + 1 :]:
            if other.is_relative_to(place):
                raise InvalidInput(
                    "one data folder is named twice, or lies in another that is named",
                    value=f"{place} and {other}",
                    accepted="folders that share no file",
                    remedy="name it once",
                )


def kept_apart(read: Sequence[Sequence[Sample]], ledger: Ledger) -> list[Sample]:
    """The samples of all folders; a folder whose names another one uses gets its number before.

    The first folder keeps its names, so that adding another never moves its patients to another
    fold.

    Args:
        read: Samples by folder.
        ledger: Where it is said that names were changed.

    Returns:
        Samples of all folders, in order.
    """
    found: list[Sample] = []
    for number, samples in enumerate(read, start=1):
        names, groups = {s.name for s in found}, {s.group for s in found}
        if any(s.name in names or s.group in groups for s in samples):
            ledger.remark(
                f"folder {number} uses names of another one: its samples and patient groups were "
                f'given "{number}:" before their names and count as other patients'
            )
            found += [
                replace(s, name=f"{number}:{s.name}", group=f"{number}:{s.group}") for s in samples
            ]
        else:
            found += samples
    return found


def copies_across(read: Sequence[Sequence[Sample]]) -> Pairs:
    """Pictures of different folders that are made from one.

    Args:
        read: Samples by folder.

    Returns:
        Pairs of numbers in the samples of all folders, in order.
    """
    samples = [sample for folder in read for sample in folder]
    place = [number for number, folder in enumerate(read) for _ in folder]
    if len(read) < 2 or not samples:
        return ()
    with FeatureStore(len(samples)) as store:
        for number, sample in enumerate(samples):
            store.put(number, describe(sample.grey))
        gists = np.stack([gist_of(sample.grey) for sample in samples])
        everyone = list(range(len(samples)))
        candidates = find_candidates(store, everyone, gists, threads=SEARCH_THREADS)
        across = [one for one in candidates if place[one.first] != place[one.second]]
        return tuple(sorted({(c.first, c.second) for c in across if _are_copies(c, store)}))


def _are_copies(candidate: Candidate, store: FeatureStore) -> bool:
    """Whether one picture of a pair, laid over the other, agrees with it."""
    first, second = store.get(candidate.first), store.get(candidate.second)
    agreement = compare(first, second, is_mirrored=candidate.is_mirrored)
    return agreement is not None and agreement.is_copy
