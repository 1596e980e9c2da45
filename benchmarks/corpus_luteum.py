"""How many corpora lutea the "look" flag finds on phantoms, and how often it is wrong.

    python benchmarks/corpus_luteum.py [--ovaries 110] [--data FOLDER]
    python benchmarks/corpus_luteum.py --fit

Reproduces docs/evidence/corpus-luteum.md. Draws stills through the middle of a corpus luteum, of a
dominant follicle, and through ovaries with neither, and reads them as the product does. ``--fit``
prints the weights of ``vision.luteal_bodies`` on other ovaries than those it is measured on. With
the training data it also counts the flags on normal ovaries of the training groups, where nobody
noted corpora lutea: an upper bound of false alarms, in patients.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.metrics import auroc, by_group
from deeppcos.learning.phantom import (
    Layout,
    PhantomOvary,
    PhantomSection,
    Plane,
    ProbeSettings,
    draw_section,
    random_ovary,
)
from deeppcos.learning.samples import Sample
from deeppcos.vision.analyse import analyse_frame, prepare_frame
from deeppcos.vision.findings import FrameFindings, Ovary
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.geometry import polygon_mask
from deeppcos.vision.luteal_bodies import LEAST_MM, Appearance, appearances, sign_of
from deeppcos.vision.release import Release, load_release
from deeppcos.vision.stills import read_still
from deeppcos.vision.uncertainty import logit

NOISE_DB = (-26.0, -20.0, -10.0)
FIT_OVARIES = {1: 30, 2: 80}
"""Seed to ovaries of each kind."""

MEASURE_SEED = 4
ALARMS = 0.1
"""Share of ovaries without a corpus luteum or dominant follicle that the threshold may flag."""


class Kind(StrEnum):
    """What the section was laid through."""

    LUTEUM = "corpus luteum"
    DOMINANT = "dominant follicle"
    NEITHER = "neither"


SALT = {Kind.LUTEUM: 6, Kind.DOMINANT: 8, Kind.NEITHER: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One outline of 6 mm and over.

    Attributes:
        look: What was measured of it.
        probability: That it is a follicle.
        is_luteum: Whether most of it lies in a corpus luteum.
    """

    look: Appearance
    probability: float
    is_luteum: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One phantom ovary as the product read it.

    Attributes:
        kind: What its section shows.
        is_assessable: Whether an ovary could be judged.
        is_flagged: Whether a body of it was flagged.
        bodies: Its outlines of 6 mm and over.
    """

    kind: Kind
    is_assessable: bool
    is_flagged: bool
    bodies: tuple[Body, ...]


def grown(rng: np.random.Generator, kind: Kind) -> PhantomOvary:
    """An ovary of a kind; larger where it does not fit at first."""
    count = int(rng.integers(0, 20))
    volume = float(np.clip(rng.lognormal(np.log(9), 0.35), 5, 25))
    fits = (0.3 * volume * 1000 / max(count, 1) * 6 / np.pi) ** (1 / 3)
    largest = float(np.clip(1.8 * fits, 4, 9.5))
    while True:
        layout = Layout.PERIPHERAL if rng.random() < 0.6 else Layout.SCATTERED
        try:
            return random_ovary(
                rng,
                follicle_count=count,
                volume_ml=volume,
                layout=layout,
                diameters_mm=(2.0, largest),
                dominant_mm=float(rng.uniform(10, 20)) if kind is Kind.DOMINANT else None,
                corpus_luteum=kind is Kind.LUTEUM,
            )
        except InvalidInput:
            volume, largest = 1.15 * volume, max(3.0, 0.9 * largest)


def drawn(rng: np.random.Generator, kind: Kind) -> PhantomSection:
    """A section through the middle of what the ovary holds."""
    ovary = grown(rng, kind)
    probe = ProbeSettings(
        depth_mm=float(rng.uniform(50, 80)),
        frequency_mhz=float(rng.uniform(5, 8)),
        gain_db=float(rng.normal(0, 3)),
        noise_db=float(rng.choice(NOISE_DB)),
        slice_mm=float(rng.uniform(1, 2)),
        haze_db=float(rng.uniform(-24, -16)),
    )
    plane = Plane(
        depth_mm=float(rng.uniform(25, 35)),
        turn_deg=float(rng.uniform(0, 180)),
        pitch_deg=float(rng.normal(0, 20)),
        roll_deg=float(rng.uniform(-60, 60)),
    )
    if kind is Kind.NEITHER:
        offset = float(rng.normal(0, 2))
    else:
        body = ovary.corpus_luteum or max(ovary.follicles, key=lambda f: f.diameter_mm)
        offset = float((np.asarray(body.centre_mm, np.float32) @ plane.rotation())[2])
    return draw_section(ovary, probe, plane=replace(plane, offset_mm=offset), rng=rng)


def seen(kind: Kind, section: PhantomSection, release: Release) -> Seen:
    """One section as the product reads it."""
    mm = section.mm_per_pixel
    frame = UltrasoundFrame(
        source="phantom",
        index=0,
        pixels=section.pixels,
        mm_per_pixel=MmPerPixel(x=mm, y=mm, source=ScaleSource.DICOM_REGIONS),
    )
    findings = analyse_frame(frame, release)
    if not (findings.is_assessable and findings.ovaries):
        return Seen(kind=kind, is_assessable=False, is_flagged=False, bodies=())
    ovary = findings.ovaries[0]
    return Seen(
        kind=kind,
        is_assessable=True,
        is_flagged=is_flagged(findings),
        bodies=tuple(bodies_of(ovary, prepare_frame(frame).grey, section)),
    )


def is_flagged(findings: FrameFindings) -> bool:
    """Whether the first ovary of a frame holds a body that is worth a look."""
    return findings.is_assessable and bool(findings.ovaries[0].luteal_like)


def bodies_of(
    ovary: Ovary, grey: np.ndarray[tuple[int, int], np.dtype[np.uint8]], section: PhantomSection
) -> Iterator[Body]:
    """What is measured of the large outlines, and what they are in truth."""
    height, width = section.ovary_mask.shape
    large = [n for n, f in enumerate(ovary.follicles) if (f.mean_diameter_mm or 0) >= LEAST_MM]
    for number, look in zip(large, appearances(grey, ovary, large), strict=True):
        if look is None:
            continue
        follicle = ovary.follicles[number]
        mask = polygon_mask(follicle.polygon, width=width, height=height)
        is_luteum = bool((mask & section.corpus_luteum_mask).sum() > 0.5 * mask.sum())
        yield Body(look=look, probability=follicle.probability, is_luteum=is_luteum)


def phantoms(seed: int, ovaries: int, release: Release) -> list[Seen]:
    """So many ovaries of each kind."""
    return [
        seen(kind, drawn(np.random.default_rng((seed, number, SALT[kind])), kind), release)
        for kind in Kind
        for number in range(ovaries)
    ]


def fit(some: Sequence[Seen]) -> None:
    """Print the weights that tell corpora lutea from other outlines best."""
    from sklearn.linear_model import LogisticRegression

    bodies = [body for one in some for body in one.bodies]
    signs = [signs_of(b) for b in bodies]
    model = LogisticRegression(C=1000).fit(signs, [b.is_luteum for b in bodies])
    odds = model.decision_function(signs)
    free = [one for one in some if one.kind is Kind.NEITHER]
    most = [max((odds_of(model, b) for b in one.bodies), default=-np.inf) for one in free]
    least = next(o for o in np.sort(odds) if np.mean(np.array(most) >= o) <= ALARMS)
    weights = ", ".join(f"{w:.2f}" for w in model.coef_[0])
    print(f"weights ({weights}), offset {model.intercept_[0] - least:.2f}")


def odds_of(model: Any, body: Body) -> float:
    """The model's log-odds of one body."""
    return float(model.decision_function([signs_of(body)])[0])


def signs_of(body: Body) -> tuple[float, float, float]:
    """What the weights of ``vision.luteal_bodies`` stand on."""
    return body.look.echo, logit(body.probability), body.look.enhancement


def share_line(name: str, flags: Sequence[bool], groups: Sequence[str]) -> str:
    """A share with its interval, as a table row."""
    values = np.asarray(flags, float)
    found = by_group(lambda items: float(values[items].mean()), groups)
    low = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
    value = "" if found.value is None else f"{found.value:.2f}"
    return f"| {name} | {len(flags)} | {value}{low} |"


def report(some: Sequence[Seen]) -> None:
    """Print what the flag does on phantoms."""
    print("| phantom stills | n | flagged (95 % interval) |\n|---|---|---|")
    for kind in Kind:
        own = [one for one in some if one.kind is kind]
        flags = [one.is_flagged for one in own]
        print(share_line(kind, flags, [str(n) for n in range(len(own))]))
        print(f"|   of these assessable | {sum(one.is_assessable for one in own)} | |")
    bodies = [body for one in some for body in one.bodies]
    signs = {
        truth: [sign_of(b.look, b.probability) for b in bodies if b.is_luteum is truth]
        for truth in (True, False)
    }
    print(
        f"\nOutlines of {LEAST_MM:g} mm and over: {len(signs[True])} corpora lutea, "
        f"{len(signs[False])} others, AUROC {auroc(signs[True], signs[False]):.2f}."
    )


def echo_inside(sample: Sample) -> float | None:
    """Grey inside an outlined lesion over that of a ring around it."""
    assert sample.lesion is not None
    mask = sample.lesion
    radius = float(np.sqrt(mask.sum() / np.pi))
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    beside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    core = sample.grey[depth > 0.35 * radius]
    ring = sample.grey[(beside > 2) & (beside <= 0.4 * radius)]
    enough = min(core.size, ring.size) >= 20
    return float(core.mean() / max(1.0, float(np.median(ring)))) if enough else None


def lesions(training: Sequence[Sample]) -> None:
    """Print how far echo inside tells endometriomas from cysts of clear fluid, in patients."""
    echoes: dict[str, list[float]] = {}
    for sample in training:
        if sample.kind == "lesion" and (echo := echo_inside(sample)) is not None:
            echoes.setdefault(sample.subgroup, []).append(echo)
    for other in ("Serous_Cystadenoma", "Simple_Cyst"):
        found = auroc(echoes["Chocolate_Cyst"], echoes[other])
        n = f"{len(echoes['Chocolate_Cyst'])} and {len(echoes[other])}"
        print(f"echo inside, endometriomas against {other}: AUROC {found:.2f} (n {n})")


def patients(data: Path, release: Release) -> None:
    """Print how often normal ovaries of the training groups are flagged."""
    from deeppcos.learning.sources.mmotu import read_mmotu
    from deeppcos.learning.sources.pictures import picture_named
    from deeppcos.learning.train import split_samples

    folder = data / "mmotu"
    training = split_samples(read_mmotu(folder)).training
    lesions(training)
    normal = [s for s in training if s.kind == "ovary"]
    flags, groups = [], []
    for sample in normal:
        path = picture_named(folder / "images", sample.name.removeprefix("mmotu/"))
        findings = analyse_frame(read_still(path), release)
        if findings.is_assessable and findings.mm_per_pixel is not None:
            flags.append(is_flagged(findings))
            groups.append(sample.group)
            if flags[-1]:
                print(f"flagged: {sample.name}")
    print(f"\n{len(normal)} normal ovaries; with a scale and assessable:")
    print(share_line("normal ovaries of the training groups", flags, groups))


def main() -> None:
    """Fit, or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ovaries", type=int, default=110, help="of each kind")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--data", type=Path, help="training data, to count flags in patients")
    asked = parser.parse_args()
    release = load_release(threads=1)
    if asked.fit:
        fit([one for seed, n in FIT_OVARIES.items() for one in phantoms(seed, n, release)])
        return
    report(phantoms(MEASURE_SEED, asked.ovaries, release))
    if asked.data is not None:
        patients(asked.data, release)


if __name__ == "__main__":
    main()
