"""Follicles as separate instances, from the network's follicle and core maps.

The core map has one hill a follicle, so touching follicles are flooded from separate tops
(marker-controlled watershed). Owns instance separation and scoring; diameters are the business
of ``geometry``, probabilities of ``uncertainty``.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

RIM_STEP = 127
"""Highest relief inside a follicle, of 255, so that the step to the outside is higher still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollicleRule:
    """Thresholds chosen on training groups and carried by the release.

    Attributes:
        interior: Follicle map value that counts as inside.
        top: Core map value of a hill top.
        least_area_px: Smallest instance in network pixels.
        least_score: Smallest mean follicle value of an instance that is kept.
        least_overlap: Smallest share of the instance that lies in the ovary.
    """

    interior: float = 0.45
    top: float = 0.5
    least_area_px: int = 14
    least_score: float = 0.5
    least_overlap: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class FollicleInstance:
    """One follicle in network pixels.

    Attributes:
        mask: ``(S, S) bool``.
        score: Mean follicle value inside, 0 to 1; not yet a probability.
    """

    mask: npt.NDArray[np.bool_]
    score: float


def separate_follicles(
    *, follicle: Floats, core: Floats, ovary: npt.NDArray[np.bool_], rule: FollicleRule
) -> list[FollicleInstance]:
    """Cut the follicle map into instances.

    Args:
        follicle: ``(S, S) float32`` in [0, 1], probability of follicle interior.
        core: ``(S, S) float32`` in [0, 1], one hill a follicle.
        ovary: ``(S, S) bool`` where follicles may lie.
        rule: Thresholds.

    Returns:
        Instances, best score first.
    """
    inside = follicle > rule.interior
    labels = flooded(inside, core, top=rule.top)
    found = []
    for number in range(1, int(labels.max()) + 1):
        mask = labels == number
        area = int(mask.sum())
        if area < rule.least_area_px or ovary[mask].mean() < rule.least_overlap:
            continue
        score = float(follicle[mask].mean())
        if score >= rule.least_score:
            found.append(FollicleInstance(mask=mask, score=score))
    return sorted(found, key=lambda instance: -instance.score)


def flooded(inside: npt.NDArray[np.bool_], core: Floats, *, top: float) -> npt.NDArray[np.int32]:
    """Label the interior by the hill top each pixel drains to.

    A blob without any top keeps one label: it is one follicle whose hill is low.

    Args:
        inside: ``(S, S) bool`` interior.
        core: ``(S, S) float32`` hills.
        top: Height at which hills are separate.

    Returns:
        ``(S, S) int32``, 0 outside.
    """
    smooth = np.asarray(cv2.GaussianBlur(core, (0, 0), 0.8), np.float32)
    tops = ((smooth > top) & inside).astype(np.uint8)
    seeds = np.asarray(cv2.connectedComponents(tops, connectivity=4)[1], np.int32)
    blob_count, blobs = cv2.connectedComponents(inside.astype(np.uint8), connectivity=4)
    following = int(seeds.max())
    for blob in range(1, blob_count):
        here = blobs == blob
        if not seeds[here].any():
            following += 1
            seeds[here] = following
    if following == 0:
        return seeds
    markers = seeds.copy()
    markers[~inside] = following + 1
    # OpenCV floods the smallest step first, whatever the height. The step over the rim must be
    # the largest of all, or the outside floods in and takes half of every follicle.
    slope = np.clip((1.0 - smooth) * RIM_STEP, 0, RIM_STEP)
    relief = np.where(inside, slope, 255).astype(np.uint8)
    cv2.watershed(cv2.cvtColor(relief, cv2.COLOR_GRAY2BGR), markers)
    # The watershed also blanks the border of the picture, tops and all.
    markers = np.where(seeds > 0, seeds, markers)
    return _without_ridges(markers, inside, outside_label=following + 1)


def _without_ridges(
    markers: npt.NDArray[np.int32], inside: npt.NDArray[np.bool_], *, outside_label: int
) -> npt.NDArray[np.int32]:
    """Give ridges, and tails the watershed left outside, to a neighbouring follicle."""
    labels = np.where((markers > 0) & (markers != outside_label), markers, 0).astype(np.float32)
    orphans = inside & (labels == 0)
    while orphans.any():
        wider = cv2.dilate(labels, np.ones((3, 3), np.uint8))
        adopted = orphans & (wider > 0)
        if not adopted.any():
            break
        labels[adopted] = wider[adopted]
        orphans &= ~adopted
    return np.asarray(np.where(inside, labels, 0), np.int32)
