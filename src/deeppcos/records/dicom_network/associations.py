"""One association with a peer, and the sockets under it. Needs pynetdicom (the records extra).

Owns opening and closing associations as the caller, why one could not be opened, and the two
changes to pynetdicom's socket both directions need: small messages leave at once (TCP_NODELAY,
else each image waits for the peer's delayed acknowledgement), and no peer makes us read more
than a message unit may hold, or wait for one longer than allowed.
"""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pynetdicom import _config
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AddressInformation, AssociationSocket

from deeppcos.errors import DeepPCOSError, InvalidInput, TemporaryFailure
from deeppcos.records.dicom_network.peer import DicomPeer
from deeppcos.records.dicom_result import IMPLEMENTATION_UID

MAX_PDU_BYTES = 128 * 1024
LONGEST_READ_BYTES = MAX_PDU_BYTES + 1024
"""A peer that keeps to the length we negotiate never needs more; an A-ASSOCIATE-RQ is smaller."""

VERSION_NAME = "DEEPPCOS"
_REJECTED_TRANSIENT = 2
_READ_AT_ONCE = 256 * 1024

# Files are sent as they are, straight from disk: nothing is decoded and encoded again.
_config.STORE_SEND_CHUNKED_DATASET = True
# What worklists are asked and answer names patients, and has no place in a log.
_config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False


class NothingAccepted(InvalidInput):
    """The peer talks to us, and accepts none of the services or encodings offered."""


class BoundedSocket(AssociationSocket):
    """A socket that sends at once, and reads no more and waits no longer than it should."""

    unit_seconds = 30.0

    def __init__(self, assoc: Association, **places: Any) -> None:
        super().__init__(assoc, **places)
        if self.socket is not None:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def recv(self, nr_bytes: int) -> bytearray:
        """Read one part of a message unit.

        Args:
            nr_bytes: How much; the peer's own statement for all but the first six bytes.

        Returns:
            The bytes, fewer when the connection ended.

        Raises:
            OSError: If the peer states too much or takes too long.
        """
        if nr_bytes > LONGEST_READ_BYTES:
            raise OSError(f"a message unit of {nr_bytes} bytes is longer than was negotiated")
        if self.socket is None:
            raise OSError("the connection is closed")
        whole = bytearray(nr_bytes)
        view, read = memoryview(whole), 0
        until = time.monotonic() + self.unit_seconds
        while read < nr_bytes:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the peer took too long to send a message unit")
            self.socket.settimeout(left)
            count = self.socket.recv_into(view[read:], min(nr_bytes - read, _READ_AT_ONCE))
            if not count:
                return whole[:read]
            read += count
        return whole

    def _shutdown_socket(self) -> None:
        """Close the socket, also one that never was connected: pynetdicom leaves that open."""
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()


class _Entity(ApplicationEntity):
    """An application entity whose associations use our socket."""

    def _create_socket(
        self,
        assoc: Association,
        address: AddressInformation,
        tls_args: tuple[ssl.SSLContext, str] | None,
    ) -> AssociationSocket:
        made = BoundedSocket(assoc, address=address)
        made.unit_seconds = float(self.network_timeout or BoundedSocket.unit_seconds)
        made.tls_args = tls_args
        return made


@contextmanager
def associated(
    peer: DicomPeer,
    contexts: Sequence[PresentationContext],
    *,
    negotiation: Sequence[Any] = (),
    handlers: Sequence[Any] = (),
) -> Iterator[Association]:
    """Hold an association with a peer.

    Args:
        peer: The peer.
        contexts: Presentation contexts to ask for, up to 128.
        negotiation: Further items of the request, such as roles.
        handlers: Handlers of events, as pynetdicom takes them.

    Yields:
        The association, with at least one accepted context.

    Raises:
        NothingAccepted: If the peer accepts none of the contexts.
        InvalidInput: If the peer does not know us, or TLS files or certificates do not fit.
        TemporaryFailure: If it is not there, is busy, or ended the association.
    """
    association = _opened(peer, contexts, negotiation, handlers)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _opened(
    peer: DicomPeer,
    contexts: Sequence[PresentationContext],
    negotiation: Sequence[Any],
    handlers: Sequence[Any],
) -> Association:
    entity = _Entity(peer.own_ae_title)
    entity.implementation_class_uid = IMPLEMENTATION_UID
    entity.implementation_version_name = VERSION_NAME
    for name in ("acse_timeout", "dimse_timeout", "network_timeout", "connection_timeout"):
        setattr(entity, name, peer.timeout_s)
    tls = (peer.tls.client_context(), peer.host) if peer.tls else None
    try:
        association = entity.associate(
            peer.host,
            peer.port,
            contexts=list(contexts),
            ae_title=peer.ae_title,
            max_pdu=MAX_PDU_BYTES,
            ext_neg=list(negotiation),
            tls_args=tls,
            evt_handlers=list(handlers),
        )
    except OSError as error:
        raise unreachable(peer, str(error)) from error
    if not association.is_established:
        raise _why_not(association, peer)
    return association


def unreachable(peer: DicomPeer, words: str) -> TemporaryFailure:
    """The error of a peer that does not answer."""
    return TemporaryFailure(
        f"{peer} does not answer",
        value=words,
        remedy="check that it runs and that the network lets us through",
    )


def _why_not(association: Association, peer: DicomPeer) -> DeepPCOSError:
    """What kept an association from being opened."""
    if association.is_rejected:
        return _rejected(association, peer)
    if association.rejected_contexts:
        return NothingAccepted(
            f"{peer} accepts none of what we offered",
            value=", ".join(sorted({c.abstract_syntax.name for c in _named(association)})),
            remedy="enable these services and transfer syntaxes there",
        )
    return _tried_plainly(peer)


def _named(association: Association) -> list[Any]:
    return [context for context in association.rejected_contexts if context.abstract_syntax]


def _rejected(association: Association, peer: DicomPeer) -> DeepPCOSError:
    answer: Any = association.acceptor.primitive
    words = str(getattr(answer, "reason_str", "") or "no reason given")
    if getattr(answer, "result", None) == _REJECTED_TRANSIENT:
        return TemporaryFailure(f"{peer} refuses associations now", value=words)
    return InvalidInput(
        f"{peer} refuses to talk to {peer.own_ae_title}",
        value=words,
        accepted="its own AE title, and ours where it lists who may call",
        remedy="correct the titles here, or add ours there",
    )


def _tried_plainly(peer: DicomPeer) -> DeepPCOSError:
    """Pynetdicom only logs why it could not connect: find out by connecting once more."""
    try:
        with socket.create_connection((peer.host, peer.port), timeout=peer.timeout_s) as plain:
            if peer.tls is not None:
                peer.tls.client_context().wrap_socket(plain, server_hostname=peer.host).close()
    except ssl.SSLError as error:
        return InvalidInput(
            f"{peer} and we do not agree on TLS",
            value=str(error),
            accepted="a certificate of the given authority, in the peer's name",
            remedy="correct the TLS files here or there",
        )
    except OSError as error:
        return unreachable(peer, str(error))
    return TemporaryFailure(f"{peer} ended the association", remedy="look at its log")
