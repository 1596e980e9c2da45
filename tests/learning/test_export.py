"""The file that serves computes what the trained network computes."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from deeppcos.learning.export import export_onnx, load_trained, with_short_weights  # noqa: E402
from deeppcos.learning.networks import NETWORKS  # noqa: E402
from deeppcos.vision.preprocess import INPUT_SIDE_PX  # noqa: E402
from deeppcos.vision.release import OnnxNetwork  # noqa: E402

if TYPE_CHECKING:
    from onnx import ModelProto

Floats = npt.NDArray[np.float32]
OLD_EXPORTER = "ignore::DeprecationWarning"
FOLDING = "ignore:Constant folding:UserWarning"


def model_of(*weights: Floats) -> "ModelProto":
    """A model that adds weights to its input."""
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    names = [f"w{i}" for i in range(len(weights))]
    steps = ["x", *(f"s{i}" for i in range(len(weights) - 1)), "y"]
    graph = helper.make_graph(
        [helper.make_node("Add", [steps[i], name], [steps[i + 1]]) for i, name in enumerate(names)],
        "sum",
        [helper.make_tensor_value_info("x", number, [300])],
        [helper.make_tensor_value_info("y", number, [300])],
        [onnx.numpy_helper.from_array(w, n) for w, n in zip(weights, names, strict=True)],
    )
    model: ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return model


def answered(model: "ModelProto", x: Floats) -> Floats:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(["y"], {"x": x})[0])


def stored_types(model: "ModelProto") -> set[str]:
    return {onnx.TensorProto.DataType.Name(t.data_type) for t in model.graph.initializer}


def test_large_weights_are_stored_in_sixteen_bits_and_computed_in_thirty_two() -> None:
    weights = np.linspace(-2, 2, 300).astype(np.float32)
    model = with_short_weights(model_of(weights))
    assert stored_types(model) == {"FLOAT16"}
    found = answered(model, np.zeros(300, np.float32))
    assert found.dtype == np.float32
    assert np.abs(found - weights).max() < 1e-3


def test_small_tensors_and_numbers_beyond_sixteen_bits_keep_thirty_two() -> None:
    small = np.full(1, 0.1, np.float32)
    huge = np.full(300, 1e6, np.float32)
    model = with_short_weights(model_of(small, huge))
    assert stored_types(model) == {"FLOAT"}
    assert np.allclose(answered(model, np.zeros(300, np.float32)), 1e6 + 0.1)


@pytest.mark.slow
@pytest.mark.filterwarnings(OLD_EXPORTER)
@pytest.mark.filterwarnings(FOLDING)
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_exported_file_agrees_with_the_network(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    fresh = NETWORKS[name]()
    torch.save(fresh.state_dict(), tmp_path / "final.pt")
    network = load_trained(name, tmp_path / "final.pt")
    assert not network.training
    export_onnx(network, tmp_path / "net.onnx")
    content = (tmp_path / "net.onnx").read_bytes()
    weights = sum(p.numel() for p in network.parameters())
    assert len(content) < 2.4 * weights + 300_000
    served = OnnxNetwork(content, threads=1)
    pictures = np.random.default_rng(1).random((2, 1, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
    maps, answers = served(pictures)
    with torch.no_grad():
        own_maps, own_answers = network(torch.from_numpy(pictures))
    assert np.abs(maps - torch.sigmoid(own_maps).numpy()).max() < 2e-2
    assert np.abs(answers - torch.sigmoid(own_answers).numpy()).max() < 2e-2
    assert maps.dtype == np.float32
    assert 0.0 <= maps.min() <= maps.max() <= 1.0
