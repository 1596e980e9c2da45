"""Outlines of two readers of one picture, paired and compared.

Owns what counts as the same follicle: an overlap (IoU) of 0.3, as for the machine.
"""

from collections.abc import Sequence

import numpy as np

from deeppcos.learning.metrics import Matching, matched
from deeppcos.learning.sources.reviewed_document import Outline
from deeppcos.vision.findings import Polygon
from deeppcos.vision.geometry import overlap_px, polygon_iou

LEAST_IOU = 0.3


def polygon(outline: Outline) -> Polygon:
    """Corners of an outline, pixels."""
    return tuple((float(x), float(y)) for x, y in outline.polygon)


def paired(one: Sequence[Outline], other: Sequence[Outline]) -> Matching:
    """The follicles two readers share, one to one, largest overlap first.

    Args:
        one: Outlines of the first reader.
        other: Outlines of the second.

    Returns:
        The pairs, with how many each marked.
    """
    overlaps = np.array(
        [[polygon_iou(polygon(a), polygon(b)) for b in other] for a in one], float
    ).reshape(len(one), len(other))
    return matched(overlaps, least_iou=LEAST_IOU)


def outline_dice(one: Outline, other: Outline) -> float:
    """Twice the shared area over the sum of both.

    Examples:
        >>> left = Outline(polygon=[(0, 0), (10, 0), (10, 10), (0, 10)], certainty="sure")
        >>> right = Outline(polygon=[(5, 0), (15, 0), (15, 10), (5, 10)], certainty="sure")
        >>> round(outline_dice(left, right), 2)
        0.5
    """
    shared, first, second = overlap_px(polygon(one), polygon(other))
    return 2 * shared / (first + second) if first + second > 0 else 1.0
