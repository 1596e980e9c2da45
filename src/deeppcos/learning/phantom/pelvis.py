"""The ground on which organs lie: layered, uneven pelvic tissue."""

import math

import numpy as np

from deeppcos.learning.phantom.probe import FloatImage
from deeppcos.learning.phantom.texture import smooth_noise
from deeppcos.learning.phantom.tissue import TISSUE_ABSORPTION, TissueField


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
