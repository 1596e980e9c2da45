"""Ovarian volume from two stills at right angles, on phantoms of exactly known volume.

    python benchmarks/two_plane_volume.py --out results

Reproduces docs/evidence/two-plane-volume.md. Draws a longitudinal and a transverse section of each
ovary as a hand would freeze them: through the middle, a little beside it, or well beside it and
askew. The volume is taken by the product's own rule twice, from outlines of the truth, which
measures the formula and the hand, and from what the network outlines, which adds the network. A
phantom is not a patient.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from deeppcos.clinical.ovary import Side
from deeppcos.learning.phantom import (
    Layout,
    PhantomOvary,
    PhantomSection,
    Plane,
    ProbeSettings,
    draw_section,
    random_ovary,
)
from deeppcos.vision.analyse import analyse_frame
from deeppcos.vision.findings import FrameFindings, Ovary
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.geometry import diameters_mm, outline_of
from deeppcos.vision.release import Release, load_release
from deeppcos.vision.study_files import FileKind, SectionPlane, StudyFileFindings
from deeppcos.vision.study_measurements import SideMeasurements, measure_study
from deeppcos.vision.uncertainty import CountInterval

VOLUMES_ML = (3.0, 5.0, 8.0, 12.0, 16.0, 20.0)
HANDS = {"exact": (0.0, 0.0), "careful": (1.0, 7.0), "careless": (3.0, 20.0)}
"""Standard deviations of how far beside the middle, mm, and how askew, degrees, a plane lies."""

NOISE_DB = (-26.0, -20.0, -10.0)
NO_COUNT = CountInterval(below=0.0, above=0.0, coverage=0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One ovary beside its truth.

    Attributes:
        outlined_by: ``truth`` or ``network``.
        hand: Key of ``HANDS``.
        noise_db: Electronic noise at full depth.
        true_ml: Volume of the ovary.
        read_ml: As measured; -1 without a volume.
        low_ml: Lower end of its interval; -1 without.
        high_ml: Upper end; -1 without.
        refused_because: Why there is none; empty with one.
    """

    outlined_by: str
    hand: str
    noise_db: float
    true_ml: float
    read_ml: float
    low_ml: float
    high_ml: float
    refused_because: str


def drawn_pair(
    ovary: PhantomOvary, hand: str, noise_db: float, rng: np.random.Generator
) -> dict[SectionPlane, PhantomSection]:
    """Both stills of one examination: one probe, each plane with its own error of the hand."""
    probe = ProbeSettings(
        depth_mm=float(rng.uniform(55, 80)),
        frequency_mhz=float(rng.uniform(5, 8)),
        gain_db=float(rng.normal(0, 3)),
        noise_db=noise_db,
        slice_mm=float(rng.uniform(1.0, 2.0)),
        haze_db=float(rng.uniform(-24, -16)),
    )
    beside_mm, askew_deg = HANDS[hand]
    drawn = {}
    for cut, turn in ((SectionPlane.LONGITUDINAL, 0.0), (SectionPlane.TRANSVERSE, 90.0)):
        plane = Plane(
            depth_mm=float(rng.uniform(26, 34)),
            offset_mm=float(rng.normal(0, beside_mm)),
            turn_deg=turn + float(rng.normal(0, askew_deg)),
            pitch_deg=float(rng.normal(0, askew_deg)),
            roll_deg=float(rng.uniform(-50, 50)),
        )
        drawn[cut] = draw_section(ovary, probe, plane=plane, rng=rng)
    return drawn


def looked_at(section: PhantomSection, release: Release) -> FrameFindings:
    """What the product says of a still."""
    scale = scale_of(section)
    frame = UltrasoundFrame(source="phantom", index=0, pixels=section.pixels, mm_per_pixel=scale)
    return analyse_frame(frame, release)


def scale_of(section: PhantomSection) -> MmPerPixel:
    """The exact scale of a section."""
    return MmPerPixel(
        x=section.mm_per_pixel, y=section.mm_per_pixel, source=ScaleSource.DICOM_REGIONS
    )


def as_true(section: PhantomSection) -> FrameFindings:
    """What a perfect network would say of a still."""
    outline = outline_of(section.ovary_mask)
    ovaries: tuple[Ovary, ...] = ()
    if outline is not None:
        length, width = diameters_mm(outline, scale_of(section))
        ovaries = (
            Ovary(
                polygon=outline,
                probability=1.0,
                follicles=(),
                follicle_count_section=NO_COUNT.around(0),
                length_mm=length,
                width_mm=width,
                area_mm2=None,
            ),
        )
    height, wide = section.ovary_mask.shape
    return FrameFindings(
        source="phantom",
        frame=0,
        width=wide,
        height=height,
        mm_per_pixel=scale_of(section),
        scale_problem="",
        is_assessable=bool(ovaries),
        not_assessable_because=() if ovaries else ("no ovary in this section",),
        ovaries=ovaries,
        lesions=(),
        burned_in_graphics=(),
    )


def measured(found: dict[SectionPlane, FrameFindings]) -> SideMeasurements:
    """The study of these two stills, measured as the product does."""
    files = [
        StudyFileFindings(
            source=str(plane), kind=FileKind.STILL, side=Side.LEFT, plane=plane, frames=(findings,)
        )
        for plane, findings in found.items()
    ]
    return measure_study(files)[0]


def readings(
    ovary: PhantomOvary, hand: str, noise_db: float, release: Release, rng: np.random.Generator
) -> Iterator[Reading]:
    """One ovary read from outlines of the truth and of the network."""
    drawn = drawn_pair(ovary, hand, noise_db, rng)
    ways = {
        "truth": {plane: as_true(section) for plane, section in drawn.items()},
        "network": {plane: looked_at(section, release) for plane, section in drawn.items()},
    }
    for way, found in ways.items():
        side = measured(found)
        volume = side.measurements.volume
        reasons = [note for note in side.notes if note.startswith("no volume")]
        yield Reading(
            outlined_by=way,
            hand=hand,
            noise_db=noise_db,
            true_ml=round(ovary.volume_ml, 2),
            read_ml=volume.ml if volume else -1,
            low_ml=volume.low_ml if volume and volume.low_ml is not None else -1,
            high_ml=volume.high_ml if volume and volume.high_ml is not None else -1,
            refused_because="" if volume else (reasons[0] if reasons else "no volume"),
        )


def line(name: str, some: Sequence[Reading]) -> str:
    """One row of the table."""
    read = [one for one in some if not one.refused_because]
    refused = 1 - len(read) / max(len(some), 1)
    if len(read) < 3:
        return f"| {name} | {len(some)} | {refused:.0%} | | | | | |"
    share = np.array([one.read_ml / one.true_ml - 1 for one in read])
    wrong = np.array([one.read_ml - one.true_ml for one in read])
    held = np.mean([one.low_ml <= one.true_ml <= one.high_ml for one in read])
    sides = np.mean([(one.read_ml >= 10) == (one.true_ml >= 10) for one in read])
    return (
        f"| {name} | {len(some)} | {refused:.0%} | {_limits(share, '{:+.0%}')} | "
        f"{_limits(wrong, '{:+.1f}')} | {np.median(np.abs(share)):.0%} | {held:.0%} | {sides:.0%} |"
    )


def _limits(values: np.ndarray[tuple[int], np.dtype[np.float64]], form: str) -> str:
    """Bias and 95 % limits of agreement."""
    bias, spread = float(values.mean()), 1.96 * float(values.std(ddof=1))
    low, high = form.format(bias - spread), form.format(bias + spread)
    return f"{form.format(bias)} ({low} to {high})"


def tables(read: Sequence[Reading]) -> str:
    """The table of the evidence."""
    lines = [
        "| outlines, hand | n | no volume | bias (95 % limits), share | mL | median error | "
        "interval holds truth | same side of 10 mL |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for way in ("truth", "network"):
        own = [r for r in read if r.outlined_by == way]
        lines += [line(f"{way}, {hand}", [r for r in own if r.hand == hand]) for hand in HANDS]
        lines += [
            line(f"{way}, {ml:g} mL", [r for r in own if abs(r.true_ml - ml) < 0.01])
            for ml in VOLUMES_ML
        ]
        lines += [
            line(f"{way}, noise {noise:g} dB", [r for r in own if r.noise_db == noise])
            for noise in NOISE_DB
        ]
    return "\n".join(lines)


def picture(read: Sequence[Reading], path: Path) -> None:
    """Bland-Altman by outlines, hands in colour."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, constrained_layout=True)
    colours = dict(zip(HANDS, ("#1f5fa8", "#3c8d5a", "#b0562f"), strict=True))
    beside = dict(zip(HANDS, (-0.3, 0.0, 0.3), strict=True))
    for axis, way in zip(axes, ("truth", "network"), strict=True):
        axis.axhline(0, color="#888", lw=0.8)
        axis.axvline(10, color="#bbb", lw=0.8, ls=":")
        for hand, colour in colours.items():
            own = [
                r for r in read if r.outlined_by == way and r.hand == hand and not r.refused_because
            ]
            axis.scatter(
                [r.true_ml + beside[hand] for r in own],
                [100 * (r.read_ml / r.true_ml - 1) for r in own],
                s=18,
                color=colour,
                label=hand,
                alpha=0.8,
            )
        n = sum(r.outlined_by == way and not r.refused_because for r in read)
        axis.set_title(f"outlines of the {way}, n {n}")
        axis.set_xlabel("true volume, mL")
    axes[0].set_ylabel("read less true, % of true")
    axes[0].legend(title="hand", frameon=False, fontsize=8, loc="upper right")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run the grid; print the tables and write readings and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for table and picture")
    parser.add_argument("--ovaries", type=int, default=6, help="ovaries at each volume and hand")
    parser.add_argument("--seed", type=int, default=700)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    release = load_release(threads=1)
    read: list[Reading] = []
    for number in range(arguments.ovaries):
        for place, ml in enumerate(VOLUMES_ML):
            for turn, hand in enumerate(HANDS):
                rng = np.random.default_rng((arguments.seed, number, place, turn))
                ovary = random_ovary(
                    rng,
                    follicle_count=int(rng.integers(2, 12)),
                    volume_ml=ml,
                    layout=Layout.SCATTERED,
                    diameters_mm=(2.0, min(6.0, 2.0 + 0.5 * ml)),
                )
                noise = NOISE_DB[(number + place) % len(NOISE_DB)]
                read += readings(ovary, hand, noise, release, rng)
    with (arguments.out / "two-plane-volume.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(Reading.__slots__))
        writer.writeheader()
        writer.writerows(asdict(one) for one in read)
    print(f"release {release.manifest.name}, seed {arguments.seed}\n")
    print(tables(read))
    picture(read, arguments.out / "two-plane-volume.png")


if __name__ == "__main__":
    main()
