"""The morphology axis of severity: how far over the adult threshold the ovaries are.

Owns the ratio bands and the measurement error assumed where none is stated. It always uses the
2023 thresholds, whatever criteria profile is applied.
"""

from collections.abc import Iterable

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.morphology import has_modern_probe
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    OvarianVolume,
    OvaryMeasurements,
    Side,
    Ultrasound,
    VolumeMethod,
)
from deeppcos.clinical.ovary_readings import were_both_seen
from deeppcos.clinical.patient import AgeGroup
from deeppcos.clinical.profiles import FNPO_2023, FNPS_2023, VOLUME_2023
from deeppcos.clinical.severity import Axis, axis, not_graded
from deeppcos.clinical.sourcing import Relation, Rule, Verification

MORPHOLOGY_BANDS = tuple(
    Rule(
        key=f"severity_morphology_grade_{grade}",
        value=value,
        unit="x threshold",
        relation=Relation.AT_LEAST,
        text=f"Morphology axis grade {grade}: from this multiple of the 2023 threshold.",
        source="clinical reference 2.2",
        verification=Verification.PROJECT,
    )
    for grade, value in ((1, 1), (2, 1.5), (3, 2))
)

FNPO_ERROR = 5
"""True count = reading -5 to +5. Source: U9, verification V; to be replaced by own data."""

VOLUME_ERROR_ML = {VolumeMethod.TWO_D: (-6.7, 3.8), VolumeMethod.THREE_D: (-5.4, 4.7)}
"""True volume = reading plus these, mL. Source: U13, 46 removed ovaries, verification V."""

Reading = tuple[float, float, float]
"""Value, lowest and highest of one measurement."""


def morphology_axis(chart: PatientChart) -> Axis:
    """M: the largest count or volume over its threshold, by a method the scan permits."""
    closed = _closed(chart)
    if closed:
        return not_graded("M", closed)
    scan = chart.ultrasound
    is_modern = has_modern_probe(scan)
    if is_modern is None:
        return not_graded("M", "route or probe unknown", missing=_method_missing(scan))
    if is_modern:
        counts = [_count_reading(o.fnpo) for o in _ovaries(scan) if o.fnpo]
        return _graded(
            counts, FNPO_2023, "follicles", ["ultrasound.left.fnpo", "ultrasound.right.fnpo"]
        )
    if not were_both_seen(scan):
        return not_graded(
            "M",
            "only one ovary seen: volume or section count is not graded",
            missing=[f"ultrasound.{side}.volume_ml" for side in Side],
        )
    readings = [_volume_reading(v) for v in _quiet_volumes(scan)]
    if readings:
        return _graded(readings, VOLUME_2023, "mL", [])
    sections = [_count_reading(o.fnps) for o in (scan.left, scan.right) if o.fnps]
    return _graded(sections, FNPS_2023, "follicles in one section", ["ultrasound.left.volume_ml"])


def _closed(chart: PatientChart) -> str:
    """Why morphology cannot be graded; empty when it can."""
    patient = chart.patient
    if patient.pregnant or patient.postmenopausal:
        return "pregnant or postmenopausal: morphology is not graded"
    if patient.age_group is not AgeGroup.ADULT:
        return f"age group {patient.age_group}: morphology is graded in adults only"
    if patient.is_on_contraception is not False:
        state = "not recorded" if patient.is_on_contraception is None else "in use"
        return f"hormonal contraception {state}: morphology is not graded"
    scan = chart.ultrasound
    is_charted = scan.left.was_seen or scan.right.was_seen
    if not is_charted and scan.seen and all(s.is_single_frame for s in scan.seen):
        return "a single frame is the only input: it gives follicles per section at most"
    return ""


def _method_missing(scan: Ultrasound) -> list[str]:
    """Which of route and probe is unknown."""
    pairs = (("ultrasound.route", scan.route), ("ultrasound.probe_mhz", scan.probe_mhz))
    return [field for field, reading in pairs if reading is None]


def _ovaries(scan: Ultrasound) -> Iterable[OvaryMeasurements]:
    """Charted ovaries, and measured ones from more than a single frame."""
    return (
        scan.left,
        scan.right,
        *(s.measurements for s in scan.seen if not s.is_single_frame),
    )


def _quiet_volumes(scan: Ultrasound) -> list[OvarianVolume]:
    """Volumes of ovaries known to hold no dominant follicle or corpus luteum."""
    return [
        o.volume
        for o in _ovaries(scan)
        if o.volume is not None and o.dominant_follicle_or_corpus_luteum is False
    ]


def _count_reading(count: FollicleNumberPerOvary | FollicleNumberPerSection | None) -> Reading:
    """A count with its own interval, or with the assumed error of a whole-ovary count."""
    if count is None:
        return (0.0, 0.0, 0.0)
    if count.low is not None and count.high is not None:
        return (count.value, count.low, count.high)
    error = FNPO_ERROR if isinstance(count, FollicleNumberPerOvary) else 0
    return (count.value, max(0, count.value - error), count.value + error)


def _volume_reading(volume: OvarianVolume) -> Reading:
    """A volume with its own interval, or with the assumed error of its method."""
    if volume.low_ml is not None and volume.high_ml is not None:
        return (volume.ml, volume.low_ml, volume.high_ml)
    below, above = VOLUME_ERROR_ML[volume.method]
    return (volume.ml, max(0.0, volume.ml + below), volume.ml + above)


def _graded(readings: list[Reading], rule: Rule, unit: str, missing: list[str]) -> Axis:
    """The axis from the largest reading."""
    if not readings:
        return axis("M", bound=None, coverage=0.0, drivers=[], missing=missing)
    value, low, high = max(readings)
    return axis(
        "M",
        bound=morphology_grade(value / rule.value),
        coverage=1.0,
        drivers=[f"{value:g} {unit}, {value / rule.value:.2f} x the threshold of {rule.value:g}"],
        missing=[],
        reaches=(morphology_grade(low / rule.value), morphology_grade(high / rule.value)),
    )


def morphology_grade(ratio: float) -> int:
    """Grade of a ratio to the threshold.

    Examples:
        >>> [morphology_grade(r) for r in (0.95, 1.0, 1.5, 2.0)]
        [0, 1, 2, 3]
    """
    return sum(rule.applies_to(ratio) for rule in MORPHOLOGY_BANDS)
