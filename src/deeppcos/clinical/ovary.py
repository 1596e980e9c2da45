"""What was measured of an ovary: follicle counts, volume, and how they were obtained.

Owns three counts that are never interchangeable: follicles in one section (FNPS), the estimate
tracked through a 2D sweep, and follicles in the whole ovary (FNPO). What they mean is the
business of ``morphology``; measuring them in pictures that of ``deeppcos.vision``.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from deeppcos.clinical.plausibility import require_plausible
from deeppcos.errors import InvalidInput


class MeasurementSource(StrEnum):
    """Who measured."""

    CHART = "chart"  # a person, as written in the chart
    IMAGE = "image"  # DeepPCOS, from the pictures


class Route(StrEnum):
    """How the ovary was scanned."""

    TRANSVAGINAL = "transvaginal"
    TRANSABDOMINAL = "transabdominal"
    TRANSRECTAL = "transrectal"


class Side(StrEnum):
    """Which ovary."""

    LEFT = "left"
    RIGHT = "right"


class VolumeMethod(StrEnum):
    """How the volume was obtained; it decides the measurement error assumed."""

    TWO_D = "2d"
    THREE_D = "3d"


def _require_interval(what: str, value: float, low: float | None, high: float | None) -> None:
    """Refuse an interval with one end, or one that does not hold its value."""
    if low is None and high is None:
        return
    if low is None or high is None or not low <= value <= high:
        raise InvalidInput(
            f"{what}: the interval does not hold the value",
            value=f"{value} in {low} to {high}",
            accepted="low <= value <= high, both ends or neither",
            remedy="pass the interval of the same measurement",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FollicleNumberPerSection:
    """Follicles of 2-9 mm in one section (FNPS).

    Attributes:
        value: Count.
        low: Lower end of the measurement interval, or None if the count has none.
        high: Upper end, or None.
        source: Who counted.
    """

    value: int
    low: int | None = None
    high: int | None = None
    source: MeasurementSource

    def __post_init__(self) -> None:
        require_plausible("fnps", self.value, limit="ovary.fnps")
        _require_interval("fnps", self.value, self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedEstimate:
    """Follicles followed through a 2D sweep: an estimate, never an FNPO.

    Attributes:
        value: Count.
        low: Lower end of the measurement interval.
        high: Upper end.
        coverage: Part of the ovary the sweep passed through, 0 to 1.
    """

    value: int
    low: int
    high: int
    coverage: float

    def __post_init__(self) -> None:
        require_plausible("tracked estimate", self.value, limit="ovary.fnpo")
        _require_interval("tracked estimate", self.value, self.low, self.high)
        if not 0 <= self.coverage <= 1:
            raise InvalidInput(
                "tracked estimate: coverage is not a fraction",
                value=f"{self.coverage}",
                accepted="0 to 1",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FollicleNumberPerOvary:
    """Follicles of 2-9 mm in the whole ovary (FNPO), by 3D or a full count in real time.

    Attributes:
        value: Count.
        low: Lower end of the measurement interval, or None if the count has none.
        high: Upper end, or None.
        source: Who counted.
    """

    value: int
    low: int | None = None
    high: int | None = None
    source: MeasurementSource

    def __post_init__(self) -> None:
        require_plausible("fnpo", self.value, limit="ovary.fnpo")
        _require_interval("fnpo", self.value, self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class OvarianVolume:
    """Volume of one ovary.

    Attributes:
        ml: Volume, mL.
        low_ml: Lower end of the measurement interval, mL, or None if none is stated.
        high_ml: Upper end, mL, or None.
        source: Who measured.
        method: By three diameters (2D) or by a 3D outline.
    """

    ml: float
    low_ml: float | None = None
    high_ml: float | None = None
    source: MeasurementSource
    method: VolumeMethod = VolumeMethod.TWO_D

    def __post_init__(self) -> None:
        require_plausible("volume_ml", self.ml, limit="ovary.volume_ml")
        _require_interval("volume_ml", self.ml, self.low_ml, self.high_ml)


@dataclass(frozen=True, slots=True, kw_only=True)
class OvaryMeasurements:
    """What is known of one ovary from one source; None is unknown.

    Attributes:
        fnpo: Follicles in the whole ovary.
        fnps: Follicles in one section.
        tracked: Estimate from a 2D sweep.
        volume: Ovarian volume.
        dominant_follicle_or_corpus_luteum: Whether a follicle of 10 mm or more, a corpus
            luteum or a cyst lies in this ovary: its volume is then not read.
    """

    fnpo: FollicleNumberPerOvary | None = None
    fnps: FollicleNumberPerSection | None = None
    tracked: TrackedEstimate | None = None
    volume: OvarianVolume | None = None
    dominant_follicle_or_corpus_luteum: bool | None = None

    @property
    def was_seen(self) -> bool:
        """Whether anything at all was measured in this ovary."""
        return any(m is not None for m in (self.fnpo, self.fnps, self.tracked, self.volume))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOvary:
    """One ovary as DeepPCOS measured it in the pictures.

    Attributes:
        side: Left or right, or None where the picture does not say.
        measurements: What was measured; each with ``source=MeasurementSource.IMAGE``.
        is_single_frame: Whether only a single frame was read. No severity is graded from one.
    """

    side: Side | None
    measurements: OvaryMeasurements
    is_single_frame: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ultrasound:
    """The scan as the chart reports it, and what DeepPCOS measured in its pictures.

    Attributes:
        route: How the ovaries were scanned, or None.
        probe_mhz: Highest frequency of the probe, MHz, or None.
        left: Left ovary as written in the chart.
        right: Right ovary as written in the chart.
        seen: Ovaries as measured by DeepPCOS; empty without pictures.
    """

    route: Route | None = None
    probe_mhz: float | None = None
    left: OvaryMeasurements = field(default_factory=OvaryMeasurements)
    right: OvaryMeasurements = field(default_factory=OvaryMeasurements)
    seen: tuple[SeenOvary, ...] = ()

    def __post_init__(self) -> None:
        require_plausible("ultrasound.probe_mhz", self.probe_mhz)


def ellipsoid_volume_ml(*, length_mm: float, width_mm: float, thickness_mm: float) -> float:
    """Volume of an ovary from three orthogonal diameters.

    Treats the ovary as an ellipsoid: pi/6 x length x width x thickness.

    Args:
        length_mm: Longest diameter, mm.
        width_mm: Largest diameter across the length, mm.
        thickness_mm: Diameter perpendicular to both, mm.

    Returns:
        Volume in mL.

    Raises:
        InvalidInput: If any diameter is zero, negative or not finite.

    Source:
        Ellipsoid method as in U13 (removed ovaries); factor pi/6 general knowledge (M).

    Examples:
        >>> round(ellipsoid_volume_ml(length_mm=35, width_mm=25, thickness_mm=22), 1)
        10.1
    """
    diameters = (length_mm, width_mm, thickness_mm)
    if not all(math.isfinite(d) and d > 0 for d in diameters):
        raise InvalidInput(
            "an ovarian diameter is not positive",
            value=" x ".join(f"{d:g}" for d in diameters) + " mm",
            accepted="three diameters above 0 mm",
            remedy="measure the ovary in two perpendicular planes",
        )
    return math.pi / 6 * length_mm * width_mm * thickness_mm / 1000
