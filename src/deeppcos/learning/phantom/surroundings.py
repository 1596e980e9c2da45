"""What lies around an ovary: which organ, where, how large, with which outline.

Owns the description. How each organ is painted is the business of ``organs``.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from deeppcos.learning.phantom.probe import FloatImage


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
