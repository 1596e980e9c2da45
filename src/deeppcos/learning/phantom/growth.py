"""Growing a random ovary that holds exactly what was asked for.

Owns where follicles may lie and how sizes and outlines vary.
"""

import math
from enum import StrEnum

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.phantom.anatomy import (
    CorpusLuteum,
    PhantomFollicle,
    PhantomOvary,
    Shear,
    Triple,
)


class Layout(StrEnum):
    """Where the follicles lie."""

    PERIPHERAL = "peripheral"
    SCATTERED = "scattered"


def random_ovary(
    rng: np.random.Generator,
    *,
    follicle_count: int,
    volume_ml: float,
    layout: Layout = Layout.PERIPHERAL,
    diameters_mm: tuple[float, float] = (2.0, 9.0),
    dominant_mm: float | None = None,
    corpus_luteum: bool = False,
) -> PhantomOvary:
    """Grow an ovary with an exact number of follicles.

    Args:
        rng: Source of all chance.
        follicle_count: Follicles besides a dominant one.
        volume_ml: True volume of the whole ovary, mL.
        layout: Under the capsule like a string of pearls, or anywhere.
        diameters_mm: Smallest and largest mean diameter, mm; small ones are commoner.
        dominant_mm: Diameter of a dominant follicle, mm, or None.
        corpus_luteum: Whether there is one.

    Returns:
        The ovary.

    Raises:
        InvalidInput: If so many follicles do not fit.
    """
    axes = _random_axes(rng, volume_ml)
    placed: list[tuple[Triple, float]] = []
    body = None
    if corpus_luteum:
        radius = min(float(rng.uniform(5.0, 9.0)), 0.62 * min(axes))
        centre = _place(rng, axes, radius=radius, placed=placed, layout=layout)
        placed.append((centre, radius))
        body = CorpusLuteum(
            centre_mm=centre,
            radius_mm=radius,
            wall_mm=float(rng.uniform(1.5, 0.4 * radius + 1.0)),
            core_db=float(rng.uniform(-30.0, -8.0)),
        )
    sizes = _random_diameters(rng, follicle_count, diameters_mm)
    if dominant_mm is not None:
        sizes = [min(dominant_mm, 1.7 * min(axes)), *sizes]
    follicles = []
    for size in sorted(sizes, reverse=True):
        follicle = _grow(rng, axes, diameter_mm=size, placed=placed, layout=layout)
        placed.append((follicle.centre_mm, size / 2))
        follicles.append(follicle)
    return PhantomOvary(
        semi_axes_mm=axes,
        follicles=tuple(follicles),
        corpus_luteum=body,
        bends=_random_bends(rng, axes),
        stroma_db=float(rng.uniform(-9.0, 0.5)),
        capsule_db=float(rng.uniform(0.0, 6.0)),
        edge_mm=float(rng.uniform(0.2, 1.3)),
        grain_db=float(rng.uniform(1.5, 4.5)),
        texture_seed=int(rng.integers(2**31)),
    )


def varied_ovary(rng: np.random.Generator, *, follicle_count: int) -> PhantomOvary:
    """An ovary of about the size its follicles need, of any layout, some with a dominant one.

    Args:
        rng: Source of all chance.
        follicle_count: Follicles besides a dominant one; most, not all, measure 2-9 mm.

    Returns:
        The ovary; larger, with smaller follicles, where they did not fit at first.
    """
    volume = float(np.clip(rng.lognormal(math.log(6 + 0.2 * follicle_count), 0.25), 4, 25))
    fits = (0.4 * volume * 1000 / max(follicle_count, 1) * 6 / math.pi) ** (1 / 3)
    largest = float(np.clip(1.8 * fits, 4.0, 9.5))
    layout = Layout.PERIPHERAL if rng.random() < 0.6 else Layout.SCATTERED
    dominant = float(rng.uniform(11, 16)) if rng.random() < 0.15 else None
    while True:
        try:
            return random_ovary(
                rng,
                follicle_count=follicle_count,
                volume_ml=volume,
                layout=layout,
                diameters_mm=(float(rng.uniform(1.6, 2.6)), largest),
                dominant_mm=dominant,
            )
        except InvalidInput:
            volume, largest, dominant = 1.1 * volume, max(3.5, 0.9 * largest), None


def _random_axes(rng: np.random.Generator, volume_ml: float) -> Triple:
    """Half diameters of an ovary of this volume: longer than wide, about as thick as wide."""
    longer, thicker = float(rng.uniform(1.25, 1.9)), float(rng.uniform(0.8, 1.1))
    width = (volume_ml * 1000 / (4 / 3 * math.pi * longer * thicker)) ** (1 / 3)
    return (longer * width, width, thicker * width)


def _random_bends(rng: np.random.Generator, axes: Triple) -> tuple[Shear, ...]:
    """Broad bends for the ovary's outline, then fine ones that also reach the follicles."""
    pairs = ((1, 0), (0, 1), (2, 0), (1, 2), (0, 2), (2, 1))
    broad = [
        Shear(
            target=target,
            source=source,
            amplitude_mm=float(rng.uniform(0.02, 0.07) * axes[target]),
            wavelength_mm=float(rng.uniform(1.3, 2.8) * axes[source]),
            phase=float(rng.uniform(0, 2 * math.pi)),
        )
        for target, source in pairs
    ]
    fine = [
        Shear(
            target=target,
            source=source,
            amplitude_mm=float(rng.uniform(0.08, 0.35)),
            wavelength_mm=float(rng.uniform(5.0, 11.0)),
            phase=float(rng.uniform(0, 2 * math.pi)),
        )
        for target, source in pairs[:4]
    ]
    return (*broad, *fine)


def _random_diameters(
    rng: np.random.Generator, count: int, limits: tuple[float, float]
) -> list[float]:
    """Mean diameters, mm, denser towards the small end."""
    low, high = limits
    return [float(low + (high - low) * rng.beta(1.3, 2.2)) for _ in range(count)]


def _grow(
    rng: np.random.Generator,
    axes: Triple,
    *,
    diameter_mm: float,
    placed: list[tuple[Triple, float]],
    layout: Layout,
) -> PhantomFollicle:
    """One follicle of exactly this mean diameter, in a free place."""
    stretch = rng.uniform(0.85, 1.15, 3)
    half = stretch / stretch.mean() * diameter_mm / 2
    return PhantomFollicle(
        centre_mm=_place(rng, axes, radius=diameter_mm / 2, placed=placed, layout=layout),
        semi_axes_mm=(float(half[0]), float(half[1]), float(half[2])),
        fluid_db=float(rng.uniform(-48.0, -26.0)),
    )


def _place(
    rng: np.random.Generator,
    axes: Triple,
    *,
    radius: float,
    placed: list[tuple[Triple, float]],
    layout: Layout,
) -> Triple:
    """A centre inside the ovary where the sphere touches no other by more than a flat side."""
    room = np.maximum(np.asarray(axes) - 1.08 * radius - 0.5, 0.05)
    for attempt in range(4000):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        # A crowded rim makes later follicles go deeper, as in a real polycystic ovary.
        inner = max(0.0, 0.9 - attempt / 1500) if layout is Layout.PERIPHERAL else 0.0
        spread = float(rng.uniform(inner**3, 1.0)) ** (1 / 3)
        centre = direction * room * spread
        if all(
            np.linalg.norm(centre - other) >= 0.96 * (radius + other_radius)
            for other, other_radius in placed
        ):
            return (float(centre[0]), float(centre[1]), float(centre[2]))
    raise InvalidInput(
        "follicles do not fit into the phantom ovary",
        value=f"{len(placed) + 1} of them in semi-axes {axes} mm",
        accepted="fewer or smaller follicles",
        remedy="ask for a larger ovary",
    )
