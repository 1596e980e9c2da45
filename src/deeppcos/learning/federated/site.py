"""A hospital in federated training: calls out, proves itself, trains on its own pictures.

Owns the conversation with Flower on the site's side. Only outbound connections are made; what
leaves are weights, counts of pictures and two figures.
"""

import os
import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.keys import sign
from deeppcos.learning.federated.local import SiteData, Weights, one_round, refuse_one_class, scores

MOST_SECONDS, PAUSE_SECONDS = 90.0, 1.0
"""A site that finds nobody says so soon, where the engine alone would try for ever."""
TELEMETRY = "FLWR_TELEMETRY_ENABLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """How a site takes part.

    Attributes:
        address: ``host:port`` of the coordinator.
        authority: Certificate of the authority that vouches for the coordinator.
        key: The site's private key.
        agreement: What it expects to train.
    """

    address: str
    authority: Path
    key: Path
    agreement: Agreement


@dataclass(slots=True)
class Conversation:
    """What a site answers, by question; no network in it.

    Attributes:
        options: How it takes part.
        data: Its pictures.
        refused: Why the coordinator refused it; empty while it did not.
        rounds: Rounds it trained in.
    """

    options: SiteOptions
    data: SiteData
    refused: str = ""
    rounds: int = field(default=0)

    def introduce(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Who this is and what it would train, signed with the number that was sent."""
        if "refused" in asked:
            self.refused = str(asked["refused"])
            return {}
        agreement = self.options.agreement.text()
        words = f"{asked['nonce']}|{self.data.name}|{agreement}"
        signature = sign(self.options.key, words)
        return {"site": self.data.name, "agreement": agreement, "signature": signature}

    def train(self, weights: Weights, number: int) -> tuple[Weights, int, dict[str, Any]]:
        """One round on the site's pictures."""
        found, loss = one_round(weights, self.data, self.options.agreement, seed=1000 + number)
        self.rounds += 1
        return found, len(self.data.learning), {"site": self.data.name, "loss": loss}

    def measure(self, weights: Weights) -> tuple[float, int, dict[str, Any]]:
        """How the common weights do on the site's other patients: share told apart rightly."""
        measured, agreement = self.data.measured, self.options.agreement
        if not measured:
            return 0.0, 0, {"site": self.data.name}
        said = scores(weights, measured, agreement) > 0.5
        right = [s == (e.label == agreement.positive) for s, e in zip(said, measured, strict=True)]
        accuracy = sum(right) / len(right)
        return 1 - accuracy, len(right), {"site": self.data.name, "accuracy": float(accuracy)}


def reach(options: SiteOptions) -> str:
    """Call the coordinator once; the version of TLS it answers with.

    Raises:
        OSError: If nobody answers, or another than the authority vouches for.
    """
    host, _, port = options.address.rpartition(":")
    context = ssl.create_default_context(cafile=str(options.authority))
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((host, int(port)), timeout=PAUSE_SECONDS * 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as encrypted,
    ):
        return str(encrypted.version())


def _wait_for_coordinator(options: SiteOptions) -> None:
    """Call until somebody answers: the engine would give up at once, or never."""
    deadline = time.monotonic() + MOST_SECONDS
    while True:
        try:
            reach(options)
        except OSError as problem:
            is_false = isinstance(problem, ssl.SSLCertVerificationError)
            if is_false or time.monotonic() > deadline:
                raise _unreachable(options, problem) from problem
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _unreachable(options: SiteOptions, problem: Exception) -> TemporaryFailure:
    return TemporaryFailure(
        "the coordinator cannot be reached",
        value=str(problem).splitlines()[0][:200],
        accepted=f"a coordinator at {options.address} that {options.authority} vouches for",
        remedy="ask whether it runs; check the address, the certificate and the firewall",
    )


def take_part(options: SiteOptions, data: SiteData) -> int:
    """Take part until the coordinator ends.

    Args:
        options: How.
        data: The site's pictures.

    Returns:
        Rounds it trained in.

    Raises:
        InvalidInput: If the coordinator refused the site; says why.
        TemporaryFailure: If nobody answers, or another than the authority vouches for.
    """
    refuse_one_class(data, options.agreement)
    os.environ[TELEMETRY] = "0"
    from flwr.client import NumPyClient
    from flwr.compat.client.app import start_client
    from grpc import RpcError

    _wait_for_coordinator(options)
    talk = Conversation(options=options, data=data)

    class Client(NumPyClient):  # type: ignore[misc]
        def get_properties(self, config: dict[str, Any]) -> dict[str, Any]:
            return talk.introduce(config)

        def fit(self, parameters: Weights, config: dict[str, Any]) -> Any:
            return talk.train(parameters, int(config["round"]))

        def evaluate(self, parameters: Weights, config: dict[str, Any]) -> Any:
            return talk.measure(parameters)

    try:
        start_client(
            server_address=options.address,
            client=Client().to_client(),
            root_certificates=options.authority.read_bytes(),
            insecure=False,
            max_wait_time=MOST_SECONDS,
        )
    except RpcError as problem:
        if not talk.refused:
            raise _unreachable(options, problem) from problem
    if talk.refused:
        raise InvalidInput("the coordinator refused this site", value=talk.refused)
    return talk.rounds
