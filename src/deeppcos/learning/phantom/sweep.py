"""The same ovary as a sweep of sections and as a volume.

Owns how the probe moves and how the picture changes from frame to frame. Each frame is drawn
by ``section.compose``; its truth comes from the same geometry as a still's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.learning.phantom.anatomy import PhantomOvary, bend_back
from deeppcos.learning.phantom.probe import BeamGrid, FloatImage, Plane, ProbeSettings, Viewport
from deeppcos.learning.phantom.section import Ground, PhantomSection, compose, fitting_viewport
from deeppcos.learning.phantom.surroundings import Structure

TISSUE_CHANGES_OVER_MM = 9.0
"""Out-of-plane distance over which the surrounding tissue becomes another."""


class SweepKind(StrEnum):
    """How the probe moves."""

    PARALLEL = "parallel"
    FAN = "fan"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomSweep:
    """Sections from one margin of an ovary to the other.

    Attributes:
        sections: One picture and truth a frame; labels are the same follicle throughout.
        planes: Where each frame cut.
        step_mm: Distance between neighbouring frames at the ovary's centre, mm.
    """

    sections: tuple[PhantomSection, ...]
    planes: tuple[Plane, ...]
    step_mm: float

    @property
    def labels_seen(self) -> frozenset[int]:
        """Labels of every follicle cut by at least one frame."""
        return frozenset(
            follicle.label for section in self.sections for follicle in section.follicles
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomVolume:
    """A three-dimensional picture and its truth.

    Attributes:
        voxels: ``(D, H, W) uint8``: out of plane, depth, lateral.
        mm_per_voxel: Size of a voxel along every axis, mm.
        ovary_mask: ``(D, H, W) bool``.
        follicle_labels: ``(D, H, W) uint16``: place in ``PhantomOvary.follicles`` plus 1.
    """

    voxels: npt.NDArray[np.uint8]
    mm_per_voxel: float
    ovary_mask: npt.NDArray[np.bool_]
    follicle_labels: npt.NDArray[np.uint16]


def draw_sweep(
    ovary: PhantomOvary,
    probe: ProbeSettings,
    *,
    plane: Plane,
    frames: int,
    rng: np.random.Generator,
    kind: SweepKind = SweepKind.PARALLEL,
    viewport: Viewport | None = None,
    structures: tuple[Structure, ...] = (),
) -> PhantomSweep:
    """Sweep through an ovary from margin to margin.

    Args:
        ovary: The ovary.
        probe: Probe and machine.
        plane: The middle section; its offset and tilt are replaced frame by frame.
        frames: Number of frames, at least 2.
        rng: Source of all chance.
        kind: Parallel sections, or a fan about the probe face.
        viewport: The picture; by default one that holds the whole sector.
        structures: Organs and masses around.

    Returns:
        The frames with their truth.

    Raises:
        InvalidInput: If fewer than two frames are asked for.
    """
    if frames < 2:
        raise InvalidInput("a sweep of one frame", value=str(frames), accepted="2 or more frames")
    planes, step_mm = _planes(ovary, plane, frames, kind)
    shown = viewport or fitting_viewport(probe)
    grid = _grid_for(probe, shown)
    grounds = _moving_ground(grid, frames, step_mm, rng)
    sections = tuple(
        compose(
            ovary,
            grid,
            plane=at,
            viewport=shown,
            structures=structures,
            ground=ground,
        )
        for at, ground in zip(planes, grounds, strict=True)
    )
    return PhantomSweep(sections=sections, planes=planes, step_mm=step_mm)


def draw_volume(
    ovary: PhantomOvary,
    probe: ProbeSettings,
    *,
    plane: Plane,
    rng: np.random.Generator,
    mm_per_voxel: float = 0.5,
    margin_mm: float = 4.0,
) -> PhantomVolume:
    """Draw a volume that holds the whole ovary, in isotropic voxels.

    Args:
        ovary: The ovary.
        probe: Probe and machine.
        plane: The middle section; its offset is replaced slice by slice.
        rng: Source of all chance.
        mm_per_voxel: Voxel size, mm.
        margin_mm: Room around the ovary, mm.

    Returns:
        The volume and its truth.
    """
    surface = _surface(ovary, replace(plane, offset_mm=0.0, tilt_deg=0.0))
    low, high = surface.min(axis=0) - margin_mm, surface.max(axis=0) + margin_mm
    count = np.ceil((high - low) / mm_per_voxel).astype(int)
    viewport = Viewport(
        width_px=int(count[0]),
        height_px=int(count[1]),
        mm_per_pixel=mm_per_voxel,
        probe_x_px=-float(low[0]) / mm_per_voxel,
        probe_y_px=-float(low[1]) / mm_per_voxel,
    )
    grid = BeamGrid(probe=probe, n_samples=360, n_beams=220)
    slices = [
        compose(
            ovary,
            grid,
            plane=replace(plane, offset_mm=float(low[2]) + index * mm_per_voxel, tilt_deg=0.0),
            viewport=viewport,
            structures=(),
            ground=ground,
        )
        for index, ground in enumerate(_moving_ground(grid, int(count[2]), mm_per_voxel, rng))
    ]
    return PhantomVolume(
        voxels=np.stack([one.pixels[:, :, 0] for one in slices]),
        mm_per_voxel=mm_per_voxel,
        ovary_mask=np.stack([one.ovary_mask for one in slices]),
        follicle_labels=np.stack([one.follicle_labels for one in slices]),
    )


def _grid_for(probe: ProbeSettings, viewport: Viewport) -> BeamGrid:
    """Beams no finer than the picture can show: a sweep is many pictures."""
    samples = int(np.clip(1.15 * probe.depth_mm / viewport.mm_per_pixel, 280, 560))
    return BeamGrid(probe=probe, n_samples=samples, n_beams=max(200, round(300 * samples / 560)))


def _planes(
    ovary: PhantomOvary, plane: Plane, frames: int, kind: SweepKind
) -> tuple[tuple[Plane, ...], float]:
    """Sections from margin to margin and the distance between them, mm."""
    middle = replace(plane, offset_mm=0.0, tilt_deg=0.0)
    surface = _surface(ovary, middle)
    if kind is SweepKind.PARALLEL:
        across = surface[:, 2]
        offsets = np.linspace(across.min(), across.max(), frames)
        step = float(offsets[1] - offsets[0])
        return tuple(replace(middle, offset_mm=float(one)) for one in offsets), step
    tilts = np.degrees(np.arctan2(surface[:, 2], np.maximum(surface[:, 1], 1.0)))
    angles = np.linspace(tilts.min(), tilts.max(), frames)
    step = float(np.radians(angles[1] - angles[0]) * plane.depth_mm)
    return tuple(replace(middle, tilt_deg=float(one)) for one in angles), step


def _surface(ovary: PhantomOvary, plane: Plane) -> FloatImage:
    """Points of the ovary's surface in picture coordinates, ``(n, 3)``, mm."""
    count = 4000
    # A golden spiral covers a sphere evenly and without chance.
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    ring = np.sqrt(1 - height**2)
    sphere = np.stack([ring * np.cos(turn), ring * np.sin(turn), height], axis=1)
    points = (sphere * np.asarray(ovary.semi_axes_mm)).astype(np.float32)
    return plane.from_ovary(bend_back(points, ovary.bends))


def _moving_ground(
    grid: BeamGrid, frames: int, step_mm: float, rng: np.random.Generator
) -> Iterator[Ground]:
    """Ground that changes smoothly: speckle within a slice thickness, tissue within a few."""
    first, second = Ground.draw(grid, rng), Ground.draw(grid, rng)
    share = float(np.exp(-((step_mm / (0.8 * grid.probe.slice_mm)) ** 2)))
    speckle = first.speckle
    for index in range(frames):
        turn = index * step_mm / TISSUE_CHANGES_OVER_MM
        mixed = np.cos(turn) * first.tissue_db + np.sin(turn) * second.tissue_db
        yield Ground(tissue_db=mixed.astype(np.float32), uneven_db=first.uneven_db, speckle=speckle)
        speckle = speckle.moved(share, grid, rng)
