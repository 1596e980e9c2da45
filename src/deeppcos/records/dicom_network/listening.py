"""Receiving: C-ECHO, C-STORE and storage commitment, durably.

Owns the answers to peers: which status a kept, refused or postponed instance gets. Keeping is the
business of ``inbox``, limits of the connection that of ``listener_server``.
"""

import functools
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_network.accepted import (
    KEPT_CLASSES,
    KEPT_SYNTAXES,
    STORAGE_COMMITMENT,
    VERIFICATION,
)
from deeppcos.records.dicom_network.inbox import Inbox
from deeppcos.records.dicom_network.kept import Keeping, Kept
from deeppcos.records.dicom_network.listen_settings import ListenSettings
from deeppcos.records.dicom_result import IMPLEMENTATION_UID, LONGEST_LO

if TYPE_CHECKING:
    from pynetdicom import evt

    from deeppcos.records.dicom_network.listener_server import BeginArrival

LOGGER = logging.getLogger(__name__)
SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000

OnKept = Callable[[Kept], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A listener that runs.

    Attributes:
        port: The port it is bound to.
        associations: Tells how many associations are open now.
    """

    port: int
    associations: Callable[[], int]


@contextmanager
def listening(
    settings: ListenSettings, inbox: Inbox, *, on_kept: OnKept | None = None
) -> Iterator[Listening]:
    """Receive while the context is open, in threads of its own.

    Args:
        settings: Who may send.
        inbox: Where it is kept.
        on_kept: Told of every arrival after it is durable, before the sender is; from the thread
            of its association, so be quick. What it raises is logged and changes nothing.

    Yields:
        The listener.

    Raises:
        InvalidInput: If the port or the TLS files cannot be used, or another process receives
            into the inbox.
    """
    from pynetdicom.ae import ApplicationEntity
    from pynetdicom.service_class import StorageServiceClass
    from pynetdicom.sop_class import register_uid, uid_to_service_class

    from deeppcos.records.dicom_network.associations import MAX_PDU_BYTES, VERSION_NAME
    from deeppcos.records.dicom_network.listener_server import LimitedServer

    inbox.become_receiver()
    entity = ApplicationEntity(settings.ae_title)
    entity.implementation_class_uid = IMPLEMENTATION_UID
    entity.implementation_version_name = VERSION_NAME
    entity.maximum_pdu_size = MAX_PDU_BYTES
    entity.maximum_associations = settings.most_associations
    entity.acse_timeout = entity.dimse_timeout = settings.unit_s
    entity.network_timeout = settings.idle_s
    entity.require_called_aet = True
    entity.require_calling_aet = list(settings.allowed_ae_titles)
    entity.add_supported_context(VERIFICATION)
    entity.add_supported_context(STORAGE_COMMITMENT, scu_role=True, scp_role=True)
    for kept_class in KEPT_CLASSES:
        if uid_to_service_class(kept_class) is not StorageServiceClass:  # retired ones
            register_uid(kept_class, f"Storage_{kept_class.replace('.', '_')}", StorageServiceClass)
        entity.add_supported_context(kept_class, list(KEPT_SYNTAXES))
    begin = functools.partial(inbox.arrival, unstated_character_set=settings.unstated_character_set)
    try:
        server = LimitedServer(
            entity,
            (settings.host, settings.port),
            settings.ae_title,
            entity.supported_contexts,
            settings=settings,
            begin=begin,
            evt_handlers=_handlers(settings, inbox, begin, on_kept),
        )
    except OSError as error:
        raise InvalidInput(
            f"cannot listen on {settings.host}:{settings.port}",
            value=str(error),
            remedy="choose another port, or stop what uses it",
        ) from error
    entity._servers.append(server)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="dicom-listener"
    )
    thread.start()
    try:
        yield Listening(
            port=int(server.server_address[1]),
            associations=lambda: len(server.active_associations),
        )
    finally:
        associations = server.active_associations
        server.shutdown()
        thread.join()
        for association in associations:
            association.abort()


def _handlers(
    settings: ListenSettings, inbox: Inbox, begin: "BeginArrival", on_kept: OnKept | None
) -> list[Any]:
    from pynetdicom import evt

    from deeppcos.records.dicom_network.commitment_service import (
        answer_commitment,
        take_commitment_report,
    )
    from deeppcos.records.dicom_network.listener_server import abandon

    return [
        (evt.EVT_C_STORE, _store, [inbox, begin, on_kept]),
        (evt.EVT_N_ACTION, answer_commitment, [settings, inbox]),
        (evt.EVT_N_EVENT_REPORT, take_commitment_report, [inbox]),
        (evt.EVT_ABORTED, abandon),
        (evt.EVT_CONN_CLOSE, abandon),
    ]


def _store(
    event: "evt.Event", inbox: Inbox, begin: "BeginArrival", on_kept: OnKept | None
) -> Dataset:
    """Keep what came and say so."""
    from deeppcos.records.dicom_network.listener_server import ArrivingDataSet, announced

    request: Any = event.request
    given = request.DataSet
    if isinstance(given, ArrivingDataSet):
        arrival = given.arrival
    else:  # so small that it came in one unit with its command
        arrival = begin(announced(event.assoc, request))
        arrival.write(given.getvalue())
    try:
        kept = inbox.keep(arrival)
    except TemporaryFailure as error:
        return _status(OUT_OF_RESOURCES, str(error))
    if on_kept is not None:
        _tell(on_kept, kept)
    if kept.keeping is Keeping.QUARANTINED:
        return _status(CANNOT_UNDERSTAND, kept.reason)
    return _status(SUCCESS)


def _tell(on_kept: OnKept, kept: Kept) -> None:
    try:
        on_kept(kept)
    # Whatever the caller does with the news, the instance is kept and the sender must hear so.
    except Exception:
        LOGGER.exception("what was to happen with a kept instance failed")


def _status(status: int, words: str = "") -> Dataset:
    answer = Dataset()
    answer.Status = status
    if words:
        plain = " ".join(words.replace("\\", "/").split()).encode("ascii", "replace")
        answer.ErrorComment = plain[:LONGEST_LO].decode("ascii")
    return answer
