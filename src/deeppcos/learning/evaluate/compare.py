"""One held-out picture beside its truth: outlines, follicles, answers.

Everything is looked at with the exported file through the serving road. Owns what is compared
with what in one picture; figures over many are the business of ``figures``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from deeppcos.errors import NotAssessable
from deeppcos.learning import metrics
from deeppcos.learning.evaluate.traits import traits_of
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.learning.sources.pictures import filled
from deeppcos.vision.findings import Polygon
from deeppcos.vision.follicles import FollicleRule
from deeppcos.vision.looking import Look, look_at
from deeppcos.vision.release import Network, OperatingPoints

Masks = npt.NDArray[np.bool_]
IOU_LEVELS = (0.3, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollicleComparison:
    """Follicles of one picture, machine against one reader.

    Attributes:
        matched: Pairs by overlap level.
        matched_sure: Pairs whose true mark is sure, by overlap level.
        counted: Machine's count.
        counted_besides_maybe: Machine's count less those that match a "maybe", by level.
        true: Reader's count, maybe included.
        true_sure: Reader's count of sure marks.
        scores: Machine's scores.
        is_right: Whether each was matched at the lowest level.
    """

    matched: dict[float, int]
    matched_sure: dict[float, int]
    counted: int
    counted_besides_maybe: dict[float, int]
    true: int
    true_sure: int
    scores: tuple[float, ...]
    is_right: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleResult:
    """One held-out picture, looked at.

    Attributes:
        name: Sample name.
        group: Patient group.
        source: Data set.
        kind: What the sample holds.
        subgroup: Reported separately.
        area_ratio: Area of the ovary over that of its best outline; None without either.
        traits: What else it is reported by, such as ``graphics`` to ``drawn``.
        look: Raw answers.
        ovary_dice: Overlap of the best outline with the ovary; None when none is outlined.
        lesion_dice: Overlap of the best lesion with the lesion; None when there is none.
        ovary_overlaps: Overlap (IoU) of each ovary outline with the truth; None when nobody
            looked for the ovary.
        follicles: Comparison with the first reader, or None.
    """

    name: str
    group: str
    source: str
    kind: str
    subgroup: str
    look: Look
    ovary_dice: float | None
    lesion_dice: float | None
    ovary_overlaps: tuple[float, ...] | None
    follicles: FollicleComparison | None
    area_ratio: float | None = None
    traits: Mapping[str, str] = field(default_factory=dict)


NOTHING = Look(ovary_answer=0.0, lesion_answer=0.0, ovaries=(), lesions=())


def look_at_samples(
    samples: Sequence[Sample],
    network: Network,
    *,
    points: OperatingPoints,
    rule: FollicleRule,
    with_graphics: bool = False,
) -> list[SampleResult]:
    """Look at every sample as in serving.

    Args:
        samples: Held-out samples.
        network: The network.
        points: Thresholds.
        rule: Follicle thresholds.
        with_graphics: Show the burned-in graphics, for the ablation.

    Returns:
        One result a sample.
    """
    results = []
    for sample in samples:
        grey = sample.raw_grey if with_graphics else sample.grey
        try:
            look = look_at(grey, network, points=points, rule=rule)
        except NotAssessable:
            look = NOTHING
        results.append(beside_truth(sample, look))
    return results


def beside_truth(sample: Sample, look: Look) -> SampleResult:
    """One look beside the truth of its picture.

    Args:
        sample: The picture with its truth.
        look: What the network answered.

    Returns:
        The comparison.
    """
    shape = sample.grey.shape
    ovaries = [_mask(o.polygon, shape) for o in look.ovaries]
    ovary_dice = lesion_dice = None
    overlaps: tuple[float, ...] | None = None
    if sample.ovary is not None:
        overlaps = tuple(metrics.intersection_over_union(o, sample.ovary) for o in ovaries)
        if sample.ovary.any():
            ovary_dice = metrics.dice(ovaries[0], sample.ovary) if ovaries else 0.0
    if sample.lesion is not None and sample.lesion.any():
        lesions = [_mask(item.polygon, shape) for item in look.lesions]
        lesion_dice = metrics.dice(lesions[0], sample.lesion) if lesions else 0.0
    follicles = None
    if sample.readings and sample.kind == "ovary":
        marks = next(iter(sample.readings.values()))
        seen = [(f.polygon, f.score) for o in look.ovaries[:1] for f in o.follicles]
        follicles = compare_follicles(seen, marks, shape=shape)
    return SampleResult(
        name=sample.name,
        group=sample.group,
        source=sample.source,
        kind=sample.kind,
        subgroup=sample.subgroup,
        look=look,
        ovary_dice=ovary_dice,
        lesion_dice=lesion_dice,
        ovary_overlaps=overlaps,
        follicles=follicles,
        area_ratio=_area_ratio(sample, ovaries),
        traits=traits_of(sample),
    )


def _area_ratio(sample: Sample, ovaries: Sequence[Masks]) -> float | None:
    """Area of the ovary over that of its best outline."""
    if sample.ovary is None or not ovaries:
        return None
    true, seen = int(sample.ovary.sum()), int(ovaries[0].sum())
    return true / seen if true and seen else None


def at_least_score(sample: Sample, result: SampleResult, least_score: float) -> SampleResult:
    """The result as it had been with a higher least follicle score, without looking again.

    Args:
        sample: The sample.
        result: Its result at a lower least score.
        least_score: The wanted least score.

    Returns:
        The stricter result.
    """
    if all(f.score >= least_score for o in result.look.ovaries for f in o.follicles):
        return result
    ovaries = tuple(
        replace(ovary, follicles=tuple(f for f in ovary.follicles if f.score >= least_score))
        for ovary in result.look.ovaries
    )
    return beside_truth(sample, replace(result.look, ovaries=ovaries))


def compare_follicles(
    seen: Sequence[tuple[Polygon, float]],
    marks: Sequence[FollicleMark],
    *,
    shape: tuple[int, ...],
) -> FollicleComparison:
    """Match predicted outlines to one reader's marks.

    Args:
        seen: Outlines and scores.
        marks: The reader's marks.
        shape: Height and width of the frame.

    Returns:
        The comparison.
    """
    predicted = [_mask(polygon, shape) for polygon, _ in seen]
    true = [filled(m.polygon, height=shape[0], width=shape[1]) for m in marks]
    sure = [m.is_sure for m in marks]
    matched, matched_sure, besides = {}, {}, {}
    right = [False] * len(predicted)
    overlaps = metrics.overlaps_of(predicted, true)
    for level in IOU_LEVELS:
        matching = metrics.matched(overlaps, least_iou=level)
        matched[level] = len(matching.pairs)
        matched_sure[level] = sum(sure[j] for _, j in matching.pairs)
        besides[level] = len(predicted) - (matched[level] - matched_sure[level])
        if level == IOU_LEVELS[0]:
            for i, _ in matching.pairs:
                right[i] = True
    return FollicleComparison(
        matched=matched,
        matched_sure=matched_sure,
        counted=len(predicted),
        counted_besides_maybe=besides,
        true=len(true),
        true_sure=sum(sure),
        scores=tuple(score for _, score in seen),
        is_right=tuple(right),
    )


def _mask(polygon: Polygon, shape: tuple[int, ...]) -> Masks:
    """Mask of an outline."""
    return filled(np.asarray(polygon, np.float32), height=shape[0], width=shape[1])
