"""Whether two pictures are made from one: keypoints, geometry, and the pictures laid on top.

Owns the decision about one pair. Many ultrasound pictures look alike, and neighbouring frames of
one patient look very much alike; a copy is told from those by three things together: enough
keypoints move by one affine map, they are spread over the picture, and the pictures agree in
their fine grain once one is laid over the other.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.audit.local_features import LocalFeatures, inner, mirrored, unit_vectors

Floats = npt.NDArray[np.float32]

RATIO = 0.9
"""Distance to the best match over distance to the second best: above, a match is ambiguous."""

LEAST_INLIERS = 7
LEAST_SPREAD = 0.02
"""Area of the hull of the agreeing keypoints, as a share of the smaller picture."""

LEAST_OVERLAP = 0.12
"""Share of the smaller picture that the other covers."""

COPY_CORRELATION = 0.55
"""Agreement of the fine grain of two copies, however few keypoints they share."""

VIEW_CORRELATION = 0.35
VIEW_INLIERS = 15
VIEW_SPREAD = 0.05
"""Two frames of one view, frozen a moment apart or with Doppler on one: the grain agrees less,
so more keypoints have to."""

REPROJECTION_PX = 3.0
MOST_ANISOTROPY = 2.0
SCALE_RANGE = (0.2, 5.0)
GRAIN_PX = 17
"""Structures larger than this, in the working copy, do not count as fine grain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How two pictures agree under the best map from one to the other.

    Attributes:
        inliers: Keypoints that move by the map.
        spread: Area of their hull over the area of the smaller picture.
        overlap: Share of the smaller picture covered by both.
        correlation: Correlation of the fine grain where they overlap, -1 to 1.
        is_mirrored: Whether one had to be mirrored.
        affine: ``(2, 3)`` map from the first working copy to the second, for this orientation.
    """

    inliers: int
    spread: float
    overlap: float
    correlation: float
    is_mirrored: bool
    affine: npt.NDArray[np.float64]

    @property
    def scale(self) -> float:
        """How much larger the second shows the scene, in working copies."""
        return float(np.sqrt(abs(np.linalg.det(self.affine[:, :2]))))

    @property
    def rotation_degrees(self) -> float:
        """How far the second is turned against the first, -180 to 180."""
        linear = self.affine
        return float(
            np.degrees(np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]))
        )

    @property
    def is_copy(self) -> bool:
        """Whether both show one view: made from one picture, or frozen a moment apart."""
        if self.inliers < LEAST_INLIERS or self.overlap < LEAST_OVERLAP:
            return False
        if self.correlation >= COPY_CORRELATION:
            return self.spread >= LEAST_SPREAD
        return (
            self.correlation >= VIEW_CORRELATION
            and self.inliers >= VIEW_INLIERS
            and self.spread >= VIEW_SPREAD
        )


def compare(first: LocalFeatures, second: LocalFeatures, *, is_mirrored: bool) -> Agreement | None:
    """Lay one picture over another.

    Args:
        first: Features of one picture.
        second: Features of the other.
        is_mirrored: Whether to take the mirror image of the first.

    Returns:
        How they agree, or None when no plausible map was found.
    """
    source, working = first.points, first.working
    descriptors = first.descriptors
    if is_mirrored:
        descriptors = mirrored(descriptors)
        source = np.column_stack((working.shape[1] - 1 - source[:, 0], source[:, 1]))
        working = np.ascontiguousarray(working[:, ::-1])
    left, right = _matches(unit_vectors(descriptors), unit_vectors(second.descriptors))
    if len(left) < LEAST_INLIERS:
        return None
    source, target = source[left].astype(np.float32), second.points[right]
    # The stubs promise a map; where none was found there is none.
    estimate: npt.NDArray[np.float64] | None
    estimate, flags = cv2.estimateAffine2D(  # type: ignore[assignment]
        source, target, method=cv2.RANSAC, ransacReprojThreshold=REPROJECTION_PX, maxIters=1000
    )
    if estimate is None:
        return None
    affine = np.asarray(estimate, np.float64)
    if not _is_plausible(affine):
        return None
    agreeing = flags.ravel().astype(bool)
    smaller = min(working.size, second.working.size)
    if int(agreeing.sum()) < LEAST_INLIERS:
        return None
    spread = cv2.contourArea(cv2.convexHull(target[agreeing])) / smaller
    overlap, correlation = _laid_over(working, second.working, affine)
    return Agreement(
        inliers=int(agreeing.sum()),
        spread=float(spread),
        overlap=overlap,
        correlation=correlation,
        is_mirrored=is_mirrored,
        affine=affine,
    )


def _matches(first: Floats, second: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Keypoints that are each other's best match, and clearly so."""
    if len(first) < 2 or len(second) < 2:
        empty = np.zeros(0, np.intp)
        return empty, empty
    alike = inner(first, second)
    best = alike.argmax(axis=1)
    rows = np.arange(len(first))
    top = alike[rows, best]
    back = alike.argmax(axis=0)
    alike[rows, best] = -1
    runner_up = alike.max(axis=1)
    # Between unit vectors the squared distance is 2 - 2 x inner product.
    clear = (1 - top) < RATIO**2 * (1 - runner_up)
    keep = (back[best] == rows) & clear
    return rows[keep], best[keep]


def _is_plausible(affine: npt.NDArray[np.float64]) -> bool:
    """A map somebody could have made: no mirror, no extreme zoom, no extreme shear."""
    linear = affine[:, :2]
    largest, smallest = np.linalg.svd(linear, compute_uv=False)
    return bool(
        np.linalg.det(linear) > 0
        and SCALE_RANGE[0] <= smallest
        and largest <= SCALE_RANGE[1]
        and largest <= MOST_ANISOTROPY * smallest
    )


def _laid_over(
    first: npt.NDArray[np.uint8],
    second: npt.NDArray[np.uint8],
    affine: npt.NDArray[np.float64],
) -> tuple[float, float]:
    """Share of the smaller picture covered, and correlation of the fine grain there.

    Both are compared in the frame of the picture that shows the scene smaller, so that detail
    is averaged and never invented.
    """
    if np.linalg.det(affine[:, :2]) > 1:
        first, second = second, first
        affine = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    height, width = second.shape
    # Shrinking by warping alone would alias: blur by the factor first.
    shrink = 1 / float(np.sqrt(np.linalg.det(affine[:, :2])))
    if shrink > 1.2:
        first = np.asarray(cv2.GaussianBlur(first, (0, 0), 0.4 * shrink), np.uint8)
    warped = cv2.warpAffine(first, affine, (width, height), flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.full(first.shape, 255, np.uint8), affine, (width, height))
    mask = cv2.erode((inside > 250).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # Flat black surroundings agree in everything and say nothing.
    grain_a, textured_a = _grain(np.asarray(warped, np.uint8))
    grain_b, textured_b = _grain(second)
    covered = float(mask.mean()) * max(1.0, second.size / first.size * shrink**-2)
    mask &= textured_a | textured_b
    if int(mask.sum()) < 200:
        return covered, 0.0
    return min(covered, 1.0), float(_correlation(grain_a[mask], grain_b[mask]))


def _grain(grey: npt.NDArray[np.uint8]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Local structure free of brightness and contrast, and where there is any."""
    values = cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.float32)
    centred = values - cv2.blur(values, (GRAIN_PX, GRAIN_PX))
    power = cv2.blur(centred * centred, (GRAIN_PX, GRAIN_PX))
    # Running sums leave rounding below zero where a picture is flat.
    deviation = np.sqrt(np.maximum(power, 0))
    return np.asarray(centred / (deviation + 2.0), np.float32), np.asarray(deviation > 2.0, bool)


def _correlation(first: Floats, second: Floats) -> float:
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0
