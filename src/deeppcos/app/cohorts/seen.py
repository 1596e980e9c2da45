"""What a document says was measured in pictures, put beside a chart again.

Owns the way back from the public record to clinical types, so that every criteria profile can be
asked again without a pixel.
"""

from deeppcos.clinical.chart import PatientChart, with_seen_ovaries
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvarianVolume,
    OvaryMeasurements,
    SeenOvary,
    Side,
    TrackedEstimate,
    VolumeMethod,
)
from deeppcos.records.assessment_document import (
    AssessmentDocument,
    CountMeasurement,
    SideMeasurements,
    VolumeMeasurement,
)

SIDES = {"left": Side.LEFT, "right": Side.RIGHT, "side_unknown": None}
_IMAGE = MeasurementSource.IMAGE


def chart_with_pictures(chart: PatientChart, document: AssessmentDocument) -> PatientChart:
    """The chart with what the document measured of each ovary.

    Args:
        chart: The chart; not changed.
        document: The assessment made from it and the pictures.

    Returns:
        A new chart.
    """
    single = len(document.frames) == 1
    seen = []
    for name, side in SIDES.items():
        measured: SideMeasurements | None = getattr(document.measurements, name)
        if measured is None:
            continue
        ovary = OvaryMeasurements(
            fnpo=_fnpo(measured.fnpo),
            fnps=_fnps(measured.fnps),
            tracked=_tracked(measured.tracked_estimate),
            volume=_volume(measured.volume_ml),
            dominant_follicle_or_corpus_luteum=True if _has_dominant(document, name) else None,
        )
        if ovary.was_seen or ovary.dominant_follicle_or_corpus_luteum:
            seen.append(SeenOvary(side=side, measurements=ovary, is_single_frame=single))
    return with_seen_ovaries(chart, seen)


def _fnpo(count: CountMeasurement) -> FollicleNumberPerOvary | None:
    if count.value is None:
        return None
    return FollicleNumberPerOvary(value=count.value, low=count.low, high=count.high, source=_IMAGE)


def _fnps(count: CountMeasurement) -> FollicleNumberPerSection | None:
    if count.value is None:
        return None
    return FollicleNumberPerSection(
        value=count.value, low=count.low, high=count.high, source=_IMAGE
    )


def _tracked(count: CountMeasurement) -> TrackedEstimate | None:
    """An estimate has its interval and coverage, or it is none."""
    if count.value is None or count.low is None or count.high is None or count.coverage is None:
        return None
    return TrackedEstimate(
        value=count.value, low=count.low, high=count.high, coverage=count.coverage
    )


def _volume(volume: VolumeMeasurement) -> OvarianVolume | None:
    if volume.value is None:
        return None
    solid = "3" in (volume.method or "") or "volume" in (volume.method or "")
    return OvarianVolume(
        ml=volume.value,
        low_ml=volume.low,
        high_ml=volume.high,
        source=_IMAGE,
        method=VolumeMethod.THREE_D if solid else VolumeMethod.TWO_D,
    )


def _has_dominant(document: AssessmentDocument, side: str) -> bool:
    """Whether a follicle of 10 mm or more was marked on this side."""
    wanted = None if side == "side_unknown" else side
    return any(
        follicle.kind == "dominant"
        for frame in document.frames
        if frame.assessable and frame.side == wanted
        for ovary in frame.ovaries
        for follicle in ovary.follicles
    )
