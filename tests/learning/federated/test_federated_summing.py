"""Secure aggregation: Flower's protocol between a coordinator and sites, all in one process."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="federated training needs the train extra")
pytest.importorskip("flwr", reason="secure aggregation needs the federated extra")

from deeppcos.errors import InvalidInput
from deeppcos.learning.federated.admission import Place
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.coordinator import CoordinatorOptions, refuse_unfit
from deeppcos.learning.federated.masking import (
    ENVELOPE,
    LARGEST_CHANGE,
    Masked,
    packed,
    refuse_unmasking,
    unpacked,
)
from deeppcos.learning.federated.summing import number_of, summing_server
from deeppcos.learning.federated.weights import Weights

COMMON: Weights = [
    np.linspace(-20, 20, 60, dtype=np.float32).reshape(3, 20),
    np.ones(4, np.float32),
]
Train = Callable[[Weights, dict[str, Any]], tuple[Weights, int, dict[str, Any]]]


class Site:
    """A connection whose site answers in this process; everything it sent is kept."""

    def __init__(self, number: int, train: Train | None = None) -> None:
        self.cid = uuid.UUID(int=(number + 1) << 90).hex
        self.node_id = number_of(self.cid)
        self.pictures = 50 * (number + 1)
        self.change = [
            np.random.default_rng(number).normal(0, 0.02, one.shape).astype(np.float32)
            for one in COMMON
        ]
        self.masked = Masked(train=train or self._train)
        self.sent: list[Any] = []

    def _train(self, common: Weights, asked: dict[str, Any]) -> tuple[Weights, int, dict[str, Any]]:
        found = [one + moved for one, moved in zip(common, self.change, strict=True)]
        return found, self.pictures, {"loss": 0.5}

    def fit(self, asked: Any, *, timeout: float | None, group_id: int | None) -> Any:
        answer = self.masked.reply(asked.config)
        if ENVELOPE in answer:
            self.sent.append(unpacked(answer[ENVELOPE]))
        return SimpleNamespace(metrics=answer)


def summed(sites: list[Site], lost: list[str]) -> Weights | None:
    """The mean change a round brings, or None where nothing was summed."""
    from flwr.common import FitIns, ndarrays_to_parameters, parameters_to_ndarrays
    from flwr.server.strategy import FedAvg

    found: list[Weights] = []

    class Taken(FedAvg):  # type: ignore[misc]
        def configure_fit(self, server_round: int, parameters: Any, client_manager: Any) -> Any:
            return [(one, FitIns(parameters, {"round": server_round})) for one in sites]

        def aggregate_fit(self, server_round: int, results: Any, failures: Any) -> Any:
            joined, figures = super().aggregate_fit(server_round, results, [])
            found.append(parameters_to_ndarrays(joined))
            return joined, figures

    manager = SimpleNamespace(
        all=lambda: {one.cid: one for one in sites}, num_available=lambda: len(sites)
    )
    server = summing_server(manager, Taken(), lost=lambda key, problem: lost.append(str(problem)))
    server.parameters = ndarrays_to_parameters(COMMON)
    server.fit_round(1, timeout=10.0)
    return found[0] if found else None


def mean_change(sites: list[Site]) -> Weights:
    weights = [one.pictures for one in sites]
    return [
        np.average([one.change[part] for one in sites], axis=0, weights=weights)
        for part in range(len(COMMON))
    ]


def lose(common: Weights, asked: dict[str, Any]) -> Any:
    raise ValueError("the power went")


@pytest.mark.parametrize("count", [3, 4, 5])
def test_the_sum_is_the_mean_by_pictures(count: int) -> None:
    sites, lost = [Site(n) for n in range(count)], list[str]()
    found = summed(sites, lost)
    assert found is not None
    assert not lost
    for got, wanted in zip(found, mean_change(sites), strict=True):
        assert np.allclose(got, wanted, atol=1e-4)


def test_what_a_site_sends_is_not_its_change() -> None:
    sites = [Site(n) for n in range(3)]
    assert summed(sites, []) is not None
    for site in sites:
        assert len(site.sent) == 4
        arrays = [one for sent in site.sent for one in sent.array_records.values()]
        assert all(len(record) == 0 for record in arrays)
        numbers = np.frombuffer(
            site.sent[2].config_records["secaggplus_configs"]["masked_params"][1][-8 * 60 :],
            np.int64,
        )
        told = numbers / 2**22 * 2 * LARGEST_CHANGE - LARGEST_CHANGE
        change = site.change[0].ravel()
        # Uniform over all integers of the protocol, whatever the change was.
        assert abs(float(np.corrcoef(told, change)[0, 1])) < 0.5
        assert float(np.std(numbers)) > 2**32 / 12**0.5 / 2


def test_a_site_that_is_lost_while_it_trains_is_left_out_of_the_sum() -> None:
    sites, lost = [Site(0), Site(1), Site(2), Site(3, lose)], list[str]()
    found = summed(sites, lost)
    assert found is not None
    assert "power went" in lost[0]
    for got, wanted in zip(found, mean_change(sites[:3]), strict=True):
        assert np.allclose(got, wanted, atol=1e-4)


def test_a_site_that_is_lost_before_it_trains_ends_the_round_and_the_next_begins_without_it() -> (
    None
):
    sites, lost = [Site(n) for n in range(4)], list[str]()
    whole, calls = sites[3].fit, list[int]()

    def gone(asked: Any, *, timeout: float | None, group_id: int | None) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise ConnectionError
        return whole(asked, timeout=timeout, group_id=group_id)

    sites[3].fit = gone  # type: ignore[method-assign]
    assert summed(sites, lost) is None
    found = summed(sites[:3], lost)
    assert found is not None
    assert np.allclose(found[0], mean_change(sites[:3])[0], atol=1e-4)


def test_a_sum_of_two_is_never_opened() -> None:
    lost: list[str] = []
    assert summed([Site(0), Site(1), Site(2, lose)], lost) is None
    assert any("a sum of 2 sites" in one for one in lost)
    assert summed([Site(0), Site(1)], lost) is None


@pytest.mark.parametrize("moved", [np.nan, 2 * LARGEST_CHANGE], ids=["no number", "too far"])
def test_what_cannot_be_told_as_an_integer_stays_at_the_site(moved: float) -> None:
    def broken(common: Weights, asked: dict[str, Any]) -> Any:
        return [one + moved for one in common], 10, {}

    sites, lost = [Site(0), Site(1), Site(2), Site(3, broken)], list[str]()
    found = summed(sites, lost)
    assert found is not None
    assert "moved too far" in lost[0]
    assert np.allclose(found[0], mean_change(sites[:3])[0], atol=1e-4)


def test_a_site_takes_part_again_after_a_round_that_broke() -> None:
    sites = [Site(n) for n in range(4)]
    good, sites[3].masked.train = sites[3].masked.train, lose
    assert summed(sites, []) is not None
    sites[3].masked.train = good
    found = summed(sites, [])
    assert found is not None
    assert np.allclose(found[0], mean_change(sites)[0], atol=1e-4)


@pytest.mark.parametrize(
    "asked",
    [
        {"stage": "setup", "sample_num": 2, "share_num": 2, "threshold": 2},
        {"stage": "setup", "sample_num": 4, "share_num": 3, "threshold": 3},
        {"stage": "setup", "sample_num": 4, "share_num": 4, "threshold": 2},
        {"stage": "unmask", "active_nids": [1, 2], "dead_nids": [3]},
        {"stage": "unmask", "active_nids": [1, 2, 3], "dead_nids": [3]},
    ],
    ids=["two sites", "shared among some", "opened by half", "a sum of two", "both secrets"],
)
def test_a_site_refuses_what_would_tell_its_weights(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="more than a sum"):
        refuse_unmasking(asked)


def test_a_site_that_agreed_on_sums_sends_nothing_without_a_mask() -> None:
    answer = Site(0).masked.reply({"round": 1})
    assert ENVELOPE not in answer
    assert "without a mask" in answer["problem"]


def test_an_envelope_comes_back_as_it_was() -> None:
    from flwr.app import ConfigRecord, RecordDict

    content = RecordDict({"a": ConfigRecord({"n": 3, "b": b"\x00\xff"})})
    assert unpacked(packed(content)) == content


def test_contradicting_ways_of_joining_are_refused_before_anybody_is_called(tmp_path: Path) -> None:
    nowhere = Place(
        address="", authority=tmp_path, certificate=tmp_path, private_key=tmp_path, keys=tmp_path
    )
    options = CoordinatorOptions(
        place=nowhere,
        agreement=Agreement(network="plain_cnn", side_px=32, steps=4, secure=True),
        rounds=1,
        fewest=3,
        round_seconds=1,
        wait_seconds=1,
        join="mean",
        out=tmp_path,
    )
    refuse_unfit(options)
    for join in ("median", "trimmed"):
        with pytest.raises(InvalidInput, match="cannot be robust"):
            refuse_unfit(replace(options, join=join))
    with pytest.raises(InvalidInput, match="two sites"):
        refuse_unfit(replace(options, fewest=2))
    with pytest.raises(InvalidInput, match="no such way"):
        refuse_unfit(replace(options, join="best"))
