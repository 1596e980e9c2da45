"""Bodies that look like a corpus luteum: worth a look, never a finding by themselves.

Owns the rule on measured appearance: an outline the network took for a follicle, of 6 mm and over,
with echoes inside and little enhancement behind it. The rule was fitted and measured on phantoms
(docs/evidence/corpus-luteum.md): it finds two of five of them and points at one in seven ovaries
without one, so its silence says nothing and its word little. Colour Doppler is not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.vision.findings import Ovary, Polygon
from deeppcos.vision.geometry import moved, points_of, polygon_mask
from deeppcos.vision.uncertainty import logit

Grey = npt.NDArray[np.uint8]
Masks = npt.NDArray[np.bool_]

LEAST_MM = 6.0
"""Smaller ones cannot be told from follicles that the slice only grazes."""

WEIGHTS = (1.08, 0.58, -2.39)
OFFSET = 1.19
LEAST_SIGN = 0.0
FITTED_WITH = "seeing-2.2"
"""Logistic fit on 330 phantom ovaries: echoes inside, log-odds of being a follicle, enhancement
behind; the offset flags at most a tenth of those that held no such body and no dominant follicle.
It stands on the probabilities of one release and is fitted anew with each.
"""

CORE_SHARE = 0.35
"""Share of the radius that the edge may blur; what lies deeper is the inside."""

GREY_FLOOR = 3.0
LEAST_STROMA_PX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """What is measured of one outlined body.

    Attributes:
        echo: Logarithm of the grey inside over that of the ovary's own tissue.
        enhancement: Grey behind the body over that of the ovary's own tissue.
    """

    echo: float
    enhancement: float


def luteal_like(grey: Grey, ovary: Ovary) -> tuple[int, ...]:
    """Follicle outlines that look like a corpus luteum.

    Args:
        grey: ``(H, W) uint8`` tissue without graphics.
        ovary: The ovary with its follicles; those without millimetres are never named.

    Returns:
        Places in ``ovary.follicles``; empty also where nothing can be said.
    """
    large = [
        number
        for number, follicle in enumerate(ovary.follicles)
        if (follicle.mean_diameter_mm or 0.0) >= LEAST_MM
    ]
    looks = appearances(grey, ovary, large)
    return tuple(
        number
        for number, look in zip(large, looks, strict=True)
        if look is not None and sign_of(look, ovary.follicles[number].probability) >= LEAST_SIGN
    )


def sign_of(look: Appearance, probability: float) -> float:
    """How much a body looks like a corpus luteum; 0 and over is worth a look.

    Args:
        look: What was measured of it.
        probability: That the outline is a follicle at all: false outlines hold echoes too.

    Examples:
        >>> hazy = Appearance(echo=-0.6, enhancement=0.9)
        >>> sign_of(hazy, 0.95) > 0 > sign_of(Appearance(echo=-3.0, enhancement=1.6), 0.95)
        True
    """
    echo, sure, behind = WEIGHTS
    return echo * look.echo + sure * logit(probability) + behind * look.enhancement + OFFSET


def appearances(grey: Grey, ovary: Ovary, numbers: Sequence[int]) -> tuple[Appearance | None, ...]:
    """Measure some of an ovary's bodies.

    Args:
        grey: ``(H, W) uint8`` tissue without graphics.
        ovary: The ovary.
        numbers: Places in its follicles.

    Returns:
        What was measured of each; None where there is nothing to compare with.
    """
    if not numbers:
        return ()
    near, polygons, outline = _around(grey, ovary)
    height, width = near.shape
    masks = [polygon_mask(polygon, width=width, height=height) for polygon in polygons]
    inside = polygon_mask(outline, width=width, height=height)
    stroma = near[inside & ~_grown(masks, margin_px=max(2, int(0.03 * np.sqrt(inside.sum()))))]
    if stroma.size < LEAST_STROMA_PX:
        return tuple(None for _ in numbers)
    level = float(np.median(stroma))
    return tuple(_appearance(near, masks[number], level) for number in numbers)


def _around(grey: Grey, ovary: Ovary) -> tuple[Grey, list[Polygon], Polygon]:
    """The picture around an ovary, as far as enhancement behind it is looked for."""
    points = points_of(ovary.polygon)
    x0, y0 = (max(0, int(v) - 4) for v in points.min(axis=0))
    x1, y1 = (int(v) + 4 for v in points.max(axis=0))
    near = grey[y0 : y1 + (y1 - y0), x0:x1]
    polygons = [moved(f.polygon, x_px=-x0, y_px=-y0) for f in ovary.follicles]
    return near, polygons, moved(ovary.polygon, x_px=-x0, y_px=-y0)


def _grown(masks: Sequence[Masks], *, margin_px: int) -> Masks:
    """Every body with a margin, so that walls do not count as the ovary's own tissue."""
    every = np.any(masks, axis=0).astype(np.uint8)
    side = 2 * margin_px + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(every, kernel) > 0, np.bool_)


def _appearance(near: Grey, mask: Masks, stroma: float) -> Appearance | None:
    """Grey inside the body and behind it, against the stroma."""
    radius = float(np.sqrt(mask.sum() / np.pi))
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    core = near[depth > CORE_SHARE * radius]
    rows, columns = np.nonzero(mask)
    if not core.size:
        return None
    bottom, middle = int(rows.max()) + 2, float(columns.mean())
    left, right = max(0, int(middle - 0.5 * radius)), int(middle + 0.5 * radius) + 1
    behind = near[bottom : bottom + max(1, int(1.5 * radius)), left:right]
    return Appearance(
        echo=float(np.log((core.mean() + GREY_FLOOR) / (stroma + GREY_FLOOR))),
        enhancement=float((behind.mean() if behind.size else stroma) / max(stroma, 1.0)),
    )
