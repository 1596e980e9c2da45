"""Handing a transaction to a FHIR server.

Owns one request and what its answer means. Signing in to a server (SMART, backend services) is
not there yet: a token got elsewhere is passed on.
"""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.fhir.parts import Resource

FHIR_JSON = "application/fhir+json"
PATIENCE_S = 60.0
LARGEST_ANSWER_BYTES = 64 * 1024**2
LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a server did with a transaction.

    Attributes:
        created: Places of the resources it made, such as ``Observation/12``.
        replaced_or_kept: Places of those it had already.
    """

    created: tuple[str, ...]
    replaced_or_kept: tuple[str, ...]


def send_bundle(
    bundle: Resource, server: str, *, token: str = "", patience_s: float = PATIENCE_S
) -> Sent:
    """Send a transaction; sending it again makes no second result.

    Args:
        bundle: What ``result_bundle`` made.
        server: Base address, such as ``https://ehr.example/fhir``.
        token: Bearer token, or empty.
        patience_s: Longest wait for the server, s.

    Returns:
        What the server did.

    Raises:
        InvalidInput: If the address is none, or the server refuses the result.
        TemporaryFailure: If it cannot be reached, fails, or its answer is not one.
    """
    if not server.startswith(("http://", "https://")):
        raise InvalidInput("no address of a FHIR server", value=server, accepted="http(s)://...")
    headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(
        f"{server.rstrip('/')}/", data=json.dumps(bundle).encode(), headers=headers, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=patience_s) as answer:
            return _sent(answer.read(LARGEST_ANSWER_BYTES), server)
    except urllib.error.HTTPError as refusal:
        with refusal:
            said = refusal.read(LARGEST_ANSWER_BYTES)
        raise _refused(refusal.code, said, server) from refusal
    except (OSError, http.client.HTTPException) as error:
        raise TemporaryFailure(
            f"{server} cannot be reached",
            value=str(getattr(error, "reason", error)),
            remedy="send again later: nothing is stored twice",
        ) from error


def _sent(said: bytes, server: str) -> Sent:
    """The places in a transaction's answer."""
    try:
        entries = [entry["response"] for entry in json.loads(said)["entry"]]
        statuses = [(str(one["status"]), str(one.get("location", "?"))) for one in entries]
    except (ValueError, LookupError, TypeError) as error:
        raise TemporaryFailure(
            f"{server} did not answer with a transaction's result",
            value=repr(said[:LONGEST_SHOWN]),
            remedy="check that the address is that of a FHIR R4 server",
        ) from error
    bad = [f"{status} {place}" for status, place in statuses if not status.startswith("2")]
    if bad:
        raise InvalidInput(f"{server} refused part of the result", value="; ".join(bad[:3]))
    return Sent(
        created=tuple(place for status, place in statuses if status.startswith("201")),
        replaced_or_kept=tuple(place for status, place in statuses if status[:3] != "201"),
    )


def _refused(code: int, said: bytes, server: str) -> InvalidInput | TemporaryFailure:
    """A refusal in the server's words."""
    try:
        issues = json.loads(said)["issue"]
        words = "; ".join(
            one.get("diagnostics") or one.get("details", {}).get("text", "") for one in issues
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        words = said[:LONGEST_SHOWN].decode(errors="replace")
    value = f"{code} {words[:LONGEST_SHOWN]}"
    if code >= http.HTTPStatus.INTERNAL_SERVER_ERROR or code in (408, 429):
        return TemporaryFailure(f"{server} failed", value=value, remedy="send again later")
    return InvalidInput(
        f"{server} refused the result",
        value=value,
        remedy="ask the server's keeper; nothing was stored",
    )
