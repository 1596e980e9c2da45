"""One picture to learn from, with what is known about it and what is not.

Owns the sample type every source produces. Reading data sets is the business of ``sources``;
drawing views of a sample for training is the business of ``augment``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollicleMark:
    """One follicle as a reader marked it.

    Attributes:
        polygon: ``(N, 2) float32`` (x, y) in picture pixels.
        is_sure: False where the reader wrote "maybe".
    """

    polygon: npt.NDArray[np.float32]
    is_sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture and its truth; None means nobody looked, never "nothing there".

    Attributes:
        name: Unique name, source first.
        source: Data set.
        group: Patient-like group: never divided between training and validation.
        kind: ``ovary``, ``lesion``, ``neither`` (ultrasound without either), ``foreign`` (no
            ultrasound) or ``unknown`` (nobody said what the picture shows).
        grey: ``(H, W) uint8`` luminance with graphics filled in.
        ovary: ``(H, W) bool``, or None.
        lesion: ``(H, W) bool``, or None.
        readings: Reader name to marks; empty when nobody marked follicles.
        subgroup: What to report separately, such as the class in the source.
        raw_grey: ``(H, W) uint8`` luminance with the graphics left in, for the ablation only.
        label: Class as the source states it, for classification; empty where it states none.
    """

    name: str
    source: str
    group: str
    kind: str
    grey: npt.NDArray[np.uint8]
    ovary: Mask | None
    lesion: Mask | None
    readings: dict[str, tuple[FollicleMark, ...]]
    subgroup: str
    raw_grey: npt.NDArray[np.uint8]
    label: str = ""
