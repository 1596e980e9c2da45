"""What lies under each point of a section: how strongly it echoes and how much it absorbs.

Owns the map of tissue and the painting of the ovary into it. Other organs are painted by
``surroundings``; what a machine makes of the map is the business of ``acoustics``.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.phantom.anatomy import PhantomOvary, Triple, bend_back, unbend
from deeppcos.learning.phantom.probe import FloatImage, Plane

TISSUE_ABSORPTION = 0.5
"""Soft tissue, dB per cm and MHz, one way. Source: common textbook value."""

FLUID_ABSORPTION = 0.12
"""Follicular fluid with some protein, dB per cm and MHz; kept low, above that of water."""

Window = tuple[slice, slice]
"""Rows and columns of an image."""

FAR_MM = np.float32(1e3)
SEPTUM_MM = 0.3
SLICE_STEPS = (-0.75, -0.35, 0.0, 0.35, 0.75)
SLICE_WEIGHTS = (0.12, 0.23, 0.30, 0.23, 0.12)
"""Elevational beam profile: steps in units of the slice's full width, weights adding to 1."""


@dataclass(slots=True, kw_only=True)
class TissueField:
    """A section through tissue, painted on in place while a scene is composed.

    Attributes:
        lateral: Lateral position of each point, mm.
        depth: Depth of each point, mm.
        echo_db: Mean echo level against pelvic tissue, dB.
        absorption: One-way absorption, dB per cm and MHz.
    """

    lateral: FloatImage
    depth: FloatImage
    echo_db: FloatImage
    absorption: FloatImage

    def paint(self, cover: FloatImage, *, echo_db: FloatImage | float, absorption: float) -> None:
        """Lay a tissue over the field where ``cover`` (0 to 1) says so."""
        self.echo_db += cover * (np.asarray(echo_db, dtype=np.float32) - self.echo_db)
        self.absorption += cover * (np.float32(absorption) - self.absorption)


@dataclass(frozen=True, slots=True, kw_only=True)
class OvarySection:
    """An ovary cut by a plane, at given points; distances are negative inside.

    Attributes:
        capsule_mm: Distance to the capsule.
        follicle_mm: Distance to the nearest follicle's wall.
        next_mm: Distance to the second nearest follicle's wall.
        label: Number of the nearest follicle from 1, whether inside or not; 0 where none is near.
        body_mm: Distance to the corpus luteum's outer wall.
    """

    capsule_mm: FloatImage
    follicle_mm: FloatImage
    next_mm: FloatImage
    label: npt.NDArray[np.uint16]
    body_mm: FloatImage

    @property
    def fluid(self) -> FloatImage:
        """Share of follicular fluid, 0 to 1, leaving thin septa between touching follicles."""
        wall = np.maximum(self.follicle_mm, self.follicle_mm - self.next_mm + SEPTUM_MM)
        return soft(wall, edge_mm=0.12)


def soft(distance_mm: FloatImage, *, edge_mm: float) -> FloatImage:
    """Cover of a shape: 1 inside, 0 outside, linear over ``edge_mm`` to both sides."""
    return np.asarray(np.clip(0.5 - distance_mm / np.float32(2 * edge_mm), 0, 1), np.float32)


def ellipsoid_distance_mm(points: FloatImage, *, centre_mm: Triple, axes_mm: Triple) -> FloatImage:
    """Approximate signed distance to an ellipsoid; its zero is exact.

    Args:
        points: ``(..., 3) float32``, mm.
        centre_mm: Centre.
        axes_mm: Half diameters.

    Returns:
        ``(...) float32``, mm, negative inside.
    """
    size = np.zeros(points.shape[:-1], dtype=np.float32)
    slope = np.full(points.shape[:-1], 1e-12, dtype=np.float32)
    for axis in range(3):
        inverse = np.float32(1 / axes_mm[axis] ** 2)
        part = (points[..., axis] - np.float32(centre_mm[axis])) ** 2 * inverse
        size += part
        slope += part * inverse
    size = np.sqrt(size)
    return np.asarray(size * (size - 1) / np.sqrt(slope), dtype=np.float32)


def cut(
    ovary: PhantomOvary,
    plane: Plane,
    *,
    lateral: FloatImage,
    depth: FloatImage,
    out_mm: float = 0.0,
    windows: tuple[Window | None, ...] | None = None,
) -> OvarySection:
    """Cut the ovary at the given points of a picture.

    Args:
        ovary: The ovary.
        plane: The section.
        lateral: ``(H, W) float32``, mm.
        depth: ``(H, W) float32``, mm.
        out_mm: Distance from the section plane, mm: one step through the slice thickness.
        windows: What ``follicle_windows`` gives for these points, where it is known already.

    Returns:
        Distances and labels, each ``(H, W)``.
    """
    points = unbend(plane.to_ovary(lateral, depth, out_mm), ovary.bends)
    nearest = np.full(lateral.shape, FAR_MM, dtype=np.float32)
    second = nearest.copy()
    label = np.zeros(lateral.shape, dtype=np.uint16)
    if windows is None:
        windows = follicle_windows(ovary, plane, lateral=lateral, depth=depth, out_mm=out_mm)
    for number, (follicle, box) in enumerate(zip(ovary.follicles, windows, strict=True), start=1):
        if box is None:
            continue
        distance = ellipsoid_distance_mm(
            points[box], centre_mm=follicle.centre_mm, axes_mm=follicle.semi_axes_mm
        )
        closer = distance < nearest[box]
        second[box] = np.where(closer, nearest[box], np.minimum(second[box], distance))
        nearest[box] = np.where(closer, distance, nearest[box])
        label[box] = np.where(closer, number, label[box])
    body = ovary.corpus_luteum
    return OvarySection(
        capsule_mm=ellipsoid_distance_mm(
            points, centre_mm=(0.0, 0.0, 0.0), axes_mm=ovary.semi_axes_mm
        ),
        follicle_mm=nearest,
        next_mm=second,
        label=label,
        body_mm=np.full(lateral.shape, FAR_MM, dtype=np.float32)
        if body is None
        else ellipsoid_distance_mm(points, centre_mm=body.centre_mm, axes_mm=(body.radius_mm,) * 3),
    )


def cut_slice(
    ovary: PhantomOvary,
    plane: Plane,
    *,
    lateral: FloatImage,
    depth: FloatImage,
    slice_mm: float,
) -> tuple[OvarySection, ...]:
    """Cut the ovary at every step through the slice, ``SLICE_STEPS`` in order."""
    windows = follicle_windows(
        ovary,
        plane,
        lateral=lateral,
        depth=depth,
        out_mm=0.0,
        half_slice_mm=max(SLICE_STEPS) * slice_mm,
    )
    return tuple(
        cut(
            ovary,
            plane,
            lateral=lateral,
            depth=depth,
            out_mm=step * slice_mm,
            windows=windows,
        )
        for step in SLICE_STEPS
    )


def follicle_windows(
    ovary: PhantomOvary,
    plane: Plane,
    *,
    lateral: FloatImage,
    depth: FloatImage,
    out_mm: float,
    half_slice_mm: float = 0.0,
) -> tuple[Window | None, ...]:
    """Where each follicle may show, anywhere in the slice; None where it surely does not.

    Args:
        ovary: The ovary.
        plane: The section.
        lateral: ``(H, W) float32``, mm.
        depth: ``(H, W) float32``, mm.
        out_mm: Distance from the section plane, mm.
        half_slice_mm: How far to both sides of ``out_mm`` the windows hold, mm.

    Returns:
        One window a follicle.
    """
    seen = plane.from_ovary(_real_centres(ovary))
    found: list[Window | None] = []
    for follicle, centre in zip(ovary.follicles, seen, strict=True):
        # Bending stretches a follicle by less than this.
        reach = 1.7 * max(follicle.semi_axes_mm) + 0.5
        if abs(float(centre[2]) - out_mm) > reach + half_slice_mm:
            found.append(None)
            continue
        middle = (float(centre[0]), float(centre[1]))
        found.append(window(lateral, depth, centre=middle, reach_mm=reach))
    return tuple(found)


def window(
    lateral: FloatImage, depth: FloatImage, *, centre: tuple[float, float], reach_mm: float
) -> Window | None:
    """Rows and columns that hold every point within reach of a centre, or None if none do."""
    near = (np.abs(lateral - np.float32(centre[0])) <= reach_mm) & (
        np.abs(depth - np.float32(centre[1])) <= reach_mm
    )
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if rows.size == 0:
        return None
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


def paint_ovary(field: TissueField, ovary: PhantomOvary, plane: Plane, *, slice_mm: float) -> None:
    """Paint an ovary into the field, averaged through the thickness of the section.

    Averaging echo power and absorption over the slice is what greys a follicle that the plane
    only grazes and softens the ends of an ovary.
    """
    reach = max(ovary.semi_axes_mm) + ovary.slack_mm + 1.5
    middle = plane.from_ovary(np.zeros((1, 3), dtype=np.float32))[0]
    centre = (float(middle[0]), float(middle[1]))
    box = window(field.lateral, field.depth, centre=centre, reach_mm=reach)
    if box is None:
        return
    lateral, depth = field.lateral[box], field.depth[box]
    around = 10 ** (field.echo_db[box] / 10)
    outside = field.absorption[box].copy()
    grain = _stroma_grain(ovary, lateral, depth, plane)
    power = np.zeros_like(around)
    absorption = np.zeros_like(around)
    sections = cut_slice(ovary, plane, lateral=lateral, depth=depth, slice_mm=slice_mm)
    for section, weight in zip(sections, SLICE_WEIGHTS, strict=True):
        inside = soft(section.capsule_mm, edge_mm=ovary.edge_mm)
        level_db, absorbs = _inside_ovary(section, ovary, grain)
        power += weight * (inside * 10 ** (level_db / 10) + (1 - inside) * around)
        absorption += weight * (inside * absorbs + (1 - inside) * outside)
    field.echo_db[box] = 10 * np.log10(power + 1e-9)
    field.absorption[box] = absorption


def _inside_ovary(
    section: OvarySection, ovary: PhantomOvary, grain: FloatImage
) -> tuple[FloatImage, FloatImage]:
    """Echo level and absorption of the ovary's own tissue and fluid at one step of the slice."""
    capsule = np.exp(-((section.capsule_mm / np.float32(0.5)) ** 2))
    theca = np.exp(-(((section.follicle_mm - np.float32(0.25)) / np.float32(0.3)) ** 2))
    level = ovary.stroma_db + grain + ovary.capsule_db * capsule + np.float32(1.5) * theca
    absorbs = np.full(level.shape, TISSUE_ABSORPTION, dtype=np.float32)
    body = ovary.corpus_luteum
    if body is not None:
        wall = soft(section.body_mm, edge_mm=0.4)
        core = soft(section.body_mm + np.float32(body.wall_mm), edge_mm=0.5)
        level = level + wall * (np.float32(ovary.stroma_db + 2.0) - level)
        level = level + core * (np.float32(body.core_db) + 2 * grain - level)
        absorbs = absorbs + core * np.float32(0.5 * (FLUID_ABSORPTION - TISSUE_ABSORPTION))
    fluid = section.fluid
    fluid_db = np.asarray([-40.0, *(f.fluid_db for f in ovary.follicles)], np.float32)
    level = level + fluid * (fluid_db[section.label] - level)
    absorbs = absorbs + fluid * (np.float32(FLUID_ABSORPTION) - absorbs)
    return level.astype(np.float32), absorbs.astype(np.float32)


def _stroma_grain(
    ovary: PhantomOvary, lateral: FloatImage, depth: FloatImage, plane: Plane
) -> FloatImage:
    """Unevenness of the stroma, dB, tied to the ovary so that it moves with it."""
    rng = np.random.default_rng(ovary.texture_seed)
    noise = rng.normal(0, 1.0, (24, 24, 24)).astype(np.float32)
    place = plane.to_ovary(lateral, depth, 0.0) / np.float32(2.2) + np.float32(12)
    layer = np.clip(place[..., 2], 0, 22)
    low = layer.astype(np.int32)
    share = layer - low
    flat = noise.reshape(24, 24 * 24)
    columns = np.clip(place[..., 0], 0, 23) + np.float32(24) * low
    below = _look_up(flat, columns, place[..., 1])
    above = _look_up(flat, columns + np.float32(24), place[..., 1])
    return np.asarray(1.4 * ovary.grain_db * (below + share * (above - below)), dtype=np.float32)


def _look_up(table: FloatImage, columns: FloatImage, rows: FloatImage) -> FloatImage:
    """Bilinear look-up in a table, mirrored at its border."""
    return np.asarray(
        cv2.remap(
            table,
            columns.astype(np.float32),
            rows.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        ),
        dtype=np.float32,
    )


def _real_centres(ovary: PhantomOvary) -> FloatImage:
    """Follicle centres in the real, bent ovary, ``(n, 3)``, mm."""
    centres = np.asarray([f.centre_mm for f in ovary.follicles], np.float32).reshape(-1, 3)
    return bend_back(centres, ovary.bends)
