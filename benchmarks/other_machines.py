"""How the release stands other machines, scales and gains: the same pictures, seen otherwise.

    python -m benchmarks.other_machines [--data FOLDER] [--scenes 24]

Reproduces docs/evidence/other-machines.md. The held-out pictures are changed as another gain, grey
map, filter, zoom or pixel size would change them, and figures are told beside those of the
unchanged pictures with the change and its interval by patient group. A changed picture is no other
machine: it shows what breaks the network, not how well it does elsewhere. The same phantom ovaries
are then drawn through the vagina and through the abdomen, since no transabdominal picture of a
patient is in the pool.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.evaluate import SampleResult
from deeppcos.learning.evaluate.figures import (
    follicle_figures,
    follicle_measures,
    outline_figures,
    outline_measures,
)
from deeppcos.learning.evaluate.probabilities import top_score
from deeppcos.learning.metrics import Items, Measured, by_group
from deeppcos.learning.operating_points import look_with
from deeppcos.learning.phantom import PhantomOvary, Plane, Route, draw_section
from deeppcos.learning.phantom.finish import finish
from deeppcos.learning.phantom.scene import random_probe, random_structures, scene_ovary
from deeppcos.learning.phantom.section import fitting_viewport
from deeppcos.learning.phantom.surroundings import Organ, Structure
from deeppcos.learning.pool import read_sets
from deeppcos.learning.samples import FollicleMark, Mask, Sample
from deeppcos.learning.sources.synthetic import sample_of
from deeppcos.learning.train import split_samples
from deeppcos.vision.release import Release, load_release

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating[Any]]
Change = Callable[[Sample], Sample]

GREYS_A_DB = 255 / 60
"""Greys a decibel on a machine that shows 60 dB: gain shifts a log-compressed picture."""

F1 = "follicle F1 at IoU 0.3"
SHOWN = ((F1, "follicle"), ("ovary Dice median", "ovary"), ("lesion Dice median", "lesion"))
ROUTES_SEED = 77


def greys(change: Callable[[Floats], Floats]) -> Change:
    """A change of grey levels alone; what the machine leaves black stays black."""

    def changed(sample: Sample) -> Sample:
        lit = sample.grey > 0
        grey = np.clip(change(sample.grey.astype(np.float32)), 0, 255).astype(np.uint8)
        return replace(sample, grey=np.where(lit, grey, 0).astype(np.uint8))

    return changed


def gain(decibel: float) -> Change:
    """Louder or softer."""
    return greys(lambda grey: grey + np.float32(decibel * GREYS_A_DB))


def contrast(factor: float) -> Change:
    """A narrower (above 1) or wider dynamic range about mid-grey."""
    return greys(lambda grey: (grey - 110) * np.float32(factor) + 110)


def curve(exponent: float) -> Change:
    """Another grey map."""
    return greys(lambda grey: 255 * (grey / 255) ** np.float32(exponent))


def smoothed(sample: Sample) -> Sample:
    """A strong speckle filter."""
    return replace(sample, grey=np.asarray(cv2.bilateralFilter(sample.grey, 9, 45, 5), np.uint8))


def grainy(sample: Sample) -> Sample:
    """Electronic noise over the picture, the same for a picture each time."""
    rng = np.random.default_rng(sum(sample.name.encode()))
    noise = cv2.GaussianBlur(rng.normal(0, 40, sample.grey.shape).astype(np.float32), (0, 0), 0.8)
    return greys(lambda grey: grey + noise)(sample)


def coarse(share: float) -> Change:
    """Fewer pixels, drawn up again: an old video card, or a screen photographed small."""

    def changed(sample: Sample) -> Sample:
        height, width = sample.grey.shape
        small = cv2.resize(
            sample.grey, (int(share * width), int(share * height)), interpolation=cv2.INTER_AREA
        )
        return replace(sample, grey=np.asarray(cv2.resize(small, (width, height)), np.uint8))

    return changed


def moved(matrix: Callable[[int, int], npt.NDArray[np.float32]]) -> Change:
    """A change of place and size; truth moves with the picture."""

    def changed(sample: Sample) -> Sample:
        height, width = sample.grey.shape
        affine = matrix(height, width)

        def mask(one: Mask | None) -> Mask | None:
            if one is None:
                return None
            return _warped(one.astype(np.uint8), affine, cv2.INTER_NEAREST) > 0

        readings = {
            reader: tuple(_moved_mark(mark, affine) for mark in marks)
            for reader, marks in sample.readings.items()
        }
        grey = _warped(sample.grey, affine, cv2.INTER_AREA)
        ovary, lesion = mask(sample.ovary), mask(sample.lesion)
        return replace(sample, grey=grey, ovary=ovary, lesion=lesion, readings=readings)

    return changed


def _warped(picture: Grey, affine: npt.NDArray[np.float32], how: int) -> Grey:
    """A picture of the same size, black outside."""
    height, width = picture.shape
    return np.asarray(cv2.warpAffine(picture, affine, (width, height), flags=how), np.uint8)


def _moved_mark(mark: FollicleMark, affine: npt.NDArray[np.float32]) -> FollicleMark:
    """A mark taken along."""
    points = mark.polygon @ affine[:, :2].T + affine[:, 2]
    return replace(mark, polygon=points.astype(np.float32))


def scaled(x: float, y: float) -> Callable[[int, int], npt.NDArray[np.float32]]:
    """About the middle of the picture."""

    def matrix(height: int, width: int) -> npt.NDArray[np.float32]:
        return np.array([[x, 0, (1 - x) * width / 2], [0, y, (1 - y) * height / 2]], np.float32)

    return matrix


CHANGES: dict[str, Change] = {
    "gain 6 dB lower": gain(-6),
    "gain 6 dB higher": gain(6),
    "dynamic range a third narrower": contrast(1.5),
    "dynamic range half as wide again": contrast(0.67),
    "grey map darker (exponent 1.5)": curve(1.5),
    "grey map brighter (exponent 0.67)": curve(0.67),
    "strong speckle filter": smoothed,
    "electronic noise": grainy,
    "half the pixels a side": coarse(0.5),
    "a third of the pixels a side": coarse(0.34),
    "shown at 60 % of its size": moved(scaled(0.6, 0.6)),
    "squeezed sideways by a fifth": moved(scaled(0.8, 1.0)),
    "mirrored": moved(lambda _, width: np.array([[-1, 0, width - 1], [0, 1, 0]], np.float32)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A figure on changed pictures and how far it is from that on unchanged ones."""

    figure: Measured
    change: Measured


def told(before: Sequence[SampleResult], after: Sequence[SampleResult], name: str) -> Told:
    """A figure after a change, and the change by patient group.

    Args:
        before: Results on unchanged pictures.
        after: Results on the same pictures changed, in the same order.
        name: The figure.
    """
    measures = []
    for results in (before, after):
        table, groups = follicle_measures(results)
        for which in ("ovary", "lesion"):
            found, outlined = outline_measures(results, which)
            if name in found:
                table, groups = found, outlined
        measures.append((table[name], groups))
    (then, groups), (now, _) = measures

    def change(items: Items) -> float | None:
        one, other = now(items), then(items)
        return None if one is None or other is None else one - other

    return Told(figure=by_group(now, groups), change=by_group(change, groups))


def look(samples: Sequence[Sample], release: Release) -> list[SampleResult]:
    """Samples through the shipped release at its shipped operating point."""
    return look_with(samples, release.network, release.manifest.operating_points)


def accepted(results: Sequence[SampleResult], release: Release) -> float:
    """Share that passes as an ovary."""
    fit = release.calibration("ovary")
    least = release.manifest.operating_points.ovary_probability
    return float(np.mean([fit.probability(top_score(r)) >= least for r in results]))


def changed_table(samples: Sequence[Sample], release: Release) -> str:
    """One row a change."""
    ovaries = [s for s in samples if s.kind == "ovary"]
    lesions = [s for s in samples if s.kind == "lesion"]
    before = {"ovary": look(ovaries, release), "lesion": look(lesions, release)}
    head = " | ".join(f"{name} | change" for name, _ in SHOWN)
    lines = [f"| pictures | {head} | ovaries accepted |", "|---|" + "---|" * (2 * len(SHOWN) + 1)]
    for name, change in {"as they are": lambda sample: sample, **CHANGES}.items():
        after = {
            kind: look([change(s) for s in some], release)
            for kind, some in (("ovary", ovaries), ("lesion", lesions))
        }
        cells = []
        for figure, which in SHOWN:
            kind = "lesion" if which == "lesion" else "ovary"
            one = told(before[kind], after[kind], figure)
            cells += [
                in_words(one.figure),
                in_words(one.change, sign="+") if name in CHANGES else "",
            ]
        share = accepted(after["ovary"], release)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {share:.0%} |")
        print(lines[-1], flush=True)
    counted = len({s.group for s in ovaries}), len({s.group for s in lesions})
    tail = (
        f"{len(ovaries)} ovaries of {counted[0]} groups, {len(lesions)} masses of {counted[1]} "
        f"groups; release {release.manifest.name} at its shipped operating point."
    )
    return "\n".join([*lines, "", tail])


def in_words(figure: Measured, *, sign: str = "") -> str:
    """A figure with its interval."""
    if figure.value is None:
        return ""
    if figure.low is None or figure.high is None:
        return f"{figure.value:{sign}.2f}"
    return f"{figure.value:{sign}.2f} ({figure.low:{sign}.2f} to {figure.high:{sign}.2f})"


def drawn_by_route(ovary: PhantomOvary, route: Route, rng: np.random.Generator, at: int) -> Sample:
    """One phantom ovary, whole sector, through the vagina or through abdomen and bladder."""
    is_abdominal = route is Route.TRANSABDOMINAL
    top = float(rng.uniform(25, 60) if is_abdominal else rng.uniform(4, 22))
    longest = max(ovary.semi_axes_mm)
    plane = Plane(
        lateral_mm=float(rng.normal(0, 9)),
        depth_mm=top + 0.8 * longest,
        turn_deg=float(rng.uniform(0, 180)),
        roll_deg=float(rng.uniform(-70, 70)),
    )
    depth = plane.depth_mm + longest + float(rng.uniform(15, 45))
    angle = float(rng.uniform(60, 75) if is_abdominal else rng.uniform(105, 165))
    probe = random_probe(rng, route=route, depth_mm=depth, angle_deg=angle)
    around = random_structures(
        rng, depth_mm=depth, half_width_mm=38, organs=(Organ.FASCIA, Organ.VESSEL)
    )
    if is_abdominal:
        bladder = Structure(
            organ=Organ.BLADDER, lateral_mm=0.0, depth_mm=0.6 * top, length_mm=70.0,
            width_mm=0.6 * top, angle_deg=0.0, seed=at,
        )  # fmt: skip
        around = (*around, bladder)
    section = draw_section(
        ovary, probe, plane=plane, rng=rng, viewport=fitting_viewport(probe), structures=around
    )
    return sample_of(finish(section.visible(), rng, with_graphics=False), at)


def routes_table(count: int, release: Release) -> str:
    """The same ovaries by either route."""
    lines = [
        "| phantom ovaries seen | n | " + F1 + " | count mean absolute error | ovary Dice median "
        "| ovary missed | accepted |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, route in enumerate((Route.TRANSVAGINAL, Route.TRANSABDOMINAL)):
        samples = []
        for at in range(count):
            ovary = scene_ovary(np.random.default_rng((ROUTES_SEED, at)))
            rng = np.random.default_rng((ROUTES_SEED, at, number))
            samples.append(drawn_by_route(ovary, route, rng, at))
        shown = [s for s in samples if s.kind == "ovary"]
        results = look(shown, release)
        figures = {**follicle_figures(results), **outline_figures(results, "ovary")}
        names = (F1, "count mean absolute error", "ovary Dice median", "ovary missed")
        cells = " | ".join(in_words(figures[name]) for name in names)
        lines.append(
            f"| {route.value} | {len(shown)} | {cells} | {accepted(results, release):.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print both tables of docs/evidence/other-machines.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="without it only phantoms by route")
    parser.add_argument("--scenes", type=int, default=24, help="phantom ovaries by each route")
    parser.add_argument("--only", choices=("ovary", "lesion"), help="held-out pictures of one kind")
    parser.add_argument("--release", type=Path, help="another release than the shipped one")
    asked = parser.parse_args()
    release = load_release(asked.release, threads=1) if asked.release else load_release(threads=1)
    if asked.scenes:
        print(routes_table(asked.scenes, release), "\n", flush=True)
    if asked.data is None:
        return
    samples, _ = read_sets(asked.data)
    held_out = [s for s in split_samples(samples).held_out if asked.only in (None, s.kind)]
    print("\n", changed_table(held_out, release), sep="")


if __name__ == "__main__":
    main()
