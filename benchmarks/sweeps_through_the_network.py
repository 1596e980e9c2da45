"""Sweeps and volumes of phantoms through the whole pipeline, with the shipped network.

Reproduces docs/evidence/sweeps-and-volumes.md::

    python benchmarks/sweeps_through_the_network.py --out results [--ovaries 4]

Draws ovaries of known count with varied gain, depth, noise and slice thickness, analyses every
frame as the product does, and writes ``sweeps.csv``, the tables, a Bland-Altman picture and one
of what got no count and why. ``tracking_on_phantoms.py`` measures the linking alone. A phantom is
not a patient: these figures say what the program does on pictures it can check, never how
accurate it is in a clinic. Stopped, the same command goes on with the ovaries that are not in
``sweeps.csv`` yet.
"""

import argparse
import csv
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deeppcos.learning.audit.findings import wilson
from deeppcos.learning.charts.abstention import draw_abstention, outcome_of
from deeppcos.learning.metrics import by_group, concordance
from deeppcos.learning.phantom import (
    PhantomOvary,
    Plane,
    ProbeSettings,
    draw_sweep,
    draw_volume,
    varied_ovary,
)
from deeppcos.vision.findings import FollicleKind
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.release import Release, load_release
from deeppcos.vision.sweep_analysis import analyse_sweep
from deeppcos.vision.tracking import TrackedFollicles, track_follicles
from deeppcos.vision.volume_analysis import analyse_volume

COUNTS = (0, 6, 12, 17, 20, 23, 28, 40, 50)
SIZES_MM = ((2.0, 4.0), (4.0, 6.0), (6.0, 10.0), (10.0, 40.0))
STEPS_MM = (0.5, 1.0, 2.0)
NOISE_DB = {"clean": -26.0, "usual": -20.0, "noisy": -10.0}
ABOUT_WIDTH_MM = 26.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One sequence beside its truth.

    Attributes:
        ovary: Which ovary: its number and the count asked for.
        kind: ``sweep`` or ``volume``.
        step_mm: Distance between its frames, mm.
        noise: Name of its electronic noise.
        depth_mm: Depth shown.
        frequency_mhz: Of the probe.
        gain_db: Gain against a well-set machine.
        slice_mm: Thickness of the section at the focus.
        true_count: Follicles of 2-9 mm in the ovary.
        read_count: Follicles of 2-9 mm found, counted or not.
        low: Lower end of the interval; -1 without a count.
        high: Upper end; -1 without a count.
        true_ml: Volume of the ovary, mL.
        read_ml: As measured; -1 where it is not.
        true_sizes: Follicles in each range of ``SIZES_MM``, with slashes between.
        read_sizes: The same of those found, counted or not.
        refused_because: Reasons why there is no count, with semicolons; empty with one.
    """

    ovary: str
    kind: str
    step_mm: float
    noise: str
    depth_mm: float
    frequency_mhz: float
    gain_db: float
    slice_mm: float
    true_count: int
    read_count: int
    low: int
    high: int
    true_ml: float
    read_ml: float
    true_sizes: str
    read_sizes: str
    refused_because: str

    @property
    def outcome(self) -> str:
        """What came of it, as the picture of abstention tells it."""
        off = None if self.refused_because else self.read_count - self.true_count
        return outcome_of(off, self.refused_because.split("; "))


def probe_of(rng: np.random.Generator, noise_db: float) -> ProbeSettings:
    """A probe with varied depth, frequency, gain and slice."""
    return ProbeSettings(
        depth_mm=float(rng.uniform(50, 80)),
        frequency_mhz=float(rng.uniform(5, 8)),
        gain_db=float(rng.normal(0, 3)),
        noise_db=noise_db,
        slice_mm=float(rng.uniform(1.0, 2.0)),
        haze_db=float(rng.uniform(-24, -16)),
    )


def plane_of(rng: np.random.Generator) -> Plane:
    """An ovary at any turn."""
    return Plane(
        depth_mm=float(rng.uniform(25, 35)),
        turn_deg=float(rng.uniform(0, 180)),
        pitch_deg=float(rng.normal(0, 20)),
        roll_deg=float(rng.uniform(-60, 60)),
    )


def frames_of(pictures: Sequence[npt.NDArray[np.uint8]], mm: float) -> Iterator[UltrasoundFrame]:
    """Grey pictures as frames of a file."""
    scale = MmPerPixel(x=mm, y=mm, source=ScaleSource.DICOM_REGIONS)
    for index, picture in enumerate(pictures):
        yield UltrasoundFrame(
            source="phantom",
            index=index,
            pixels=np.repeat(picture[:, :, None], 3, axis=2),
            mm_per_pixel=scale,
        )


def sweeps(
    name: str, ovary: PhantomOvary, noise: str, release: Release, rng: np.random.Generator
) -> Iterator[Reading]:
    """One drawn sweep, read at every step."""
    probe, plane = probe_of(rng, NOISE_DB[noise]), plane_of(rng)
    drawn = draw_sweep(
        ovary, probe, plane=plane, frames=round(ABOUT_WIDTH_MM / STEPS_MM[0]), rng=rng
    )
    pictures = [section.pixels[:, :, 0] for section in drawn.sections]
    for step in STEPS_MM:
        every = round(step / STEPS_MM[0])
        frames = frames_of(pictures[::every], drawn.sections[0].mm_per_pixel)
        read = track_follicles(list(analyse_sweep(frames, release)), slice_spacing_mm=None)
        yield reading((name, "sweep", drawn.step_mm * every, noise), ovary, probe, read)


def volume(
    name: str, ovary: PhantomOvary, noise: str, release: Release, rng: np.random.Generator
) -> Reading:
    """One drawn volume."""
    probe = probe_of(rng, NOISE_DB[noise])
    drawn = draw_volume(ovary, probe, plane=plane_of(rng), rng=rng)
    frames = frames_of(list(drawn.voxels), drawn.mm_per_voxel)
    read = analyse_volume(frames, release, slice_spacing_mm=drawn.mm_per_voxel)
    return reading((name, "volume", drawn.mm_per_voxel, noise), ovary, probe, read.followed)


def reading(
    which: tuple[str, str, float, str],
    ovary: PhantomOvary,
    probe: ProbeSettings,
    read: TrackedFollicles,
) -> Reading:
    """What was read beside what is true; ``which`` is ovary, kind, step in mm and noise."""
    name, kind, step, noise = which
    sized = [f.mean_diameter_mm for f in read.follicles if f.mean_diameter_mm is not None]
    return Reading(
        ovary=name,
        kind=kind,
        step_mm=round(step, 2),
        noise=noise,
        depth_mm=round(probe.depth_mm, 1),
        frequency_mhz=round(probe.frequency_mhz, 2),
        gain_db=round(probe.gain_db, 2),
        slice_mm=round(probe.slice_mm, 2),
        true_count=ovary.fnpo,
        read_count=sum(f.kind is FollicleKind.ANTRAL for f in read.follicles),
        low=read.count.low if read.count else -1,
        high=read.count.high if read.count else -1,
        true_ml=round(ovary.volume_ml, 2),
        read_ml=round(read.ovary_volume_ml, 2) if read.ovary_volume_ml else -1,
        true_sizes=by_size([f.diameter_mm for f in ovary.follicles]),
        read_sizes=by_size(sized),
        refused_because="; ".join(read.not_counted_because),
    )


def by_size(diameters_mm: Sequence[float]) -> str:
    """How many lie in each range of ``SIZES_MM``."""
    return "/".join(str(sum(low <= d < high for d in diameters_mm)) for low, high in SIZES_MM)


def line(name: str, some: Sequence[Reading]) -> str:
    """One row of the table of counts."""
    counted = [one for one in some if not one.refused_because]
    head = f"| {name} | {len(some)} | {abstained(some)} |"
    if len(counted) < 3:
        return f"{head} {len(counted)} | | | | |"
    true = np.array([one.true_count for one in counted], float)
    wrong = np.array([one.read_count for one in counted], float) - true
    bias, spread = float(wrong.mean()), 1.96 * float(wrong.std(ddof=1))
    sure = by_group(lambda items: float(wrong[items].mean()), [one.ovary for one in counted])
    within = "" if sure.low is None else f" ({sure.low:+.1f} to {sure.high:+.1f})"
    held = wilson(sum(o.low <= o.true_count <= o.high for o in counted), len(counted))
    return (
        f"{head} {len(counted)} | {bias:+.1f}{within} | {bias - spread:+.1f} to "
        f"{bias + spread:+.1f} | {concordance(true, true + wrong):.2f} | {held.value:.0%} "
        f"({held.low:.0%} to {held.high:.0%}) |"
    )


def abstained(some: Sequence[Reading]) -> str:
    """Share without a count, with its Wilson interval."""
    if not some:
        return ""
    share = wilson(sum(bool(one.refused_because) for one in some), len(some))
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})"


def found_line(name: str, some: Sequence[Reading], place: int | None = None) -> str:
    """One row of the table of follicles found, over sequences with a count and without.

    Args:
        name: For the row.
        some: Readings.
        place: Range of ``SIZES_MM``; all of 2-9 mm when None.
    """

    def of(sizes: str, count: int) -> int:
        return count if place is None else int(sizes.split("/")[place])

    true = np.array([of(one.true_sizes, one.true_count) for one in some], float)
    read = np.array([of(one.read_sizes, one.read_count) for one in some], float)
    if true.sum() == 0:
        return f"| {name} | {len(some)} | 0 | {read.sum():.0f} | | |"
    share = by_group(
        lambda items: float(read[items].sum() / true[items].sum()) if true[items].sum() else None,
        [one.ovary for one in some],
    )
    within = "" if share.low is None else f"{share.low:.2f} to {share.high:.2f}"
    return (
        f"| {name} | {len(some)} | {true.sum():.0f} | {read.sum():.0f} "
        f"| {share.value:.2f} | {within} |"
    )


def tables(read: Sequence[Reading]) -> str:
    """Every table of the evidence."""
    lines = [
        "| sequences | n | no count | counted | bias | 95 % limits | Lin CCC "
        "| interval holds truth |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for step in STEPS_MM:
        near = [r for r in read if r.kind == "sweep" and _nearest_step(r.step_mm) == step]
        lines.append(line(f"sweeps, about {step:g} mm", near))
    for noise in NOISE_DB:
        own = [r for r in read if r.kind == "sweep" and r.noise == noise]
        lines.append(line(f"sweeps, {noise}, all steps", own))
    for kind, own in slow_and_volumes(read).items():
        lines.append(line(kind, own))
        lines.append(line(f"{kind}, under 30", [r for r in own if r.true_count < 30]))
        lines.append(line(f"{kind}, 15-25", [r for r in own if 15 <= r.true_count <= 25]))
    shares = np.array([r.read_ml / r.true_ml - 1 for r in read if r.read_ml > 0])
    if shares.size > 2:
        lines.append(
            f"\nOvary volume by voxels, n {shares.size}: bias {shares.mean():+.0%}, 95 % limits "
            f"{shares.mean() - 1.96 * shares.std(ddof=1):+.0%} to "
            f"{shares.mean() + 1.96 * shares.std(ddof=1):+.0%}."
        )
    return "\n".join([*lines, "", *found_tables(read)])


def slow_and_volumes(read: Sequence[Reading]) -> dict[str, list[Reading]]:
    """The sequences that may be counted at all: sweeps to 1 mm, and volumes."""
    slow = [r for r in read if r.kind == "sweep" and _nearest_step(r.step_mm) < STEPS_MM[-1]]
    return {"sweeps to 1 mm": slow, "volumes": [r for r in read if r.kind == "volume"]}


SETTINGS: dict[str, tuple[Callable[[Reading], float], tuple[float, ...]]] = {
    "depth, mm": (lambda r: r.depth_mm, (50, 65, 80)),
    "frequency, MHz": (lambda r: r.frequency_mhz, (5, 6.5, 8)),
    "gain, dB": (lambda r: r.gain_db, (-20, -2, 2, 20)),
    "slice, mm": (lambda r: r.slice_mm, (1, 1.5, 2)),
}


def found_tables(read: Sequence[Reading]) -> list[str]:
    """Follicles found to one true, by size, noise and setting of the machine."""
    lines = [
        "| follicles | n | true | found | found to one true | 95 % interval by ovary |",
        "|---|---|---|---|---|---|",
    ]
    for kind, own in slow_and_volumes(read).items():
        for place, (low, high) in enumerate(SIZES_MM):
            words = f"{low:g} to {high:g} mm" if high < SIZES_MM[-1][1] else f"{low:g} mm and over"
            lines.append(found_line(f"{kind}: {words}", own, place))
        for noise in NOISE_DB:
            lines.append(found_line(f"{kind}: {noise}", [r for r in own if r.noise == noise]))
        for setting, (value, bounds) in SETTINGS.items():
            for low, high in itertools.pairwise(bounds):
                some = [r for r in own if low <= value(r) < high]
                lines.append(found_line(f"{kind}: {setting}, {low:g} to {high:g}", some))
    return lines


def outcomes(read: Sequence[Reading]) -> dict[str, list[str]]:
    """What came of sweeps at each step and noise, and of volumes."""
    rows = {}
    for step in STEPS_MM:
        for noise in NOISE_DB:
            own = [r for r in read if r.kind == "sweep" and r.noise == noise]
            near = [r.outcome for r in own if _nearest_step(r.step_mm) == step]
            rows[f"sweeps, about {step:g} mm a frame, {noise}"] = near
    for noise in NOISE_DB:
        own = [r for r in read if r.kind == "volume" and r.noise == noise]
        rows[f"volumes, {noise}"] = [r.outcome for r in own]
    return rows


def _nearest_step(step_mm: float) -> float:
    """The nominal step of a sweep: ovaries differ in width, so steps do too."""
    return min(STEPS_MM, key=lambda one: abs(np.log(step_mm / one)))


def picture(read: Sequence[Reading], path: Path) -> None:
    """Bland-Altman: error over truth, counted in colour, refused as hollow rings."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, constrained_layout=True)
    for axis, kind in zip(axes, ("sweep", "volume"), strict=True):
        own = [one for one in read if one.kind == kind]
        counted = [one for one in own if not one.refused_because]
        refused = [one for one in own if one.refused_because]
        axis.axhspan(-3, 3, color="#dbe9f6", zorder=0, label="aim, under 30")
        axis.axvspan(15, 25, color="#f3f3f3", zorder=-1, label="15 to 25")
        axis.axhline(0, color="#888", lw=0.8)
        styles = ({"c": "#1f5fa8"}, {"edgecolors": "#b0562f", "facecolors": "none"})
        for some, style in zip((counted, refused), styles, strict=True):
            axis.scatter(
                [one.true_count for one in some],
                [one.read_count - one.true_count for one in some],
                s=28,
                label="counted" if some is counted else "no count given",
                **style,
            )
        axis.set_title(f"{kind}s of phantoms, n {len(own)}")
        axis.set_xlabel("follicles of 2-9 mm, true")
    axes[0].set_ylabel("read minus true")
    axes[1].legend(frameon=False, fontsize=8, loc="lower left")
    figure.savefig(path, dpi=110)


def read_before(out: Path, started: dict[str, object]) -> list[Reading]:
    """What an earlier call of the same run has read.

    Raises:
        SystemExit: If the folder holds a run of another seed, other weights or other columns.
    """
    kind = out / "run.json"
    if not kind.is_file():
        kind.write_text(json.dumps(started), encoding="utf-8")
        return []
    if json.loads(kind.read_text(encoding="utf-8")) != started:
        raise SystemExit(f"{out} holds a run of another seed or release: name a new folder")
    table = out / "sweeps.csv"
    if not table.is_file():
        return []
    types = Reading.__annotations__
    with table.open(newline="") as file:
        return [
            Reading(**{name: types[name](value) for name, value in row.items()})
            for row in csv.DictReader(file)
        ]


def write(out: Path, read: Sequence[Reading]) -> None:
    """Every reading so far, whole or not at all: an ovary is in it with all its sequences."""
    fresh = out / "sweeps.new"
    with fresh.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(Reading.__slots__))
        writer.writeheader()
        writer.writerows(asdict(one) for one in read)
    fresh.replace(out / "sweeps.csv")


def main() -> None:
    """Run the grid; print the tables of docs/evidence/sweeps-and-volumes.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for table and picture")
    parser.add_argument("--ovaries", type=int, default=1, help="ovaries at each count and noise")
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--release", type=Path, help="another release than the shipped one")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    release = (
        load_release(arguments.release, threads=1) if arguments.release else load_release(threads=1)
    )
    started: dict[str, object] = {
        "seed": arguments.seed,
        "release": release.manifest.name,
        "weights": release.manifest.weights_sha256,
        "columns": list(Reading.__slots__),
    }
    read = read_before(arguments.out, started)
    for number in range(arguments.ovaries):
        for place, count in enumerate(COUNTS):
            name = f"{number}-{count}"
            if any(one.ovary == name for one in read):
                continue
            rng = np.random.default_rng((arguments.seed, number, count))
            noise = tuple(NOISE_DB)[(place + number) % len(NOISE_DB)]
            ovary = varied_ovary(rng, follicle_count=count)
            read += sweeps(name, ovary, noise, release, rng)
            read.append(volume(name, ovary, noise, release, rng))
            write(arguments.out, read)
    print(f"release {release.manifest.name}, seed {arguments.seed}\n")
    print(tables(read))
    picture(read, arguments.out / "bland-altman.png")
    draw_abstention(outcomes(read), arguments.out / "abstention")


if __name__ == "__main__":
    main()
