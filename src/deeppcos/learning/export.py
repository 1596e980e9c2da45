"""From trained weights to the ONNX file that serves.

Weights are stored in 16 bits to stay small and widened on load, so every computation runs in
32 bits; the exported file is what is measured, never the torch network.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from deeppcos.learning.networks import NETWORKS
from deeppcos.vision.preprocess import INPUT_SIDE_PX

OPSET = 17
SMALLEST_STORED_SHORT = 256
"""Tensors of fewer numbers stay in 32 bits: normalisation is sensitive, and they are tiny."""


class _Served(nn.Module):
    """The network with probabilities instead of logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        maps, answers = self.network(pictures)
        return torch.sigmoid(maps), torch.sigmoid(answers)


def load_trained(network: str, weights: Path) -> nn.Module:
    """A trained network in evaluation mode.

    Args:
        network: Key of ``NETWORKS``.
        weights: File written by ``train``.

    Returns:
        The network.
    """
    built: nn.Module = NETWORKS[network]()
    built.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return built.eval()


def export_onnx(network: nn.Module, file: Path) -> None:
    """Write the serving file.

    Args:
        network: Trained, in evaluation mode.
        file: Where to write.
    """
    example = torch.zeros(1, 1, INPUT_SIDE_PX, INPUT_SIDE_PX)
    torch.onnx.export(
        _Served(network).eval(),
        (example,),
        str(file),
        input_names=["pictures"],
        output_names=["maps", "answers"],
        dynamic_axes={"pictures": {0: "n"}, "maps": {0: "n"}, "answers": {0: "n"}},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(str(file))
    onnx.save(with_short_weights(model), str(file))


def with_short_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large tensors in 16 bits behind a widening cast.

    Args:
        model: The exported model; changed in place.

    Returns:
        The model.
    """
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST_STORED_SHORT:
            continue
        with np.errstate(over="ignore"):
            short = values.astype(np.float16)
        if not np.isfinite(short).all():
            continue  # beyond 65504: 16 bits would turn it into infinity
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(short, f"{name}_16"))
        casts.append(helper.make_node("Cast", [f"{name}_16"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model
