"""Frames and a release in, findings out: the whole pipeline on one page.

Scale, then graphics, then quality, then two looks, then probabilities and millimetres. Owns
the order and the last decision, whether an ovary can be judged here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from deeppcos.errors import NotAssessable
from deeppcos.vision import geometry, quality
from deeppcos.vision.burned_in_scale import read_burned_in_scale
from deeppcos.vision.findings import Follicle, FollicleKind, FrameFindings, Lesion, Ovary
from deeppcos.vision.frame import MmPerPixel, UltrasoundFrame
from deeppcos.vision.graphics import CleanFrame, neutralise_graphics
from deeppcos.vision.looking import Look, SeenFollicle, SeenLesion, SeenOvary, look_at
from deeppcos.vision.luteal_bodies import luteal_like
from deeppcos.vision.release import Release

SMALLEST_COUNTED_MM = 2.0
DOMINANT_FROM_MM = 10.0
"""Follicles of 2-9 mm are counted; 10 mm and over are dominant (Balen 2003: 2.0-9.9 mm)."""

LEAST_SHOWN_PROBABILITY = 0.08
"""A fainter outline is not even shown as doubtful."""


def analyse_frames(frames: Iterable[UltrasoundFrame], release: Release) -> Iterator[FrameFindings]:
    """Analyse frames one at a time, so that memory stays flat in a sweep.

    Args:
        frames: Frames of one file.
        release: The release to look with.

    Yields:
        One record a frame.
    """
    for frame in frames:
        yield analyse_frame(frame, release)


def analyse_frame(frame: UltrasoundFrame, release: Release) -> FrameFindings:
    """Everything that can be said of one frame.

    Args:
        frame: The frame, with or without a scale.
        release: The release to look with.

    Returns:
        Findings; ``is_assessable`` is False, with reasons, where no ovary can be judged.
    """
    prepared = prepare_frame(scaled_frame(frame))
    if prepared.problems:
        return judge_frame(prepared, None, release)
    try:
        look = look_at(
            prepared.grey,
            release.network,
            points=release.manifest.operating_points,
            rule=release.follicle_rule,
        )
    except NotAssessable as reason:
        return judge_frame(replace(prepared, problems=(reason.what,)), None, release)
    return _with_luteal_looks(judge_frame(prepared, look, release), prepared.grey)


def _with_luteal_looks(findings: FrameFindings, grey: npt.NDArray[np.uint8]) -> FrameFindings:
    """Findings with the outlines that look like a corpus luteum named."""
    if not findings.is_assessable:
        return findings
    ovaries = (replace(o, luteal_like=luteal_like(grey, o)) for o in findings.ovaries)
    return replace(findings, ovaries=tuple(ovaries))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFrame:
    """A frame made ready for the network.

    Attributes:
        frame: The frame as stored.
        grey: ``(H, W) uint8`` tissue without graphics.
        graphics: What was found and neutralised.
        problems: Why no network need look; empty where one may.
    """

    frame: UltrasoundFrame
    grey: npt.NDArray[np.uint8]
    graphics: tuple[str, ...]
    problems: tuple[str, ...]


def prepare_frame(frame: UltrasoundFrame) -> PreparedFrame:
    """Take the graphics out of a frame and see whether it can be judged at all."""
    clean = neutralise_graphics(frame)
    grey = tissue_only(frame, clean)
    problems = quality.problems_before_looking(frame, grey, clean.graphics_mask)
    return PreparedFrame(frame=frame, grey=grey, graphics=clean.kinds, problems=problems)


def scaled_frame(frame: UltrasoundFrame) -> UltrasoundFrame:
    """The frame with its burned-in scale, or with the reason why it has none."""
    return _with_one_scale(read_burned_in_scale(frame))


def judge_frame(prepared: PreparedFrame, look: Look | None, release: Release) -> FrameFindings:
    """Turn what the network answered into findings.

    Args:
        prepared: The frame.
        look: The network's raw answers; None where it was not asked.
        release: Calibrations and limits.

    Returns:
        Findings; not assessable where the network was not asked.
    """
    if look is None:
        return _findings(prepared, problems=prepared.problems)
    scale = prepared.frame.mm_per_pixel
    ovaries = tuple(
        ovary
        for seen in look.ovaries
        if (ovary := judged_ovary(seen, scale, release)).probability >= LEAST_SHOWN_PROBABILITY
    )
    ovaries = tuple(sorted(ovaries, key=lambda ovary: -ovary.probability))
    lesions = _lesions(look, scale, release)
    return _findings(
        prepared,
        problems=_problems_after_looking(ovaries, lesions, release),
        ovaries=ovaries,
        lesions=lesions,
    )


def judged_ovary(seen: SeenOvary, scale: MmPerPixel | None, release: Release) -> Ovary:
    """Give an outline its probability, its millimetres and its count.

    Args:
        seen: The raw outline with its follicles.
        scale: Millimetres per pixel, or None.
        release: Calibration and count interval.

    Returns:
        The ovary; lengths are None without a scale.
    """
    follicles = tuple(_judged_follicle(f, scale, release) for f in seen.follicles)
    counted = sum(f.kind in (FollicleKind.ANTRAL, FollicleKind.UNSIZED) for f in follicles)
    length_mm = width_mm = area = interval = None
    if scale is not None:
        length_mm, width_mm = geometry.diameters_mm(seen.polygon, scale)
        area = geometry.area_mm2(seen.polygon, scale)
        interval = release.area_interval.around(area) if release.area_interval else None
    return Ovary(
        polygon=seen.polygon,
        probability=release.calibration("ovary").probability(seen.score),
        follicles=follicles,
        follicle_count_section=release.count_interval.around(counted),
        length_mm=length_mm,
        width_mm=width_mm,
        area_mm2=area,
        area_interval_mm2=interval,
    )


def _judged_follicle(seen: SeenFollicle, scale: MmPerPixel | None, release: Release) -> Follicle:
    """A follicle with probability, diameter and kind."""
    diameter = None if scale is None else geometry.mean_diameter_mm(seen.polygon, scale)
    return Follicle(
        polygon=seen.polygon,
        probability=release.calibration("follicle").probability(seen.score),
        mean_diameter_mm=diameter,
        kind=follicle_kind(diameter),
    )


def follicle_kind(mean_diameter_mm: float | None) -> FollicleKind:
    """What a follicle is by its size.

    Args:
        mean_diameter_mm: Mean diameter, mm, or None.

    Returns:
        The kind; ``unsized`` without a diameter.

    Source:
        Balen 2003: follicles of 2-9 mm mean diameter are counted.

    Examples:
        >>> follicle_kind(None).value, follicle_kind(9.9).value, follicle_kind(10.0).value
        ('unsized', 'antral', 'dominant')
    """
    if mean_diameter_mm is None:
        return FollicleKind.UNSIZED
    if mean_diameter_mm >= DOMINANT_FROM_MM:
        return FollicleKind.DOMINANT
    if mean_diameter_mm < SMALLEST_COUNTED_MM:
        return FollicleKind.BELOW_RANGE
    return FollicleKind.ANTRAL


def _lesions(look: Look, scale: MmPerPixel | None, release: Release) -> tuple[Lesion, ...]:
    """Lesions probable enough to be shown."""
    judged = (_judged_lesion(seen, scale, release) for seen in look.lesions)
    limit = release.manifest.operating_points.lesion_probability
    return tuple(lesion for lesion in judged if lesion.probability >= limit)


def _judged_lesion(seen: SeenLesion, scale: MmPerPixel | None, release: Release) -> Lesion:
    """A lesion with probability and diameter."""
    diameter = None if scale is None else geometry.diameters_mm(seen.polygon, scale)[0]
    return Lesion(
        polygon=seen.polygon,
        probability=release.calibration("lesion").probability(seen.score),
        largest_diameter_mm=diameter,
    )


def _problems_after_looking(
    ovaries: tuple[Ovary, ...], lesions: tuple[Lesion, ...], release: Release
) -> tuple[str, ...]:
    """Reasons why no ovary can be judged, after the network looked."""
    limit = release.manifest.operating_points.ovary_probability
    if ovaries and ovaries[0].probability >= limit:
        return ()
    reasons = [quality.DOUBTFUL_OVARY if ovaries else quality.NO_OVARY]
    if lesions:
        reasons.append("another lesion is outlined and may hide the ovary")
    return tuple(reasons)


def _with_one_scale(frame: UltrasoundFrame) -> UltrasoundFrame:
    """The frame without a scale where its file and its ruler contradict each other."""
    if frame.mm_per_pixel is not None and frame.scale_problem:
        return replace(frame, mm_per_pixel=None)
    return frame


def tissue_only(frame: UltrasoundFrame, clean: CleanFrame) -> npt.NDArray[np.uint8]:
    """The grey picture inside the B-mode region that the file declares, black elsewhere.

    Args:
        frame: The frame.
        clean: The frame without graphics.

    Returns:
        ``(H, W) uint8``: what the network looks at.
    """
    region = frame.tissue_region
    if region is None:
        return clean.grey
    grey = np.zeros_like(clean.grey)
    window = (slice(region.y0, region.y1), slice(region.x0, region.x1))
    grey[window] = clean.grey[window]
    return grey


def _findings(
    prepared: PreparedFrame,
    *,
    problems: tuple[str, ...],
    ovaries: tuple[Ovary, ...] = (),
    lesions: tuple[Lesion, ...] = (),
) -> FrameFindings:
    """The record of a frame."""
    frame = prepared.frame
    return FrameFindings(
        source=frame.source,
        frame=frame.index,
        width=frame.width,
        height=frame.height,
        mm_per_pixel=frame.mm_per_pixel,
        scale_problem=frame.scale_problem,
        is_assessable=not problems,
        not_assessable_because=problems,
        ovaries=ovaries,
        lesions=lesions,
        burned_in_graphics=prepared.graphics,
    )
