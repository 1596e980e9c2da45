"""Where the network looked: how often a map is shown, whether it lies on the ovary, and whether it
dies with the network.

    python benchmarks/saliency.py --data FOLDER     # held-out pictures (train extra)
    python benchmarks/saliency.py                   # phantoms, no data needed

A map is made for each ovary picture. Reported: the share of maps that pass their own test and are
shown; how much more heat lies inside the reader's outline than by chance (1 is chance); and the
rank correlation of the maps with those of the same network after its decoder's, then all its,
weights were shuffled layer by layer (Adebayo 2018): a map that survives that explains nothing.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from deeppcos.learning.phantom import random_scene
from deeppcos.vision import saliency
from deeppcos.vision.preprocess import content_view, to_tensor
from deeppcos.vision.release import SHIPPED, OnnxNetwork, Release, load_release
from deeppcos.vision.saliency import explain_ovary

Greys = npt.NDArray[np.uint8]
Masks = npt.NDArray[np.bool_]
SEED = 31


def phantoms(count: int) -> Iterator[tuple[str, Greys, Masks]]:
    for number in range(count):
        scene = random_scene(np.random.default_rng([SEED, number]))
        if scene.ovary_mask.any():
            yield f"phantom {number}", scene.clean_pixels[..., 0], scene.ovary_mask


def held_out(folder: Path, count: int) -> Iterator[tuple[str, Greys, Masks]]:
    from deeppcos.learning.pool import gather
    from deeppcos.learning.train import split_samples

    ovaries = [
        s
        for s in split_samples(gather(folder, synthetic=0)).held_out
        if s.ovary is not None and s.ovary.any()
    ]
    for sample in ovaries[:count]:
        assert sample.ovary is not None
        yield sample.name, sample.grey, sample.ovary


def shuffled(release: Release, *, all_layers: bool) -> Release:
    """The release with the values of its layers shuffled, each within itself."""
    model = onnx.load(SHIPPED / release.manifest.weights_file)
    rng = np.random.default_rng(SEED)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        is_decoder = any(part in tensor.name for part in ("decoder", "refine", "maps", "answers"))
        if values.size > 4 and (all_layers or is_decoder):
            mixed = rng.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
    return replace(release, network=OnnxNetwork(model.SerializeToString(), threads=2))


def raw_heat(grey: Greys, release: Release, place: Masks) -> npt.NDArray[np.float32]:
    """The map before its test, of a given place: shuffled networks find no place of their own."""
    picture = to_tensor(grey, content_view(grey))[0, 0]
    question = saliency._Question(network=release.network, place=place)
    return saliency._occlusion_heat(picture, question)


def rank_correlation(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    ranks = [np.argsort(np.argsort(x.ravel()[::37])).astype(float) for x in (a, b)]
    if min(float(np.ptp(x)) for x in (a, b)) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def interval(values: list[float]) -> str:
    rng = np.random.default_rng(SEED)
    drawn = [np.mean(rng.choice(values, len(values))) for _ in range(2000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{np.mean(values):.2f} ({low:.2f} to {high:.2f}), n = {len(values)}"


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--data", type=Path)
    arguments.add_argument("--count", type=int, default=49)
    arguments.add_argument("--shuffles", type=int, default=12)
    options = arguments.parse_args()
    release = load_release()
    cases = list(held_out(options.data, options.count) if options.data else phantoms(options.count))
    decoder, everything = (shuffled(release, all_layers=flag) for flag in (False, True))
    shown: list[float] = []
    inside: list[float] = []
    gains: list[tuple[float, float]] = []
    kept: tuple[list[float], list[float]] = ([], [])
    for name, grey, ovary in cases:
        seen = explain_ovary(grey, release)
        if seen.test is None:
            print(f"{name}: {seen.why_none}")
            continue
        shown.append(float(seen.heat is not None))
        gains.append(
            (
                seen.test.chance_deletion - seen.test.deletion,
                seen.test.insertion - seen.test.chance_insertion,
            )
        )
        if seen.heat is not None:
            inside.append(float(seen.heat[ovary].sum() / seen.heat.sum() / ovary.mean()))
        if len(kept[0]) < options.shuffles:
            asked = saliency._Question.about(grey, content_view(grey), release)
            assert asked is not None
            own = raw_heat(grey, release, asked.place)
            for network, values in zip((decoder, everything), kept, strict=True):
                values.append(rank_correlation(own, raw_heat(grey, network, asked.place)))
    print(f"{release.manifest.name}, {'held-out pictures' if options.data else 'phantoms'}")
    print(f"an ovary recognised: {len(shown)} of {len(cases)}")
    print(f"maps that pass their test and are shown: {interval(shown)}")
    print(f"heat inside the outline, times chance: {interval(inside)}")
    print(f"deletion better than chance by: {interval([g[0] for g in gains])}")
    print(f"insertion better than chance by: {interval([g[1] for g in gains])}")
    print(f"rank correlation after shuffling the decoder: {interval(kept[0])}")
    print(f"rank correlation after shuffling every layer: {interval(kept[1])}")


if __name__ == "__main__":
    main()
