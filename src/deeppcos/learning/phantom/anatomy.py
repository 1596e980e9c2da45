"""Synthetic ovaries in three dimensions, with everything about them known exactly.

Owns the truth: where each follicle lies, how large it is, how many there are, the ovary's
volume. How an ultrasound machine would show it is the business of ``tissue`` and ``acoustics``.

An ovary is an ellipsoid holding ellipsoidal follicles, seen through a chain of shears
``x += amplitude * sin(2 pi y / wavelength + phase)``. Shears make the outlines irregular and
keep every volume exactly, so the analytic volume stays the true one.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput

Triple = tuple[float, float, float]
Points = npt.NDArray[np.float32]

SMALLEST_COUNTED_MM = 2.0
"""Follicles are counted from 2 mm up. Source: International evidence-based guideline, 2023."""

DOMINANT_FROM_MM = 10.0
"""Follicles of 2-9 mm count; 10 mm and over is dominant. Source: as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shear:
    """One volume-preserving bend: moves ``target`` by a sine of ``source`` (axes 0, 1, 2)."""

    target: int
    source: int
    amplitude_mm: float
    wavelength_mm: float
    phase: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomFollicle:
    """One ellipsoidal fluid space.

    Attributes:
        centre_mm: Position in ovary coordinates, mm.
        semi_axes_mm: Half diameters along the axes of the ovary, mm.
        fluid_db: Echo level of the fluid against pelvic tissue, dB.
    """

    centre_mm: Triple
    semi_axes_mm: Triple
    fluid_db: float = -38.0

    @property
    def diameter_mm(self) -> float:
        """Mean of the three diameters, mm."""
        return 2 * sum(self.semi_axes_mm) / 3

    @property
    def volume_ml(self) -> float:
        """Volume, mL."""
        return 4 / 3 * math.pi * math.prod(self.semi_axes_mm) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusLuteum:
    """A thick-walled body with internal echoes: in the ovary, and not a follicle."""

    centre_mm: Triple
    radius_mm: float
    wall_mm: float
    core_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomOvary:
    """A whole ovary and its truth.

    Attributes:
        semi_axes_mm: Half of length, width and thickness before bending, mm.
        follicles: Every follicle.
        corpus_luteum: One, or None.
        bends: Shears from image space to the space in which the shapes are ellipsoids.
        stroma_db: Echo level of the stroma against pelvic tissue, dB.
        capsule_db: How much brighter the capsule is than the stroma, dB.
        edge_mm: Half the distance over which the ovary's border fades into its surroundings, mm.
        grain_db: Unevenness of the stroma (standard deviation), dB.
        texture_seed: Fixes the pattern of that unevenness.
    """

    semi_axes_mm: Triple
    follicles: tuple[PhantomFollicle, ...] = ()
    corpus_luteum: CorpusLuteum | None = None
    bends: tuple[Shear, ...] = ()
    stroma_db: float = -5.0
    capsule_db: float = 4.0
    edge_mm: float = 0.3
    grain_db: float = 2.5
    texture_seed: int = 0

    def __post_init__(self) -> None:
        if min(self.semi_axes_mm) <= 0:
            raise InvalidInput(
                "phantom ovary without extent",
                value=f"semi-axes {self.semi_axes_mm} mm",
                accepted="three positive lengths",
            )

    @property
    def volume_ml(self) -> float:
        """True volume, mL. Bending does not change it."""
        return 4 / 3 * math.pi * math.prod(self.semi_axes_mm) / 1000

    @property
    def fnpo(self) -> int:
        """True number of follicles of 2-9 mm in the whole ovary."""
        return sum(
            SMALLEST_COUNTED_MM <= follicle.diameter_mm < DOMINANT_FROM_MM
            for follicle in self.follicles
        )

    @property
    def slack_mm(self) -> float:
        """Most that bending can move any point, mm."""
        return sum(bend.amplitude_mm for bend in self.bends)


def unbend(points: Points, bends: tuple[Shear, ...]) -> Points:
    """Take points of the real ovary to the space where its shapes are ellipsoids.

    Args:
        points: ``(..., 3) float32``, mm.
        bends: The ovary's shears, first to last.

    Returns:
        ``(..., 3) float32``, mm.
    """
    straight = points.copy()
    for bend in bends:
        straight[..., bend.target] += _shift(straight[..., bend.source], bend)
    return straight


def bend_back(points: Points, bends: tuple[Shear, ...]) -> Points:
    """Undo ``unbend`` exactly.

    Args:
        points: ``(..., 3) float32``, mm.
        bends: The ovary's shears, first to last.

    Returns:
        ``(..., 3) float32``, mm.
    """
    real = points.copy()
    for bend in reversed(bends):
        real[..., bend.target] -= _shift(real[..., bend.source], bend)
    return real


def _shift(source: npt.NDArray[np.float32], bend: Shear) -> npt.NDArray[np.float32]:
    """How far one shear moves each point, mm."""
    wave = np.sin(source * np.float32(2 * math.pi / bend.wavelength_mm) + np.float32(bend.phase))
    return np.asarray(wave * np.float32(bend.amplitude_mm), dtype=np.float32)
