"""One close look a frame, where the frames before and after say that the ovary lies.

A still is looked at twice, and twice again in the mirror. In a sweep the ovary hardly moves
from frame to frame: whole looks at every few frames tell where it is, and every frame is looked
at closely once. Owns these looks; their order and threads are the business of
``sweep_analysis``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.errors import NotAssessable
from deeppcos.vision.findings import Polygon
from deeppcos.vision.follicles import separate_follicles
from deeppcos.vision.looking import (
    CORE,
    FAINT_SHARE,
    FOLLICLE,
    LEAST_LESION_PX,
    LEAST_OVARY_PX,
    LESION,
    OVARY,
    Look,
    SeenFollicle,
    SeenLesion,
    SeenOvary,
    candidates_in,
    joint_score,
    outline_of,
)
from deeppcos.vision.ovary_outline import Region, regions
from deeppcos.vision.preprocess import View, close_view, content_view, to_tensor
from deeppcos.vision.release import Release

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Masks = npt.NDArray[np.bool_]

ROOM_ROUND_A_MASK = 2
"""Pixels kept around a mask when it is traced alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """Where an ovary may be, as a whole look saw it.

    Attributes:
        x0: Left of its box, frame pixels.
        y0: Top.
        x1: Right.
        y1: Bottom.
        score: Raw score of the place, 0 to 1.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    score: float

    def meets(self, other: "Guide") -> bool:
        """Whether two boxes share anything."""
        return max(self.x0, other.x0) < min(self.x1, other.x1) and max(self.y0, other.y0) < min(
            self.y1, other.y1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeLook:
    """What one look at a whole frame answered.

    Attributes:
        ovary_answer: Picture-level answer that an ovary is shown, 0 to 1.
        lesion_answer: Picture-level answer that another lesion is shown, 0 to 1.
        guides: Places, best first.
        lesions: Other lesions, best first.
    """

    ovary_answer: float
    lesion_answer: float
    guides: tuple[Guide, ...]
    lesions: tuple[SeenLesion, ...]


NOTHING = WholeLook(ovary_answer=0.0, lesion_answer=0.0, guides=(), lesions=())


def look_at_whole(grey: Grey, release: Release) -> WholeLook:
    """Look once at a whole frame.

    Args:
        grey: ``(H, W) uint8`` tissue without graphics.
        release: The release to look with.

    Returns:
        Where ovaries and lesions may be; nothing in a black frame.
    """
    points = release.manifest.operating_points
    try:
        view = content_view(grey)
    except NotAssessable:
        return NOTHING
    maps, answers = release.network(to_tensor(grey, view))
    lesion_answer = float(answers[0, 1])
    lesions = (
        SeenLesion(
            polygon=_outline(region.mask, view), score=joint_score((region.score, lesion_answer))
        )
        for region in regions(
            maps[0, LESION],
            threshold=points.lesion_map,
            least_area_px=LEAST_LESION_PX,
            at_most=2,
        )
    )
    return WholeLook(
        ovary_answer=float(answers[0, 0]),
        lesion_answer=lesion_answer,
        guides=tuple(_guide(region, view) for region in candidates_in(maps[0, OVARY], points)),
        lesions=tuple(lesion for lesion in lesions if len(lesion.polygon) >= 3),
    )


def _guide(region: Region, view: View) -> Guide:
    """The place of a region in frame pixels."""
    x0, y0, x1, y1 = region.box
    return Guide(
        x0=view.x + x0 / view.scale,
        y0=view.y + y0 / view.scale,
        x1=view.x + x1 / view.scale,
        y1=view.y + y1 / view.scale,
        score=region.score,
    )


def between(before: WholeLook, after: WholeLook, *, share: float) -> tuple[Guide, WholeLook] | None:
    """Where to look closely in a frame between two whole looks.

    The ovary is taken to move evenly. Where only one of the two looks saw it, it entered or left
    in between, and that place is tried.

    Args:
        before: The whole look before the frame.
        after: The whole look after it, or at it.
        share: Place of the frame between the two, 0 to 1.

    Returns:
        The place and the whole look nearer to the frame; None where neither saw an ovary.
    """
    nearer = after if share >= 0.5 else before
    if not before.guides and not after.guides:
        return None
    if not before.guides or not after.guides:
        seen = before if before.guides else after
        return seen.guides[0], seen
    first, second = before.guides[0], after.guides[0]
    if not first.meets(second):
        return nearer.guides[0], nearer
    x0, y0, x1, y1, score = (
        (1 - share) * one + share * other
        for one, other in (
            (first.x0, second.x0),
            (first.y0, second.y0),
            (first.x1, second.x1),
            (first.y1, second.y1),
            (first.score, second.score),
        )
    )
    return Guide(x0=x0, y0=y0, x1=x1, y1=y1, score=score), nearer


def look_closely(grey: Grey, guide: Guide, whole: WholeLook, release: Release) -> Look:
    """Look once, closely, where an ovary may be.

    Args:
        grey: ``(H, W) uint8`` tissue without graphics.
        guide: The place.
        whole: The whole look nearest to the frame: its picture-level answers and lesions hold
            for this frame as well.
        release: The release to look with.

    Returns:
        Raw answers, as two looks at a still give them.
    """
    points = release.manifest.operating_points
    view = close_view(
        x0=guide.x0, y0=guide.y0, x1=guide.x1, y1=guide.y1, margin=points.close_margin
    )
    maps, _ = release.network(to_tensor(grey, view))
    seen = _ovary(maps[0], guide, view, whole, release)
    return Look(
        ovary_answer=whole.ovary_answer,
        lesion_answer=whole.lesion_answer,
        ovaries=(seen,) if seen else (),
        lesions=whole.lesions,
    )


def _ovary(
    maps: Floats, guide: Guide, view: View, whole: WholeLook, release: Release
) -> SeenOvary | None:
    """The ovary nearest to the guide, with its follicles."""
    region = _region_at(maps[OVARY], guide, view, release)
    if region is None:
        return None
    instances = separate_follicles(
        follicle=maps[FOLLICLE],
        core=maps[CORE],
        ovary=region.mask,
        rule=release.follicle_rule,
    )
    follicles = (SeenFollicle(polygon=_outline(f.mask, view), score=f.score) for f in instances)
    outline = _outline(region.mask, view)
    if len(outline) < 3:
        return None
    return SeenOvary(
        polygon=outline,
        score=joint_score((guide.score, region.score, whole.ovary_answer)),
        follicles=tuple(f for f in follicles if len(f.polygon) >= 3),
    )


def _region_at(ovary: Floats, guide: Guide, view: View, release: Release) -> Region | None:
    """The region of the close map that fills most of the guide's box."""
    points = release.manifest.operating_points
    threshold = min(points.ovary_map, FAINT_SHARE * float(ovary.max()))
    found = regions(ovary, threshold=threshold, least_area_px=LEAST_OVARY_PX, at_most=4)
    columns = slice(*(max(0, round((x - view.x) * view.scale)) for x in (guide.x0, guide.x1)))
    rows = slice(*(max(0, round((y - view.y) * view.scale)) for y in (guide.y0, guide.y1)))
    shared = [int(region.mask[rows, columns].sum()) for region in found]
    if not shared or max(shared) == 0:
        return None
    return found[int(np.argmax(shared))]


def _outline(mask: Masks, view: View) -> Polygon:
    """The outline of a mask, traced in the part of the picture that holds it: much faster."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return ()
    top, left = max(0, rows[0] - ROOM_ROUND_A_MASK), max(0, columns[0] - ROOM_ROUND_A_MASK)
    part = mask[top : rows[-1] + 1 + ROOM_ROUND_A_MASK, left : columns[-1] + 1 + ROOM_ROUND_A_MASK]
    moved = View(x=view.x + left / view.scale, y=view.y + top / view.scale, side=view.side)
    return outline_of(part, moved)
