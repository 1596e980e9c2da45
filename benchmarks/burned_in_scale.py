"""How often a burned-in scale is found on the public stills, and how far calipers agree with it.

Reproduces docs/evidence/burned-in-scale.md::

    python benchmarks/burned_in_scale.py --data FOLDER_WITH_mmotu

Printed distances of the normal ovaries come with the data; those of the other stills are read
with rapidocr-onnxruntime where it is installed, else left out.
"""

import argparse
import csv
import json
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.vision.burned_in_text import BurnedInText, read_burned_in_text
from deeppcos.vision.caliper_readout import (
    CaliperReadout,
    find_caliper_crosses,
    parse_readouts,
    scale_from_caliper,
)
from deeppcos.vision.depth_ruler import DepthRuler, read_depth_ruler
from deeppcos.vision.frame import MmPerPixel, PixelBox

Pixels = npt.NDArray[np.uint8]
Readings = dict[int, tuple[int, int]]

NUMBERS_READ_BY_EYE: dict[str, Readings] = {
    "66": {2: (1, 2)},
    "67": {2: (0, 2)},
    "74": {1: (1, 3), 2: (0, 2)},
    "75": {1: (0, 1)},
    "97": {1: (1, 2)},
    "247": {1: (0, 3)},
    "377": {1: (0, 3)},
    "503": {1: (0, 1)},
    "573": {1: (0, 3)},
    "583": {1: (1, 2), 2: (0, 3)},
    "633": {1: (0, 3)},
    "634": {1: (1, 2)},
    "707": {1: (0, 3)},
    "721": {1: (1, 2)},
    "745": {1: (0, 1)},
    "780": {1: (1, 2), 2: (0, 3)},
    "792": {1: (1, 2)},
    "1278": {1: (1, 2)},
    "1280": {2: (0, 2)},
    "1372": {1: (1, 2), 2: (0, 3)},
    "1390": {1: (1, 2)},
}
"""Which crosses (numbered from the top down) carry a number whose distance is printed.

Read on enlarged pictures before the ratio to the ruler was known, except 75.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    folder: Path = parser.parse_args().data / "mmotu"
    with (folder / "index.csv").open(newline="") as rows:
        classes = {row["id"]: row["class"] == "Ovary_Normal" for row in csv.DictReader(rows)}
    given = json.loads((folder / "burned_in_text.json").read_text(encoding="utf-8"))
    cv2.setNumThreads(1)
    rulers = {
        kind: _rulers(folder, [name for name, normal in classes.items() if normal is is_normal])
        for kind, is_normal in (("normal ovaries", True), ("other classes", False))
    }
    found = {name: ruler for part in rulers.values() for name, ruler in part.items()}
    _calipers_alone(folder, given)
    _agreement(folder, given, found)


def _rulers(folder: Path, names: list[str]) -> dict[str, DepthRuler]:
    found: dict[str, DepthRuler] = {}
    reasons: Counter[str] = Counter()
    depths, spent = [], []
    for name in names:
        pixels = _picture(folder, name)
        start = time.process_time()
        ruler = read_depth_ruler(pixels)
        spent.append(1e3 * (time.process_time() - start))
        if isinstance(ruler, DepthRuler):
            found[name] = ruler
            depths.append(pixels.shape[0] * ruler.mm_per_pixel)
        else:
            reasons[ruler] += 1
    print(f"{len(names)} stills: scale from the ruler {len(found)} ({len(found) / len(names):.0%})")
    print(f"  shown depth {min(depths):.0f}-{max(depths):.0f} mm, median {np.median(depths):.0f}")
    print(f"  fit error at most {max(r.fit_error_px for r in found.values()):.2f} px")
    print(f"  {np.median(spent):.1f} ms median, {np.percentile(spent, 99):.1f} ms 99th centile")
    for reason, count in reasons.most_common():
        print(f"  {count:4d} refused: {reason}")
    return found


def _calipers_alone(folder: Path, given: dict[str, list[dict[str, object]]]) -> None:
    answers: Counter[str] = Counter()
    for name in given:
        pixels = _picture(folder, name)
        readouts = _given_readouts(given[name], pixels)
        if readouts:
            try:
                scale = scale_from_caliper(pixels, readouts, read_text=read_burned_in_text)
            except InvalidInput as no_engine:
                print(f"calipers alone: not measured ({no_engine})")
                return
            answers["answered" if isinstance(scale, MmPerPixel) else scale] += 1
    print(f"calipers alone, normal ovaries with a legible read-out: {sum(answers.values())}")
    for answer, count in answers.most_common():
        print(f"  {count:4d} {answer}")


def _agreement(
    folder: Path, given: dict[str, list[dict[str, object]]], found: dict[str, DepthRuler]
) -> None:
    ratios: list[float] = []
    for name, pairs in NUMBERS_READ_BY_EYE.items():
        pixels = _picture(folder, name)
        lines = given.get(name)
        readouts = _given_readouts(lines, pixels) if lines else _read_readouts(pixels)
        printed = {r.number: r.distance_mm for r in readouts}
        crosses = _crosses_off_text(pixels, readouts)
        scales = [
            printed[n] / float(np.hypot(*np.subtract(crosses[a], crosses[b])))
            for n, (a, b) in pairs.items()
            if n in printed
        ]
        if scales and name in found:
            ratios.append(float(np.mean(scales)) / found[name].mm_per_pixel)
            print(f"  {name}: caliper / ruler {ratios[-1]:.3f}")
    draws = np.random.default_rng(0).choice(ratios, (10_000, len(ratios))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    print(f"caliper / ruler, {len(ratios)} stills: mean {np.mean(ratios):.4f}")
    print(f"  95 % bootstrap {low:.4f}-{high:.4f}, range {min(ratios):.3f}-{max(ratios):.3f}")
    print(f"  within 2 %: {np.mean(np.abs(np.subtract(ratios, 1)) < 0.02):.0%}")


def _crosses_off_text(
    pixels: Pixels, readouts: tuple[CaliperReadout, ...]
) -> list[tuple[float, float]]:
    crosses = []
    for x, y in find_caliper_crosses(pixels):
        margins = [
            max(r.box.x0 - x, x - r.box.x1, r.box.y0 - y, y - r.box.y1) / r.box.height
            for r in readouts
        ]
        if min(margins, default=9.0) > 1.5:
            crosses.append((x, y))
    return crosses


def _given_readouts(lines: list[dict[str, object]], pixels: Pixels) -> tuple[CaliperReadout, ...]:
    height, width = pixels.shape[:2]
    texts = []
    for line in lines:
        corners = np.asarray(line["box"], dtype=float)
        x0, y0 = np.clip(corners.min(axis=0), 0, (width - 1, height - 1)).astype(int).tolist()
        x1, y1 = np.ceil(corners.max(axis=0)).astype(int).tolist()
        box = PixelBox(x0=x0, y0=y0, x1=max(x0 + 1, min(x1, width)), y1=max(y0 + 1, y1))
        texts.append(BurnedInText(text=str(line["text"]), box=box))
    return parse_readouts(texts)


def _read_readouts(pixels: Pixels) -> tuple[CaliperReadout, ...]:
    top, left = int(pixels.shape[0] * 0.6), int(pixels.shape[1] * 0.6)
    corner = cv2.resize(pixels[top:, left:], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    try:
        texts = read_burned_in_text(np.asarray(corner, dtype=np.uint8))
    except InvalidInput:
        return ()
    moved = [
        BurnedInText(
            text=t.text,
            box=PixelBox(
                x0=left + t.box.x0 // 2,
                y0=top + t.box.y0 // 2,
                x1=left + t.box.x1 // 2 + 1,
                y1=top + t.box.y1 // 2 + 1,
            ),
        )
        for t in texts
    ]
    return parse_readouts(moved)


def _picture(folder: Path, name: str) -> Pixels:
    picture = cv2.imread(str(folder / "images" / f"{name}.webp"))
    if picture is None:
        raise InvalidInput(f"{folder}/images/{name}.webp cannot be read")
    return np.ascontiguousarray(picture[..., ::-1], dtype=np.uint8)


if __name__ == "__main__":
    main()
