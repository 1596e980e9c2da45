"""A picture with its outlines, from any export: the one place where they become a sample.

Owns what absence means. A target the export knows and a picture does not have is absent there;
a target the export does not know is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deeppcos.learning.samples import FollicleMark, Mask, Sample
from deeppcos.learning.sources.pictures import read_grey


@dataclass(slots=True, kw_only=True)
class Outlines:
    """What an export says of one picture.

    Attributes:
        ovary: ``(H, W) bool``, or None while none was outlined.
        lesion: The same.
        follicles: Reader to marks.
    """

    ovary: Mask | None = None
    lesion: Mask | None = None
    follicles: dict[str, list[FollicleMark]] = field(default_factory=dict)

    def add_area(self, target: str, mask: Mask) -> None:
        """Add an area to the ovary or the lesion.

        Args:
            target: ``ovary`` or ``lesion``.
            mask: ``(H, W) bool``.
        """
        before = self.ovary if target == "ovary" else self.lesion
        together = mask if before is None else before | mask
        if target == "ovary":
            self.ovary = together
        else:
            self.lesion = together


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a sample is.

    Attributes:
        name: Unique name, data set first.
        source: Data set.
        group: Patient group, data set first.
    """

    name: str
    source: str
    group: str


def outlined_sample(
    path: Path,
    identity: Identity,
    outlines: Outlines,
    looked_for: Mapping[str, bool],
    *,
    reader: str,
) -> Sample:
    """A sample of a picture and its outlines.

    Args:
        path: The picture.
        identity: Who it is.
        outlines: What was outlined.
        looked_for: Target to whether the export knows it.
        reader: Name of the reading where follicles were looked for and none was found.

    Returns:
        The sample.

    Raises:
        InvalidInput: If the picture cannot be read.
    """
    grey, raw = read_grey(path)
    readings = {name: tuple(marks) for name, marks in sorted(outlines.follicles.items())}
    if looked_for["follicle"] and not readings:
        readings = {reader: ()}
    has_ovary = outlines.ovary is not None or any(readings.values())
    kind = "ovary" if has_ovary else "lesion" if outlines.lesion is not None else "neither"
    if kind == "neither" and not (looked_for["ovary"] and looked_for["lesion"]):
        kind = "unknown"
    return Sample(
        name=identity.name,
        source=identity.source,
        group=identity.group,
        kind=kind,
        grey=grey,
        raw_grey=raw,
        ovary=_area(outlines.ovary, grey.shape, is_known=looked_for["ovary"]),
        lesion=_area(outlines.lesion, grey.shape, is_known=looked_for["lesion"]),
        readings=readings,
        subgroup=identity.source,
    )


def _area(mask: Mask | None, shape: tuple[int, ...], *, is_known: bool) -> Mask | None:
    """The area, nothing where it was looked for, None where it was not."""
    if mask is not None:
        return mask
    return np.zeros(shape, bool) if is_known else None
