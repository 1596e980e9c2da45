"""A hospital among others: calls out, proves itself, answers what it came for.

Owns the conversation with Flower on the site's side; only outbound connections are made. What is
answered is the business of ``taking_part`` (training) and ``asking`` (statistics).
"""

import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.federated.agreement import T
from deeppcos.learning.federated.keys import sign

MOST_SECONDS, PAUSE_SECONDS = 90.0, 1.0
"""A site that finds nobody says so soon, where the engine alone would try for ever."""
TELEMETRY = "FLWR_TELEMETRY_ENABLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions(Generic[T]):
    """How a site takes part.

    Attributes:
        address: ``host:port`` of the coordinator.
        authority: Certificate of the authority that vouches for the coordinator.
        key: The site's private key.
        agreement: What it expects to do.
    """

    address: str
    authority: Path
    key: Path
    agreement: T


@dataclass(slots=True, kw_only=True)
class Introduction:
    """Who a site is; no network in it.

    Attributes:
        options: How it takes part.
        name: Name of the site.
        refused: Why the coordinator refused it; empty while it did not.
    """

    options: SiteOptions[Any]
    name: str
    refused: str = ""

    def reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Who this is and what it came for, signed with the number that was sent."""
        if "refused" in asked:
            self.refused = str(asked["refused"])
        if "nonce" not in asked:
            return {}
        agreement = self.options.agreement.text()
        words = f"{asked['nonce']}|{self.name}|{agreement}"
        signature = sign(self.options.key, words)
        return {"site": self.name, "agreement": agreement, "signature": signature}


def reach(options: SiteOptions[Any]) -> str:
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


def _wait_for_coordinator(options: SiteOptions[Any]) -> None:
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


def _unreachable(options: SiteOptions[Any], problem: Exception) -> TemporaryFailure:
    return TemporaryFailure(
        "the coordinator cannot be reached",
        value=str(problem).splitlines()[0][:200],
        accepted=f"a coordinator at {options.address} that {options.authority} vouches for",
        remedy="ask whether it runs; check the address, the certificate and the firewall",
    )


def converse(introduction: Introduction, answers: Mapping[str, Callable[..., Any]]) -> None:
    """Call the coordinator and answer it until it ends.

    A site that was too late for a round is cut off by the engine; it calls again, and is asked
    again in a later round.

    Args:
        introduction: Who this is.
        answers: Methods of Flower's ``NumPyClient`` by name.

    Raises:
        InvalidInput: If the coordinator refused the site; says why.
        TemporaryFailure: If nobody answers, or another than the authority vouches for.
    """
    os.environ[TELEMETRY] = "0"
    from flwr.client import NumPyClient
    from flwr.compat.client.app import start_client
    from grpc import RpcError, StatusCode

    options = introduction.options
    client = type("Client", (NumPyClient,), {n: _method(do) for n, do in answers.items()})
    while True:
        _wait_for_coordinator(options)
        try:
            start_client(
                server_address=options.address,
                client=client().to_client(),
                root_certificates=options.authority.read_bytes(),
                insecure=False,
                max_wait_time=MOST_SECONDS,
            )
        except RpcError as problem:
            is_late = getattr(problem, "code", lambda: None)() is StatusCode.DEADLINE_EXCEEDED
            if is_late and not introduction.refused:
                continue
            if not introduction.refused:
                raise _unreachable(options, problem) from problem
        break
    if introduction.refused:
        raise InvalidInput("the coordinator refused this site", value=introduction.refused)


def _method(do: Callable[..., Any]) -> Callable[..., Any]:
    """A function as a method; the engine names what it gives, in the order of the function."""
    return lambda _, *given, **named: do(*given, *named.values())
