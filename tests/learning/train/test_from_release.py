"""Learning on from a release: the served file comes back as the network it was, or is refused."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("accelerate")

from deeppcos.errors import ContractBroken, InvalidInput  # noqa: E402
from deeppcos.learning.export import export_onnx  # noqa: E402
from deeppcos.learning.networks import NETWORKS  # noqa: E402
from deeppcos.learning.samples import Sample  # noqa: E402
from deeppcos.learning.train import TrainConfig, train  # noqa: E402
from deeppcos.learning.train.checkpoint import Stopped  # noqa: E402
from deeppcos.learning.train.from_release import (  # noqa: E402
    fill_from_release,
    is_release,
    largest_difference,
    release_weights,
)
from deeppcos.learning.train.loop import Moment, build_network  # noqa: E402
from deeppcos.vision.release import MANIFEST_FILE, SHIPPED  # noqa: E402

if TYPE_CHECKING:
    from torch import nn

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Constant folding:UserWarning"),
]
TOLERANCE = 1e-5
Samples = tuple[Sample, ...]


@pytest.fixture
def make_release(tmp_path: Path, tiny_network: str) -> Callable[..., Path]:
    """A release of the tiny network, as training would have left it: its norms have seen data."""

    def make(name: str = "release", *, seed: int = 3) -> Path:
        torch.manual_seed(seed)
        network = NETWORKS[tiny_network]()
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                for values in (part.running_mean, part.running_var, part.weight, part.bias):
                    values.data.uniform_(0.2, 2.0)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        export_onnx(network.eval(), folder / "seeing.onnx")
        manifest = json.loads((SHIPPED / MANIFEST_FILE).read_text())
        sha256 = hashlib.sha256((folder / "seeing.onnx").read_bytes()).hexdigest()
        manifest |= {"name": name, "weights_sha256": sha256}
        (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
        return folder

    return make


def small(folder: Path, **changes: object) -> TrainConfig:
    base = TrainConfig(
        network="tiny", steps=6, batch=4, synthetic=0, threads=1, checkpoint_every=2,
        start_from=str(folder),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def norms_of(network: "nn.Module") -> "list[nn.BatchNorm2d]":
    return [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]


def test_the_shipped_release_comes_back_as_the_network_that_answers_as_it_does() -> None:
    weights = release_weights("shipped")
    network = NETWORKS["seeing"]()
    assert largest_difference(network.eval(), weights.content) > 0.1, "fresh, it answers otherwise"
    fill_from_release(network, weights)
    assert largest_difference(network, weights.content) < TOLERANCE
    for norm in norms_of(network):
        x, shift = torch.randn(2, norm.num_features, 5, 5), norm.state_dict()["bias"]
        assert torch.equal(norm(x), x + shift.reshape(-1, 1, 1)), "the identity, shifted"


def test_a_release_of_another_network_is_refused_and_the_first_layer_named() -> None:
    with pytest.raises(InvalidInput, match=r"another network.*71 layers differ.*--start-from"):
        fill_from_release(NETWORKS["plain_unet"](), release_weights("shipped"))


def test_a_release_whose_layers_fit_but_answer_otherwise_is_refused(
    make_release: Callable[..., Path], tiny_network: str
) -> None:
    weights = release_weights(str(make_release()))
    network = NETWORKS[tiny_network]()
    # The same layers, another computation.
    network.get_submodule("look").register_module("2", torch.nn.Identity())
    with pytest.raises(InvalidInput, match="answers differ by"):
        fill_from_release(network, weights)


def test_a_release_with_changed_bytes_is_refused(make_release: Callable[..., Path]) -> None:
    folder = make_release()
    file = folder / "seeing.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ContractBroken, match="weights differ"):
        release_weights(str(folder))


def test_what_is_no_release_is_not_taken_for_one(tmp_path: Path) -> None:
    assert is_release("shipped")
    assert not is_release("")
    assert not is_release(str(tmp_path / "final.pt"))
    with pytest.raises(ContractBroken, match="cannot be read"):
        release_weights(str(tmp_path))


@pytest.mark.parametrize("content", [None, b"", b"no weights at all"])
def test_weights_that_cannot_be_gone_on_from_are_named(
    tiny_network: str, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "final.pt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"final\.pt: no weights to go on from.*'shipped'"):
        build_network(TrainConfig(network=tiny_network, start_from=str(file)))


def test_a_run_from_a_release_begins_with_its_answers_and_learns_without_its_norms_drifting(
    make_release: Callable[..., Path], few_samples: Samples, tmp_path: Path
) -> None:
    folder = make_release()
    content = (folder / "seeing.onnx").read_bytes()
    config = small(folder, start_from_sha256=hashlib.sha256(content).hexdigest())
    begun = build_network(config)
    assert largest_difference(begun, content) < TOLERANCE
    final = train(few_samples, small(folder), tmp_path / "run")
    stated = json.loads((tmp_path / "run" / "config.json").read_text())
    assert stated["start_from_sha256"] == config.start_from_sha256
    learned = NETWORKS["tiny"]()
    learned.load_state_dict(torch.load(final, weights_only=True))
    for before, after in zip(norms_of(begun), norms_of(learned), strict=True):
        assert torch.equal(before.running_mean, after.running_mean)
        assert torch.equal(before.running_var, after.running_var)
        assert not torch.equal(before.bias, after.bias), "the shift learns"
    export_onnx(learned.eval(), tmp_path / "again.onnx")
    assert largest_difference(learned, (tmp_path / "again.onnx").read_bytes()) < TOLERANCE


def test_a_run_does_not_go_on_from_another_release_at_the_same_place(
    make_release: Callable[..., Path], few_samples: Samples, tmp_path: Path
) -> None:
    folder = make_release()
    train(few_samples, small(folder), tmp_path / "run")
    make_release(seed=4)
    with pytest.raises(InvalidInput, match="start_from_sha256"):
        train(few_samples, small(folder), tmp_path / "run")


def test_a_run_that_is_stopped_goes_on_to_where_an_unbroken_one_arrives(
    make_release: Callable[..., Path], few_samples: Samples, tmp_path: Path
) -> None:
    folder = make_release()
    seen: list[Moment] = []
    unbroken = train(few_samples, small(folder), tmp_path / "unbroken")
    with pytest.raises(Stopped):
        train(
            few_samples,
            small(folder),
            tmp_path / "run",
            watch=seen.append,
            is_stop_wanted=lambda: len(seen) == 3,
        )
    assert not (tmp_path / "run" / "final.pt").exists()
    train(few_samples, small(folder), tmp_path / "run", watch=seen.append)
    assert [moment.step for moment in seen] == [1, 2, 3, 4, 5, 6]
    one, other = (
        torch.load(f, weights_only=True) for f in (unbroken, tmp_path / "run" / "final.pt")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
