"""Where a FHIR server's authorisation endpoints are.

Owns ``.well-known/smart-configuration`` and what of it is believed: addresses with encryption, or
of this machine.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.fhir.exchange import FhirPeer, is_this_machine, opener_for

LARGEST_BYTES = 1024**2
PLACE = ".well-known/smart-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartConfiguration:
    """What a server says of signing in to it.

    Attributes:
        server: Base address of the FHIR server.
        token_endpoint: Where tokens are given.
        authorization_endpoint: Where people are asked; empty where nobody is.
        capabilities: What it says it can.
        ca_file: Authorities of its certificates; None trusts the system's.
    """

    server: str
    token_endpoint: str
    authorization_endpoint: str = ""
    capabilities: frozenset[str] = frozenset()
    ca_file: Path | None = None


def discover(
    server: str, *, ca_file: Path | None = None, timeout_s: float = 10.0
) -> SmartConfiguration:
    """Ask a FHIR server where its authorisation server is.

    Args:
        server: Base address of the FHIR server.
        ca_file: Authorities of its certificate, PEM; None trusts the system's.
        timeout_s: Longest wait, s.

    Returns:
        The configuration.

    Raises:
        InvalidInput: If the address is none, the server offers no SMART, or names endpoints
            without encryption.
        TemporaryFailure: If it cannot be reached.
    """
    peer = FhirPeer(url=server, ca_file=ca_file, timeout_s=timeout_s)
    url = f"{peer.base}/{PLACE}"
    _refuse_open(url, "the server")
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    try:
        with opener_for(peer).open(request, timeout=timeout_s) as answer:
            said = answer.read(LARGEST_BYTES)
    except urllib.error.HTTPError as refusal:
        with refusal:
            problem = refusal.code
        if problem >= 500:
            raise _unreachable(server, str(problem)) from refusal
        raise _no_smart(server, str(problem)) from refusal
    except OSError as error:
        raise _unreachable(server, str(getattr(error, "reason", error))) from error
    return _read(said, server=peer.base, ca_file=ca_file)


def _read(said: bytes, *, server: str, ca_file: Path | None) -> SmartConfiguration:
    """The configuration, held against what is believed."""
    try:
        stated: Any = json.loads(said)
    except (ValueError, RecursionError):
        stated = None
    if not isinstance(stated, dict) or not isinstance(stated.get("token_endpoint"), str):
        raise _no_smart(server, repr(said[:80]))
    authorization = stated.get("authorization_endpoint") or ""
    for name, url in (("token", stated["token_endpoint"]), ("authorization", str(authorization))):
        if url:
            _refuse_open(url, f"the {name} endpoint of {server}")
    methods = stated.get("code_challenge_methods_supported")
    if authorization and isinstance(methods, list) and "S256" not in methods:
        raise InvalidInput(
            f"{server} does not protect the code of a launch",
            value=", ".join(map(str, methods)),
            accepted="code_challenge_methods_supported with S256",
        )
    capabilities = stated.get("capabilities")
    return SmartConfiguration(
        server=server,
        token_endpoint=stated["token_endpoint"],
        authorization_endpoint=str(authorization),
        capabilities=frozenset(one for one in capabilities if isinstance(one, str))
        if isinstance(capabilities, list)
        else frozenset(),
        ca_file=ca_file,
    )


def _refuse_open(url: str, what: str) -> None:
    """A token or a secret travels encrypted, or not at all."""
    parts = urlsplit(url)
    is_here = is_this_machine(parts.hostname or "")
    if not parts.hostname or parts.scheme not in ({"http", "https"} if is_here else {"https"}):
        raise InvalidInput(
            f"{what} has no address with encryption", value=url, accepted="https://..."
        )


def _no_smart(server: str, value: str) -> InvalidInput:
    return InvalidInput(
        f"{server} says nothing of SMART on FHIR",
        value=value,
        accepted=f"a configuration at {PLACE}",
        remedy="check the address with the server's keeper",
    )


def _unreachable(server: str, value: str) -> TemporaryFailure:
    return TemporaryFailure(f"{server} cannot be reached", value=value, remedy="try again later")
