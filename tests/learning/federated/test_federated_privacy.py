"""Private training: what it costs a patient, and what it must not tell."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="federated training needs the train extra")
pytest.importorskip("monai", reason="federated training needs the train extra")
pytest.importorskip("opacus", reason="private training needs the federated extra")

from deeppcos.errors import InvalidInput
from deeppcos.learning.classify.examples import Example
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.local import SiteData, fresh_network, one_round
from deeppcos.learning.federated.private import refuse_mixing, refuse_overspending, spent
from deeppcos.learning.federated.taking_part import Conversation
from deeppcos.learning.federated.weights import weights_of

AGREED = Agreement(network="plain_cnn", side_px=32, steps=2, noise=1.0)


@pytest.fixture
def data() -> SiteData:
    chance = np.random.default_rng(1)
    every = tuple(
        Example(
            name=str(n),
            group=f"p{n // 2}",
            label="lesion" if n % 4 < 2 else "ovary",
            side="",
            picture=chance.random((32, 32)).astype(np.float32),
        )
        for n in range(24)
    )
    return SiteData(name="north", learning=every[:16], measured=every[16:])


def test_the_budget_is_that_of_the_gaussian_mechanism_where_everybody_is_drawn() -> None:
    # All patients at every step: k steps of noise z are one Gaussian of z / sqrt(k), whose Renyi
    # divergence of order a is a k / (2 z^2); the epsilon below is the plain conversion of it.
    noise, steps, delta = 8.0, 100, 1e-5
    orders = np.arange(1.1, 64, 0.1)
    plain = np.min(orders * steps / (2 * noise**2) + math.log(1 / delta) / (orders - 1))
    found = spent(noise=noise, patients=10, steps=steps)
    assert 0.8 * plain < found.epsilon <= plain
    assert found.delta == delta


def test_more_rounds_cost_more_and_more_noise_or_patients_less() -> None:
    some = spent(noise=1.0, patients=300, steps=100).epsilon
    assert spent(noise=1.0, patients=300, steps=200).epsilon > some
    assert spent(noise=2.0, patients=300, steps=100).epsilon < some
    assert spent(noise=1.0, patients=3000, steps=100).epsilon < some
    assert spent(noise=1.0, patients=300, steps=0).epsilon == 0


def test_a_site_leaves_before_it_gives_more_than_it_would() -> None:
    with pytest.raises(InvalidInput, match="more than this site gives"):
        refuse_overspending(noise=1.0, patients=300, steps=100, most=0.5)
    assert refuse_overspending(noise=1.0, patients=300, steps=100, most=None).epsilon > 0.5


def test_a_private_round_moves_the_weights_and_nobody_can_repeat_it(data: SiteData) -> None:
    start = weights_of(fresh_network(AGREED))
    one, loss = one_round(start, data, AGREED, seed=1)
    again, _ = one_round(start, data, AGREED, seed=1)
    assert math.isnan(loss)
    assert [w.shape for w in one] == [w.shape for w in start]
    assert all(bool(np.isfinite(w).all()) for w in one)
    assert any(not np.array_equal(a, b) for a, b in zip(one, start, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(one, again, strict=True))


def test_a_private_site_tells_its_budget_and_no_figure_of_its_patients(data: SiteData) -> None:
    talk = Conversation(agreement=AGREED, data=data)
    start = weights_of(fresh_network(AGREED))
    _, _, figures = talk.train(start, {"round": 1})
    assert set(figures) == {"site", "epsilon", "delta"}
    assert figures["epsilon"] == spent(noise=1.0, patients=8, steps=2).epsilon
    assert talk.measure(start, {}) == (0.0, 0, {"site": "north"})
    with pytest.raises(InvalidInput, match="more than this site gives"):
        replace(talk, most_epsilon=0.01).train(start, {"round": 2})


def test_a_network_that_mixes_patients_is_refused() -> None:
    with pytest.raises(InvalidInput, match="batch normalisation"):
        refuse_mixing(fresh_network(replace(AGREED, network="resnet50")))
