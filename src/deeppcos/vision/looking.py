"""What the network answers about one picture, before anything is called a finding.

Looks at the whole picture and at squares of it to find where an ovary may be, then closely at each
place to outline it and to separate its follicles. Owns the looks and the joining of their maps.
Calibration and millimetres are the business of ``analyse``.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.vision.findings import Polygon
from deeppcos.vision.follicles import FollicleRule, separate_follicles
from deeppcos.vision.ovary_outline import Region, regions
from deeppcos.vision.preprocess import INPUT_SIDE_PX, View, close_view, content_view, to_tensor
from deeppcos.vision.release import Network, OperatingPoints
from deeppcos.vision.uncertainty import logit, sigmoid

Floats = npt.NDArray[np.float32]
Masks = npt.NDArray[np.bool_]

OVARY, LESION, FOLLICLE, CORE = range(4)
LEAST_OVARY_PX = 90
LEAST_LESION_PX = 120
FAINT_PEAK = 0.15
"""A map whose highest value stays under this shows nothing."""

FAINT_SHARE = 0.5
"""A faint map is cut at this share of its peak, so that a doubtful ovary is shown as doubtful."""

FINER_SHARE = 0.5
"""Width of a finer square over that of the whole; chosen with their number (decision 0019)."""

LIT_LEVEL = 0.02
LEAST_LIT_SHARE = 0.2
"""A square with less tissue than this is not asked about."""

AT_MOST_OVARIES = 2
SECOND_OVARY_SCORE = 0.6
OUTLINE_TOLERANCE_PX = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFollicle:
    """A follicle outline in frame pixels and its raw score."""

    polygon: Polygon
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOvary:
    """An ovary outline in frame pixels, its raw score and its follicles."""

    polygon: Polygon
    score: float
    follicles: tuple[SeenFollicle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLesion:
    """A lesion outline in frame pixels and its raw score."""

    polygon: Polygon
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Raw answers about one picture.

    Attributes:
        ovary_answer: Picture-level answer that an ovary is shown, 0 to 1.
        lesion_answer: Picture-level answer that another lesion is shown, 0 to 1.
        ovaries: Best first.
        lesions: Best first.
    """

    ovary_answer: float
    lesion_answer: float
    ovaries: tuple[SeenOvary, ...]
    lesions: tuple[SeenLesion, ...]


def look_at(
    grey: npt.NDArray[np.uint8],
    network: Network,
    *,
    points: OperatingPoints,
    rule: FollicleRule,
) -> Look:
    """Look at a picture, then closely at each possible ovary.

    Args:
        grey: ``(H, W) uint8`` luminance without graphics.
        network: The network of a release.
        points: The release's thresholds.
        rule: The release's follicle thresholds.

    Returns:
        Raw answers.

    Raises:
        NotAssessable: If the picture is black.
    """
    view = content_view(grey)
    whole, answers = look_over(grey, network, view, points=points)
    ovary_answer, lesion_answer = float(answers[0, 0]), float(answers[0, 1])
    candidates = candidates_in(whole[OVARY], points)
    ovaries = [
        _look_closely(grey, network, candidate, view, whole, points=points, rule=rule)
        for candidate in candidates
    ]
    lesions = tuple(
        SeenLesion(
            polygon=outline_of(region.mask, view),
            score=joint_score((region.score, lesion_answer)),
        )
        for region in regions(
            whole[LESION],
            threshold=points.lesion_map,
            least_area_px=LEAST_LESION_PX,
            at_most=2,
        )
    )
    found = [
        SeenOvary(
            polygon=polygon,
            score=joint_score((*scores, ovary_answer)),
            follicles=follicles,
        )
        for polygon, scores, follicles in ovaries
        if len(polygon) >= 3
    ]
    found.sort(key=lambda ovary: -ovary.score)
    return Look(
        ovary_answer=ovary_answer,
        lesion_answer=lesion_answer,
        ovaries=tuple(found),
        lesions=tuple(lesion for lesion in lesions if len(lesion.polygon) >= 3),
    )


def look_over(
    grey: npt.NDArray[np.uint8], network: Network, view: View, *, points: OperatingPoints
) -> tuple[Floats, Floats]:
    """Look at the whole picture and, for ovaries, at finer squares of it.

    A small ovary is a few pixels wide in the network's view of a whole picture, and twice as wide
    in a square. Lesions are read from the whole alone: squares cut them.

    Args:
        grey: ``(H, W) uint8`` luminance without graphics.
        network: The network of a release.
        view: The whole picture.
        points: The release's thresholds.

    Returns:
        Maps ``(4, S, S)`` seen through ``view``, the ovary's being the mean of the looks that
        covered each pixel, and answers ``(1, 2)``.
    """
    maps, answers = _asked(network, to_tensor(grey, view), points)
    whole = maps[0]
    total, looks = whole[OVARY].copy(), np.ones_like(whole[OVARY])
    for square in finer_views(view, points.finer_squares):
        picture = to_tensor(grey, square)
        if (picture > LIT_LEVEL).mean() < LEAST_LIT_SHARE:
            continue
        finer = _asked(network, picture, points)[0][0, OVARY]
        total += carried(finer, square, view)
        looks += carried(np.ones_like(finer), square, view)
    return np.stack([total / looks, *whole[1:]]), answers


def finer_views(view: View, a_side: int) -> list[View]:
    """Overlapping squares that cover a view.

    Args:
        view: The view.
        a_side: Squares a side; 0 for none.

    Returns:
        ``a_side`` squared views, row by row.
    """
    side = view.side * FINER_SHARE
    places = np.linspace(0.0, view.side - side, a_side)
    return [
        View(x=view.x + float(x), y=view.y + float(y), side=side) for y in places for x in places
    ]


def _asked(network: Network, picture: Floats, points: OperatingPoints) -> tuple[Floats, Floats]:
    """The network's answer, averaged with its answer to the mirror image where wanted."""
    if not points.asks_mirror_image:
        return network(picture)
    maps, answers = network(np.concatenate([picture, picture[..., ::-1]]))
    return 0.5 * (maps[:1] + maps[1:, ..., ::-1]), answers.mean(axis=0, keepdims=True)


def joint_score(scores: tuple[float, ...]) -> float:
    """Mean of the scores on the log-odds scale."""
    return sigmoid(sum(logit(score) for score in scores) / len(scores))


def candidates_in(ovary: Floats, points: OperatingPoints) -> list[Region]:
    """Where an ovary may be; a faint map still names its best place.

    Args:
        ovary: ``(S, S) float32`` map in [0, 1].
        points: The release's thresholds.

    Returns:
        At most two regions, best first.
    """
    peak = float(ovary.max())
    if peak < FAINT_PEAK:
        return []
    threshold = min(points.ovary_map, FAINT_SHARE * peak)
    found = regions(
        ovary, threshold=threshold, least_area_px=LEAST_OVARY_PX, at_most=AT_MOST_OVARIES
    )
    return [r for i, r in enumerate(found) if i == 0 or r.score > SECOND_OVARY_SCORE]


def _look_closely(
    grey: npt.NDArray[np.uint8],
    network: Network,
    candidate: Region,
    view: View,
    whole: Floats,
    *,
    points: OperatingPoints,
    rule: FollicleRule,
) -> tuple[Polygon, tuple[float, float], tuple[SeenFollicle, ...]]:
    """Outline one candidate and its follicles through close views, each nearer to the truth."""
    region, seen_through = candidate, view
    for _ in range(points.close_looks):
        near = _close_view_of(region, seen_through, margin=points.close_margin)
        maps, _ = _asked(network, to_tensor(grey, near), points)
        close = maps[0]
        joined = 0.5 * (close[OVARY] + carried(whole[OVARY], view, near))
        place = carried(candidate.mask.astype(np.float32), view, near) > 0.5
        found = _region_at(joined, place, points)
        if found is None:
            return outline_of(candidate.mask, view), (candidate.score, 0.1), ()
        region, seen_through = found, near
    instances = separate_follicles(
        follicle=close[FOLLICLE], core=close[CORE], ovary=region.mask, rule=rule
    )
    seen = (SeenFollicle(polygon=outline_of(f.mask, near), score=f.score) for f in instances)
    follicles = tuple(f for f in seen if len(f.polygon) >= 3)
    return outline_of(region.mask, near), (candidate.score, region.score), follicles


def _close_view_of(candidate: Region, view: View, *, margin: float) -> View:
    """The close view of a region found in another view."""
    x0, y0, x1, y1 = candidate.box
    return close_view(
        x0=view.x + x0 / view.scale,
        y0=view.y + y0 / view.scale,
        x1=view.x + x1 / view.scale,
        y1=view.y + y1 / view.scale,
        margin=margin,
    )


def _region_at(joined: Floats, place: Masks, points: OperatingPoints) -> Region | None:
    """The region of the joined map that overlaps the candidate most."""
    threshold = min(points.ovary_map, FAINT_SHARE * float(joined.max()))
    found = regions(joined, threshold=threshold, least_area_px=LEAST_OVARY_PX, at_most=4)
    overlapping = [r for r in found if (r.mask & place).any()]
    return max(overlapping, key=lambda r: int((r.mask & place).sum()), default=None)


def carried(values: Floats, source: View, destination: View) -> Floats:
    """A network map seen through another view of the same frame.

    Args:
        values: ``(S, S) float32`` seen through ``source``.
        source: Its view.
        destination: The wanted view.

    Returns:
        ``(S, S) float32``.
    """
    to_frame = np.vstack([cv2.invertAffineTransform(source.matrix()), [0, 0, 1]])
    matrix = (np.vstack([destination.matrix(), [0, 0, 1]]) @ to_frame)[:2]
    side = (INPUT_SIDE_PX, INPUT_SIDE_PX)
    return np.asarray(cv2.warpAffine(values, matrix, side, flags=cv2.INTER_LINEAR), np.float32)


def carried_to_frame(values: Floats, source: View, *, height: int, width: int) -> Floats:
    """A network map in frame pixels, zero where the network saw nothing.

    Args:
        values: ``(S, S) float32`` seen through ``source``.
        source: Its view.
        height: Frame height, pixels.
        width: Frame width, pixels.

    Returns:
        ``(height, width) float32``.
    """
    to_frame = cv2.invertAffineTransform(source.matrix())
    return np.asarray(cv2.warpAffine(values, to_frame, (width, height)), np.float32)


def outline_of(mask: Masks, view: View) -> Polygon:
    """The outer outline of a mask in frame pixels.

    The mask is enlarged before tracing, so that the outline runs along pixel edges rather than
    through pixel centres, which would shave half a network pixel off every side.

    Args:
        mask: ``(S, S) bool`` in network pixels.
        view: The view it was seen through.

    Returns:
        Polygon in frame pixels; empty when the mask is.
    """
    fine = 4
    large = cv2.resize(
        mask.astype(np.float32), None, fx=fine, fy=fine, interpolation=cv2.INTER_LINEAR
    )
    outlines, _ = cv2.findContours(
        (large >= 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    if not outlines:
        return ()
    largest = max(outlines, key=cv2.contourArea)
    tolerance = OUTLINE_TOLERANCE_PX * fine * min(1.0, view.scale)
    simple = cv2.approxPolyDP(largest, tolerance, closed=True)[:, 0, :].astype(np.float64)
    network_pixels = (simple + 0.5) / fine - 0.5
    frame_pixels = (network_pixels + 0.5) / view.scale + np.array([view.x, view.y]) - 0.5
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in frame_pixels)
