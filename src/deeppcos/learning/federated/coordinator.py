"""Joins the weights of many sites, round by round: what is kept, what is thrown away.

Who may take part is the business of ``admission``. Joining is a strategy of Flower: ``mean``,
``median`` or ``trimmed`` (without the largest and smallest fifth of every weight).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.federated.admission import RECORD_FILE, Admission, Place
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.masking import SMALLEST_SUM
from deeppcos.learning.federated.seeing import is_seeing, write_run
from deeppcos.learning.federated.site import TELEMETRY
from deeppcos.learning.federated.summing import number_of, summing_server
from deeppcos.learning.federated.weights import Weights
from deeppcos.learning.federated.work import first_weights, refuse_private_seeing

JOINS = ("mean", "median", "trimmed")
TRIMMED = 0.2
WEIGHTS_FILE = "weights.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorOptions:
    """How sites are joined.

    Attributes:
        place: Where the coordinator listens.
        agreement: What is trained.
        rounds: Rounds.
        fewest: Fewest sites a round may count with.
        round_seconds: A site that has not answered by then is left out of the round.
        wait_seconds: How long the first round waits for the fewest sites.
        join: One of ``JOINS``.
        out: Folder for ``rounds.jsonl`` and ``weights.npz``; of the network that reads ovaries
            also ``final.pt`` and ``config.json``, as a run of ``deeppcos train`` leaves them.
        start_from: Release to go on from (its folder, or ``shipped``); empty to start afresh.
    """

    place: Place
    agreement: Agreement
    rounds: int
    fewest: int
    round_seconds: float
    wait_seconds: float
    join: str
    out: Path
    start_from: str = ""


def usable(weights: Weights, like: Weights) -> bool:
    """Whether weights of a site may be joined: the agreed shapes, and numbers only."""
    return [w.shape for w in weights] == [w.shape for w in like] and all(
        bool(np.isfinite(w).all()) for w in weights
    )


def refuse_unfit(options: CoordinatorOptions) -> None:
    """Refuse ways of joining that contradict each other, before a site is called.

    Args:
        options: How sites are to be joined.

    Raises:
        InvalidInput: If weights are to be summed unseen and yet compared, or among too few sites.
    """
    if options.join not in JOINS:
        raise InvalidInput("no such way to join", value=options.join, accepted=", ".join(JOINS))
    refuse_private_seeing(options.agreement)
    if not options.agreement.secure:
        return
    if options.join != "mean":
        raise InvalidInput(
            "secure aggregation cannot be robust",
            value=f"join {options.join}",
            accepted="join mean",
            remedy="a median compares the sites' weights, and nobody may see them: choose between "
            "a coordinator that is not trusted and a site that is not",
        )
    if options.fewest < SMALLEST_SUM:
        raise InvalidInput(
            "a sum of two sites tells each the other's weights",
            value=f"fewest {options.fewest}",
            accepted=f"{SMALLEST_SUM} or more",
        )


def coordinate(options: CoordinatorOptions) -> Path:
    """Run every round.

    Args:
        options: How.

    Returns:
        The file of the joined weights.

    Raises:
        TemporaryFailure: If no round had enough sites; what there is of others is kept.
    """
    refuse_unfit(options)
    os.environ[TELEMETRY] = "0"
    from flwr.compat.server.app import start_server
    from flwr.server import Server, ServerConfig, SimpleClientManager

    options.out.mkdir(parents=True, exist_ok=True)
    admission = Admission(
        keys=options.place.keys,
        terms=options.agreement,
        out=options.out,
        fewest=options.fewest,
    )
    manager, strategy = SimpleClientManager(), _strategy(options, admission)
    server = (
        summing_server(manager, strategy, lost=admission.note_lost)
        if options.agreement.secure
        else Server(client_manager=manager, strategy=strategy)
    )
    start_server(
        server_address=options.place.address,
        config=ServerConfig(num_rounds=options.rounds, round_timeout=options.round_seconds),
        server=server,
        certificates=options.place.certificates(),
    )
    file = options.out / WEIGHTS_FILE
    if not file.is_file():
        raise TemporaryFailure(
            "no round had enough sites",
            value=f"{options.rounds} rounds",
            accepted=f"at least {options.fewest} sites in a round",
            remedy=f"read {options.out / RECORD_FILE}: it names every site and refusal",
        )
    if is_seeing(options.agreement):
        with np.load(file) as arrays:
            weights = [arrays[name] for name in arrays.files]
        return write_run(options.out, weights, options.agreement, rounds=options.rounds)
    return file


def _strategy(options: CoordinatorOptions, admission: Admission) -> Any:
    """Flower's strategy with admission before it and a record behind it."""
    from flwr.common import EvaluateIns, FitIns, ndarrays_to_parameters, parameters_to_ndarrays
    from flwr.server.strategy import FedAvg, FedMedian, FedTrimmedAvg

    bases: dict[str, Any] = {"mean": FedAvg, "median": FedMedian, "trimmed": FedTrimmedAvg}
    more = {"beta": TRIMMED} if options.join == "trimmed" else {}
    start = first_weights(options.agreement, options.start_from)
    base: Any = bases[options.join]

    class Joined(base):  # type: ignore[misc]
        def configure_fit(self, server_round: int, parameters: Any, client_manager: Any) -> Any:
            wait = options.wait_seconds if server_round == 1 else options.round_seconds
            admitted = admission.enough_or_all(client_manager, wait)
            # One site alone is no federation: its weights would be handed to all as they are.
            if len(admitted) < options.fewest:
                admission.note(round=server_round, problem="too few sites", sites=len(admitted))
                return []
            for one in admitted:
                one.node_id = number_of(one.cid)
            self.common = parameters_to_ndarrays(parameters)
            return [(one, FitIns(parameters, {"round": server_round})) for one in admitted]

        def aggregate_fit(self, server_round: int, results: Any, failures: Any) -> Any:
            good = [
                (client, answer)
                for client, answer in results
                if usable(parameters_to_ndarrays(answer.parameters), start)
            ]
            admission.note(
                round=server_round,
                trained={admission.names[c.cid]: dict(a.metrics) for c, a in good},
                unusable=len(results) - len(good),
                lost=len(failures),
            )
            if len(good) < options.fewest:
                return None, {}
            joined, figures = super().aggregate_fit(server_round, good, [])
            weights = _kept(options, self.common, parameters_to_ndarrays(joined))
            return ndarrays_to_parameters(weights), figures

        def configure_evaluate(
            self, server_round: int, parameters: Any, client_manager: Any
        ) -> Any:
            # Whoever is there: the engine's own sampling would wait a day for a site that is gone.
            there = client_manager.all().items()
            return [
                (client, EvaluateIns(parameters, {}))
                for key, client in there
                if key in admission.names
            ]

        def aggregate_evaluate(self, server_round: int, results: Any, failures: Any) -> Any:
            measured = {
                admission.names[c.cid]: {"pictures": a.num_examples, **a.metrics}
                for c, a in results
            }
            admission.note(round=server_round, measured=measured)
            return super().aggregate_evaluate(server_round, results, [])

    return Joined(
        initial_parameters=ndarrays_to_parameters(start),
        fraction_evaluate=1.0,
        min_available_clients=1,
        min_evaluate_clients=1,
        min_fit_clients=1,
        **more,
    )


def _kept(options: CoordinatorOptions, common: Weights, joined: Weights) -> Weights:
    """The weights of the next round, written; a sum tells by how much they moved."""
    before = common if options.agreement.secure else [np.zeros_like(one) for one in common]
    weights = [np.asarray(b + j, np.float32) for b, j in zip(before, joined, strict=True)]
    _write(options.out / WEIGHTS_FILE, weights)
    return weights


def _write(file: Path, weights: Weights) -> None:
    """Write whole or not at all."""
    fresh = file.with_name("new.npz")
    np.savez(fresh, *weights)
    fresh.replace(file)
