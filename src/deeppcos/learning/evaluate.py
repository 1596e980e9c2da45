"""What a network measures on held-out groups, beside a plain baseline and human readers.

Everything is measured on the exported file through the serving road. Owns what is compared;
how agreement is expressed is the business of ``metrics``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import NotAssessable
from deeppcos.learning import metrics
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
        results.append(_compared(sample, look))
    return results


def _compared(sample: Sample, look: Look) -> SampleResult:
    """A look beside the truth."""
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
    )


def at_least_score(sample: Sample, result: SampleResult, least_score: float) -> SampleResult:
    """The result as it had been with a higher least follicle score, without looking again.

    Args:
        sample: The sample.
        result: Its result at a lower least score.
        least_score: The wanted least score.

    Returns:
        The stricter result.
    """
    ovaries = tuple(
        replace(ovary, follicles=tuple(f for f in ovary.follicles if f.score >= least_score))
        for ovary in result.look.ovaries
    )
    return _compared(sample, replace(result.look, ovaries=ovaries))


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
    for level in IOU_LEVELS:
        matching = metrics.match_instances(predicted, true, least_iou=level)
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


def headline(results: Sequence[SampleResult]) -> dict[str, metrics.Measured]:
    """The figures of the model card, each with its interval by patient group.

    Args:
        results: Held-out results.

    Returns:
        Figure name to figure.
    """
    figures: dict[str, metrics.Measured] = {}
    for source in ("mmotu", "closeups"):
        marked = [r for r in results if r.follicles is not None and r.source == source]
        figures |= {f"{source} {k}": v for k, v in follicle_figures(marked).items()}
        outlined = [r for r in results if r.source == source and r.ovary_dice is not None]
        figures |= {f"{source} ovary {k}": v for k, v in _dice_figures(outlined, "ovary").items()}
    lesions = [r for r in results if r.lesion_dice is not None]
    figures |= {f"lesion {k}": v for k, v in _dice_figures(lesions, "lesion").items()}
    judged = [r for r in results if r.source == "mmotu"]
    figures["lesion against ovary AUROC"] = metrics.by_group(
        lambda items: _lesion_auroc([judged[i] for i in items]), [r.group for r in judged]
    )
    return figures


def follicle_figures(marked: Sequence[SampleResult]) -> dict[str, metrics.Measured]:
    """F1, concordance and count error of one source."""
    groups = [r.group for r in marked]
    rows = [r.follicles for r in marked if r.follicles is not None]
    figures = {}
    for level in IOU_LEVELS:
        name = f"follicle F1 at IoU {level}"
        figures[name] = metrics.by_group(partial(_f1, rows, level), groups)
        figures[f"{name}, maybe set aside"] = metrics.by_group(
            partial(_f1_of_sure, rows, level), groups
        )
    figures["count concordance"] = metrics.by_group(
        lambda items: metrics.concordance(
            [rows[i].counted for i in items], [rows[i].true for i in items]
        ),
        groups,
    )
    figures["count mean absolute error"] = metrics.by_group(
        lambda items: float(np.mean([abs(rows[i].counted - rows[i].true) for i in items])),
        groups,
    )
    return figures


def _f1(rows: Sequence[FollicleComparison], level: float, items: Sequence[int]) -> float:
    """F1 over all marks."""
    return metrics.f1(
        matched=sum(rows[i].matched[level] for i in items),
        predicted=sum(rows[i].counted for i in items),
        true=sum(rows[i].true for i in items),
    )


def _f1_of_sure(rows: Sequence[FollicleComparison], level: float, items: Sequence[int]) -> float:
    """F1 over sure marks; a "maybe" counts neither for nor against."""
    return metrics.f1(
        matched=sum(rows[i].matched_sure[level] for i in items),
        predicted=sum(rows[i].counted_besides_maybe[level] for i in items),
        true=sum(rows[i].true_sure for i in items),
    )


def _dice_figures(rows: Sequence[SampleResult], which: str) -> dict[str, metrics.Measured]:
    """Mean and median Dice."""
    values = [float(getattr(r, f"{which}_dice")) for r in rows]
    groups = [r.group for r in rows]
    return {
        "Dice mean": metrics.by_group(
            lambda items: float(np.mean([values[i] for i in items])), groups
        ),
        "Dice median": metrics.by_group(
            lambda items: float(np.median([values[i] for i in items])), groups
        ),
    }


def _lesion_auroc(rows: Sequence[SampleResult]) -> float | None:
    """Telling a lesion picture from a normal ovary picture by the two answers."""
    lesion = [r.look.lesion_answer - r.look.ovary_answer for r in rows if r.kind == "lesion"]
    ovary = [r.look.lesion_answer - r.look.ovary_answer for r in rows if r.kind == "ovary"]
    return metrics.auroc(lesion, ovary) if lesion and ovary else None


def reader_agreement(samples: Sequence[Sample]) -> dict[str, metrics.Measured]:
    """What two readers reach against each other, on pictures read twice.

    Args:
        samples: Samples, of which those with two readings count.

    Returns:
        The figures of ``follicle_figures``, second reader against first.
    """
    twice = [s for s in samples if len(s.readings) >= 2 and s.source != "synthetic"]
    results = []
    for sample in twice:
        first, second = list(sample.readings.values())[:2]
        as_seen = [(tuple(map(tuple, m.polygon.tolist())), 1.0) for m in second]
        results.append(
            SampleResult(
                name=sample.name,
                group=sample.group,
                source=sample.source,
                kind=sample.kind,
                subgroup=sample.subgroup,
                look=NOTHING,
                ovary_dice=None,
                lesion_dice=None,
                ovary_overlaps=None,
                follicles=compare_follicles(as_seen, first, shape=sample.grey.shape),
            )
        )
    return follicle_figures(results) if results else {}


def drawn_noise(count: int, *, seed: int) -> list[npt.NDArray[np.uint8]]:
    """Pictures of nothing, other than those training draws: static, stripes, blobs, pages.

    Args:
        count: How many.
        seed: Seed.

    Returns:
        ``(480, 640) uint8`` pictures.
    """
    rng = np.random.default_rng(seed)
    return [_DRAWINGS[i % len(_DRAWINGS)](rng) for i in range(count)]


def _static(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    return np.asarray(rng.integers(0, 256, (480, 640)), np.uint8)


def _stripes(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    phase = np.add.outer(np.arange(480) * rng.uniform(0, 0.4), np.arange(640) * rng.uniform(0, 0.4))
    return np.asarray(127 + 120 * np.sin(phase), np.uint8)


def _blobs(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    field = rng.normal(0, 1, (480, 640)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(field, (0, 0), float(rng.uniform(4, 30))))
    return np.asarray(255 * (smooth - smooth.min()) / (np.ptp(smooth) + 1e-6), np.uint8)


def _page(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    page = np.full((480, 640), 245, np.uint8)
    for line in range(30, 470, 22):
        text = "".join(rng.choice(list("abcdefghijklmnop rstu "), 52))
        cv2.putText(page, text, (20, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 20, 1)
    return page


_DRAWINGS = (_static, _stripes, _blobs, _page)
