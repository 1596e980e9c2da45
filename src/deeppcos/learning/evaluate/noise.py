"""Pictures of nothing: static, stripes, blobs and pages, other than those training draws."""

import cv2
import numpy as np
import numpy.typing as npt


def drawn_noise(count: int, *, seed: int) -> list[npt.NDArray[np.uint8]]:
    """Pictures of nothing, other than those training draws: static, stripes, blobs, pages.

    Args:
        count: How many.
        seed: Seed.

    Returns:
        ``(480, 640) uint8`` pictures.
    """
    rng = np.random.default_rng(seed)
    return [_DRAWINGS[i % len(_DRAWINGS)](rng) for i in range(count)]


def _static(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    return np.asarray(rng.integers(0, 256, (480, 640)), np.uint8)


def _stripes(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    phase = np.add.outer(np.arange(480) * rng.uniform(0, 0.4), np.arange(640) * rng.uniform(0, 0.4))
    return np.asarray(127 + 120 * np.sin(phase), np.uint8)


def _blobs(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    field = rng.normal(0, 1, (480, 640)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(field, (0, 0), float(rng.uniform(4, 30))))
    return np.asarray(255 * (smooth - smooth.min()) / (np.ptp(smooth) + 1e-6), np.uint8)


def _page(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    page = np.full((480, 640), 245, np.uint8)
    for line in range(30, 470, 22):
        text = "".join(rng.choice(list("abcdefghijklmnop rstu "), 52))
        cv2.putText(page, text, (20, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 20, 1)
    return page


_DRAWINGS = (_static, _stripes, _blobs, _page)
