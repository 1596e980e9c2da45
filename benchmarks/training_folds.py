"""What weight averaging, mirror images and other calibrations do, judged without held-out groups.

    python -m benchmarks.training_folds --data FOLDER --runs RUN [RUN ...] [--scenes 60]

Each run alone, then all averaged (a "soup"), with and without the mirror image: on pictures of the
training groups, which the runs learned from, and on phantom scenes that none has seen. Calibrations
of the ovary probability are fitted on all training folds but one and judged on that one. Beside it
stands the calibration error that a perfect forecaster would show on as few outlines as are held
out. See docs/experiments.md for why figures on learned pictures can rule a change out, never in.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from benchmarks.other_machines import in_words

from deeppcos.learning import metrics
from deeppcos.learning.calibrate import fit_logistic
from deeppcos.learning.evaluate import SampleResult
from deeppcos.learning.evaluate.figures import follicle_figures, outline_figures
from deeppcos.learning.evaluate.probabilities import scored
from deeppcos.learning.export import export_onnx, load_trained
from deeppcos.learning.operating_points import look_with, points_at
from deeppcos.learning.pool import gather
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.synthetic import draw_synthetic
from deeppcos.learning.splits import fold_of
from deeppcos.learning.train import FOLDS, SPLIT_SALT, split_samples
from deeppcos.vision.release import SHIPPED, OnnxNetwork, read_manifest
from deeppcos.vision.uncertainty import logit

FRESH_SEED = 4711
SHOWN = ("follicle F1 at IoU 0.3", "count mean absolute error", "count bias")
Pairs = list[tuple[float, bool]]
Forecast = Callable[[Sequence[float]], list[float]]


def network_of(runs: Sequence[Path], folder: Path) -> OnnxNetwork:
    """The mean of the averaged weights of some runs, as served."""
    states = [torch.load(run / "final.pt", map_location="cpu", weights_only=True) for run in runs]
    mean = {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(first.dtype)
        for name, first in states[0].items()
    }
    weights = folder / "mean.pt"
    torch.save(mean, weights)
    export_onnx(load_trained("seeing", weights), folder / "mean.onnx")
    return OnnxNetwork((folder / "mean.onnx").read_bytes(), threads=1)


def shown(name: str, results: Sequence[SampleResult]) -> str:
    """One row: follicles, counts and outlines."""
    figures = {**follicle_figures(results, only=SHOWN), **outline_figures(results, "ovary")}
    cells = [in_words(figures[key]) for key in (*SHOWN, "ovary Dice mean", "ovary missed")]
    return f"| {name} | {len(results)} | " + " | ".join(cells) + " |"


def fold(group: str) -> int:
    """Fold of a group in the split of every figure."""
    return fold_of(group, folds=FOLDS, salt=SPLIT_SALT)


def platt(pairs: Pairs) -> Forecast:
    """Slope and intercept, as shipped."""
    fit = fit_logistic([s for s, _ in pairs], [y for _, y in pairs])
    return lambda scores: [fit.probability(score) for score in scores]


def temperature(pairs: Pairs) -> Forecast:
    """A slope alone."""
    scores = np.array([logit(s) for s, _ in pairs])
    right = np.array([y for _, y in pairs], float)
    slopes = np.linspace(0.1, 3, 59)
    losses = [float((np.logaddexp(0, k * scores) - right * k * scores).sum()) for k in slopes]
    slope = float(slopes[int(np.argmin(losses))])
    return lambda some: [float(1 / (1 + np.exp(-slope * logit(s)))) for s in some]


def isotonic(pairs: Pairs) -> Forecast:
    """Any rising curve."""
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0.02, y_max=0.98, out_of_bounds="clip")
    model.fit([s for s, _ in pairs], [float(y) for _, y in pairs])
    return lambda scores: [float(p) for p in model.predict(list(scores))]


def calibration_table(results: Sequence[SampleResult]) -> str:
    """Calibration error of the ovary probability, each fold judged by the others."""
    lines = ["| ovary probability | calibration error, folds of training groups |", "|---|---|"]
    folds = sorted({fold(r.group) for r in results})
    for name, fit in (("platt", platt), ("temperature", temperature), ("isotonic", isotonic)):
        told: list[float] = []
        right: list[bool] = []
        for own in folds:
            learned = scored([r for r in results if fold(r.group) != own], "ovary")
            judged = scored([r for r in results if fold(r.group) == own], "ovary")
            told += fit(learned)([s for s, _ in judged])
            right += [y for _, y in judged]
        lines.append(f"| {name} | {metrics.calibration_error(told, right):.3f} |")
    return "\n".join(lines)


def least_error() -> str:
    """What a perfect forecaster would show with the probabilities of the shipped release."""
    manifest = read_manifest(SHIPPED)
    lines = []
    rng = np.random.default_rng(0)
    for which, told in manifest.metrics["calibration error, cross-fitted"].items():
        stated = np.concatenate([[b["probability"]] * b["n"] for b in told["bins"]])
        drawn = [
            metrics.calibration_error(stated.tolist(), (rng.random(stated.size) < stated).tolist())
            for _ in range(2000)
        ]
        low, middle, high = np.percentile([d for d in drawn if d is not None], [2.5, 50, 97.5])
        lines.append(
            f"{which}: measured {told['value']:.3f} on {stated.size} outlines; a perfect "
            f"forecaster would show {middle:.3f} ({low:.3f} to {high:.3f})"
        )
    return "\n".join(lines)


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--out", type=Path, required=True, help="folder for the averaged weights")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    print(least_error(), flush=True)
    training = split_samples(gather(asked.data, synthetic=0)).training
    learned: list[Sample] = [s for s in training if s.readings]
    scenes = draw_synthetic(count=asked.scenes, seed=FRESH_SEED)
    fresh = [s for s in scenes if s.readings]
    soups = [[run] for run in asked.runs]
    if len(asked.runs) > 1:
        soups.append(asked.runs)
    head = " | ".join((*SHOWN, "ovary Dice mean", "ovary missed"))
    print(f"\n| weights, pictures | n | {head} |\n|---|---|---|---|---|---|---|")
    for runs in soups:
        network = network_of(runs, asked.out)
        for mirror in (False, True):
            points = points_at(mirror=mirror, margin=0.6, least_score=0.7)
            name = "+".join(run.name for run in runs) + (", mirrored" if mirror else "")
            known = look_with(learned, network, points)
            print(shown(f"{name}, learned pictures", known), flush=True)
            print(shown(f"{name}, fresh phantoms", look_with(fresh, network, points)), flush=True)
            if len(runs) == 1 and mirror:
                print(f"\n{name}\n{calibration_table(known)}\n", flush=True)


if __name__ == "__main__":
    main()
