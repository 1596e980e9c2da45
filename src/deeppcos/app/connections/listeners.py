"""Listens as ``[listeners]`` of the file says.

Owns the mapping of the tables to listeners. What arrives is kept by ``records``.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeppcos.app.connections import peers as as_peers
from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import DicomPeerTable

if TYPE_CHECKING:
    from deeppcos.records.dicom_network.inbox import Inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What listens.

    Attributes:
        dicom_port: Port for images; None where none are received.
        hl7_port: Port for messages; None where none are received.
    """

    dicom_port: int | None = None
    hl7_port: int | None = None

    def __str__(self) -> str:
        words = [
            f"{what} on port {port}"
            for what, port in (("images", self.dicom_port), ("messages", self.hl7_port))
            if port is not None
        ]
        return f"receiving {' and '.join(words)}" if words else "receiving nothing"


@contextmanager
def open_doors(
    connections: Connections,
    inbox: "Inbox",
    *,
    take_message: Callable[[bytes], bytes] | None = None,
) -> Iterator[Doors]:
    """Listen while the context is open.

    Args:
        connections: The file.
        inbox: Where images are kept.
        take_message: Keeps an HL7 message and gives its acknowledgement; None listens for none.

    Yields:
        What listens.

    Raises:
        InvalidInput: If a port or a certificate cannot be used, or another process listens.
    """
    with ExitStack() as stack:
        dicom_port = hl7_port = None
        images, messages = connections.listeners.dicom, connections.listeners.hl7
        if images is not None:
            from deeppcos.records.dicom_network.listen_settings import ListenSettings
            from deeppcos.records.dicom_network.listening import listening

            settings = ListenSettings(
                ae_title=images.ae_title,
                host=images.host,
                port=images.port,
                allowed_ae_titles=images.allowed_ae_titles,
                allowed_addresses=images.allowed_addresses,
                tls=as_peers.tls_files(images.tls),
                unstated_character_set="\\".join(images.unstated_character_set),
                commitment_peers=tuple(
                    as_peers.dicom(peer)
                    for peer in connections.peers.values()
                    if isinstance(peer, DicomPeerTable)
                ),
            )
            dicom_port = stack.enter_context(listening(settings, inbox)).port
        if messages is not None and take_message is not None:
            from deeppcos.records.hl7v2.mllp import MllpSettings, serving

            hl7_port = stack.enter_context(
                serving(
                    MllpSettings(
                        host=messages.host,
                        port=messages.port,
                        tls=as_peers.tls_files(messages.tls),
                        allowed_addresses=messages.allowed_addresses,
                    ),
                    take_message,
                )
            ).port
        yield Doors(dicom_port=dicom_port, hl7_port=hl7_port)
