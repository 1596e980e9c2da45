"""Everything in the picture that is not the ovary: pelvic tissue, uterus, bowel, vessels, masses.

Owns how each organ is painted. A new organ is one painter and one line in ``PAINTERS``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from deeppcos.learning.phantom.probe import FloatImage
from deeppcos.learning.phantom.texture import smooth_noise
from deeppcos.learning.phantom.tissue import (
    FLUID_ABSORPTION,
    TISSUE_ABSORPTION,
    TissueField,
    soft,
    window,
)

GAS_ABSORPTION = 9.0
URINE_ABSORPTION = 0.05


class Organ(StrEnum):
    """What can surround an ovary, or stand where one is sought."""

    UTERUS = "uterus"
    BOWEL = "bowel"
    BLADDER = "bladder"
    VESSEL = "vessel"
    FASCIA = "fascia"
    FREE_FLUID = "free_fluid"
    SIMPLE_CYST = "simple_cyst"
    HAEMORRHAGIC_CYST = "haemorrhagic_cyst"
    ENDOMETRIOMA = "endometrioma"
    DERMOID = "dermoid"


LESIONS = (Organ.SIMPLE_CYST, Organ.HAEMORRHAGIC_CYST, Organ.ENDOMETRIOMA, Organ.DERMOID)
"""Masses: drawn in the lesion mask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """One organ or mass in the picture.

    Attributes:
        organ: What it is.
        lateral_mm: Centre, to the right of the probe axis, mm.
        depth_mm: Centre, below the probe face, mm.
        length_mm: Full length, mm.
        width_mm: Full width across the length, mm.
        angle_deg: Direction of the length, degrees from the horizontal, clockwise on screen.
        seed: Fixes outline and texture.
        out_mm: Centre out of plane, mm: used in sweeps.
    """

    organ: Organ
    lateral_mm: float
    depth_mm: float
    length_mm: float
    width_mm: float
    angle_deg: float = 0.0
    seed: int = 0
    out_mm: float = 0.0

    def shrunk(self, offset_mm: float) -> "Structure | None":
        """The structure as a plane this far out of the picture cuts it, or None if it misses."""
        reach = max(self.width_mm, 0.6 * self.length_mm)
        rest = 1 - ((offset_mm - self.out_mm) / reach) ** 2
        if rest <= 0.02:
            return None
        scale = math.sqrt(rest)
        return Structure(
            organ=self.organ,
            lateral_mm=self.lateral_mm,
            depth_mm=self.depth_mm,
            length_mm=self.length_mm * scale,
            width_mm=self.width_mm * scale,
            angle_deg=self.angle_deg,
            seed=self.seed,
            out_mm=self.out_mm,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFrame:
    """A window of the field in a structure's own coordinates.

    Attributes:
        field: The window of the tissue field; painting it paints the whole.
        along: Coordinate along the length, mm.
        across: Coordinate across it, mm.
        outline_mm: Approximate distance to the irregular outline, mm, negative inside.
    """

    field: TissueField
    along: FloatImage
    across: FloatImage
    outline_mm: FloatImage


Painter = Callable[[LocalFrame, Structure, np.random.Generator], None]


def pelvic_tissue(
    lateral: FloatImage, depth: FloatImage, *, radius_mm: float, rng: np.random.Generator
) -> TissueField:
    """Layered, uneven soft tissue pressed around the probe: the ground on which organs lie.

    Args:
        lateral: ``(H, W) float32``, mm.
        depth: ``(H, W) float32``, mm.
        radius_mm: Curvature of the probe face, mm: layers follow it.
        rng: Source of chance.

    Returns:
        The field, echo level about 0 dB.
    """
    bend = min(radius_mm + float(rng.uniform(0, 25)), 300.0)
    reach = np.hypot(lateral, depth + np.float32(bend)) - np.float32(bend)
    arc = np.arctan2(lateral, depth + np.float32(bend)) * np.float32(bend + 25.0)
    slant = math.radians(float(rng.normal(0, 12)))
    along = arc * np.float32(math.cos(slant)) + reach * np.float32(math.sin(slant))
    across = reach * np.float32(math.cos(slant)) - arc * np.float32(math.sin(slant))

    def noise(cell_across: float, cell_along: float) -> FloatImage:
        return smooth_noise(
            rng,
            along.astype(np.float32),
            warped.astype(np.float32),
            cell_across_mm=cell_across,
            cell_along_mm=cell_along,
        )

    warped = across
    warped = across + np.float32(rng.uniform(1.0, 4.0)) * noise(16.0, 14.0)
    layers = noise(float(rng.uniform(12, 30)), float(rng.uniform(2.0, 5.0)))
    blobs = noise(9.0, 7.0)
    broad = noise(40.0, 25.0)
    ridge = noise(float(rng.uniform(6, 12)), float(rng.uniform(1.0, 1.8)))
    streaks = np.exp(-((ridge / np.float32(0.16)) ** 2)) * np.clip(blobs + 0.3, 0, 1.5)
    fine = noise(2.2, 0.8)
    echo = (
        np.float32(rng.uniform(2.0, 4.5)) * layers
        + np.float32(rng.uniform(1.5, 3.0)) * blobs
        + np.float32(rng.uniform(2.0, 4.5)) * broad
        + np.float32(rng.uniform(3.0, 8.0)) * streaks
        + np.float32(rng.uniform(0.5, 2.5)) * fine
        + np.float32(rng.uniform(2.0, 9.0)) * np.clip(noise(13.0, 6.0) - 0.4, 0, 1.5)
        - np.float32(rng.uniform(1.0, 3.0))
    )
    echo *= np.float32(rng.uniform(0.9, 1.6))
    return TissueField(
        lateral=lateral,
        depth=depth,
        echo_db=echo.astype(np.float32),
        absorption=np.full(lateral.shape, TISSUE_ABSORPTION, dtype=np.float32),
    )


def paint(field: TissueField, structure: Structure) -> None:
    """Paint one structure into the field."""
    rng = np.random.default_rng(structure.seed)
    reach = 0.62 * max(structure.length_mm, structure.width_mm) + 4.0
    box = window(
        field.lateral,
        field.depth,
        centre=(structure.lateral_mm, structure.depth_mm),
        reach_mm=reach,
    )
    if box is None:
        return
    part = TissueField(
        lateral=field.lateral[box],
        depth=field.depth[box],
        echo_db=field.echo_db[box],
        absorption=field.absorption[box],
    )
    along, across = local_axes(structure, part.lateral, part.depth)
    frame = LocalFrame(
        field=part,
        along=along,
        across=across,
        outline_mm=outline_mm(structure, part.lateral, part.depth),
    )
    PAINTERS[structure.organ](frame, structure, rng)


def local_axes(
    structure: Structure, lateral: FloatImage, depth: FloatImage
) -> tuple[FloatImage, FloatImage]:
    """Coordinates along and across a structure's length, mm."""
    angle = math.radians(structure.angle_deg)
    c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    x = lateral - np.float32(structure.lateral_mm)
    y = depth - np.float32(structure.depth_mm)
    return x * c + y * s, y * c - x * s


def outline_mm(structure: Structure, lateral: FloatImage, depth: FloatImage) -> FloatImage:
    """Approximate signed distance to the structure's irregular outline, mm.

    The same function paints a mass and draws its mask, so the two agree.
    """
    along, across = local_axes(structure, lateral, depth)
    x = along / np.float32(structure.length_mm / 2)
    y = across / np.float32(structure.width_mm / 2)
    rng = np.random.default_rng([structure.seed, 7])
    size = np.hypot(x, y)
    turn = np.arctan2(y, x)
    edge = np.ones_like(size)
    for order in (2, 3, 4, 5):
        strength = float(rng.normal(0, 0.09 / order))
        edge = edge + np.float32(strength) * np.cos(order * turn + np.float32(rng.uniform(0, 6.3)))
    return np.asarray((size - edge) * min(structure.length_mm, structure.width_mm) / 2, np.float32)


def _uterus(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """Homogeneous muscle, dark inner ring, and a bright or three-layered endometrial stripe."""
    body = soft(frame.outline_mm, edge_mm=0.6)
    grain = smooth_noise(rng, frame.along, frame.across, cell_across_mm=7, cell_along_mm=2.5)
    muscle = np.float32(rng.uniform(-5, 0.5)) + np.float32(1.3) * grain
    frame.field.paint(body, echo_db=muscle, absorption=0.6)
    serosa = np.exp(-((frame.outline_mm / np.float32(0.7)) ** 2))
    frame.field.paint(0.7 * serosa, echo_db=float(rng.uniform(2, 7)), absorption=0.6)
    wave = np.float32(rng.uniform(0.5, 2.5)) * np.sin(
        frame.along / np.float32(rng.uniform(7, 14)) + np.float32(rng.uniform(0, 6.3))
    )
    offset = np.abs(frame.across + wave)
    ends = soft(np.abs(frame.along) - np.float32(0.33 * structure.length_mm), edge_mm=3.0)
    thick = float(rng.uniform(1.0, 6.0))
    halo = soft(offset - np.float32(thick + 2.0), edge_mm=1.0) * ends
    frame.field.paint(body * halo, echo_db=muscle - np.float32(3.5), absorption=0.6)
    lining = soft(offset - np.float32(thick), edge_mm=0.5) * ends * body
    if rng.random() < 0.45:  # proliferative: dark layers between three bright lines
        frame.field.paint(lining, echo_db=muscle - np.float32(2.0), absorption=0.5)
        rim = np.exp(-(((offset - np.float32(thick)) / np.float32(0.5)) ** 2)) * ends * body
        frame.field.paint(0.8 * rim, echo_db=5.0, absorption=0.5)
    else:
        frame.field.paint(lining, echo_db=float(rng.uniform(2, 7)) + 1.5 * grain, absorption=0.5)
    line = np.exp(-((offset / np.float32(0.35)) ** 2)) * ends * body
    frame.field.paint(0.9 * line, echo_db=9.0, absorption=0.5)


def _bowel(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """Dark muscular wall, bright uneven content, gas that throws a dirty shadow."""
    wall = soft(frame.outline_mm, edge_mm=0.4)
    frame.field.paint(wall, echo_db=float(rng.uniform(-11, -5)), absorption=0.5)
    lumen = soft(frame.outline_mm + np.float32(rng.uniform(1.5, 3.0)), edge_mm=0.6)
    content = smooth_noise(rng, frame.along, frame.across, cell_across_mm=3, cell_along_mm=1.6)
    frame.field.paint(
        lumen, echo_db=float(rng.uniform(-4, 6)) + 5 * content, absorption=TISSUE_ABSORPTION
    )
    if rng.random() < 0.55:
        patch = lumen * np.clip(2 * content + np.float32(rng.uniform(-1, 0.6)), 0, 1)
        frame.field.paint(patch, echo_db=13.0, absorption=GAS_ABSORPTION * rng.uniform(0.1, 1.0))


def _bladder(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """Urine behind a bright wall."""
    wall = np.exp(-(((frame.outline_mm - np.float32(0.8)) / np.float32(0.9)) ** 2))
    frame.field.paint(0.8 * wall, echo_db=float(rng.uniform(2, 6)), absorption=0.5)
    urine = soft(frame.outline_mm, edge_mm=0.4)
    frame.field.paint(urine, echo_db=-46.0, absorption=URINE_ABSORPTION)


def _vessel(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """A winding tube of blood: dark like a follicle, but long."""
    swing = np.float32(rng.uniform(0.1, 0.5) * structure.width_mm) + np.float32(1.0)
    pace = np.float32(rng.uniform(3.0, 8.0))
    middle = frame.across - swing * np.sin(frame.along / pace + np.float32(rng.uniform(0, 6.3)))
    taper = np.sqrt(np.clip(1 - (2 * frame.along / np.float32(structure.length_mm)) ** 4, 0, 1))
    radius = structure.width_mm / 2 * (1 + 0.25 * np.sin(frame.along / 3.1)) * taper
    distance = (np.abs(middle) - radius + np.where(taper > 0, 0, 2)).astype(np.float32)
    wall = np.exp(-(((distance - np.float32(0.3)) / np.float32(0.4)) ** 2))
    frame.field.paint(0.6 * wall.astype(np.float32), echo_db=3.0, absorption=0.5)
    blood = float(rng.uniform(-34, -18))
    frame.field.paint(soft(distance, edge_mm=0.25), echo_db=blood, absorption=0.25)


def _fascia(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """A bright curved line."""
    bend = np.float32(rng.normal(0, 0.006)) * frame.along**2
    ends = soft(np.abs(frame.along) - np.float32(0.4 * structure.length_mm), edge_mm=4.0)
    line = np.exp(-(((frame.across - bend) / np.float32(structure.width_mm / 2)) ** 2)) * ends
    frame.field.paint(line, echo_db=float(rng.uniform(5, 13)), absorption=0.6)


def _free_fluid(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """A crescent of fluid with no wall."""
    crescent = np.maximum(
        frame.outline_mm,
        -(np.hypot(frame.along / 1.3, frame.across + 0.45 * structure.width_mm))
        + np.float32(0.5 * structure.width_mm),
    ).astype(np.float32)
    level = float(rng.uniform(-42, -28))
    frame.field.paint(soft(crescent, edge_mm=0.4), echo_db=level, absorption=FLUID_ABSORPTION)


def _simple_cyst(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """Thin wall, clear fluid."""
    _wall(frame, level_db=float(rng.uniform(1, 5)), thickness_mm=0.7)
    fluid = soft(frame.outline_mm, edge_mm=0.25)
    frame.field.paint(fluid, echo_db=float(rng.uniform(-46, -32)), absorption=FLUID_ABSORPTION)


def _haemorrhagic_cyst(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """Thick wall, lacy strands or clot in the fluid."""
    _wall(frame, level_db=1.0, thickness_mm=1.6)
    fluid = soft(frame.outline_mm, edge_mm=0.3)
    lace = smooth_noise(rng, frame.along, frame.across, cell_across_mm=3.2, cell_along_mm=3.2)
    strands = np.exp(-((lace / np.float32(0.14)) ** 2))
    level = np.float32(rng.uniform(-30, -22)) + np.float32(rng.uniform(8, 17)) * strands
    frame.field.paint(fluid, echo_db=level, absorption=0.25)


def _endometrioma(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """Even low echoes, like ground glass."""
    _wall(frame, level_db=2.0, thickness_mm=1.2)
    fluid = soft(frame.outline_mm, edge_mm=0.3)
    frame.field.paint(fluid, echo_db=float(rng.uniform(-15, -7)), absorption=0.25)


def _dermoid(frame: LocalFrame, structure: Structure, rng: np.random.Generator) -> None:
    """Bright plug with a shadow, hair lines, fluid of mixed level."""
    inside = soft(frame.outline_mm, edge_mm=0.4)
    mix = smooth_noise(rng, frame.along, frame.across, cell_across_mm=8, cell_along_mm=6)
    hair = smooth_noise(rng, frame.along, frame.across, cell_across_mm=5, cell_along_mm=0.7)
    level = np.float32(rng.uniform(-12, -3)) + 3 * mix + 7 * np.clip(hair - 1.0, 0, 2)
    frame.field.paint(inside, echo_db=level, absorption=0.8)
    plug = soft((0.2 - mix) * np.float32(2.0) + np.float32(1.0), edge_mm=1.0) * inside
    frame.field.paint(plug, echo_db=9.0, absorption=2.5)


def _wall(frame: LocalFrame, *, level_db: float, thickness_mm: float) -> None:
    """A rim just outside the outline."""
    half = np.float32(thickness_mm / 2)
    rim = np.exp(-(((frame.outline_mm - half) / half) ** 2))
    frame.field.paint(0.7 * rim, echo_db=level_db, absorption=TISSUE_ABSORPTION)


PAINTERS: dict[Organ, Painter] = {
    Organ.UTERUS: _uterus,
    Organ.BOWEL: _bowel,
    Organ.BLADDER: _bladder,
    Organ.VESSEL: _vessel,
    Organ.FASCIA: _fascia,
    Organ.FREE_FLUID: _free_fluid,
    Organ.SIMPLE_CYST: _simple_cyst,
    Organ.HAEMORRHAGIC_CYST: _haemorrhagic_cyst,
    Organ.ENDOMETRIOMA: _endometrioma,
    Organ.DERMOID: _dermoid,
}
