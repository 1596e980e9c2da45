"""What happens to a picture after the machine drew it: tint, graphics, lossy storage."""

from dataclasses import replace

import cv2
import numpy as np

from deeppcos.learning.phantom.overlay import GREEN, WHITE, YELLOW, burn_in, ovary_calipers
from deeppcos.learning.phantom.section import PhantomSection, RgbImage


def finish(
    section: PhantomSection, rng: np.random.Generator, *, with_graphics: bool
) -> PhantomSection:
    """Give a section the look of a stored picture.

    Args:
        section: The section as the machine drew it.
        rng: Source of chance.
        with_graphics: Whether to burn in graphics of a random examination.

    Returns:
        The section with tint, graphics and the losses of storage; ``clean_pixels`` has all but
        the graphics.
    """
    tinted = _tint(section.pixels, rng)
    section = replace(section, pixels=tinted, clean_pixels=tinted)
    if with_graphics:
        section = _random_graphics(section, rng)
    quality = int(rng.integers(55, 97))
    return replace(
        section,
        pixels=_stored(section.pixels, quality),
        clean_pixels=_stored(section.clean_pixels, quality),
    )


def _tint(pixels: RgbImage, rng: np.random.Generator) -> RgbImage:
    """A faint colour map, as machines offer, on a third of the pictures."""
    if rng.random() > 0.33:
        return pixels
    strength = rng.uniform(0, 0.12, 3)
    shades = np.arange(256)[:, None] / 255
    table = 255 * shades ** (1 + np.array(strength)[None, :])
    return np.asarray(
        np.stack([table[pixels[:, :, c], c] for c in range(3)], axis=2), dtype=np.uint8
    )


def _random_graphics(section: PhantomSection, rng: np.random.Generator) -> PhantomSection:
    """Graphics of a random examination."""
    height, width = section.pixels.shape[:2]
    pairs = ovary_calipers(section)[: int(rng.integers(0, 3))]
    if not pairs and rng.random() < 0.3:
        ends = rng.uniform(0.25, 0.75, 4)
        pairs = (
            ((float(ends[0]) * width, float(ends[1]) * height),
             (float(ends[2]) * width, float(ends[3]) * height)),
        )  # fmt: skip
    words = ("Lt Ovary", "ROV", "LO", "Gn -2", "C6 / M4", "P4 / E3", "TV", "UT", "RT OV TRANS")
    texts = tuple(
        (
            words[int(rng.integers(len(words)))],
            (float(rng.uniform(0.02, 0.85)) * width, float(rng.uniform(0.05, 0.97)) * height),
        )
        for _ in range(int(rng.integers(0, 4)))
    )
    colours = (YELLOW, YELLOW, GREEN, WHITE)
    return burn_in(
        section,
        calipers=pairs,
        ruler_column_px=int(rng.uniform(0.01, 0.97) * width) if rng.random() < 0.6 else None,
        texts=texts,
        grey_bar=bool(rng.random() < 0.4),
        body_mark=bool(rng.random() < 0.15),
        colour=colours[int(rng.integers(len(colours)))],
    ).section


def _stored(pixels: RgbImage, quality: int) -> RgbImage:
    """The picture after lossy storage."""
    _, packed = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    unpacked = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(unpacked, dtype=np.uint8)[:, :, ::-1])
