"""The network that reads ovaries, trained round by round at sites of drawn scenes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="federated training needs the train extra")
pytest.importorskip("accelerate", reason="federated training needs the train extra")
pytest.importorskip("cryptography", reason="federated training needs the federated extra")

from accelerate.state import AcceleratorState  # noqa: E402

from deeppcos.errors import InvalidInput  # noqa: E402
from deeppcos.learning.export import load_trained  # noqa: E402
from deeppcos.learning.federated.agreement import Agreement  # noqa: E402
from deeppcos.learning.federated.seeing import (  # noqa: E402
    SeeingData,
    see_measured,
    see_one_round,
    write_run,
)
from deeppcos.learning.federated.weights import weights_of  # noqa: E402
from deeppcos.learning.federated.work import (  # noqa: E402
    first_weights,
    measured,
    refuse_unfit_pictures,
)
from deeppcos.learning.networks import NETWORKS  # noqa: E402
from deeppcos.learning.samples import Sample  # noqa: E402
from deeppcos.learning.sources.synthetic import draw_synthetic  # noqa: E402
from deeppcos.learning.train import split_samples  # noqa: E402

AGREED = Agreement(network="tiny", side_px=0, steps=2, batch=2)


@pytest.fixture
def _a_process_of_its_own() -> Iterator[None]:
    """Accelerate fixes precision once a process; other tests of this one train in another."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch, _a_process_of_its_own: None) -> None:
    class Tiny(torch.nn.Module):  # type: ignore[name-defined,misc]  # torch is not imported above
        def __init__(self) -> None:
            super().__init__()
            self.look = torch.nn.Conv2d(1, 4, 3, stride=8, padding=1)
            self.norm = torch.nn.BatchNorm2d(4)
            self.answers = torch.nn.Linear(4, 2)

        def forward(self, pictures):  # type: ignore[no-untyped-def]
            seen = self.norm(self.look(pictures))
            maps = torch.nn.functional.interpolate(seen, scale_factor=8.0)
            return maps, self.answers(seen.mean((2, 3)))

    monkeypatch.setitem(NETWORKS, "tiny", Tiny)
    monkeypatch.setattr("cv2.setNumThreads", lambda count: None)


def drawn(count: int, seed: int) -> list[Sample]:
    """Scenes as if they were a hospital's own pictures: drawn ones are never held out."""
    return [
        replace(one, name=f"site{seed}/{n}", group=f"site{seed}/{n}", source="site")
        for n, one in enumerate(draw_synthetic(count=count, seed=seed))
    ]


@pytest.fixture
def data() -> SeeingData:
    sides = split_samples(drawn(24, seed=3))
    return SeeingData(name="north", learning=sides.training, measured=sides.held_out)


@pytest.mark.usefixtures("_tiny")
def test_a_round_is_local_training_and_repeats(data: SeeingData) -> None:
    start = first_weights(AGREED)
    one, loss = see_one_round(start, data, AGREED, seed=7)
    again, _ = see_one_round(start, data, AGREED, seed=7)
    assert np.isfinite(loss)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(one, start, strict=True))
    found, pictures, _ = measured(one, data, AGREED)
    assert pictures == len(data.measured)
    assert found == see_measured(one, data.measured, AGREED)


@pytest.mark.usefixtures("_tiny")
def test_what_comes_out_is_a_training_run(tmp_path: Path, data: SeeingData) -> None:
    weights, _ = see_one_round(first_weights(AGREED), data, AGREED, seed=7)
    file = write_run(tmp_path, weights, AGREED, rounds=2)
    loaded = weights_of(load_trained("tiny", file))
    assert all(np.array_equal(a, b) for a, b in zip(loaded, weights, strict=True))
    assert '"steps": 4' in (tmp_path / "config.json").read_text()


@pytest.mark.usefixtures("_tiny")
def test_a_site_that_cannot_teach_is_refused_before_its_first_round(data: SeeingData) -> None:
    refuse_unfit_pictures(data, AGREED)
    blind = tuple(replace(one, readings={}) for one in data.learning)
    with pytest.raises(InvalidInput, match="follicle marks"):
        refuse_unfit_pictures(replace(data, learning=blind), AGREED)
    with pytest.raises(InvalidInput, match="held-out fold"):
        refuse_unfit_pictures(replace(data, learning=data.learning + data.measured), AGREED)
    with pytest.raises(InvalidInput, match="another kind"):
        refuse_unfit_pictures(data, replace(AGREED, network="plain_cnn"))
    with pytest.raises(InvalidInput, match="batch normalisation"):
        refuse_unfit_pictures(data, replace(AGREED, noise=1.0))


def test_a_release_is_no_start_of_a_class_network() -> None:
    with pytest.raises(InvalidInput, match="starts from a release"):
        first_weights(Agreement(network="plain_cnn", side_px=32, steps=2), "shipped")
