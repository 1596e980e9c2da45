"""Tokens without a person (SMART Backend Services): client_credentials with a signed assertion.

Owns asking for a token and keeping it until shortly before it ends. Nothing is written to disk.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.fhir.smart.client import SmartClient, session_of
from deeppcos.records.fhir.smart.discovery import SmartConfiguration, discover

MARGIN_S = 30.0
"""A token this close to its end is not used: it would end on the way."""

SHORTEST_S = 60.0
LATER = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
DEFAULT_SCOPE = "system/*.cruds"
TIMEOUT_S = 30.0


@dataclass(slots=True)
class BackendToken:
    """Gives a bearer token when called; asks for a new one when the last is about to end.

    Attributes:
        configuration: Where tokens are given.
        client: Who we are.
        scope: What for.
        clock: Time in s; replaced in tests.
    """

    configuration: SmartConfiguration
    client: SmartClient
    scope: str = DEFAULT_SCOPE
    clock: Callable[[], float] = time.monotonic
    _token: str = field(default="", repr=False)
    _ends_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self) -> str:
        """A token that is good for a while yet.

        Raises:
            InvalidInput: If the server does not know us or gives no such scope.
            TemporaryFailure: If it cannot be reached or fails.
        """
        with self._lock:
            if not self._token or self.clock() >= self._ends_at:
                said = token_from(
                    self.configuration,
                    self.client,
                    grant_type="client_credentials",
                    scope=self.scope,
                )
                self._token = said["access_token"]
                # The server may leave out how long it holds: then it is asked again soon.
                lasts_s = float(said.get("expires_in") or SHORTEST_S)
                self._ends_at = self.clock() + max(0.0, lasts_s - MARGIN_S)
            return self._token

    def forget(self) -> None:
        """The server does not take the token any more: get another next time."""
        with self._lock:
            self._token = ""


def backend_token(
    server: str,
    *,
    client: SmartClient,
    scope: str = DEFAULT_SCOPE,
    token_endpoint: str = "",
    ca_file: Path | None = None,
) -> BackendToken:
    """Tokens for a FHIR server, for ``FhirPeer.token``.

    Args:
        server: Base address of the FHIR server.
        client: Who we are there.
        scope: What for.
        token_endpoint: Where tokens are given, for a server that does not say so itself.
        ca_file: Authorities of the servers' certificates, PEM; None trusts the system's.

    Raises:
        InvalidInput: If the server offers no SMART, or we have neither key nor secret.
        TemporaryFailure: If it cannot be reached.
    """
    if client.key is None and not client.secret:
        raise InvalidInput(
            "a service without a person must prove who it is", accepted="a key, or a secret"
        )
    if token_endpoint:
        found = SmartConfiguration(server=server, token_endpoint=token_endpoint, ca_file=ca_file)
    else:
        found = discover(server, ca_file=ca_file)
    return BackendToken(found, client, scope)


def token_from(
    configuration: SmartConfiguration, client: SmartClient, **request: Any
) -> dict[str, Any]:
    """One answer of a token endpoint.

    Args:
        configuration: Where it is.
        client: Who we are.
        request: What is asked for.

    Returns:
        The answer, with a bearer token.

    Raises:
        InvalidInput: If the server refuses us, in its words.
        TemporaryFailure: If it cannot be reached, fails, or answers with no token.
    """
    import requests
    from authlib.common.errors import AuthlibBaseError

    endpoint = configuration.token_endpoint
    session = session_of(client, token_endpoint=endpoint, ca_file=configuration.ca_file)
    try:
        with session:
            said = dict(session.fetch_token(endpoint, timeout=TIMEOUT_S, **request))
    except AuthlibBaseError as refusal:
        words = f"{refusal.error}: {refusal.description or 'no reason given'}"
        if refusal.error in LATER:
            raise TemporaryFailure(f"{endpoint} failed", value=words) from refusal
        raise InvalidInput(
            f"{endpoint} gives us no token",
            value=words,
            remedy="check client ID, key and scope with the server's keeper",
        ) from refusal
    except (requests.RequestException, ValueError) as error:
        raise TemporaryFailure(
            f"{endpoint} cannot be reached", value=str(error)[:200], remedy="try again later"
        ) from error
    if str(said.get("token_type", "")).lower() != "bearer" or not said.get("access_token"):
        raise TemporaryFailure(f"{endpoint} did not answer with a bearer token")
    return said
