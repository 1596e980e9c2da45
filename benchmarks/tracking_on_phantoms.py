"""How well follicles are linked across frames: true outlines of phantoms with stated slips.

Reproduces docs/evidence/tracking.md::

    python benchmarks/tracking_on_phantoms.py

Measures linking, not seeing: no picture is drawn and no network looks. The outlines come from
the geometry of synthetic ovaries and are then spoiled at stated rates.
"""

import argparse
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.charts.abstention import draw_abstention, outcome_of
from deeppcos.learning.metrics import concordance
from deeppcos.learning.phantom import PhantomOvary, Plane, Viewport, varied_ovary
from deeppcos.learning.phantom.tissue import cut
from deeppcos.vision.analyse import follicle_kind
from deeppcos.vision.findings import Follicle, FrameFindings, Interval, Ovary, Polygon
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.geometry import (
    area_px,
    centroid,
    mean_diameter_mm,
    outline_of,
    points_of,
    polygon_of,
    simplified,
)
from deeppcos.vision.tracking import TrackedFollicles, track_follicles

MM_PER_PIXEL = 0.22
SCALE = MmPerPixel(x=MM_PER_PIXEL, y=MM_PER_PIXEL, source=ScaleSource.DICOM_REGIONS)
SMALLEST_SEEN_MM = 1.5
COUNTS = (0, 3, 6, 10, 14, 17, 20, 23, 27, 32, 40, 50)
FINEST_STEP_MM = 0.25
SWEEP_STEPS_MM = (0.25, 0.5, 1.0, 1.5, 2.0)
SLICE_SPACINGS_MM = (0.5, 0.75, 1.0, 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slips:
    """How outlines are spoiled.

    Attributes:
        name: For the table.
        missed: Chance that a follicle's section is not found.
        false_a_frame: Mean number of outlines a frame that are no follicle.
        jitter: Standard deviation of size and position, as a share of the diameter.
        split: Chance that a section is found as two.
        joined: Chance that two touching sections are found as one.
        hand_mm: Sideways step of the hand from frame to frame, standard deviation, mm.
        ovary_missed: Chance that the ovary is not found in a frame.
    """

    name: str
    missed: float
    false_a_frame: float
    jitter: float
    split: float
    joined: float
    hand_mm: float
    ovary_missed: float


SLIPS = (
    Slips(name="none", missed=0, false_a_frame=0, jitter=0, split=0, joined=0, hand_mm=0,
          ovary_missed=0),
    Slips(name="some", missed=0.08, false_a_frame=0.2, jitter=0.05, split=0.02, joined=0.03,
          hand_mm=0.3, ovary_missed=0.02),
    Slips(name="many", missed=0.2, false_a_frame=0.6, jitter=0.1, split=0.05, joined=0.1,
          hand_mm=0.6, ovary_missed=0.08),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueFrame:
    """True outlines of one section."""

    ovary: Polygon
    follicles: tuple[Polygon, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One reading beside its truth."""

    true_count: int
    read: TrackedFollicles
    slips: str
    step_mm: float
    true_volume_ml: float


def true_frames(ovary: PhantomOvary, plane: Plane) -> tuple[TrueFrame, ...]:
    """Sections at the finest step, from 2 mm beyond one margin to 2 mm beyond the other."""
    reach = max(ovary.semi_axes_mm) + ovary.slack_mm + 2
    size = int(2 * reach / MM_PER_PIXEL)
    viewport = Viewport(
        width_px=size,
        height_px=size,
        mm_per_pixel=MM_PER_PIXEL,
        probe_x_px=size / 2 - plane.lateral_mm / MM_PER_PIXEL,
        probe_y_px=size / 2 - plane.depth_mm / MM_PER_PIXEL,
    )
    lateral, depth = viewport.position_mm()
    frames = []
    for offset in np.arange(-reach, reach, FINEST_STEP_MM):
        at = replace(plane, offset_mm=float(offset))
        section = cut(ovary, at, lateral=lateral, depth=depth)
        frames.append(_outlines(section.capsule_mm <= 0, section.follicle_mm <= 0, section.label))
    shown = [index for index, frame in enumerate(frames) if frame.ovary]
    beyond = int(2 / FINEST_STEP_MM)
    return tuple(frames[max(0, shown[0] - beyond) : shown[-1] + beyond + 1])


def _outlines(
    inside: npt.NDArray[np.bool_], fluid: npt.NDArray[np.bool_], labels: npt.NDArray[np.uint16]
) -> TrueFrame:
    shown = np.where(fluid & inside, labels, 0)
    follicles = []
    for label in np.unique(shown[shown > 0]):
        outline = outline_of(shown == label)
        if outline is None or len(outline) < 3:
            continue
        if mean_diameter_mm(outline, SCALE) >= SMALLEST_SEEN_MM:
            follicles.append(simplified(outline, within_px=0.15))
    outline = outline_of(inside) if inside.sum() > 30 else None
    outline = simplified(outline, within_px=0.15) if outline else ()
    return TrueFrame(ovary=outline, follicles=tuple(follicles))


def spoiled(
    frames: Iterable[TrueFrame], slips: Slips, rng: np.random.Generator
) -> Iterator[FrameFindings]:
    """Findings as a network with these slips would give them."""
    hand = np.zeros(2)
    for index, frame in enumerate(frames):
        hand = 0.95 * hand + rng.normal(0, slips.hand_mm / MM_PER_PIXEL + 1e-9, 2)
        if not frame.ovary or rng.random() < slips.ovary_missed:
            yield _findings(index, (), ())
            continue
        kept = [f for f in frame.follicles if rng.random() >= slips.missed]
        kept = _some_joined(kept, slips, rng)
        pieces = [piece for f in kept for piece in _some_split(f, slips, rng)]
        shaken = [_shaken(f, slips.jitter, rng) for f in pieces]
        ghosts = [_ghost(frame.ovary, rng) for _ in range(rng.poisson(slips.false_a_frame))]
        surest = [float(rng.uniform(0.6, 0.98)) for _ in shaken]
        doubt = [float(rng.uniform(0.4, 0.85)) for _ in ghosts]
        follicles = [
            (polygon_of(points_of(outline) + hand), probability)
            for outline, probability in zip([*shaken, *ghosts], [*surest, *doubt], strict=True)
        ]
        yield _findings(index, polygon_of(points_of(frame.ovary) + hand), follicles)


def _findings(
    index: int, outline: Polygon, follicles: Sequence[tuple[Polygon, float]]
) -> FrameFindings:
    found = []
    for polygon, probability in follicles:
        diameter = mean_diameter_mm(polygon, SCALE)
        found.append(
            Follicle(
                polygon=polygon,
                probability=probability,
                mean_diameter_mm=diameter,
                kind=follicle_kind(diameter),
            )
        )
    ovaries: tuple[Ovary, ...] = ()
    if outline:
        ovaries = (
            Ovary(
                polygon=outline,
                probability=0.95,
                follicles=tuple(found),
                follicle_count_section=Interval(value=len(found), low=len(found), high=len(found)),
                length_mm=None,
                width_mm=None,
                area_mm2=None,
            ),
        )
    return FrameFindings(
        source="phantom",
        frame=index,
        width=4000,
        height=4000,
        mm_per_pixel=SCALE,
        scale_problem="",
        is_assessable=bool(ovaries),
        not_assessable_because=() if ovaries else ("no ovary",),
        ovaries=ovaries,
        lesions=(),
        burned_in_graphics=(),
    )


def _some_joined(follicles: list[Polygon], slips: Slips, rng: np.random.Generator) -> list[Polygon]:
    """Join neighbours whose outlines nearly touch, now and then."""
    left = list(follicles)
    for one, other in itertools.combinations(follicles, 2):
        if one not in left or other not in left or rng.random() >= slips.joined:
            continue
        radii = math.sqrt(area_px(one) / math.pi) + math.sqrt(area_px(other) / math.pi)
        if math.dist(centroid(one), centroid(other)) <= 1.15 * radii:
            corners = np.concatenate([points_of(one), points_of(other)]).astype(np.float32)
            left.remove(one)
            left.remove(other)
            left.append(polygon_of(cv2.convexHull(corners)[:, 0]))
    return left


def _some_split(outline: Polygon, slips: Slips, rng: np.random.Generator) -> list[Polygon]:
    """Cut an outline in two across its middle, now and then."""
    if rng.random() >= slips.split:
        return [outline]
    points, middle = points_of(outline), np.asarray(centroid(outline))
    at = float(rng.uniform(0, math.pi))
    side = (points - middle) @ np.array([math.cos(at), math.sin(at)])
    halves = [points[side > 1], points[side < -1]]
    return [
        polygon_of(cv2.convexHull(half.astype(np.float32))[:, 0])
        for half in halves
        if len(half) >= 5
    ] or [outline]


def _shaken(outline: Polygon, jitter: float, rng: np.random.Generator) -> Polygon:
    """Size, place and shape a little wrong."""
    points, middle = points_of(outline), np.asarray(centroid(outline))
    diameter = 2 * math.sqrt(area_px(outline) / math.pi)
    around = points - middle
    angle = np.arctan2(around[:, 1], around[:, 0])
    waves = sum(
        float(rng.normal(0, jitter / 3)) * np.cos(k * angle + rng.uniform(0, 6.3))
        for k in (2, 3, 5)
    )
    size = 1 + float(rng.normal(0, jitter)) + np.asarray(waves)
    place = rng.normal(0, 0.5 * jitter * diameter + 1e-9, 2)
    return polygon_of(middle + around * np.maximum(size, 0.3)[:, None] + place)


def _ghost(ovary: Polygon, rng: np.random.Generator) -> Polygon:
    """A small disc somewhere in the ovary."""
    points, middle = points_of(ovary), np.asarray(centroid(ovary))
    toward = points[int(rng.integers(len(points)))] - middle
    centre = middle + toward * float(rng.uniform(0, 0.8))
    radius = float(rng.uniform(2.0, 4.5)) / 2 / MM_PER_PIXEL
    at = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    return polygon_of(centre + radius * np.stack([np.cos(at), np.sin(at)], axis=1))


def rows(ovaries: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Sweeps and volumes over the whole grid."""
    rng = np.random.default_rng(seed)
    sweeps, volumes = [], []
    for count, _ in itertools.product(COUNTS, range(ovaries)):
        ovary = varied_ovary(rng, follicle_count=count)
        plane = Plane(
            depth_mm=30.0,
            turn_deg=float(rng.uniform(0, 180)),
            pitch_deg=float(rng.normal(0, 20)),
            roll_deg=float(rng.uniform(-60, 60)),
        )
        finest = true_frames(ovary, plane)
        for step in sorted({*SWEEP_STEPS_MM, *SLICE_SPACINGS_MM}):
            every = round(step / FINEST_STEP_MM)
            frames = finest[int(rng.integers(every)) :: every]
            for slips in SLIPS:
                if step in SWEEP_STEPS_MM:
                    read = track_follicles(list(spoiled(frames, slips, rng)), slice_spacing_mm=None)
                    sweeps.append(_row(ovary, read, slips, step))
                if step in SLICE_SPACINGS_MM:
                    still = replace(slips, hand_mm=0.0)
                    read = track_follicles(list(spoiled(frames, still, rng)), slice_spacing_mm=step)
                    volumes.append(_row(ovary, read, slips, step))
    return sweeps, volumes


def _row(ovary: PhantomOvary, read: TrackedFollicles, slips: Slips, step: float) -> Row:
    return Row(
        true_count=ovary.fnpo,
        read=read,
        slips=slips.name,
        step_mm=step,
        true_volume_ml=ovary.volume_ml,
    )


def line(name: str, some: Sequence[Row]) -> str:
    """One row of the table."""
    counted = [row for row in some if row.read.count is not None]
    abstained = 1 - len(counted) / max(len(some), 1)
    if len(counted) < 3:
        return f"| {name} | {len(some)} | {abstained:.0%} | | | | | |"
    true = np.array([row.true_count for row in counted], dtype=float)
    read = np.array([row.read.count.value for row in counted if row.read.count], dtype=float)
    wrong = read - true
    bias, spread = float(wrong.mean()), 1.96 * float(wrong.std(ddof=1))
    held = np.mean(
        [r.read.count.low <= r.true_count <= r.read.count.high for r in counted if r.read.count]
    )
    width = np.mean([r.read.count.high - r.read.count.low for r in counted if r.read.count])
    return (
        f"| {name} | {len(some)} | {abstained:.0%} | {bias:+.2f} | {bias - spread:+.1f} to "
        f"{bias + spread:+.1f} | {concordance(true, read):.3f} | {held:.0%} | {width:.1f} |"
    )


HEAD = (
    "| outlines, step | n | no count | bias | 95 % limits | Lin CCC | interval holds truth "
    "| its width |\n|---|---|---|---|---|---|---|---|"
)


def table(title: str, some: Sequence[Row]) -> str:
    """The table of one kind of sequence, then the region around the threshold."""
    lines = [f"### {title}", "", HEAD]
    for slips, step in itertools.product(
        [s.name for s in SLIPS], sorted({row.step_mm for row in some})
    ):
        part = [row for row in some if row.slips == slips and row.step_mm == step]
        lines.append(line(f"{slips}, {step:g} mm", part))
    for kind in SLIPS:
        part = [r for r in some if r.slips == kind.name and 15 <= r.true_count <= 25]
        lines.append(line(f"{kind.name}, true count 15-25, all steps", part))
    return "\n".join(lines)


def volumes_line(some: Sequence[Row]) -> str:
    """How far ovary volumes are off."""
    wrong = np.array(
        [
            r.read.ovary_volume_ml / r.true_volume_ml - 1
            for r in some
            if r.read.ovary_volume_ml is not None
        ]
    )
    return (
        f"Ovary volume by counting slices, {wrong.size} volumes: bias {wrong.mean():+.1%}, "
        f"95 % limits {wrong.mean() - 1.96 * wrong.std():+.1%} to "
        f"{wrong.mean() + 1.96 * wrong.std():+.1%} of the true volume."
    )


def outcomes(some: Sequence[Row]) -> dict[str, list[str]]:
    """What came of the sequences of each step and each amount of slips."""
    rows: dict[str, list[str]] = {}
    for step, slips in itertools.product(
        sorted({row.step_mm for row in some}), [s.name for s in SLIPS]
    ):
        own = [row for row in some if row.slips == slips and row.step_mm == step]
        rows[f"{step:g} mm a frame, slips: {slips}"] = [
            outcome_of(
                row.read.count.value - row.true_count if row.read.count else None,
                row.read.not_counted_because,
            )
            for row in own
        ]
    return rows


def main() -> None:
    """Print the tables of docs/evidence/tracking.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ovaries", type=int, default=2, help="ovaries at each count")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--picture", type=Path, help="what came of sweeps; file without ending")
    arguments = parser.parse_args()
    sweeps, volumes = rows(arguments.ovaries, arguments.seed)
    print(table("Sweeps: tracked estimate", sweeps), "\n")
    print(table("Volumes: FNPO", volumes), "\n")
    print(volumes_line(volumes))
    if arguments.picture is not None:
        draw_abstention(outcomes(sweeps), arguments.picture)


if __name__ == "__main__":
    main()
