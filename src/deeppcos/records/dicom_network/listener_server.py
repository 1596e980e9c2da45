"""The server under the listener: pynetdicom's, with limits. Needs the records extra.

Owns who may connect, that a handshake never holds up others, that data sets stream to disk while
they arrive, and that both threads of an association wake when there is something to do, instead of
looking once a millisecond. What is done with messages is the business of ``listening``.
"""

import contextlib
import io
import logging
import queue
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, cast

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from deeppcos.records.dicom_network.arrival import Announced, Arrival
from deeppcos.records.dicom_network.associations import BoundedSocket
from deeppcos.records.dicom_network.kept import Sender
from deeppcos.records.dicom_network.listen_settings import ListenSettings

LOGGER = logging.getLogger(__name__)
BeginArrival = Callable[[Announced], Arrival]
LOOK_AROUND_S = 0.05
"""How often an idle association looks at its timers, and for the end of the line."""


class ArrivingDataSet(io.BytesIO):
    """What pynetdicom writes a data set into: a file on the disk instead of memory.

    Args:
        arrival: The file.
    """

    def __init__(self, arrival: Arrival) -> None:
        super().__init__()
        self.arrival = arrival
        self.began = time.monotonic()

    def write(self, part: Any) -> int:
        """Write the next part."""
        self.arrival.write(part)
        return len(part)


class _StreamingDimse(DIMSEServiceProvider):
    """Turns message units into messages, data sets to be stored straight onto the disk."""

    def __init__(self, assoc: Association, begin: BeginArrival, *, instance_s: float) -> None:
        super().__init__(assoc)
        self._begin, self._instance_s = begin, instance_s

    def get_msg(self, block: bool = False) -> Any:
        """The next message; where pynetdicom would only look, wait a little for one."""
        if block:
            return super().get_msg(block=True)
        try:
            return self.msg_queue.get(timeout=LOOK_AROUND_S)
        except queue.Empty:
            return None, None

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take the next unit; one that cannot be understood ends the association."""
        try:
            super().receive_primitive(primitive)
            self._divert()
        # pynetdicom decodes commands of hostile peers here, and raises what its decoders raise.
        except Exception as error:
            LOGGER.warning("message refused: %s", error)
            self._end()

    def abandon(self) -> None:
        """Remove what was half received when the line dropped."""
        message, self.message = self.message, None
        if message is not None and isinstance(message.data_set, ArrivingDataSet):
            message.data_set.arrival.discard()

    def _divert(self) -> None:
        message = self.message
        if not isinstance(message, C_STORE_RQ):
            return
        given = message.data_set
        if isinstance(given, ArrivingDataSet):
            if time.monotonic() - given.began > self._instance_s:
                raise TimeoutError("the peer took too long to send an instance")
            return
        diverted = ArrivingDataSet(self._begin(announced(self.assoc, message)))
        diverted.write(given.getvalue() if given is not None else b"")
        message.data_set = diverted

    def _end(self) -> None:
        self.abandon()
        self.assoc.abort(block=False)


def announced(association: Association, message: Any) -> Announced:
    """What a C-STORE request says of its instance.

    Args:
        association: The association it came on.
        message: The request, as a message or a primitive.
    """
    commands = getattr(message, "command_set", message)
    context = association._accepted_cx[
        message.context_id if commands is not message else message._context_id
    ]
    return Announced(
        sop_class_uid=str(commands.AffectedSOPClassUID or ""),
        sop_instance_uid=str(commands.AffectedSOPInstanceUID or ""),
        transfer_syntax=str(context.transfer_syntax[0]),
        sender=Sender(
            ae_title=str(association.requestor.ae_title).strip(),
            address=str(association.requestor.address),
        ),
    )


class _Wakeful(BoundedSocket):
    """A socket whose reader sleeps until bytes come in or an answer is to go out."""

    def __init__(self, assoc: Association, **places: Any) -> None:
        super().__init__(assoc, **places)
        self._bell, self._rope = socket.socketpair()
        for end in (self._bell, self._rope):
            end.setblocking(False)
            # An association that is dropped while it hangs never shuts its socket down.
            weakref.finalize(self, end.close)

    def wake(self) -> None:
        """Something is to be sent."""
        with contextlib.suppress(OSError):
            self._rope.send(b"!")

    @property
    def ready(self) -> bool:
        """Whether there is something to read; waits a little for it."""
        sock = self.socket
        if sock is None or not self._is_connected:
            return False
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        try:
            found, _, _ = select.select([sock, self._bell], [], [], LOOK_AROUND_S)
            if self._bell in found:
                self._bell.recv(64)
        except (OSError, ValueError):
            self.event_queue.put("Evt17")  # the line is closed
            return False
        return sock in found

    def _shutdown_socket(self) -> None:
        super()._shutdown_socket()
        self._bell.close()
        self._rope.close()


class _WakingQueue(queue.Queue[Any]):
    """What is to be sent; wakes the reader, who also sends."""

    def __init__(self, wake: Callable[[], None]) -> None:
        super().__init__()
        self._wake = wake

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Queue something to be sent."""
        super().put(item, block, timeout)
        self._wake()


class _Handler(RequestHandler):
    """One connection, in a thread of its own from the first byte on."""

    request: socket.socket
    server: "LimitedServer"

    def handle(self) -> None:
        """Shake hands where connections are encrypted, then let the association run."""
        try:
            self._encrypt()
        except (OSError, ssl.SSLError) as error:
            LOGGER.warning("no TLS with %s: %s", self.client_address[0], error)
            self.server.shutdown_request(self.request)
            return
        super().handle()

    def _encrypt(self) -> None:
        context = self.server.encryption
        if context is not None:
            self.request.settimeout(self.server.settings.unit_s)
            self.request = context.wrap_socket(self.request, server_side=True)

    def _create_association(self) -> Association:
        association = super()._create_association()
        settings = self.server.settings
        # The socket announces the connection when it is made, and is made anew here.
        association.dul.event_queue.get_nowait()
        wakeful = _Wakeful(association, client_socket=self.request)
        wakeful.unit_seconds = settings.unit_s
        association.dul.socket = wakeful
        association.dul.to_provider_queue = _WakingQueue(wakeful.wake)
        association.dul._run_loop_delay = 0
        association.dimse = _StreamingDimse(
            association, self.server.begin, instance_s=settings.instance_s
        )
        return association


class LimitedServer(ThreadedAssociationServer):
    """A server that knows who may connect, and how many.

    Args:
        settings: The limits.
        begin: Begins to receive an instance.
        given: What pynetdicom's server takes.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, *given: Any, settings: ListenSettings, begin: BeginArrival, **named: Any
    ) -> None:
        self.settings, self.begin = settings, begin
        self.encryption = settings.tls.server_context() if settings.tls else None
        self._connections: dict[Any, str] = {}
        self._connections_lock = threading.Lock()
        named["request_handler"] = _Handler
        super().__init__(*given, **named)

    def _bind_defaults(self) -> None:
        """Answer as pynetdicom does, without its log of every message unit."""
        for event in evt._INTERVENTION_EVENTS:
            self.bind(event, evt.get_default_handler(event))

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether a connection may go on: known address, not too many.

        Twice as many connections as associations, so that the next one hears why.
        """
        address = str(client_address[0])
        held = [str(one.requestor.address) for one in self.active_associations]
        is_welcome = (
            self.settings.allows(address)
            and len(held) < 2 * self.settings.most_associations
            and held.count(address) < self.settings.most_from_one_address
            and threading.active_count() < 8 * self.settings.most_associations + 64
        )
        if not is_welcome:
            LOGGER.warning("connection from %s refused", address)
        return is_welcome

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended in an error is no reason to stop or to print."""
        LOGGER.warning("connection from %s failed", client_address, exc_info=True)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, whatever state it is in."""
        with contextlib.suppress(OSError):
            super().shutdown_request(request)


def abandon(event: evt.Event) -> None:
    """Remove what an association had half received when it ended."""
    dimse = cast(_StreamingDimse, event.assoc.dimse)
    dimse.abandon()
