"""The picture that shows where the network looked: heat over the grey frame, with its scale.

Owns the drawing alone; what is hot is the business of ``vision.saliency``.
"""

import cv2
import numpy as np
import numpy.typing as npt

STRENGTH = 0.6
"""Opacity of the hottest place: the tissue under it stays visible."""

LEGEND_HEIGHT_PX = 34
MARGIN_PX = 10
BAR_WIDTH_PX = 90
INK = (230, 230, 230)
GROUND = (24, 24, 24)


def heat_picture(
    grey: npt.NDArray[np.uint8], heat: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    """Lay a heat map over a frame.

    Args:
        grey: ``(H, W) uint8``.
        heat: ``(H, W) float32`` in [0, 1].

    Returns:
        ``(H + legend, W, 3) uint8`` RGB.
    """
    colour = _colours(heat)
    alpha = (STRENGTH * np.clip(heat, 0, 1))[..., None]
    base = np.repeat(grey[..., None], 3, axis=2).astype(np.float32)
    mixed = np.asarray(base * (1 - alpha) + colour * alpha, np.uint8)
    return np.concatenate([mixed, _legend(grey.shape[1])])


def _colours(heat: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Heat in a palette that reads alike with any colour vision."""
    level = np.asarray(np.clip(heat, 0, 1) * 255, np.uint8)
    bgr = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _legend(width: int) -> npt.NDArray[np.uint8]:
    """A strip that says what the colours mean."""
    strip = np.full((LEGEND_HEIGHT_PX, width, 3), GROUND, np.uint8)
    bar_width = min(BAR_WIDTH_PX, max(1, width - 2 * MARGIN_PX))
    ramp = np.linspace(0, 1, bar_width, dtype=np.float32)[None]
    strip[12:22, MARGIN_PX : MARGIN_PX + bar_width] = _colours(ramp)
    words = "what spoke for an ovary: little to most"
    place = (2 * MARGIN_PX + bar_width, 21)
    cv2.putText(strip, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return strip
