"""One HTTP exchange with a DICOMweb server. Needs requests (the records extra).

Owns the session with its token and authorities, and what failures and status numbers mean for a
retry. What is asked and answered is the business of its neighbours.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from deeppcos.errors import DeepPCOSError, InvalidInput, TemporaryFailure
from deeppcos.records.dicom_header import printable
from deeppcos.records.dicom_web.exchange_rules import TRY_LATER
from deeppcos.records.dicom_web.peer import DicomWebPeer

READ_AT_ONCE = 256 * 1024
MOST_JSON_BYTES = 64 * 1024**2
_LONGEST_WORDS = 300


@contextmanager
def exchange(
    peer: DicomWebPeer,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    body: Any = None,
) -> Iterator[requests.Response]:
    """Ask a server; its answer is read piece by piece.

    Args:
        peer: The server.
        method: HTTP method.
        path: Below the peer's address, beginning with a slash.
        headers: HTTP headers.
        params: Of the query.
        body: What is sent, with a length.

    Yields:
        The answer, whatever its status.

    Raises:
        TemporaryFailure: If the server is not there, is slow or drops the line, also while its
            answer is read inside the context.
        InvalidInput: If its certificate is not of the given authorities, or theirs cannot be read.
    """
    with requests.Session() as session:
        # Passwords and proxies of this machine's user are not for the hospital's archive.
        session.trust_env = False
        try:
            with session.request(
                method,
                peer.url.rstrip("/") + path,
                headers={**headers, **peer.authorization()},
                params=dict(params or {}),
                data=body,
                stream=True,
                timeout=peer.timeout_s,
                allow_redirects=False,
                verify=str(peer.ca_file) if peer.ca_file else True,
            ) as answer:
                yield answer
        except requests.exceptions.SSLError as error:
            raise InvalidInput(
                f"{peer} and we do not agree on TLS",
                value=str(error),
                accepted="a certificate of the given authority, in the server's name",
                remedy="correct the CA file",
            ) from error
        except requests.exceptions.RequestException as error:
            raise TemporaryFailure(
                f"{peer} does not answer",
                value=str(error),
                remedy="check that it runs and that the network lets us through",
            ) from error
        except OSError as error:
            raise InvalidInput(
                "a file for the exchange cannot be read", value=str(error)
            ) from error


def failure(peer: DicomWebPeer, answer: requests.Response) -> DeepPCOSError:
    """What a status other than success means.

    Args:
        peer: The server.
        answer: Its answer.

    Returns:
        The error to raise.
    """
    words = said(answer)
    if answer.status_code in TRY_LATER:
        return TemporaryFailure(f"{peer} cannot answer now", value=words)
    if answer.status_code in (401, 403):
        return InvalidInput(
            f"{peer} does not let us in",
            value=words,
            accepted="a token or password it knows, with the rights to search, fetch or store",
            remedy="correct what lets us in",
        )
    return InvalidInput(
        f"{peer} refuses the question", value=words, remedy="check its address and services"
    )


def said(answer: requests.Response) -> str:
    """Status and the beginning of the body, as one line."""
    start = next(answer.iter_content(_LONGEST_WORDS), b"")
    words = printable(start.decode("utf-8", "replace"))
    return f"HTTP {answer.status_code} {answer.reason or ''}: {words}".rstrip(": ")


def json_of(peer: DicomWebPeer, answer: requests.Response) -> Any:
    """An answer's JSON, up to ``MOST_JSON_BYTES``.

    Raises:
        InvalidInput: If it is larger or no JSON.
    """
    body = bytearray()
    for piece in answer.iter_content(READ_AT_ONCE):
        body += piece
        if len(body) > MOST_JSON_BYTES:
            raise InvalidInput(
                f"{peer} answers with more than {MOST_JSON_BYTES} bytes",
                remedy="ask for less at once",
            )
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise InvalidInput(
            f"{peer} does not answer with JSON", value=str(error), remedy="check its address"
        ) from error
