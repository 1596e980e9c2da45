"""Phantom scenes as samples: exact truth, and pictures of uterus and bowel without an ovary."""

import cv2
import numpy as np

from deeppcos.learning.phantom import PhantomSection, random_scene
from deeppcos.learning.samples import FollicleMark, Sample
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
        _sample(random_scene(np.random.default_rng([seed, number])), number)
        for number in range(count)
    ]


def _sample(section: PhantomSection, number: int) -> Sample:
    """One scene."""
    name = f"synthetic/{number}"
    frame = UltrasoundFrame(source=name, index=0, pixels=section.pixels)
    has_ovary = bool(section.ovary_mask.any())
    has_lesion = bool(section.lesion_mask.any())
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
        readings={"truth": _marks(section)} if has_ovary else {},
        subgroup="synthetic",
    )


def _marks(section: PhantomSection) -> tuple[FollicleMark, ...]:
    """Outlines of the instance map."""
    marks = []
    for label in np.unique(section.follicle_labels):
        if label == 0:
            continue
        mask = (section.follicle_labels == label).astype(np.uint8)
        if int(mask.sum()) < SMALLEST_MARK_PX:
            continue
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        largest = max(outlines, key=cv2.contourArea)
        marks.append(FollicleMark(polygon=largest[:, 0, :].astype(np.float32), is_sure=True))
    return tuple(marks)
