"""One set of labels from several readers, with their disagreement left in as "maybe".

Owns the rules. An adjudicator's word stands. Otherwise more than half of the readers who looked
must have marked a thing: all of them, none in doubt, makes it sure; fewer, or any doubt, makes it
a "maybe", which training weighs half. What half or fewer of three and more
marked is left out, so that one reader alone can neither add a follicle nor take one away. Of two
who differ, neither is right yet: what only one marked is a "maybe".
"""

from collections import Counter
from collections.abc import Sequence

from deeppcos.learning.feedback.agreement import ADJUDICATOR, CONSENSUS
from deeppcos.learning.feedback.outline_matching import LEAST_IOU, outline_dice, polygon
from deeppcos.learning.sources.reviewed_document import (
    Outline,
    Reading,
    ReviewedDocument,
    ReviewedImage,
)
from deeppcos.vision.geometry import polygon_iou

OF_TWO = 2


def consensus_document(document: ReviewedDocument) -> ReviewedDocument:
    """One reading a picture.

    Args:
        document: Readings of several readers.

    Returns:
        The document with the consensus in their place; pictures that nobody can settle are left
        out, and studies without a picture too.
    """
    studies = []
    for study in document.studies:
        images = [one for one in map(_settled, study.images) if one is not None]
        if images:
            studies.append(study.model_copy(update={"images": images}))
    return document.model_copy(update={"studies": studies})


def _settled(image: ReviewedImage) -> ReviewedImage | None:
    reading = consensus_of(image.readings)
    return None if reading is None else image.model_copy(update={"readings": [reading]})


def consensus_of(readings: Sequence[Reading]) -> Reading | None:
    """What the readers of one picture say together.

    Args:
        readings: At least one.

    Returns:
        The consensus; None where they do not settle what the picture shows.
    """
    settled = [one for one in readings if one.reader.startswith(ADJUDICATOR)]
    if settled:
        return max(settled, key=lambda one: one.read_at)
    if len(readings) == 1:
        return readings[0]
    shows = _majority([one.shows for one in readings])
    if shows is None:
        return None
    # Follicles of somebody who saw a lesion there say nothing about the follicles of an ovary.
    agreeing = [one for one in readings if one.shows == shows]
    shown = {one.release_shown for one in agreeing}
    return Reading(
        reader=CONSENSUS,
        is_clinician=all(one.is_clinician for one in agreeing) or None,
        read_at=max(one.read_at for one in agreeing),
        release_shown=shown.pop() if len(shown) == 1 else _any_release(agreeing),
        shows=agreeing[0].shows,
        ovaries=agreed([one.ovaries for one in agreeing]),
        follicles=agreed([one.follicles for one in agreeing]),
        lesions=agreed([one.lesions for one in agreeing]),
        note=f"consensus of {len(readings)} readers",
    )


def _any_release(readings: Sequence[Reading]) -> str | None:
    """A release that somebody was shown: influence is never hidden by a blind reader beside it."""
    return next((one.release_shown for one in readings if one.release_shown), None)


def _majority(answers: Sequence[str]) -> str | None:
    """The answer of more than half; None without one."""
    answer, votes = Counter(answers).most_common(1)[0]
    return answer if 2 * votes > len(answers) else None


def agreed(by_reader: Sequence[Sequence[Outline] | None]) -> list[Outline] | None:
    """Outlines that enough readers share.

    Args:
        by_reader: Outlines of each reader; None of one who did not look.

    Returns:
        Outlines with their certainty; None where nobody looked.
    """
    looked = [list(one) for one in by_reader if one is not None]
    if not looked:
        return None
    if len(looked) == 1:
        return looked[0]
    found = []
    for cluster in clusters_of(looked):
        support = len(cluster)
        if 2 * support > len(looked) or len(looked) == OF_TWO:
            is_sure = support == len(looked) and all(o.certainty == "sure" for o in cluster)
            found.append(
                Outline(polygon=_middle(cluster).polygon, certainty="sure" if is_sure else "maybe")
            )
    return found


def clusters_of(by_reader: Sequence[Sequence[Outline]]) -> list[list[Outline]]:
    """Outlines of one thing together, at most one a reader.

    Args:
        by_reader: Outlines of each reader.

    Returns:
        Clusters; each outline is in exactly one.
    """
    clusters: list[list[tuple[int, Outline]]] = []
    for reader, outlines in enumerate(by_reader):
        links = sorted(
            (
                (-_overlap(outline, cluster), place, number)
                for place, outline in enumerate(outlines)
                for number, cluster in enumerate(clusters)
            ),
        )
        taken: set[int] = set()
        joined: set[int] = set()
        for overlap, place, number in links:
            if -overlap < LEAST_IOU:
                break
            if place not in taken and number not in joined:
                clusters[number].append((reader, outlines[place]))
                taken.add(place)
                joined.add(number)
        clusters += [[(reader, o)] for place, o in enumerate(outlines) if place not in taken]
    return [[outline for _, outline in cluster] for cluster in clusters]


def _overlap(outline: Outline, cluster: Sequence[tuple[int, Outline]]) -> float:
    """Best overlap with any outline of a cluster."""
    return max(polygon_iou(polygon(outline), polygon(other)) for _, other in cluster)


def _middle(cluster: Sequence[Outline]) -> Outline:
    """The outline most like the others: no outline is invented, and an outlier is not chosen."""
    if len(cluster) == 1:
        return cluster[0]
    likeness = [sum(outline_dice(one, other) for other in cluster) for one in cluster]
    return cluster[likeness.index(max(likeness))]
