"""A volume in three dimensions: slices in, the ovary and its follicles as solids out.

Owns the way from slices to solids and back to an outline in each slice, so that everything that
draws or counts sections goes on as before. The looks are ``solid_maps``, the cutting
``solid_bodies``; when there is no count is decided by ``tracking_limits``, as for sweeps.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.analyse import PreparedFrame, follicle_kind, judge_frame, prepare_frame
from deeppcos.vision.findings import FrameFindings, Polygon
from deeppcos.vision.followed_ovary import FollowedOvary, coverage_of
from deeppcos.vision.frame import MmPerPixel, UltrasoundFrame
from deeppcos.vision.geometry import outline_of, simplified
from deeppcos.vision.looking import Look, SeenFollicle, SeenOvary, joint_score
from deeppcos.vision.release import Release
from deeppcos.vision.sections import Chain, section_of
from deeppcos.vision.solid_bodies import Solid, SolidOvary, solid_ovary
from deeppcos.vision.solid_maps import EvenGrid, SolidMaps, even_grid, look_through
from deeppcos.vision.tracked_follicle import TrackedFollicle
from deeppcos.vision.tracking import TrackedFollicles, TrackedOvary, nothing_followed
from deeppcos.vision.tracking_limits import count_of, problems_of

LOWER_INTERIOR = 0.05
"""How much lower the mean of three answers is cut than one: they never agree on the rim."""

LEAST_SCORE = 0.5
SOLID_TOLERANCE_PX = 0.2

Progress = Callable[[int, int], None]
"""Called with the sections looked at and the sections there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedVolume:
    """What a volume showed.

    Attributes:
        findings: One record a slice; outlines are cuts through the solids.
        followed: The ovary and its follicles with count and volume, or why there is none.
    """

    findings: tuple[FrameFindings, ...]
    followed: TrackedFollicles


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cuts:
    """Outlines of the solids in the stored slices: label 0 is the ovary.

    Attributes:
        outlines: Outline by label, for each slice.
    """

    outlines: tuple[dict[int, Polygon], ...]


def analyse_volume(
    frames: Iterable[UltrasoundFrame],
    release: Release,
    *,
    slice_spacing_mm: float,
    progress: Progress | None = None,
) -> AnalysedVolume:
    """Find ovary and follicles of a volume in three dimensions.

    Args:
        frames: All slices of one file, in order, of one scale.
        release: The release to look with.
        slice_spacing_mm: Distance between neighbouring slices, mm.
        progress: Told after every section looked at.

    Returns:
        Findings of every slice, and what was followed through them.

    Raises:
        InvalidInput: If there is no slice, the slices differ in size or scale, have no scale, or
            the spacing is not positive.
    """
    prepared = [prepare_frame(frame) for frame in frames]
    scale = _one_scale([one.frame for one in prepared], slice_spacing_mm)
    grid = even_grid(
        np.stack([one.grey for one in prepared]), size_mm=(slice_spacing_mm, scale.y, scale.x)
    )
    maps = look_through(grid, release, progress=progress)
    solid = None if maps is None else _solid(maps, grid, release)
    if maps is None or solid is None:
        return _without_ovary(prepared, release, slice_spacing_mm)
    cuts = _cuts(grid, solid, len(prepared))
    findings = tuple(
        judge_frame(one, _look(outlines, maps, solid), release)
        for one, outlines in zip(prepared, cuts.outlines, strict=True)
    )
    return AnalysedVolume(
        findings=findings,
        followed=_followed(findings, cuts, solid, slice_spacing_mm),
    )


def _solid(maps: SolidMaps, grid: EvenGrid, release: Release) -> SolidOvary | None:
    """Cut at the levels of the release."""
    points = release.manifest.operating_points
    return solid_ovary(
        maps,
        mm=grid.mm,
        ovary_level=points.ovary_map,
        interior=points.follicle_interior - LOWER_INTERIOR,
        least_score=LEAST_SCORE,
    )


def _one_scale(frames: Sequence[UltrasoundFrame], spacing_mm: float) -> MmPerPixel:
    """The scale of all slices."""
    scales = {frame.mm_per_pixel for frame in frames}
    shapes = {frame.pixels.shape for frame in frames}
    scale = next(iter(scales), None)
    is_sound = math.isfinite(spacing_mm) and spacing_mm > 0
    if len(scales) != 1 or len(shapes) != 1 or scale is None or not is_sound:
        raise InvalidInput(
            "these slices are no volume",
            value=f"{len(frames)} slices, {len(shapes)} sizes, {len(scales)} scales, "
            f"spacing {spacing_mm} mm",
            accepted="slices of one size and one scale, at a positive spacing",
            remedy="follow them like a sweep",
        )
    return scale


def _without_ovary(
    prepared: Sequence[PreparedFrame], release: Release, spacing_mm: float
) -> AnalysedVolume:
    """The record of a volume in which no ovary was seen."""
    look = Look(ovary_answer=0.0, lesion_answer=0.0, ovaries=(), lesions=())
    return AnalysedVolume(
        findings=tuple(
            judge_frame(one, None if one.problems else look, release) for one in prepared
        ),
        followed=nothing_followed(
            prepared[0].frame.source, spacing_mm, ("no ovary was seen in the volume",)
        ),
    )


def _cuts(grid: EvenGrid, solid: SolidOvary, count: int) -> _Cuts:
    """Where the stored slices cut the solids."""
    depth, row, column = grid.size_mm
    to_pixels = (grid.mm / column, grid.mm / row)
    slices = []
    for index in range(count):
        at = min(round(index * depth / grid.mm), solid.mask.shape[0] - 1)
        outlines: dict[int, Polygon] = {}
        shown = np.unique(solid.labels[at])
        for label in (0, *shown[shown > 0].tolist()):
            mask = solid.labels[at] == label if label else solid.mask[at]
            outline = _outline(mask, to_pixels)
            if outline is not None:
                outlines[label] = outline
        slices.append(outlines if 0 in outlines else {})
    return _Cuts(outlines=tuple(slices))


def _outline(mask: npt.NDArray[np.bool_], to_pixels: tuple[float, float]) -> Polygon | None:
    """An outline on the even grid in pixels of the stored slice; both begin at one centre."""
    outline = outline_of(mask)
    if outline is None or len(outline) < 4:
        return None
    outline = simplified(outline, within_px=SOLID_TOLERANCE_PX)
    return tuple((x * to_pixels[0], y * to_pixels[1]) for x, y in outline)


def _look(outlines: dict[int, Polygon], maps: SolidMaps, solid: SolidOvary) -> Look:
    """The cut through the solids as the raw answers of a look."""
    scores = {follicle.label: follicle.score for follicle in solid.follicles}
    follicles = tuple(
        SeenFollicle(polygon=outline, score=scores[label])
        for label, outline in outlines.items()
        if label
    )
    score = joint_score((maps.place_score, solid.ovary.score, maps.ovary_answer))
    ovary = SeenOvary(polygon=outlines[0], score=score, follicles=follicles) if outlines else None
    return Look(
        ovary_answer=maps.ovary_answer,
        lesion_answer=0.0,
        ovaries=(ovary,) if ovary else (),
        lesions=(),
    )


def _followed(
    findings: Sequence[FrameFindings], cuts: _Cuts, solid: SolidOvary, spacing_mm: float
) -> TrackedFollicles:
    """The solids as what was followed through the slices."""
    source = findings[0].source
    shown = [at for at, one in enumerate(findings) if one.ovaries and one.is_assessable]
    if not shown:
        return nothing_followed(source, spacing_mm, ("no ovary could be judged in any slice",))
    probability = findings[shown[0]].ovaries[0].probability
    sections = tuple(
        section_of(cuts.outlines[at][0], frame=at, item=0, probability=probability) for at in shown
    )
    sequence = FollowedOvary(
        frames=findings, spacing_mm=spacing_mm, ovary=Chain(sections=sections), follicles=()
    )
    coverage = coverage_of(sequence)
    kept = [track for one in solid.follicles if (track := _track(one, findings, cuts)) is not None]
    problems = problems_of(sequence, (), kept, coverage=coverage, step_mm=spacing_mm, others=())
    largest = max(sections, key=lambda section: section.area)
    return TrackedFollicles(
        source=source,
        slice_spacing_mm=spacing_mm,
        ovary=TrackedOvary(
            frames=tuple(findings[at].frame for at in shown),
            outlines=tuple(cuts.outlines[at][0] for at in shown),
            largest_in=findings[largest.frame].frame,
            probability=probability,
        ),
        follicles=tuple(kept),
        doubtful=0,
        step_mm=spacing_mm,
        coverage=coverage,
        count=None if problems else count_of(kept, kept, coverage=coverage, step_mm=spacing_mm),
        unsized_count=None,
        ovary_volume_ml=None if problems else solid.ovary.volume_ml,
        ovary_diameters_mm=None if problems else solid.ovary.diameters_mm,
        not_counted_because=problems,
    )


def _track(solid: Solid, findings: Sequence[FrameFindings], cuts: _Cuts) -> TrackedFollicle | None:
    """One solid follicle with its outline in every slice; None where it lies between slices."""
    shown = {
        findings[at].frame: outlines[solid.label]
        for at, outlines in enumerate(cuts.outlines)
        if solid.label in outlines
    }
    if not shown:
        return None
    probabilities = [
        follicle.probability
        for one in findings
        for ovary in one.ovaries
        for follicle in ovary.follicles
        if one.frame in shown and follicle.polygon == shown[one.frame]
    ]
    largest = max(shown, key=lambda frame: _extent(shown[frame]))
    return TrackedFollicle(
        frames=tuple(shown),
        outlines=tuple(shown.values()),
        largest_in=largest,
        outline=shown[largest],
        probability=sum(probabilities) / max(len(probabilities), 1),
        frames_expected=float(len(shown)),
        diameters_mm=solid.diameters_mm,
        mean_diameter_mm=solid.mean_diameter_mm,
        volume_ml=solid.volume_ml,
        kind=follicle_kind(solid.mean_diameter_mm),
    )


def _extent(outline: Polygon) -> float:
    """Size of an outline's box, square pixels."""
    points = np.asarray(outline)
    return float(np.prod(points.max(axis=0) - points.min(axis=0)))
