"""Smooth random fields: the unevenness of tissue.

Owns chance only; what a field means is decided where it is painted.
"""

import cv2
import numpy as np

from deeppcos.learning.phantom.probe import FloatImage


def smooth_noise(
    rng: np.random.Generator,
    across: FloatImage,
    along: FloatImage,
    *,
    cell_across_mm: float,
    cell_along_mm: float,
) -> FloatImage:
    """Random field of about unit variance that changes over one cell.

    Args:
        rng: Source of chance.
        across: ``(H, W) float32`` coordinate, mm.
        along: ``(H, W) float32`` coordinate, mm.
        cell_across_mm: Distance over which the field changes, first coordinate.
        cell_along_mm: The same, second coordinate.

    Returns:
        ``(H, W) float32``.
    """
    columns = across / np.float32(cell_across_mm)
    rows = along / np.float32(cell_along_mm)
    columns = columns - columns.min() + np.float32(2)
    rows = rows - rows.min() + np.float32(2)
    size = (min(int(rows.max()) + 4, 2000), min(int(columns.max()) + 4, 2000))
    grid = rng.standard_normal(size, dtype=np.float32)
    field = cv2.remap(grid, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(field, dtype=np.float32) * np.float32(1.2)


def blurred(image: FloatImage, *, across: float, along: float) -> FloatImage:
    """Gaussian blur with standard deviations in pixels; 0 leaves that axis alone."""
    return np.asarray(
        cv2.GaussianBlur(
            image,
            (_odd(across), _odd(along)),
            sigmaX=max(across, 1e-3),
            sigmaY=max(along, 1e-3),
            borderType=cv2.BORDER_REFLECT,
        ),
        dtype=np.float32,
    )


def _odd(sigma: float) -> int:
    """Kernel size that holds three standard deviations."""
    return 2 * int(np.ceil(3 * sigma)) + 1
