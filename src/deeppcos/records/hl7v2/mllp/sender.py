"""Handing a message to an MLLP peer, and what its answer means.

Owns one connection and the reading of an acknowledgement. Trying again is the business of the
queue: a message may arrive twice when an answer is lost, and its MSH-10 tells the receiver.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.hl7v2.acknowledgement import Answer, read_answer
from deeppcos.records.hl7v2.header import header_of
from deeppcos.records.hl7v2.mllp.framing import BrokenFrame, Frames, framed
from deeppcos.records.hl7v2.text import codec_of
from deeppcos.records.tls import TlsFiles

PIECE_BYTES = 64 * 1024
LARGEST_ANSWER_BYTES = 1024**2
TRY_LATER = frozenset({"206", "207"})
"""Table 0357: the record is locked, or the application has an internal error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpPeer:
    """Who messages are sent to.

    Attributes:
        host: Name or address.
        port: Port.
        tls: Certificates; None sends in the clear.
        timeout_s: Longest wait for a connection and for an answer, s.
        character_set: What text is written in, as MSH-18 names it.
    """

    host: str
    port: int
    tls: TlsFiles | None = None
    timeout_s: float = 30.0
    character_set: str = "UNICODE UTF-8"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What a peer said of a message.

    Attributes:
        code: AA taken, AE wrong in content, AR rejected. CA, CE and CR of the enhanced mode
            count as these.
        control_id: MSH-10 of the message it answers.
        words: The peer's words, or empty.
        stated: The code as the peer wrote it.
    """

    code: str
    control_id: str
    words: str = ""
    stated: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the peer has taken the message."""
        return self.code == "AA"


class Connection:
    """An open connection, for as many messages as one likes; one at a time."""

    def __init__(self, wire: socket.socket, peer: MllpPeer) -> None:
        self._wire = wire
        self._peer = peer
        self._frames = Frames(largest_bytes=LARGEST_ANSWER_BYTES)
        self._waiting: list[bytes] = []

    def send(self, message: str | bytes) -> Acknowledgement:
        """Send a message and wait for its answer.

        Args:
            message: The message; text is written in the peer's character set.

        Returns:
            The answer, refusals included.

        Raises:
            InvalidInput: If it is no message, has no MSH-10, or does not fit the character set.
            TemporaryFailure: If the peer goes silent, hangs up, answers something else, or says
                that it has a problem of its own.
        """
        content = message if isinstance(message, bytes) else _written(message, self._peer)
        control_id = header_of(content).control_id
        if not control_id:
            raise InvalidInput("the message has no MSH-10", accepted="a control ID to answer by")
        wire = framed(content)
        deadline = time.monotonic() + self._peer.timeout_s
        try:
            self._wire.settimeout(self._peer.timeout_s)
            self._wire.sendall(wire)
            answer = self._answer_to(control_id, deadline)
        except (OSError, BrokenFrame) as error:
            raise _not_answered(self._peer, error) from error
        if answer.error in TRY_LATER:
            raise TemporaryFailure(
                f"{self._peer} has a problem of its own", value=answer.words or answer.error
            )
        return Acknowledgement(
            code=f"A{answer.code[1]}",
            control_id=answer.control_id,
            words=answer.words,
            stated=answer.code,
        )

    def _answer_to(self, control_id: str, deadline: float) -> Answer:
        """The answer to this message; answers to others are late ones and passed over."""
        while True:
            while self._waiting:
                answer = read_answer(self._waiting.pop(0))
                if answer is not None and answer.control_id == control_id:
                    return answer
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"no answer to {control_id} in {self._peer.timeout_s:g} s")
            self._wire.settimeout(left_s)
            piece = self._wire.recv(PIECE_BYTES)
            if not piece:
                raise ConnectionError("hung up without an answer")
            self._waiting += self._frames.feed(piece)


@contextlib.contextmanager
def connected(peer: MllpPeer) -> Iterator[Connection]:
    """A connection for several messages.

    Args:
        peer: To whom.

    Yields:
        The connection.

    Raises:
        InvalidInput: If a certificate file is missing or wrong.
        TemporaryFailure: If the peer cannot be reached, or its certificate is not accepted.
    """
    context = peer.tls.client_context() if peer.tls else None
    try:
        wire = socket.create_connection((peer.host, peer.port), timeout=peer.timeout_s)
    except OSError as error:
        raise _unreachable(peer, error) from error
    with wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            yield Connection(wire, peer)
            return
        try:
            secure = context.wrap_socket(wire, server_hostname=peer.host)
        except (OSError, ssl.CertificateError) as error:
            raise _unreachable(peer, error) from error
        with secure:
            yield Connection(secure, peer)


def send(message: str | bytes, *, peer: MllpPeer) -> Acknowledgement:
    """Send one message on a connection of its own.

    Args:
        message: The message; text is written in the peer's character set.
        peer: To whom.

    Returns:
        The answer, refusals included.

    Raises:
        InvalidInput: As ``Connection.send`` and ``connected``.
        TemporaryFailure: As ``Connection.send`` and ``connected``.
    """
    with connected(peer) as connection:
        return connection.send(message)


def _written(message: str, peer: MllpPeer) -> bytes:
    """Text in the character set of the peer, which the message must state."""
    codec = codec_of(peer.character_set)
    try:
        content = message.encode(codec)
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"the message cannot be written in {peer.character_set}",
            value=repr(message[error.start : error.end]),
            remedy="set UNICODE UTF-8 for this peer",
        ) from error
    stated = header_of(content).character_set
    if codec_of(stated) != codec and not content.isascii():
        raise InvalidInput(
            "the message states another character set than its peer takes",
            value=stated or "none",
            accepted=peer.character_set,
        )
    return content


def _unreachable(peer: MllpPeer, error: Exception) -> TemporaryFailure:
    """Nobody there, or nobody to be trusted."""
    return TemporaryFailure(
        f"{peer} cannot be reached",
        value=str(error),
        remedy="check host, port and certificates; the message is kept and sent later",
    )


def _not_answered(peer: MllpPeer, error: Exception) -> TemporaryFailure:
    """A connection that ended before an answer came."""
    return TemporaryFailure(
        f"{peer} did not acknowledge",
        value=str(error) or type(error).__name__,
        remedy="send again later: the same MSH-10 tells the receiver that it is the same message",
    )
