"""The volume of an ovary from two stills at right angles.

Owns which diameters of a longitudinal and a transverse still are the three of the ovary, when two
stills contradict each other, and how a volume is stated with the error of its method.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deeppcos.clinical.ovary import (
    MeasurementSource,
    OvarianVolume,
    VolumeMethod,
    ellipsoid_volume_ml,
)
from deeppcos.clinical.plausibility import LIMITS
from deeppcos.clinical.severity_morphology import VOLUME_ERROR_ML
from deeppcos.vision.findings import Ovary
from deeppcos.vision.frame import MmPerPixel
from deeppcos.vision.geometry import diameters_mm
from deeppcos.vision.study_files import (
    FileKind,
    FrameReference,
    SectionPlane,
    StudyFileFindings,
    sections_of,
)

LARGEST_DISAGREEMENT = 1.35
"""Ratio up to which the diameter that two perpendicular sections share may differ."""

MOST_WIDER_THAN_LONG = 1.15
"""How much wider than long the transverse section may be before one of the two is mislabelled."""

AREA_TO_VOLUME = 0.75
"""Power by which each of two sections enters: volume grows as area to 1.5 when both err alike."""

CERTAIN = (1.0, 1.0)

Volume = tuple[OvarianVolume | None, tuple[FrameReference, ...], str, tuple[str, ...]]
"""The volume, the frames it was taken from, how, and why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One section of the ovary with a scale.

    Attributes:
        where: Its frame.
        diameters_mm: Longest, and the largest across it, mm.
        area_doubt: Lowest and highest share of the measured area that the true one may be.
    """

    where: FrameReference
    diameters_mm: tuple[float, float]
    area_doubt: tuple[float, float]


def volume_of_stills(files: Sequence[StudyFileFindings]) -> Volume:
    """Volume from a longitudinal and a transverse still.

    The longitudinal section gives the length and one diameter across it; the transverse one
    gives both diameters across the length, one of which is that same diameter seen again. Which
    one is not marked in the pictures: it is the one nearer in size, and the mean of both
    readings is taken; the other is the third diameter.

    The interval holds the published error of readers and, where the release promises one for the
    area of an outline, that of the network too: docs/evidence/two-plane-volume.md.
    """
    cuts: dict[SectionPlane, Cut] = {}
    for plane in (SectionPlane.LONGITUDINAL, SectionPlane.TRANSVERSE):
        best = _largest_still(files, plane)
        if best is None:
            return None, (), "", (f"no volume: no {plane} still with a scale and an ovary",)
        cuts[plane] = best
    along, through = cuts[SectionPlane.LONGITUDINAL], cuts[SectionPlane.TRANSVERSE]
    length, across = along.diameters_mm
    shared, third = sorted(through.diameters_mm, key=lambda one: abs(one - across))
    if max(shared, across) > LARGEST_DISAGREEMENT * min(shared, across):
        return None, (), "", (
            f"no volume: the diameter both stills share reads {across:.0f} mm in one and "
            f"{shared:.0f} mm in the other",
        )  # fmt: skip
    if third > MOST_WIDER_THAN_LONG * length:
        return None, (), "", (
            f"no volume: the transverse still is wider ({third:.0f} mm) than the ovary is long "
            f"({length:.0f} mm)",
        )  # fmt: skip
    mean = (shared + across) / 2
    ml = ellipsoid_volume_ml(length_mm=length, width_mm=third, thickness_mm=mean)
    return stated_volume(
        ml,
        VolumeMethod.TWO_D,
        (along.where, through.where),
        f"pi/6 x length {length:.1f} mm (longitudinal, longest) x {mean:.1f} mm (seen in both: "
        f"{across:.1f} mm across the length in the longitudinal, {shared:.1f} mm in the "
        f"transverse still) x {third:.1f} mm (transverse, the other diameter)",
        doubt=(
            (along.area_doubt[0] * through.area_doubt[0]) ** AREA_TO_VOLUME,
            (along.area_doubt[1] * through.area_doubt[1]) ** AREA_TO_VOLUME,
        ),
    )


def _largest_still(files: Sequence[StudyFileFindings], plane: SectionPlane) -> Cut | None:
    """The largest scaled section in a plane, as the one nearest the middle, and its diameters."""
    found = [
        Cut(
            where=section.where,
            diameters_mm=_diameters(section.ovary, scale),
            area_doubt=_area_doubt(section.ovary),
        )
        for file in files
        if file.kind is FileKind.STILL and file.plane is plane
        for section in sections_of(file)
        if (scale := section.findings.mm_per_pixel) is not None
    ]
    return max(found, key=lambda one: math.prod(one.diameters_mm)) if found else None


def _area_doubt(ovary: Ovary) -> tuple[float, float]:
    """How far the section's area may be from the measured one, as shares of it."""
    if ovary.area_interval_mm2 is None or not ovary.area_mm2:
        return CERTAIN
    low, high = ovary.area_interval_mm2
    return low / ovary.area_mm2, high / ovary.area_mm2


def _diameters(ovary: Ovary, scale: MmPerPixel) -> tuple[float, float]:
    """The diameters as measured before the outline was simplified, where they are stated."""
    if ovary.length_mm is not None and ovary.width_mm is not None:
        return ovary.length_mm, ovary.width_mm
    return diameters_mm(ovary.polygon, scale)


def stated_volume(
    ml: float,
    method: VolumeMethod,
    where: tuple[FrameReference, ...],
    how: str,
    *,
    doubt: tuple[float, float] = CERTAIN,
) -> Volume:
    """A volume with the error of its method, or the reason it cannot be one.

    Args:
        ml: The volume, mL.
        method: Its method, whose published error the interval holds.
        where: Frames it was taken from.
        how: What it rests on.
        doubt: Shares of the volume that the interval holds as well.

    Returns:
        The volume.
    """
    limit = LIMITS["ovary.volume_ml"]
    if not limit.low <= ml <= limit.high:
        return None, (), "", (f"no volume: {ml:.3g} mL is no ovary's",)
    below, above = VOLUME_ERROR_ML[method]
    volume = OvarianVolume(
        ml=round(ml, 2),
        low_ml=round(max(0.0, min(ml + below, ml * doubt[0])), 2),
        high_ml=round(max(ml + above, ml * doubt[1]), 2),
        source=MeasurementSource.IMAGE,
        method=method,
    )
    return volume, where, how, ()
