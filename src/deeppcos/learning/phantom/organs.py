"""How each organ and mass is painted into the tissue.

A new organ is one painter here, one line in ``PAINTERS`` and one name in ``Organ``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deeppcos.learning.phantom.probe import FloatImage
from deeppcos.learning.phantom.surroundings import Organ, Structure, local_axes, outline_mm
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
    reach = np.clip(1 - (frame.along / np.float32(0.38 * structure.length_mm)) ** 2, 0.02, 1)
    thick = np.float32(rng.uniform(1.0, 6.0)) * np.sqrt(reach)
    halo = soft(offset - thick - np.float32(2.0), edge_mm=1.0) * ends
    frame.field.paint(body * halo, echo_db=muscle - np.float32(3.5), absorption=0.6)
    lining = soft(offset - thick, edge_mm=0.5) * ends * body
    if rng.random() < 0.45:  # proliferative: dark layers between three bright lines
        frame.field.paint(lining, echo_db=muscle - np.float32(2.0), absorption=0.5)
        rim = np.exp(-(((offset - thick) / np.float32(0.5)) ** 2)) * ends * body
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
