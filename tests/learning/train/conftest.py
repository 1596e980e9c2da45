"""Tiny samples and a tiny network, so that the loop itself is what a test spends its time on."""

from collections.abc import Callable

import numpy as np
import pytest

from deeppcos.learning.samples import FollicleMark, Sample


def sample(number: int, *, source: str = "mmotu", kind: str = "ovary") -> Sample:
    rng = np.random.default_rng(number)
    grey = rng.integers(40, 160, (160, 200)).astype(np.uint8)
    outlined = np.zeros(grey.shape, bool)
    outlined[40:120, 50:150] = True
    nothing = np.zeros_like(outlined)
    polygon = np.array([[80, 60], [110, 60], [110, 90], [80, 90]], np.float32)
    grey[60:91, 80:111] = 5
    marks = (FollicleMark(polygon=polygon, is_sure=True),)
    return Sample(
        name=f"{source}/{kind}{number}",
        source=source,
        group=f"{source}/{kind}{number}",
        kind=kind,
        grey=grey,
        raw_grey=255 - grey,
        ovary=outlined if kind == "ovary" else nothing,
        lesion=outlined if kind == "lesion" else nothing,
        readings={"r1": marks} if kind == "ovary" else {},
        subgroup="x",
    )


@pytest.fixture
def make_sample() -> Callable[..., Sample]:
    """A sample by number, source and kind."""
    return sample


@pytest.fixture
def few_samples() -> tuple[Sample, ...]:
    """Training samples of every kind, in every training fold."""
    from deeppcos.learning.train import split_samples

    everything = [sample(n, kind=kind) for n in range(12) for kind in ("ovary", "lesion")]
    return split_samples([*everything, sample(99, kind="neither")]).training


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a network of a few hundred weights, with batch norm and dropout."""
    torch = pytest.importorskip("torch")
    from deeppcos.learning.networks import NETWORKS

    class Tiny(torch.nn.Module):  # type: ignore[name-defined,misc]  # torch is not imported above
        def __init__(self) -> None:
            super().__init__()
            self.look = torch.nn.Sequential(
                torch.nn.Conv2d(1, 4, 3, stride=4, padding=1),
                torch.nn.BatchNorm2d(4),
                torch.nn.ReLU(),
                torch.nn.Dropout(0.2),
            )
            self.maps = torch.nn.Conv2d(4, 4, 1)
            self.answers = torch.nn.Linear(4, 2)

        def forward(self, x):  # type: ignore[no-untyped-def]
            seen = self.look(x)
            maps = torch.nn.functional.interpolate(self.maps(seen), scale_factor=4.0)
            return maps, self.answers(seen.mean((2, 3)))

    monkeypatch.setitem(NETWORKS, "tiny", Tiny)
    monkeypatch.setattr("cv2.setNumThreads", lambda count: None)
    return "tiny"
