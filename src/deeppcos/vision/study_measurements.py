"""What all pictures of a study together measured of each ovary.

Owns choosing among stills, sweeps and volumes: the fullest section, the estimate of a sweep,
the count and volume of a volume, or a volume from two stills at right angles, each with the
picture it came from and the reason where there is none. Measuring one picture is the business of
``analyse``, one sequence that of ``tracking``; what the numbers mean that of
``deeppcos.clinical``.

An ovary whose side nobody stated stays an entry of its own: sides are never guessed. One frame
never gives a count of the whole ovary, and what a person charted is never overwritten.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from deeppcos.clinical.chart import PatientChart, with_seen_ovaries
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvaryMeasurements,
    SeenOvary,
    Side,
    TrackedEstimate,
    VolumeMethod,
)
from deeppcos.clinical.plausibility import LIMITS
from deeppcos.clinical.severity_morphology import FNPO_ERROR
from deeppcos.vision.enlarging_bodies import (
    FORBIDS,
    first_dominant,
    first_luteal_like,
    look_at_body,
)
from deeppcos.vision.orthogonal_planes import Volume, stated_volume, volume_of_stills
from deeppcos.vision.study_files import (
    FileKind,
    FrameReference,
    SectionPlane,
    SeenSection,
    StudyFileFindings,
    sections_of,
)
from deeppcos.vision.tracking import TrackedFollicles, track_follicles

__all__ = [
    "FileKind",
    "FrameReference",
    "SectionPlane",
    "SideMeasurements",
    "StudyFileFindings",
    "measure_study",
    "to_chart",
]

MISSED_IN_VOLUMES = 0.85
"""Follicles the network may miss in a volume for each one it finds.

On phantom volumes it missed up to 0.82, nearly all under 4 mm: docs/evidence/sweeps-and-volumes.md.
A low count must not look like a sure one.
"""

NOT_SEARCHED = (
    "outlines added up over all slices; cysts and corpora lutea are not looked for in volumes"
)

Count = TypeVar("Count", TrackedEstimate, FollicleNumberPerOvary)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideMeasurements:
    """What the pictures measured of one ovary.

    Attributes:
        side: Left, right, or None: ovaries whose side nobody stated, taken together.
        measurements: The numbers, each marked as measured in a picture.
        is_single_frame: Whether one frame is all there was.
        fnps_from: Frame with the fullest section.
        is_fnps_sized: Whether that frame has a scale, so that only 2.0-9.9 mm were counted;
            None without a section.
        tracked_from: The sweep behind the estimate.
        fnpo_from: The volume behind the whole-ovary count.
        volume_from: Frames or file behind the ovarian volume.
        volume_method: Which diameters, or what else, the volume rests on; empty without one.
        dominant_from: Frame with a dominant follicle or a cyst-like body.
        luteal_from: Still with a body that looks like a corpus luteum, for a person to look at.
        notes: Why something is missing, and what a flag forbids.
    """

    side: Side | None
    measurements: OvaryMeasurements
    is_single_frame: bool
    fnps_from: FrameReference | None = None
    is_fnps_sized: bool | None = None
    tracked_from: str | None = None
    fnpo_from: str | None = None
    volume_from: tuple[FrameReference, ...] = ()
    volume_method: str = ""
    dominant_from: FrameReference | None = None
    luteal_from: FrameReference | None = None
    notes: tuple[str, ...] = ()

    @property
    def seen_ovary(self) -> SeenOvary:
        """The same as the chart takes it."""
        return SeenOvary(
            side=self.side,
            measurements=self.measurements,
            is_single_frame=self.is_single_frame,
        )


def measure_study(files: Iterable[StudyFileFindings]) -> tuple[SideMeasurements, ...]:
    """Measure each ovary of a study from all its pictures.

    Args:
        files: Findings of every file of the study.

    Returns:
        One entry a side of which there are pictures: left, right, then side unknown.

    Raises:
        InvalidInput: If a volume states a slice spacing that is not positive.
    """
    every = tuple(files)
    sides: tuple[Side | None, ...] = (Side.LEFT, Side.RIGHT, None)
    return tuple(
        _measured(side, own) for side in sides if (own := [f for f in every if f.side is side])
    )


def to_chart(chart: PatientChart, measured: Iterable[SideMeasurements]) -> PatientChart:
    """The chart with the measurements beside what a person charted.

    Nothing charted is overwritten: where both answer a question and disagree, the clinical
    rules leave it open.

    Args:
        chart: The chart; not changed.
        measured: Measurements of the study, replacing any from pictures before.

    Returns:
        A new chart.
    """
    return with_seen_ovaries(chart, (one.seen_ovary for one in measured if _has_any(one)))


def _has_any(one: SideMeasurements) -> bool:
    """Whether anything was measured or flagged."""
    found = one.measurements
    return found.was_seen or found.dominant_follicle_or_corpus_luteum is not None


def _measured(side: Side | None, files: Sequence[StudyFileFindings]) -> SideMeasurements:
    """Everything of one side."""
    tracked = [_followed(file) for file in files if file.kind is not FileKind.STILL]
    fullest = _fullest(files)
    volume, volume_from, method, volume_notes = _volume(side, files, tracked)
    dominant, luteal = first_dominant(files), first_luteal_like(files)
    estimate, estimate_from = _largest(tracked, lambda one: one.estimate)
    fnpo, fnpo_from = _largest(tracked, lambda one: one.fnpo)
    return SideMeasurements(
        side=side,
        measurements=OvaryMeasurements(
            fnpo=None if fnpo is None else _with_reader_error(fnpo),
            fnps=None if fullest is None else _section_count(fullest),
            tracked=estimate,
            volume=volume,
            # A picture shows a dominant follicle; it does not rule out a corpus luteum, and what
            # only looks like one leaves the question open.
            dominant_follicle_or_corpus_luteum=True if dominant else None,
        ),
        is_single_frame=sum(len(file.frames) for file in files) == 1,
        fnps_from=fullest.where if fullest else None,
        is_fnps_sized=fullest.is_sized if fullest else None,
        tracked_from=estimate_from,
        fnpo_from=fnpo_from,
        volume_from=volume_from,
        volume_method=method,
        dominant_from=dominant,
        luteal_from=luteal.where if luteal else None,
        notes=(
            *_notes(files, fullest, tracked),
            *volume_notes,
            *((FORBIDS,) if dominant else ()),
            *((look_at_body(luteal),) if luteal else ()),
        ),
    )


def _followed(file: StudyFileFindings) -> TrackedFollicles:
    """The follicles of a sweep, or of a volume that was looked at slice by slice."""
    spacing = file.slice_spacing_mm if file.kind is FileKind.VOLUME else None
    return track_follicles(file.frames, slice_spacing_mm=spacing)


def _fullest(files: Sequence[StudyFileFindings]) -> SeenSection | None:
    """The section with the most follicles; one with a scale goes before any without."""
    candidates = [
        section
        for file in files
        for section in _steady_sections(file)
        if section.ovary.follicle_count_section.value <= LIMITS["ovary.fnps"].high
    ]
    if not candidates:
        return None
    return max(
        candidates,
        key=lambda one: (
            one.is_sized,
            one.ovary.follicle_count_section.value,
            one.ovary.probability,
        ),
    )


def _steady_sections(file: StudyFileFindings) -> list[SeenSection]:
    """Sections to choose the fullest from.

    The largest of a hundred wavering counts is too large: in a sweep or volume a section counts
    as the middle of itself and its two neighbours.
    """
    sections = list(sections_of(file))
    if file.kind is FileKind.STILL or len(sections) < 3:
        return sections
    return [
        sorted(sections[i - 1 : i + 2], key=lambda one: one.ovary.follicle_count_section.value)[1]
        for i in range(1, len(sections) - 1)
    ]


def _section_count(section: SeenSection) -> FollicleNumberPerSection:
    """The count of one section as the chart takes it."""
    count = section.ovary.follicle_count_section
    return FollicleNumberPerSection(
        value=count.value, low=count.low, high=count.high, source=MeasurementSource.IMAGE
    )


def _largest(
    tracked: Sequence[TrackedFollicles], of: Callable[[TrackedFollicles], Count | None]
) -> tuple[Count | None, str | None]:
    """The largest count of several sequences of one ovary: less was seen in the others."""
    counts = [(count, one.source) for one in tracked if (count := of(one)) is not None]
    return max(counts, key=lambda pair: pair[0].value) if counts else (None, None)


def _with_reader_error(count: FollicleNumberPerOvary) -> FollicleNumberPerOvary:
    """The interval as wide as readers disagree and the network misses: linking is not all."""
    low = count.value if count.low is None else count.low
    high = count.value if count.high is None else count.high
    return FollicleNumberPerOvary(
        value=count.value,
        low=max(0, min(low, count.value - FNPO_ERROR)),
        high=max(high, count.value + FNPO_ERROR, math.ceil(count.value * (1 + MISSED_IN_VOLUMES))),
        source=count.source,
    )


def _notes(
    files: Sequence[StudyFileFindings],
    fullest: SeenSection | None,
    tracked: Sequence[TrackedFollicles],
) -> tuple[str, ...]:
    """Why counts are missing or weaker than they look."""
    notes = [] if fullest else ["no section in which the ovary can be judged"]
    if fullest and not fullest.is_sized:
        notes.append(
            "follicles per section were counted without a scale: sizes are not known, so the "
            "count may hold follicles under 2 mm or of 10 mm and over"
        )
    notes += [
        f"{file.source}: slice spacing not known, so its slices were followed like a sweep"
        for file in files
        if file.kind is FileKind.VOLUME and file.slice_spacing_mm is None
    ]
    for one in tracked:
        notes += [f"{one.source}: no count, {reason}" for reason in one.not_counted_because]
    if not tracked:
        notes.append("no sweep or volume: stills give follicles per section at most")
    return tuple(notes)


def _volume(
    side: Side | None, files: Sequence[StudyFileFindings], tracked: Sequence[TrackedFollicles]
) -> Volume:
    """The best volume there is: counted in slices, else from two stills at right angles."""
    counted = [
        (one.ovary_volume_ml, one.source) for one in tracked if one.ovary_volume_ml is not None
    ]
    if counted:
        ml, source = max(counted)
        first = next(file.frames[0].frame for file in files if file.source == source)
        where = (FrameReference(source=source, frame=first),)
        return stated_volume(ml, VolumeMethod.THREE_D, where, NOT_SEARCHED)
    if side is None:
        return None, (), "", ("no volume: two stills of unknown side may show two ovaries",)
    return volume_of_stills(files)
