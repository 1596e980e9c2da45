"""What is weighed, and the schedule."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")

from deeppcos.learning.train.loss import loss_of, rate_at  # noqa: E402
from deeppcos.learning.train.stopping import Stopping  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor


def test_the_rate_warms_up_peaks_and_falls_to_a_hundredth() -> None:
    rates = [rate_at(step, steps=1000, peak=2.0) for step in range(1000)]
    assert rates[0] == pytest.approx(2.0 / 40)
    assert max(rates) == pytest.approx(2.0)
    assert rates.index(max(rates)) in (39, 40)
    assert all(a >= b for a, b in pairwise(rates[40:]))
    assert rates[-1] == pytest.approx(0.02, rel=0.02)


def maps(fill: float) -> "Tensor":
    filled: Tensor = torch.full((1, 4, 8, 8), fill)
    return filled


def lost(logits: "Tensor", target: "Tensor", weight: "Tensor") -> float:
    loss = loss_of(
        logits,
        torch.zeros(1, 2),
        target=target,
        weight=weight,
        answer_target=torch.full((1, 2), 0.5),
        answer_weight=torch.ones(1, 2),
    )
    return float(loss)


def test_better_maps_lose_less() -> None:
    target = maps(0.0)
    target[..., :4] = 1.0
    good, poor = (target * 2 - 1) * 8, (target * 2 - 1) * -8
    assert lost(good, target, maps(1.0)) < lost(maps(0.0), target, maps(1.0))
    assert lost(maps(0.0), target, maps(1.0)) < lost(poor, target, maps(1.0))


def test_where_nobody_looked_nothing_is_lost() -> None:
    weight = maps(1.0)
    weight[:, 2:] = 0.0
    target = maps(0.0)
    one, other = maps(0.0), maps(0.0)
    other[:, 2:] = 50.0
    assert lost(one, target, weight) == pytest.approx(lost(other, target, weight))
    weight[:, 2:] = 1.0
    assert lost(other, target, weight) > lost(one, target, weight) + 10


def test_a_better_look_starts_the_waiting_afresh() -> None:
    memory = Stopping()
    for step, loss in enumerate((3.0, 2.0, 2.5, 2.0, 1.9), start=1):
        memory = memory.after(loss, step=step)
    assert memory == Stopping(best=1.9, best_step=5, waited=0)
    assert memory.after(2.0, step=6).after(2.0, step=7).waited == 2
