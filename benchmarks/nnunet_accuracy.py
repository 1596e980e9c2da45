"""How well nnU-Net v2 does, trained on our training groups, by our figures on our held-out groups.

    python -m benchmarks.nnunet_accuracy prepare --data FOLDER --out PEER
    python -m benchmarks.nnunet_accuracy train --out PEER --python PYTHON --minutes 75
    python -m benchmarks.nnunet_accuracy measure --data FOLDER --out PEER --python PYTHON

``PYTHON`` is the interpreter of the peers' environment that ``benchmarks.peers`` makes. Training is
nnU-Net's own, in ``nnunet_worker``: killed, it goes on from its last checkpoint, and the processor
minutes already used count. ``measure`` predicts the held-out pictures with the last checkpoint.
"""

import argparse
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.evaluate import SampleResult
from deeppcos.learning.evaluate.compare import beside_truth
from deeppcos.learning.evaluate.figures import follicle_figures, outline_figures
from deeppcos.learning.evaluate.probabilities import rounded
from deeppcos.learning.metrics import Measured
from deeppcos.learning.pool import gather
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.pictures import filled
from deeppcos.learning.train import TrainConfig, split_samples
from deeppcos.vision.findings import Polygon
from deeppcos.vision.looking import Look, SeenFollicle, SeenLesion, SeenOvary

WORKER = Path(__file__).with_name("nnunet_worker.py")
DATASET = "Dataset301_Ovary"
SIDE_PX = 288
"""Longest side of the peer's pictures: the side of the views our network sees."""

BACKGROUND, OVARY, FOLLICLE, LESION = range(4)
LABELS = {"background": BACKGROUND, "ovary": OVARY, "follicle": FOLLICLE, "lesion": LESION}
LEAST_FOLLICLE_PX = 14
"""As in our releases, in pixels of a view of about the same side."""

Image = npt.NDArray[np.uint8]
Masks = npt.NDArray[np.bool_]


def labelled(sample: Sample) -> Image:
    """Everything that is marked in one picture, as the one label a pixel nnU-Net learns from."""
    height, width = sample.grey.shape
    label = np.zeros((height, width), np.uint8)
    if sample.ovary is not None:
        label[sample.ovary] = OVARY
    if sample.lesion is not None:
        label[sample.lesion] = LESION
    for mark in next(iter(sample.readings.values()), ()):
        label[filled(mark.polygon, height=height, width=width)] = FOLLICLE
    return label


def reduced(picture: Image, *, interpolation: int) -> Image:
    """The picture with its longest side at ``SIDE_PX``."""
    height, width = picture.shape
    factor = SIDE_PX / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)


def prepare(data: Path, out: Path) -> None:
    """Write the training pictures in nnU-Net's layout and the held-out ones beside them.

    A picture with follicle marks whose ovary nobody outlined is left out: its background is not
    known to be background.
    """
    split = split_samples(gather(data, synthetic=TrainConfig().synthetic))
    raw = out / "raw" / DATASET
    learned = [s for s in split.training if s.ovary is not None]
    for folder, samples in (("imagesTr", learned), ("imagesTs", split.held_out)):
        (raw / folder).mkdir(parents=True, exist_ok=True)
        for number, sample in enumerate(samples):
            picture = reduced(sample.grey, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(raw / folder / f"case{number:04d}_0000.png"), picture)
    (raw / "labelsTr").mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(learned):
        label = reduced(labelled(sample), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(raw / "labelsTr" / f"case{number:04d}.png"), label)
    stated = {
        "channel_names": {"0": "ultrasound"},
        "labels": LABELS,
        "numTraining": len(learned),
        "file_ending": ".png",
    }
    (raw / "dataset.json").write_text(json.dumps(stated, indent=1), encoding="utf-8")
    named = {f"case{n:04d}": s.name for n, s in enumerate(split.held_out)}
    (out / "held_out.json").write_text(json.dumps(named, indent=1), encoding="utf-8")
    print(f"{len(learned)} pictures to learn from, {len(named)} held out")


def work(python: Path, step: str, out: Path, *arguments: str, threads: int) -> None:
    """Run the worker under the peers' interpreter."""
    command = [str(python), str(WORKER), step, str(out), *arguments, "--threads", str(threads)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    subprocess.run(command, env=environment, check=True)


def seen_in(label: Image, *, everywhere: bool) -> Look:
    """A label map read as our pipeline reads its maps: one ovary, its follicles, one lesion.

    Args:
        label: ``(H, W) uint8`` of ``LABELS``.
        everywhere: Count follicles outside the largest ovary region too, where ours would not.
    """
    ovary = largest_part(np.isin(label, (OVARY, FOLLICLE)))
    inside = (label == FOLLICLE) & (ovary | everywhere)
    seen = (outline(part) for part in parts_of(inside, at_least_px=LEAST_FOLLICLE_PX))
    follicles = tuple(SeenFollicle(polygon=one, score=1.0) for one in seen if one)
    ovaries = [SeenOvary(polygon=one, score=1.0, follicles=follicles) for one in (outline(ovary),)]
    lesions = [SeenLesion(polygon=outline(largest_part(label == LESION)), score=1.0)]
    return Look(
        ovary_answer=float(ovary.any()),
        lesion_answer=float((label == LESION).any()),
        ovaries=tuple(one for one in ovaries if one.polygon),
        lesions=tuple(one for one in lesions if one.polygon),
    )


def parts_of(mask: Masks, *, at_least_px: float) -> list[Masks]:
    """Connected parts of a mask that are large enough, largest first."""
    count, parts, table, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    areas = {n: int(table[n, cv2.CC_STAT_AREA]) for n in range(1, count)}
    kept = sorted((n for n in areas if areas[n] >= at_least_px), key=lambda n: -areas[n])
    return [np.asarray(parts == n, np.bool_) for n in kept]


def largest_part(mask: Masks) -> Masks:
    """The largest connected part; empty when the mask is."""
    return next(iter(parts_of(mask, at_least_px=1)), mask)


def outline(mask: Masks) -> Polygon:
    """The outer outline of one part; empty when there is none."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not found:
        return ()
    points = max(found, key=len)[:, 0, :]
    return tuple((float(x), float(y)) for x, y in points) if len(points) >= 3 else ()


def compared(
    samples: Sequence[Sample], labels: dict[str, Image], *, everywhere: bool
) -> list[SampleResult]:
    """Every held-out picture beside its truth, at its own size."""
    results = []
    for sample in samples:
        height, width = sample.grey.shape
        label = cv2.resize(labels[sample.name], (width, height), interpolation=cv2.INTER_NEAREST)
        look = seen_in(np.asarray(label, np.uint8), everywhere=everywhere)
        results.append(beside_truth(sample, look))
    return results


def figures_of(results: Sequence[SampleResult]) -> dict[str, Any]:
    """The model card's figures that a label map can have, with intervals by patient group."""
    figures: dict[str, Measured] = {}
    for source in ("mmotu", "closeups"):
        here = [r for r in results if r.source == source]
        figures |= {f"{source} {k}": v for k, v in follicle_figures(here).items()}
        figures |= {f"{source} {k}": v for k, v in outline_figures(here, "ovary").items()}
    figures |= outline_figures(results, "lesion")
    return {name: rounded(figure) for name, figure in figures.items()}


def measure(data: Path, out: Path, python: Path, *, threads: int) -> None:
    """Predict the held-out pictures and write the figures and the budget they stand on."""
    work(python, "predict", out, threads=threads)
    samples = split_samples(gather(data, synthetic=0)).held_out
    named = json.loads((out / "held_out.json").read_text(encoding="utf-8"))
    predicted = out / "predicted"
    labels = {
        name: np.asarray(cv2.imread(str(predicted / f"{case}.png"), cv2.IMREAD_GRAYSCALE), np.uint8)
        for case, name in named.items()
    }
    document = {
        **json.loads((out / "predicted.json").read_text(encoding="utf-8")),
        "figures": figures_of(compared(samples, labels, everywhere=False)),
        "figures, follicles outside the ovary counted too": figures_of(
            compared(samples, labels, everywhere=True)
        ),
    }
    (out / "figures.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    print(json.dumps(document, indent=1))


def main() -> None:
    """One of the three steps."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("step", choices=("prepare", "train", "measure"))
    options.add_argument("--data", type=Path)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--python", type=Path)
    options.add_argument("--minutes", type=float, default=75.0, help="of processor time")
    options.add_argument("--threads", type=int, default=1)
    asked = options.parse_args()
    out = asked.out.resolve()
    if asked.step == "prepare":
        prepare(asked.data, out)
    elif asked.step == "train":
        work(asked.python, "train", out, str(asked.minutes), threads=asked.threads)
    else:
        measure(asked.data, out, asked.python, threads=asked.threads)


if __name__ == "__main__":
    main()
