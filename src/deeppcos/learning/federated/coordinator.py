"""Joins the weights of many sites: who may, what is kept of each round, what is thrown away.

Owns admission, refusal and the record of rounds. Joining is a strategy of Flower: ``mean``,
``median`` or ``trimmed`` (without the largest and smallest fifth of every weight).
"""

import json
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deeppcos.errors import DeepPCOSError, TemporaryFailure
from deeppcos.learning.federated.agreement import Agreement, agreement_from, refuse_differences
from deeppcos.learning.federated.keys import refuse_forgery
from deeppcos.learning.federated.local import Weights, fresh_network, weights_of
from deeppcos.learning.federated.site import TELEMETRY

JOINS = ("mean", "median", "trimmed")
TRIMMED = 0.2
ANSWER_SECONDS = 30.0
LOOK_SECONDS = 0.5
WEIGHTS_FILE = "weights.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorOptions:
    """How sites are joined.

    Attributes:
        address: ``host:port`` to listen on.
        authority: Certificate of the authority.
        certificate: The coordinator's.
        private_key: Its key.
        keys: Folder with ``SITE.pub`` of every site that may take part.
        agreement: What is trained.
        rounds: Rounds.
        fewest: Fewest sites a round may count with.
        round_seconds: A site that has not answered by then is left out of the round.
        wait_seconds: How long the first round waits for the fewest sites.
        join: One of ``JOINS``.
        out: Folder for ``rounds.jsonl`` and ``weights.npz``.
    """

    address: str
    authority: Path
    certificate: Path
    private_key: Path
    keys: Path
    agreement: Agreement
    rounds: int
    fewest: int
    round_seconds: float
    wait_seconds: float
    join: str
    out: Path


@dataclass(slots=True)
class Admission:
    """Who was let in; asked once a connection.

    Attributes:
        options: How sites are joined.
        names: Site by the engine's id of its connection.
        refused: Ids that were sent away.
    """

    options: CoordinatorOptions
    names: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def judge(self, key: str, nonce: str, answer: dict[str, Any]) -> None:
        """Let a site in, or raise what is wrong with it."""
        site, agreement = str(answer.get("site", "")), str(answer.get("agreement", ""))
        words = f"{nonce}|{site}|{agreement}"
        signature = str(answer.get("signature", ""))
        refuse_forgery(self.options.keys, site=site, words=words, signature=signature)
        refuse_differences(self.options.agreement, agreement_from(agreement))
        self.names[key] = site


def usable(weights: Weights, like: Weights) -> bool:
    """Whether weights of a site may be joined: the agreed shapes, and numbers only."""
    return [w.shape for w in weights] == [w.shape for w in like] and all(
        bool(np.isfinite(w).all()) for w in weights
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
    os.environ[TELEMETRY] = "0"
    from flwr.compat.server.app import start_server
    from flwr.server import ServerConfig

    options.out.mkdir(parents=True, exist_ok=True)
    strategy = _strategy(options)
    start_server(
        server_address=options.address,
        config=ServerConfig(num_rounds=options.rounds, round_timeout=options.round_seconds),
        strategy=strategy,
        certificates=(
            options.authority.read_bytes(),
            options.certificate.read_bytes(),
            options.private_key.read_bytes(),
        ),
    )
    file = options.out / WEIGHTS_FILE
    if not file.is_file():
        raise TemporaryFailure(
            "no round had enough sites",
            value=f"{options.rounds} rounds",
            accepted=f"at least {options.fewest} sites in a round",
            remedy=f"read {options.out / 'rounds.jsonl'}: it names every site and refusal",
        )
    return file


def _strategy(options: CoordinatorOptions) -> Any:
    """Flower's strategy with admission before it and a record behind it."""
    from flwr.common import FitIns, ndarrays_to_parameters, parameters_to_ndarrays
    from flwr.server.strategy import FedAvg, FedMedian, FedTrimmedAvg

    bases: dict[str, Any] = {"mean": FedAvg, "median": FedMedian, "trimmed": FedTrimmedAvg}
    more = {"beta": TRIMMED} if options.join == "trimmed" else {}
    start = weights_of(fresh_network(options.agreement))
    admission = Admission(options=options)

    base: Any = bases[options.join]

    class Joined(base):  # type: ignore[misc]
        def configure_fit(self, server_round: int, parameters: Any, client_manager: Any) -> Any:
            wait = options.wait_seconds if server_round == 1 else 0.0
            admitted = _enough_or_all(admission, client_manager, wait)
            # One site alone is no federation: its weights would be handed to all as they are.
            if len(admitted) < options.fewest:
                _note(options, round=server_round, problem="too few sites", sites=len(admitted))
                return []
            return [(one, FitIns(parameters, {"round": server_round})) for one in admitted]

        def aggregate_fit(self, server_round: int, results: Any, failures: Any) -> Any:
            good = [
                (client, answer)
                for client, answer in results
                if usable(parameters_to_ndarrays(answer.parameters), start)
            ]
            _note(
                options,
                round=server_round,
                trained={admission.names[c.cid]: dict(a.metrics) for c, a in good},
                unusable=len(results) - len(good),
                lost=len(failures),
            )
            if len(good) < options.fewest:
                return None, {}
            joined, figures = super().aggregate_fit(server_round, good, [])
            _write(options.out / WEIGHTS_FILE, parameters_to_ndarrays(joined))
            return joined, figures

        def configure_evaluate(
            self, server_round: int, parameters: Any, client_manager: Any
        ) -> Any:
            found = super().configure_evaluate(server_round, parameters, client_manager)
            return [(client, ins) for client, ins in found if client.cid in admission.names]

        def aggregate_evaluate(self, server_round: int, results: Any, failures: Any) -> Any:
            measured = {
                admission.names[c.cid]: {"pictures": a.num_examples, **a.metrics}
                for c, a in results
            }
            _note(options, round=server_round, measured=measured)
            return super().aggregate_evaluate(server_round, results, [])

    return Joined(
        initial_parameters=ndarrays_to_parameters(start),
        fraction_evaluate=1.0,
        min_available_clients=1,
        min_evaluate_clients=1,
        min_fit_clients=1,
        **more,
    )


def _enough_or_all(admission: Admission, manager: Any, wait_seconds: float) -> list[Any]:
    """Admitted sites, waiting for the fewest; those that are sent away do not count."""
    deadline = time.monotonic() + wait_seconds
    found = _admitted(admission, manager.all())
    while len(found) < admission.options.fewest and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        found = _admitted(admission, manager.all())
    return found


def _admitted(admission: Admission, clients: Mapping[str, Any]) -> list[Any]:
    """Sites that were let in, newcomers asked first."""
    for key, client in list(clients.items()):
        if key not in admission.names and key not in admission.refused:
            _ask(admission, key, client)
    return [client for key, client in clients.items() if key in admission.names]


def _ask(admission: Admission, key: str, client: Any) -> None:
    """Ask a newcomer who it is, and send it away in words where that is wrong."""
    from flwr.common import GetPropertiesIns, ReconnectIns

    def ask(words: dict[str, str]) -> Any:
        return client.get_properties(
            GetPropertiesIns(words), timeout=ANSWER_SECONDS, group_id=None
        ).properties

    nonce = secrets.token_hex(16)
    try:
        answer = ask({"nonce": nonce})
        try:
            admission.judge(key, nonce, answer)
            _note(admission.options, admitted=admission.names[key])
        except DeepPCOSError as problem:
            admission.refused.add(key)
            _note(admission.options, refused=str(problem))
            ask({"refused": str(problem)})
            with suppress(Exception):  # the engine calls a connection that ends as asked an error
                client.reconnect(ReconnectIns(seconds=None), timeout=ANSWER_SECONDS, group_id=None)
    except Exception as problem:  # the engine's kinds differ by how a connection broke
        _note(admission.options, lost=type(problem).__name__)


def _note(options: CoordinatorOptions, **said: Any) -> None:
    """One line of the record."""
    with (options.out / "rounds.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(said, default=float) + "\n")


def _write(file: Path, weights: Weights) -> None:
    """Write whole or not at all."""
    fresh = file.with_name("new.npz")
    np.savez(fresh, *weights)
    fresh.replace(file)
