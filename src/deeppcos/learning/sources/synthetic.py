"""Phantom scenes as samples: exact truth, and pictures of uterus and bowel without an ovary."""

import cv2
import numpy as np

from deeppcos.learning.phantom import PhantomSection, random_scene
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.outlines import marks_of_labels
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.graphics import neutralise_graphics

SMALLEST_MARK_PX = 12
"""A reader would not outline a follicle of fewer pixels."""


def draw_synthetic(*, count: int, seed: int) -> list[Sample]:
    """Draw random scenes.

    Args:
        count: Number of scenes.
        seed: Each scene has its own generator from this seed and its number.

    Returns:
        One sample a scene; every scene is a group of its own.
    """
    return [
        sample_of(random_scene(np.random.default_rng([seed, number])), number)
        for number in range(count)
    ]


def sample_of(section: PhantomSection, number: int) -> Sample:
    """One drawn scene as a sample.

    Args:
        section: The picture and its truth.
        number: Names it.

    Returns:
        The sample.
    """
    name = f"synthetic/{number}"
    frame = UltrasoundFrame(source=name, index=0, pixels=section.pixels)
    has_ovary = bool(section.ovary_mask.any())
    has_lesion = bool(section.lesion_mask.any())
    marks = marks_of_labels(section.follicle_labels, smallest_px=SMALLEST_MARK_PX)
    kind = "ovary" if has_ovary else "lesion" if has_lesion else "neither"
    return Sample(
        name=name,
        source="synthetic",
        group=name,
        kind=kind,
        grey=neutralise_graphics(frame).grey,
        raw_grey=np.asarray(cv2.cvtColor(section.pixels, cv2.COLOR_RGB2GRAY), np.uint8),
        ovary=section.ovary_mask,
        lesion=section.lesion_mask,
        readings={"truth": marks} if has_ovary else {},
        subgroup="synthetic",
    )
