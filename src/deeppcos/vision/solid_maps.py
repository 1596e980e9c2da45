"""What the network answers about every voxel of a volume, looked at along three axes.

A network that sees sections cannot see a septum that lies in its plane; along another axis it
stands upright. Owns the even grid, the looks along each axis and the mean of their answers.
Bodies are cut out of it by ``solid_bodies``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import SimpleITK

from deeppcos.vision.guided_looking import Guide, look_at_whole
from deeppcos.vision.looking import CORE, FOLLICLE, OVARY
from deeppcos.vision.preprocess import View, close_view, to_frame, to_tensor
from deeppcos.vision.release import Release

sitk: Any = SimpleITK  # its functions carry no types

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

FINEST_MM = 0.4
"""Voxels of the even grid are not made smaller: the network sees no finer."""

COARSEST_MM = 0.6
WHOLE_LOOK_EVERY_MM = 2.0
CHANNELS = (OVARY, FOLLICLE, CORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvenGrid:
    """A volume in cubic voxels.

    Attributes:
        levels: ``(D, H, W) uint8``.
        mm: Edge of a voxel, mm.
        size_mm: Size of a voxel as stored: slice, row, column, mm.
    """

    levels: Grey
    mm: float
    size_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SolidMaps:
    """Answers on the even grid; each ``(D, H, W) float32`` in [0, 1], zero where not looked.

    Attributes:
        ovary: Probability of ovary, along the first axis only: cut otherwise, the organs around
            it look like nothing the network was taught.
        follicle: Probability of follicle interior.
        core: One hill a follicle.
        ovary_answer: Best picture-level answer of the whole looks, 0 to 1.
        place_score: Best raw score of a place in them, 0 to 1.
    """

    ovary: Floats
    follicle: Floats
    core: Floats
    ovary_answer: float
    place_score: float


def even_grid(levels: Grey, *, size_mm: tuple[float, float, float]) -> EvenGrid:
    """Resample a volume to cubic voxels.

    Args:
        levels: ``(D, H, W) uint8`` as stored.
        size_mm: Size of a voxel: slice, row, column, mm.

    Returns:
        The same tissue, from the first voxel's centre on.
    """
    mm = float(np.clip(min(size_mm), FINEST_MM, COARSEST_MM))
    image = sitk.GetImageFromArray(levels)
    image.SetSpacing(tuple(reversed(size_mm)))
    extent = [(n - 1) * size for n, size in zip(levels.shape, size_mm, strict=True)]
    shape = [max(2, int(length / mm) + 1) for length in reversed(extent)]
    even = sitk.Resample(
        image, shape, sitk.Transform(), sitk.sitkLinear, (0.0, 0.0, 0.0), (mm, mm, mm)
    )
    return EvenGrid(levels=sitk.GetArrayFromImage(even), mm=mm, size_mm=size_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """Half-open box in voxels of the even grid: slice, row, column."""

    low: tuple[int, int, int]
    high: tuple[int, int, int]


def look_through(
    grid: EvenGrid,
    release: Release,
    *,
    axes: Sequence[int] = (0, 1, 2),
    progress: Callable[[int, int], None] | None = None,
) -> SolidMaps | None:
    """Look at every section of the ovary along each axis.

    Args:
        grid: The volume.
        release: The release to look with.
        axes: Axes to look along: 0 across stored slices, 1 across rows, 2 across columns.
        progress: Told the sections done and the sections there are.

    Returns:
        The mean answers; None where no whole look saw an ovary.
    """
    found = _place_of_the_ovary(grid, release)
    if found is None:
        return None
    box, best, answer = found
    sections = [(axis, at) for axis in axes for at in range(box.low[axis], box.high[axis])]
    summed = np.zeros((len(CHANNELS), *grid.levels.shape), np.float32)
    ovary = np.zeros(grid.levels.shape, np.float32)
    for done, (axis, at) in enumerate(sections, start=1):
        maps = _section_maps(grid.levels, box, axis, at, release)
        place = (slice(None), *(at if a == axis else slice(None) for a in range(3)))
        summed[place] += maps
        if axis == axes[0]:
            ovary[place[1:]] = maps[CHANNELS.index(OVARY)]
        if progress is not None:
            progress(done, len(sections))
    summed /= len(axes)
    return SolidMaps(
        ovary=ovary,
        follicle=summed[1],
        core=summed[2],
        ovary_answer=answer,
        place_score=best.score,
    )


def _section_maps(levels: Grey, box: _Box, axis: int, at: int, release: Release) -> Floats:
    """Answers about one section, ``(channels, rows, columns)``."""
    picture = np.ascontiguousarray(np.take(levels, at, axis=axis))
    rows, columns = (a for a in range(3) if a != axis)
    view = close_view(
        x0=box.low[columns],
        y0=box.low[rows],
        x1=box.high[columns],
        y1=box.high[rows],
        margin=release.manifest.operating_points.close_margin,
    )
    maps, _ = release.network(to_tensor(picture, view))
    return np.stack([_on_section(maps[0, channel], view, picture) for channel in CHANNELS])


def _on_section(values: Floats, view: View, picture: Grey) -> Floats:
    """A map carried back onto its section; averaged where the section is coarser than the map."""
    if view.scale > 1:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), 0.4 * view.scale), np.float32)
    return to_frame(values, view, height=picture.shape[0], width=picture.shape[1])


def _place_of_the_ovary(grid: EvenGrid, release: Release) -> tuple[_Box, Guide, float] | None:
    """The box that holds the ovary, its best section's place, and the picture-level answer."""
    every = max(1, round(WHOLE_LOOK_EVERY_MM / grid.mm))
    numbers = range(every // 2, grid.levels.shape[0], every)
    looks = [(at, look_at_whole(grid.levels[at], release)) for at in numbers]
    seen = [(at, look, look.guides[0]) for at, look in looks if look.guides]
    if not seen:
        return None
    middle = max(range(len(seen)), key=lambda i: seen[i][2].score * _area(seen[i][2]))
    kept = [seen[middle]]
    for side in (range(middle + 1, len(seen)), range(middle - 1, -1, -1)):
        last = seen[middle]
        for i in side:
            # Without a gap of more than one look, and over the same place.
            if abs(seen[i][0] - last[0]) > 2 * every or not seen[i][2].meets(last[2]):
                break
            last = seen[i]
            kept.append(last)
    return (
        _box_of([(at, guide) for at, _, guide in kept], grid, every),
        seen[middle][2],
        max(look.ovary_answer for _, look, _ in kept),
    )


def _area(guide: Guide) -> float:
    """Area of a guide's box."""
    return (guide.x1 - guide.x0) * (guide.y1 - guide.y0)


def _box_of(guides: Sequence[tuple[int, Guide]], grid: EvenGrid, every: int) -> _Box:
    """The box around all guides; the middle nine tenths, since one slip would widen it."""
    room = every
    low = (
        min(at for at, _ in guides) - every,
        round(float(np.quantile([g.y0 for _, g in guides], 0.05))) - room,
        round(float(np.quantile([g.x0 for _, g in guides], 0.05))) - room,
    )
    high = (
        max(at for at, _ in guides) + every + 1,
        round(float(np.quantile([g.y1 for _, g in guides], 0.95))) + room,
        round(float(np.quantile([g.x1 for _, g in guides], 0.95))) + room,
    )
    depth, height, width = grid.levels.shape
    return _Box(
        low=(max(0, low[0]), max(0, low[1]), max(0, low[2])),
        high=(min(depth, high[0]), min(height, high[1]), min(width, high[2])),
    )
