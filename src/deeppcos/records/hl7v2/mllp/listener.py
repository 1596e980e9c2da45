"""Many MLLP senders at once.

Owns the door: who is let in, how many, and stopping without cutting off an answer. What is said
inside is the business of ``conversation``.

A sender that is slow, endless or speaks another protocol loses its connection and nothing else.
"""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from deeppcos.errors import InvalidInput
from deeppcos.records.hl7v2.mllp.conversation import (
    LOG,
    Budget,
    Conversation,
    Handle,
    Limits,
    Tell,
)
from deeppcos.records.tls import TlsFiles

BACKLOG = 64
LOOK_UP_S = 0.5
STOPPING_S = 10.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpSettings:
    """How to listen.

    Attributes:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        tls: Certificates; with ``ca_file`` a sender must show one of its own. None listens in
            the clear.
        allowed_addresses: Addresses and networks of senders, such as ``10.1.0.0/16``; empty
            allows all.
        most_connections: Senders at once; the next one is hung up on.
        most_held_bytes: Bytes of unfinished messages, all senders together.
        limits: What each sender may do.
    """

    host: str = "127.0.0.1"
    port: int = 2575
    tls: TlsFiles | None = None
    allowed_addresses: tuple[str, ...] = ()
    most_connections: int = 64
    most_held_bytes: int = 64 * 1024**2
    limits: Limits = field(default_factory=Limits)


class Listener:
    """What is listening; made by ``serving``."""

    def __init__(
        self, settings: MllpSettings, wire: socket.socket, handle: Handle, tell: Tell
    ) -> None:
        self._settings = settings
        self._networks = _networks(settings.allowed_addresses)
        self._context = settings.tls.server_context() if settings.tls else None
        self._wire, self._handle, self._tell = wire, handle, tell
        self._budget = Budget(settings.most_held_bytes)
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @property
    def port(self) -> int:
        """The port it is bound to."""
        return int(self._wire.getsockname()[1])

    @property
    def connections(self) -> int:
        """Senders connected now."""
        return len(self._open)

    @property
    def held_bytes(self) -> int:
        """Bytes of unfinished messages now."""
        return self._budget.held_bytes

    def accept(self) -> None:
        """Take senders until stopped."""
        while not self._stopped.is_set():
            try:
                wire, address = self._wire.accept()
            except TimeoutError:
                continue
            except OSError as error:
                # Such as too many open files: it may pass.
                if not self._stopped.wait(LOOK_UP_S):
                    self._tell("-", f"no sender can be taken: {error}")
                continue
            reason = self._reason_against(str(address[0]))
            if reason:
                wire.close()
                self._tell(str(address[0]), reason)
                continue
            thread = threading.Thread(
                target=self._serve, args=(wire, str(address[0])), daemon=True, name="mllp"
            )
            with self._lock:
                self._open[thread] = wire
            thread.start()

    def stop(self) -> None:
        """Take no more; a message that is being kept gets its answer."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)  # wakes the door where the system can
        with self._lock:
            there = dict(self._open)
            for wire in there.values():
                # Of the plain socket: after that of TLS its answer would go out in the clear.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(wire, socket.SHUT_RD)
        deadline = time.monotonic() + STOPPING_S
        for thread in there:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._wire.close()

    def _reason_against(self, address: str) -> str:
        """Why this sender is not served, or nothing."""
        here = ipaddress.ip_address(address)
        if self._networks and not any(here in network for network in self._networks):
            return "the address is not allowed"
        if self.connections >= self._settings.most_connections:
            return f"hung up on: {self.connections} senders are connected already"
        return ""

    def _serve(self, wire: socket.socket, address: str) -> None:
        """One sender; whatever it does ends with its connection."""
        me = threading.current_thread()
        try:
            wire.settimeout(self._settings.limits.message_timeout_s)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._secured(wire) as ready:
                with self._lock:
                    self._open[me] = ready
                Conversation(
                    wire=ready,
                    address=address,
                    limits=self._settings.limits,
                    budget=self._budget,
                    handle=self._handle,
                    tell=self._tell,
                    stopped=self._stopped,
                ).hold()
        except TimeoutError:
            self._tell(address, "was silent too long and was hung up on")
        except OSError as error:
            if not self._stopped.is_set():
                self._tell(address, f"the connection broke: {error}")
        finally:
            wire.close()
            with self._lock:
                self._budget.hold(id(self._open.pop(me)), 0)

    def _secured(self, wire: socket.socket) -> socket.socket:
        """The connection, after the handshake where there is TLS."""
        if self._context is None:
            return wire
        secure: ssl.SSLSocket = self._context.wrap_socket(wire, server_side=True)
        return secure


@contextlib.contextmanager
def serving(
    settings: MllpSettings, handle: Handle, *, on_trouble: Tell | None = None
) -> Iterator[Listener]:
    """Listen for messages while the block runs.

    Args:
        settings: Where, and within which limits.
        handle: Keeps a message for good, then gives the acknowledgement to send; empty sends
            none. Called from several threads at once. Where it raises, the sender is told to
            send again.
        on_trouble: Told the address of a sender and what went wrong with its connection; None
            logs it. Called from several threads at once.

    Yields:
        The listener, with its port.

    Raises:
        InvalidInput: If the address cannot be listened on, or a network or certificate is wrong.
    """
    try:
        wire = socket.create_server((settings.host, settings.port), backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise InvalidInput(
            f"{settings.host}:{settings.port} cannot be listened on",
            value=str(error),
            accepted="an address of this machine and a free port",
        ) from error
    with wire:
        wire.settimeout(LOOK_UP_S)
        listener = Listener(settings, wire, handle, on_trouble or _logged)
        accepting = threading.Thread(target=listener.accept, daemon=True, name="mllp door")
        accepting.start()
        try:
            yield listener
        finally:
            listener.stop()
            accepting.join(STOPPING_S)


def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Addresses and networks."""
    try:
        return tuple(ipaddress.ip_network(one) for one in texts)
    except ValueError as error:
        raise InvalidInput(
            "no address or network", value=str(error), accepted="such as 10.1.0.0/16"
        ) from error


def _logged(address: str, words: str) -> None:
    LOG.warning("%s: %s", address, words)
