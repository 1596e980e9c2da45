"""How well one click finds a follicle's edge, beside outlines that readers drew.

    python benchmarks/one_click_edge.py --data FOLDER [--rounds 3]

Clicks into every sure follicle of ``FOLDER/ovary_closeups`` and ``FOLDER/mmotu``, at a random place
up to 0.4 radii from its middle, without telling a scale. Nothing was fitted to these outlines but
the threshold of darkness, on the close-ups; the readers are not clinicians and started from machine
proposals. Intervals: bootstrap over images, 95 %. Times are CPU time of one thread.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from deeppcos.app.desk.marks.edge import outline_at
from deeppcos.errors import NotAssessable
from deeppcos.vision.findings import Polygon
from deeppcos.vision.geometry import area_px, centroid, polygon_iou

Clicks = np.typing.NDArray[np.float64]
"""IoU, size against the reader's, and CPU ms, a row a click."""

Case = tuple[str, Path, list[Polygon]]
FARTHEST_RADII = 0.4
RESAMPLES = 2000


def closeups(data: Path) -> Iterator[Case]:
    """Close-ups of ovaries with their sure follicles."""
    folder = data / "ovary_closeups"
    for entry in json.loads((folder / "marks.json").read_text(encoding="utf-8")):
        path = next((folder / "images").glob(f"{entry['id']}.*"))
        yield "close-ups", path, sure(entry["follicles"])


def mmotu(data: Path) -> Iterator[Case]:
    """MMOTU ovaries with the sure follicles of their first reader."""
    folder = data / "mmotu"
    for name, readers in json.loads(
        (folder / "follicles.json").read_text(encoding="utf-8")
    ).items():
        path = next((folder / "images").glob(f"{name}.*"), None)
        if path is not None:
            yield "MMOTU", path, sure(next(iter(readers.values()))["follicles"])


def sure(follicles: list[dict[str, object]]) -> list[Polygon]:
    """Outlines the reader was sure of."""
    found = [one["polygon"] for one in follicles if one["certainty"] == "sure"]
    return [tuple((float(x), float(y)) for x, y in polygon) for polygon in found]  # type: ignore[attr-defined]


def clicked(path: Path, polygons: list[Polygon], rng: np.random.Generator) -> list[list[float]]:
    """Overlap, size against the reader's, and CPU ms of a click into each; 0 where refused."""
    grey = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    found = []
    for polygon in polygons:
        x, y = centroid(polygon)
        radius = math.sqrt(area_px(polygon) / math.pi)
        away, turn = FARTHEST_RADII * radius * math.sqrt(rng.random()), rng.random() * 2 * math.pi
        began = time.thread_time()
        try:
            one = outline_at(
                np.asarray(grey, np.uint8),
                x=x + away * math.cos(turn),
                y=y + away * math.sin(turn),
                scale=None,
            ).polygon
            size = math.sqrt(area_px(one) / area_px(polygon))
            found.append([polygon_iou(one, polygon), size, (time.thread_time() - began) * 1e3])
        except NotAssessable:
            found.append([0.0, math.nan, (time.thread_time() - began) * 1e3])
    return found


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    rng = np.random.default_rng(1)
    by_set: dict[str, list[Clicks]] = {}
    for name, path, polygons in (*closeups(asked.data), *mmotu(asked.data)):
        rounds = [one for _ in range(asked.rounds) for one in clicked(path, polygons, rng)]
        if rounds:
            by_set.setdefault(name, []).append(np.asarray(rounds))
    for name, images in by_set.items():
        told(name, images, asked.rounds)


def median_overlap(clicks: Clicks) -> float:
    """Median IoU with the reader's outline."""
    return float(np.median(clicks[:, 0]))


def share_found(clicks: Clicks) -> float:
    """Share with an IoU of 0.5 and more."""
    return float(np.mean(clicks[:, 0] >= 0.5))


def median_size(clicks: Clicks) -> float:
    """Median diameter over the reader's."""
    return float(np.nanmedian(clicks[:, 1]))


def told(name: str, images: list[Clicks], rounds: int) -> None:
    """One set's figures."""
    rng = np.random.default_rng(2)
    every = np.concatenate(images)
    print(f"{name}: {len(images)} images, {len(every) // rounds} follicles, {rounds} clicks each")
    for of in (median_overlap, share_found, median_size):
        drawn = [
            of(np.concatenate([images[i] for i in rng.integers(0, len(images), len(images))]))
            for _ in range(RESAMPLES)
        ]
        low, high = np.percentile(drawn, [2.5, 97.5])
        print(f"  {of.__doc__} {of(every):.2f} ({low:.2f} to {high:.2f})")
    print(f"  CPU time of a click: median {np.median(every[:, 2]):.0f} ms")


if __name__ == "__main__":
    main()
