"""The audit of a set of pictures: everything looked at once, in order.

Owns the order of the steps and the record they leave. What each step says stands in
``image_findings``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeppcos.learning.audit.copies import Copies, Groups, find_copies
from deeppcos.learning.audit.findings import Refused, Share, wilson
from deeppcos.learning.audit.grouped_split import grouped_folds, random_folds
from deeppcos.learning.audit.local_features import FeatureStore
from deeppcos.learning.audit.looking_at_pictures import PictureFacts, Progress, look_at_all
from deeppcos.learning.audit.masks import MaskFacts, check_masks
from deeppcos.learning.audit.neighbours import NeighbourLikeness, neighbour_likeness
from deeppcos.learning.audit.picture_set import Picture, PictureSet
from deeppcos.learning.audit.trivial import (
    Ints,
    TrivialResult,
    feature_matrices,
    rounds_of,
    trivial_results,
)

THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphicsShare:
    """How often one kind of burned-in graphics occurs in a class.

    Attributes:
        label: The class.
        kind: ``coloured_marks``, ``colour_doppler`` or ``white_marks``.
        share: Share of its pictures, with Wilson's interval.
    """

    label: str
    kind: str
    share: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAudit:
    """All that was measured of a set of pictures.

    Attributes:
        pictures: The pictures and what their layout says.
        facts: What was seen of each usable picture, by number.
        refused: Files that cannot be used.
        copies: Pictures that are one.
        neighbours: Likeness of neighbouring files; None where files have no numbers.
        trivial: What trivial features reach; empty without at least two classes.
        has_given_split: Whether the set comes with a split, or a random one was measured.
        graphics: Burned-in graphics by class.
        masks: What is wrong with the masks; None where there are none.
        groups: Group of each usable picture: copies, stated patient and series together.
        folds: Fold of each usable picture in the grouped split.
    """

    pictures: PictureSet
    facts: Mapping[int, PictureFacts]
    refused: tuple[Refused, ...]
    copies: Copies
    neighbours: NeighbourLikeness | None
    trivial: tuple[TrivialResult, ...]
    has_given_split: bool
    graphics: tuple[GraphicsShare, ...]
    masks: MaskFacts | None
    groups: Mapping[int, int]
    folds: Mapping[int, int]

    def names(self, numbers: Sequence[int]) -> tuple[str, ...]:
        """Names of some pictures."""
        return tuple(self.pictures.pictures[number].name for number in numbers)


def audit_images(
    pictures: PictureSet,
    *,
    folds: int,
    threads: int = THREADS,
    progress: Progress | None = None,
) -> ImageAudit:
    """Look at everything.

    Args:
        pictures: The set.
        folds: Folds of the grouped split.
        threads: Pictures worked on at a time.
        progress: Told of every picture and round.
    """
    listed = pictures.pictures
    with FeatureStore(len(listed)) as store:
        facts, refused = look_at_all(listed, store, threads=threads, progress=progress)
        copies = find_copies(facts, store, threads=threads, progress=progress)
    source_of = {n: place for place, group in enumerate(copies.sources) for n in group}
    neighbours = neighbour_likeness(listed, facts, source_of)
    groups = _together(listed, copies, neighbours)
    labels = [listed[n].label for n in facts]
    placed = dict(
        zip(facts, grouped_folds([groups[n] for n in facts], labels, folds=folds), strict=True)
    )
    trivial, has_given_split = _trivial(listed, facts, groups, placed)
    return ImageAudit(
        pictures=pictures,
        facts=facts,
        refused=refused,
        copies=copies,
        neighbours=neighbours,
        trivial=trivial,
        has_given_split=has_given_split,
        graphics=_graphics(listed, facts),
        masks=check_masks(listed, facts, threads=threads) if pictures.has_masks else None,
        groups=groups,
        folds=placed,
    )


def _together(
    listed: Sequence[Picture], copies: Copies, neighbours: NeighbourLikeness | None
) -> dict[int, int]:
    """Group of each picture: what is copied, one patient's, or one series stays together.

    A stated patient is believed; runs of alike neighbours stand in where none is stated.
    """
    numbers = [n for group in copies.sources for n in group]
    joined = Groups(numbers)
    for group in copies.sources:
        for other in group[1:]:
            joined.join(group[0], other)
    stated: dict[tuple[str | None, str], int] = {}
    for n in numbers:
        group_name = listed[n].group
        if group_name is not None:
            joined.join(stated.setdefault((None, group_name), n), n)
    for run in neighbours.runs if neighbours else ():
        for other in run[1:]:
            joined.join(run[0], other)
    ordered = sorted(joined.listed())
    return {n: place for place, group in enumerate(ordered) for n in group}


def _trivial(
    listed: Sequence[Picture],
    facts: Mapping[int, PictureFacts],
    groups: Mapping[int, int],
    placed: Mapping[int, int],
) -> tuple[tuple[TrivialResult, ...], bool]:
    """Trivial features under the given split, or a random one, and under the grouped one."""
    known = [(n, label) for n in facts if (label := listed[n].label) is not None]
    labels = [label for _, label in known]
    splits = [listed[n].split for n, _ in known]
    has_given_split = len({split for split in splits if split}) > 1
    if len(set(labels)) < 2 or min(Counter(labels).values()) < 2:
        return (), has_given_split
    numbers = [n for n, _ in known]
    results = trivial_results(
        feature_matrices([listed[n] for n in numbers], [facts[n] for n in numbers]),
        labels,
        [groups[n] for n in numbers],
        given=_given(splits) if has_given_split else rounds_of(random_folds(labels)),
        grouped=rounds_of([placed[n] for n in numbers]),
    )
    return results, has_given_split


def _given(splits: Sequence[str | None]) -> list[tuple[Ints, Ints]]:
    """Training against everything held out; folds without a training part in turn."""
    import numpy as np

    if "train" not in splits:
        names = sorted({split for split in splits if split})
        return rounds_of([names.index(split) if split else -1 for split in splits])
    training = np.asarray([split == "train" for split in splits])
    held_out = np.asarray([split not in (None, "train") for split in splits])
    return [(np.flatnonzero(training), np.flatnonzero(held_out))]


def _graphics(
    listed: Sequence[Picture], facts: Mapping[int, PictureFacts]
) -> tuple[GraphicsShare, ...]:
    """Share of each class with each kind of burned-in graphics."""
    by_label: dict[str, list[PictureFacts]] = {}
    for number, fact in facts.items():
        by_label.setdefault(listed[number].label or "all", []).append(fact)
    return tuple(
        GraphicsShare(
            label=label,
            kind=kind,
            share=wilson(sum(kind in fact.graphics for fact in members), len(members)),
        )
        for kind in ("coloured_marks", "colour_doppler", "white_marks")
        for label, members in sorted(by_label.items())
    )
