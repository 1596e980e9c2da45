"""One request to a FHIR server, and what its answer means.

Owns addresses, tokens, TLS, limits and the sorting of answers: what may pass is a
``TemporaryFailure``, what the server says of the content is a ``Refusal`` in the server's words,
and what is wrong with our settings an ``InvalidInput``. What is asked is the business of
``server``.
"""

import http.client
import ipaddress
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.fhir.parts import Resource
from deeppcos.records.tls import TlsFiles

FHIR_JSON = "application/fhir+json"
LARGEST_ANSWER_BYTES = 64 * 1024**2
LONGEST_SHOWN = 300
MAY_PASS = frozenset({408, 409, 423, 425, 429})
"""Answers under 500 after which the same request may succeed: busy, locked, changed meanwhile."""

OURS = frozenset({401, 403, 404, 405, 410})
"""Answers that speak of our address, token or rights, not of the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirPeer:
    """A FHIR server.

    Attributes:
        url: Base address, such as ``https://ehr.example/fhir``.
        token: Gives a bearer token when called, or None. Where it has a method ``forget``, that
            is called when the server does not take the token, and the request made once more.
        ca_file: Authorities of the server's certificate, PEM; None trusts the system's.
        timeout_s: Longest wait for an answer, s.
    """

    url: str
    token: Callable[[], str] | None = None
    ca_file: Path | None = None
    timeout_s: float = 30.0

    def __str__(self) -> str:
        return self.url

    @property
    def base(self) -> str:
        """The base address without a slash at its end."""
        return self.url.rstrip("/")


class Refusal(InvalidInput):
    """A server does not take what it was sent: correct it, sending again changes nothing.

    Attributes:
        words: The server's own.
    """

    words: str = ""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET, and a token goes to a stranger: neither happens here."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def get(peer: FhirPeer, url: str) -> Resource:
    """What is at an address of the server.

    Args:
        peer: The server.
        url: The address, whole or after the base.

    Returns:
        The resource.

    Raises:
        InvalidInput: If the address is not the server's, or our settings are wrong.
        Refusal: If the server does not take the request.
        TemporaryFailure: If it cannot be reached, fails, or answers with no resource.
    """
    return _exchange(peer, _within(peer, url), None)


def post(peer: FhirPeer, resource: Resource, *, at: str = "") -> Resource:
    """What the server answers to a resource.

    Args:
        peer: The server.
        resource: The resource.
        at: Where to, after the base; empty is the base itself.

    Raises:
        InvalidInput: As ``get``.
        Refusal: As ``get``.
        TemporaryFailure: As ``get``.
    """
    url = _within(peer, at) if at else f"{peer.base}/"
    return _exchange(peer, url, json.dumps(resource).encode())


def _exchange(peer: FhirPeer, url: str, body: bytes | None) -> Resource:
    """One request, and once more where only the token was too old."""
    _refuse_open_token(peer)
    try:
        return _once(peer, url, body)
    except _TokenRefused as refused:
        forget = getattr(peer.token, "forget", None)
        if forget is None:
            raise
        forget()
        try:
            return _once(peer, url, body)
        except _TokenRefused:
            raise refused from None


def _once(peer: FhirPeer, url: str, body: bytes | None) -> Resource:
    """One request."""
    headers = {"Accept": FHIR_JSON, **({"Content-Type": FHIR_JSON} if body else {})}
    if peer.token is not None:
        headers["Authorization"] = f"Bearer {peer.token()}"
    request = urllib.request.Request(
        url, data=body, headers=headers, method="POST" if body else "GET"
    )
    try:
        with opener_for(peer).open(request, timeout=peer.timeout_s) as answer:
            return _resource(answer.read(LARGEST_ANSWER_BYTES + 1), peer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            said = refusal.read(LARGEST_ANSWER_BYTES)
        raise _sorted(refusal.code, said, peer) from refusal
    except (OSError, http.client.HTTPException) as error:
        raise TemporaryFailure(
            f"{peer} cannot be reached",
            value=str(getattr(error, "reason", error)),
            remedy="send again later: nothing is stored twice",
        ) from error


def opener_for(peer: FhirPeer) -> urllib.request.OpenerDirector:
    """What opens addresses of this server: checks its certificate, follows no redirect.

    Raises:
        InvalidInput: If ``ca_file`` is wrong.
    """
    handlers: list[Any] = [_NoRedirects]
    if peer.url.startswith("https:"):
        context = TlsFiles(ca_file=peer.ca_file).client_context()
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


def _within(peer: FhirPeer, url: str) -> str:
    """An address of this server; a token is shown to no other."""
    parts = urllib.parse.urlsplit(peer.base)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidInput(
            "no address of a FHIR server", value=peer.url, accepted="https://host/path"
        )
    is_whole = urllib.parse.urlsplit(url).scheme in ("http", "https")
    whole = url if is_whole else f"{peer.base}/{url.lstrip('/')}"
    asked = urllib.parse.urlsplit(whole)
    if (asked.scheme, asked.netloc) != (parts.scheme, parts.netloc):
        raise InvalidInput(
            f"{peer} points to another server",
            value=whole[:LONGEST_SHOWN],
            accepted=f"addresses under {peer.base}",
            remedy="give the address under which the server knows itself",
        )
    return whole


def _refuse_open_token(peer: FhirPeer) -> None:
    """Whoever reads a token on the wire is us."""
    parts = urllib.parse.urlsplit(peer.base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(
            "no address of a FHIR server", value=peer.url, accepted="https://host/path"
        )
    if peer.token is not None and parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise InvalidInput(
            "a token is never sent without encryption",
            value=peer.url,
            accepted="https://...",
            remedy="use the server's https address",
        )


def is_this_machine(host: str) -> bool:
    """Whether a host is the loopback of this machine.

    Examples:
        >>> is_this_machine("127.0.0.1"), is_this_machine("ehr.example")
        (True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _resource(said: bytes, peer: FhirPeer) -> Resource:
    """The resource in an answer."""
    try:
        found = json.loads(said) if len(said) <= LARGEST_ANSWER_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or "resourceType" not in found:
        raise TemporaryFailure(
            f"{peer} did not answer with a FHIR resource",
            value=repr(said[:LONGEST_SHOWN]),
            accepted=f"JSON of up to {LARGEST_ANSWER_BYTES // 1024**2} MB",
            remedy="check that the address is that of a FHIR R4 server",
        )
    return found


class _TokenRefused(InvalidInput):
    """The server does not take our token."""


def _sorted(code: int, said: bytes, peer: FhirPeer) -> InvalidInput | TemporaryFailure:
    """A refusal in the server's words, sorted by what to do about it."""
    words = outcome_words(said)
    value = f"{code} {words}".strip()
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR or code in MAY_PASS:
        return TemporaryFailure(f"{peer} failed", value=value, remedy="send again later")
    if code == HTTPStatus.UNAUTHORIZED:
        return _TokenRefused(
            f"{peer} does not take our token", value=value, remedy="check the client's settings"
        )
    if code in OURS or code < HTTPStatus.BAD_REQUEST:
        return InvalidInput(
            f"{peer} does not answer under this address",
            value=value,
            remedy="check the address and the rights of the client with the server's keeper",
        )
    refusal = Refusal(
        f"{peer} refused what it was sent",
        value=value,
        remedy="ask the server's keeper; nothing was stored",
    )
    refusal.words = words
    return refusal


def outcome_words(said: bytes) -> str:
    """What an OperationOutcome says, for people; of anything else its beginning."""
    try:
        issues = json.loads(said)["issue"]
        words = [
            str(one.get("diagnostics") or one.get("details", {}).get("text") or one.get("code", ""))
            for one in issues
        ]
        return "; ".join(one for one in words if one)[:LONGEST_SHOWN]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return said[:LONGEST_SHOWN].decode(errors="replace")
