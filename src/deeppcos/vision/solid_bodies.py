"""Ovary and follicles as solid bodies, cut out of the network's answers about every voxel.

Owns the separation of touching follicles in three dimensions and the measuring of solids. When a
count may be given is the business of ``tracking_limits``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from deeppcos.vision.solid_maps import SolidMaps

sitk: Any = SimpleITK  # its functions carry no types

Masks = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

SMOOTHING_MM = 0.5
OPENING_MM = 1.0
LEAST_OVARY_ML = 0.4
SEPTUM = 0.75
"""Two hills are one follicle where the pass between them is higher than this share of the lower
hill."""

LEAST_DIAMETER_MM = 1.5
"""Diameter of a ball of equal volume under which a solid is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """One body.

    Attributes:
        label: Its value in the label volume.
        diameters_mm: Of the ellipsoid of equal moments, longest first, mm.
        volume_ml: By counting voxels, mL.
        score: Mean answer inside, 0 to 1.
    """

    label: int
    diameters_mm: tuple[float, float, float]
    volume_ml: float
    score: float

    @property
    def mean_diameter_mm(self) -> float:
        """Mean of the three orthogonal diameters, mm."""
        return sum(self.diameters_mm) / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SolidOvary:
    """An ovary with its follicles.

    Attributes:
        mask: ``(D, H, W) bool`` on the even grid, follicles included.
        labels: ``(D, H, W) int32``: 0, or a follicle's label.
        ovary: The ovary as a body.
        follicles: Every follicle, largest first.
    """

    mask: Masks
    labels: Labels
    ovary: Solid
    follicles: tuple[Solid, ...]


def solid_ovary(
    maps: SolidMaps, *, mm: float, ovary_level: float, interior: float, least_score: float
) -> SolidOvary | None:
    """Cut the ovary and its follicles out of the answers.

    Args:
        maps: Answers on the even grid.
        mm: Edge of a voxel, mm.
        ovary_level: Ovary value that counts as inside.
        interior: Follicle value that counts as inside.
        least_score: Smallest mean follicle value of a follicle that is kept.

    Returns:
        The largest ovary; None where there is none.
    """
    mask = _ovary_mask(maps.ovary, mm, ovary_level)
    if mask is None:
        return None
    follicle = _smooth(maps.follicle, mm)
    inside = (follicle > interior) & mask
    labels = separate_solids(inside, _smooth(maps.core, mm), mm=mm)
    follicles = sorted(
        (
            solid
            for solid in solids_of(labels, follicle, mm=mm)
            if solid.score >= least_score
            and _ball_diameter_mm(solid.volume_ml) >= LEAST_DIAMETER_MM
        ),
        key=lambda solid: -solid.volume_ml,
    )
    kept = np.isin(labels, [solid.label for solid in follicles])
    [ovary] = solids_of(mask.astype(np.int32), maps.ovary, mm=mm)
    return SolidOvary(
        mask=mask,
        labels=np.where(kept, labels, 0).astype(np.int32),
        ovary=ovary,
        follicles=tuple(follicles),
    )


def _smooth(values: Floats, mm: float) -> Floats:
    """Values smoothed a little: single sections waver."""
    image = sitk.GetImageFromArray(values)
    return np.asarray(
        sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(image, SMOOTHING_MM / mm)),
        np.float32,
    )


def _ovary_mask(ovary: Floats, mm: float, level: float) -> Masks | None:
    """The largest smooth solid, follicles filled in."""
    inside = sitk.GetImageFromArray((_smooth(ovary, mm) > level).astype(np.uint8))
    radius = [max(1, round(OPENING_MM / mm))] * 3
    inside = sitk.BinaryMorphologicalOpening(inside, radius)
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(inside))
    largest = sitk.BinaryFillhole(parts == 1)
    mask = np.asarray(sitk.GetArrayFromImage(largest), bool)
    return mask if mask.sum() * mm**3 / 1000 >= LEAST_OVARY_ML else None


def separate_solids(inside: Masks, core: Floats, *, mm: float) -> Labels:
    """Label each voxel inside by the hill it drains to.

    The height is the depth inside the fluid, which knows of necks, times the network's own hill,
    which knows of septa. Hills are then joined across passes that are hardly lower than they.

    Args:
        inside: ``(D, H, W) bool``.
        core: ``(D, H, W) float32`` in [0, 1], one hill a follicle.
        mm: Edge of a voxel, mm.

    Returns:
        ``(D, H, W) int32``, 0 outside.
    """
    if not inside.any():
        return np.zeros(inside.shape, np.int32)
    depth = sitk.SignedMaurerDistanceMap(
        sitk.GetImageFromArray(inside.astype(np.uint8)),
        insideIsPositive=True,
        squaredDistance=False,
        useImageSpacing=False,
    )
    depth_mm = np.maximum(sitk.GetArrayFromImage(depth), 0).astype(np.float32) * mm
    height = _smooth(depth_mm * (0.3 + 0.7 * np.clip(core, 0, 1)), mm)
    relief = sitk.GetImageFromArray(-height)
    flooded = sitk.MorphologicalWatershed(
        relief, level=0.0, markWatershedLine=False, fullyConnected=True
    )
    labels = np.where(inside, sitk.GetArrayFromImage(flooded), 0).astype(np.int32)
    return _joined_across_passes(labels, height)


def _joined_across_passes(labels: Labels, height: Floats) -> Labels:
    """Join hills whose pass is nearly as high as the lower of them."""
    count = int(labels.max()) + 1
    peaks = np.zeros(count, np.float32)
    np.maximum.at(peaks, labels.ravel(), height.ravel())
    passes = _passes(labels, height)
    parent = np.arange(count)

    def root(one: int) -> int:
        while parent[one] != one:
            one = int(parent[one])
        return one

    for (one, other), level in sorted(passes.items(), key=lambda item: -item[1]):
        first, second = root(one), root(other)
        if first != second and level > SEPTUM * min(peaks[first], peaks[second]):
            low, high = (first, second) if peaks[first] < peaks[second] else (second, first)
            parent[low] = high
    roots = np.array([root(one) for one in range(count)])
    return np.asarray(roots[labels], np.int32)


def _passes(labels: Labels, height: Floats) -> dict[tuple[int, int], float]:
    """Height of the highest pass between every two touching labels."""
    passes: dict[tuple[int, int], float] = {}
    for axis in range(3):
        one, other = (
            tuple(slice(*cut) if a == axis else slice(None) for a in range(3))
            for cut in ((None, -1), (1, None))
        )
        touch = (labels[one] != labels[other]) & (labels[one] > 0) & (labels[other] > 0)
        pairs = np.sort(np.stack([labels[one][touch], labels[other][touch]], axis=1), axis=1)
        levels = np.minimum(height[one][touch], height[other][touch])
        for (first, second), level in zip(pairs.tolist(), levels.tolist(), strict=True):
            key = (first, second)
            passes[key] = max(passes.get(key, 0.0), level)
    return passes


def solids_of(labels: Labels, values: Floats, *, mm: float) -> list[Solid]:
    """Measure every label.

    Args:
        labels: ``(D, H, W) int32``.
        values: ``(D, H, W) float32`` whose mean inside is the score.
        mm: Edge of a voxel, mm.

    Returns:
        One solid a label above zero. Diameters are those of the ellipsoid of equal moments: the
        farthest voxels of a wavering surface would be too far.
    """
    places = np.argwhere(labels > 0)
    if not places.size:
        return []
    own = labels[labels > 0]
    scores = values[labels > 0]
    found = []
    for label in np.unique(own):
        here = own == label
        points = places[here].astype(np.float64)
        spread = np.cov(points.T, bias=True) if len(points) > 1 else np.zeros((3, 3))
        # A voxel is a cube, not a point: it has a spread of its own.
        moments = np.maximum(np.linalg.eigvalsh(spread), 0) + 1 / 12
        diameters = 2 * np.sqrt(5 * moments) * mm
        found.append(
            Solid(
                label=int(label),
                diameters_mm=(float(diameters[2]), float(diameters[1]), float(diameters[0])),
                volume_ml=len(points) * mm**3 / 1000,
                score=float(scores[here].mean()),
            )
        )
    return found


def _ball_diameter_mm(volume_ml: float) -> float:
    """Diameter of a ball of this volume, mm."""
    return float((6 * volume_ml * 1000 / np.pi) ** (1 / 3))
