"""From the file that serves back to a network that learns on.

A release ships no checkpoint: its convolutions hold what was normalisation in training, its large
tensors are 16 bits wide. Each convolution gets the folded weights back, widened, and the
normalisation behind it becomes exactly the identity, with the folded bias as its shift. Owns that
way back, and what normalisation does in a run that began so: its statistics stay, since those of
training are gone and statistics of small batches would make it another network from the first
step on; scale and shift learn like every other weight.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from deeppcos.errors import InvalidInput
from deeppcos.vision.preprocess import INPUT_SIDE_PX
from deeppcos.vision.release import SHIPPED, OnnxNetwork, load_release

SHIPPED_NAME = "shipped"
MOST_DIFFERENCE = 1e-4
"""Of a probability, between the network and the file it was filled from, on drawn pictures."""
DRAWN_PICTURES = 2
LEARNED = ("Conv", "Gemm")
PREFIX = "network."

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseWeights:
    """The weights of a whole, verified release.

    Attributes:
        name: Name of the release.
        sha256: Hash of the weights.
        content: The ONNX file.
    """

    name: str
    sha256: str
    content: bytes


def is_release(start_from: str) -> bool:
    """Whether a run that starts from this starts from a release, not from weights of a run.

    Args:
        start_from: ``shipped``, a folder of a release, or a file of weights.
    """
    return start_from == SHIPPED_NAME or (bool(start_from) and Path(start_from).is_dir())


def release_weights(start_from: str) -> ReleaseWeights:
    """Read a release that a run starts from.

    Args:
        start_from: ``shipped``, or a folder of a release.

    Returns:
        Its weights.

    Raises:
        ContractBroken: If the release is not whole.
    """
    folder = SHIPPED if start_from == SHIPPED_NAME else Path(start_from)
    manifest = load_release(folder, threads=1).manifest
    return ReleaseWeights(
        name=manifest.name,
        sha256=manifest.weights_sha256,
        content=(folder / manifest.weights_file).read_bytes(),
    )


def fill_from_release(network: nn.Module, weights: ReleaseWeights) -> None:
    """Fill a network from a served file, so that it answers as the file does.

    Args:
        network: The network; left in evaluation mode.
        weights: The release.

    Raises:
        InvalidInput: If the file holds another network: other layers, other shapes, or answers
            that differ by more than ``MOST_DIFFERENCE`` on drawn pictures.
    """
    stored = _layers_of(onnx.load_model_from_string(weights.content))
    _refuse_other_layers(network, stored, weights.name)
    with torch.no_grad():
        for name, layer, norm in _learning_layers(network):
            weight, bias = stored[name]
            layer.weight.copy_(torch.from_numpy(weight))
            shift = torch.from_numpy(bias)
            if layer.bias is not None:
                layer.bias.copy_(shift if norm is None else torch.zeros_like(shift))
            if norm is not None:
                _make_identity(norm, shift)
    network.eval()
    difference = largest_difference(network, weights.content)
    if not difference <= MOST_DIFFERENCE:
        raise _another_network(
            weights.name,
            value=f"answers differ by {difference:.3g} on drawn pictures",
            accepted=f"at most {MOST_DIFFERENCE:g}",
        )


def keep_norms(network: nn.Module) -> None:
    """Have normalisation keep its statistics while the rest learns; call after ``train()``.

    Args:
        network: A network that was filled from a release.
    """
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()


def largest_difference(network: nn.Module, content: bytes) -> float:
    """How far a network's probabilities are from those of a served file, on drawn pictures.

    Args:
        network: In evaluation mode.
        content: The ONNX file.

    Returns:
        The largest difference over maps and answers.
    """
    shape = (DRAWN_PICTURES, 1, INPUT_SIDE_PX, INPUT_SIDE_PX)
    pictures = np.random.default_rng(1).random(shape, np.float32)
    with torch.no_grad():
        own = [torch.sigmoid(part).numpy() for part in network(torch.from_numpy(pictures))]
    served = OnnxNetwork(content, threads=1)(pictures)
    return max(float(np.abs(a - b).max()) for a, b in zip(own, served, strict=True))


def _make_identity(norm: nn.BatchNorm2d, shift: torch.Tensor) -> None:
    """Normalisation that adds a shift and does nothing else, its epsilon allowed for."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0 - norm.eps)
    norm.weight.fill_(1.0)
    norm.bias.copy_(shift)


def _learning_layers(
    network: nn.Module,
) -> Iterator[tuple[str, nn.Conv2d | nn.Linear, nn.BatchNorm2d | None]]:
    """Every layer with the normalisation that follows it, in the order they were built."""
    kinds = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
    found = [(name, part) for name, part in network.named_modules() if isinstance(part, kinds)]
    after = [part for _, part in found[1:]] + [None]
    for (name, part), behind in zip(found, after, strict=True):
        if not isinstance(part, nn.BatchNorm2d):
            yield name, part, behind if isinstance(behind, nn.BatchNorm2d) else None


def _layers_of(model: onnx.ModelProto) -> Mapping[str, tuple[Floats, Floats]]:
    """Weight and bias of every layer of a served file, by the name it has in the network."""
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    # Large tensors are stored in 16 bits behind a widening cast.
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in tensors:
            tensors[node.output[0]] = tensors[node.input[0]]
    return {
        _name_of(node.name): (_widened(tensors[node.input[1]]), _widened(tensors[node.input[2]]))
        for node in model.graph.node
        if node.op_type in LEARNED and len(node.input) == 3 and set(node.input[1:]) <= set(tensors)
    }


def _widened(values: npt.NDArray[np.generic]) -> Floats:
    """32 bits, and memory of its own."""
    return np.array(values, np.float32)


def _name_of(node: str) -> str:
    """Name of a layer from the path its exporter gave it.

    Examples:
        >>> _name_of("/network/encoder/stages.0/stages.0.0/filter/filter.1/Conv")
        'encoder.stages.0.0.filter.1'
    """
    parts = node.strip("/").split("/")[:-1]
    kept = [
        part
        for part, behind in zip(parts, [*parts[1:], ""], strict=True)
        if not re.match(rf"{re.escape(part)}\.", behind)
    ]
    return ".".join(kept).removeprefix(PREFIX)


def _refuse_other_layers(
    network: nn.Module, stored: Mapping[str, tuple[Floats, Floats]], release: str
) -> None:
    """Refuse a file of another network before anything is filled."""
    own = {name: tuple(layer.weight.shape) for name, layer, _ in _learning_layers(network)}
    wrong = [f"{name}: no such layer here" for name in stored if name not in own]
    for name, shape in own.items():
        if name not in stored:
            wrong.append(f"{name}: not in the file")
        elif stored[name][0].shape != shape:
            wrong.append(f"{name}: {stored[name][0].shape} in the file, {shape} here")
    if wrong:
        raise _another_network(
            release,
            value=f"{len(wrong)} layers differ, first: {wrong[0]}",
            accepted=f"the {len(own)} layers of the network that is trained",
        )


def _another_network(release: str, *, value: str, accepted: str) -> InvalidInput:
    return InvalidInput(
        f"the release {release} holds another network than the one that is trained",
        value=value,
        accepted=accepted,
        remedy="name a release of this network, or start afresh without --start-from",
    )
