"""Sends what the outbox holds: one function a kind of peer, and the loop around them.

Owns what an answer or a failure means for an item. Protocols are the business of
``deeppcos.records``; nothing is built here.

A failure that may pass leaves the item waiting, and so do our own wrong settings: correcting the
file lets it go. Only an answer of the peer, or a file that is no longer what was put aside, makes
it refused.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeppcos.app.connections import peers as as_peers
from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import Item
from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import (
    DicomPeerTable,
    DicomWebPeerTable,
    FhirPeerTable,
    Hl7PeerTable,
    PeerTable,
)
from deeppcos.errors import ContractBroken, DeepPCOSError

LOG = logging.getLogger("deeppcos.connections")

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a peer said.

    Attributes:
        is_taken: Whether it has everything now.
        words: Its words.
    """

    is_taken: bool
    words: str = ""


Send = Callable[[Any, Sequence[Path]], Answer]


def send_dicom(peer: DicomPeerTable, files: Sequence[Path]) -> Answer:
    """C-STORE; storage commitment is asked for by ``deliver``."""
    from deeppcos.records.dicom_network.sending import store

    return _answer_of(store(files, peer=as_peers.dicom(peer)))


def send_dicomweb(peer: DicomWebPeerTable, files: Sequence[Path]) -> Answer:
    """STOW-RS."""
    from deeppcos.records.dicom_web.storing import stow

    return _answer_of(stow(files, peer=as_peers.dicomweb(peer)))


def send_fhir(peer: FhirPeerTable, files: Sequence[Path]) -> Answer:
    """Each file as one transaction."""
    from deeppcos.records.fhir.server import Refusal, transact

    new = known = 0
    for file in files:
        bundle = json.loads(file.read_text(encoding="utf-8"))
        try:
            sent = transact(bundle, peer=as_peers.fhir(peer))
        except Refusal as refusal:
            return Answer(is_taken=False, words=refusal.words or str(refusal))
        new, known = new + len(sent.created), known + len(sent.replaced_or_kept)
    return Answer(is_taken=True, words=f"{new} resources new, {known} there already")


def send_hl7(peer: Hl7PeerTable, files: Sequence[Path]) -> Answer:
    """Each file as one message."""
    from deeppcos.records.hl7v2 import mllp

    words = []
    for file in files:
        said = mllp.send(file.read_bytes(), peer=as_peers.hl7(peer))
        words.append(" ".join((said.stated or said.code, said.words)).strip())
        if not said.is_taken:
            return Answer(is_taken=False, words=words[-1])
    return Answer(is_taken=True, words="; ".join(words))


SENDERS: Mapping[str, Send] = {
    "dicom": send_dicom,
    "dicomweb": send_dicomweb,
    "fhir": send_fhir,
    "hl7": send_hl7,
}
"""Kind of peer, and what sends to it."""


def deliver(
    item: Item, *, outbox: Outbox, peer: PeerTable, senders: Mapping[str, Send] = SENDERS
) -> None:
    """Try one leased item, and record what came of it.

    Args:
        item: The item, leased by this outbox.
        outbox: Where it is from.
        peer: Who it is for.
        senders: What sends to each kind of peer.
    """
    try:
        files = [outbox.payloads.path(one) for one in item.files]
        with _heartbeat(outbox, item):
            answer = senders[peer.kind](peer, files)
            if answer.is_taken and isinstance(peer, DicomPeerTable) and peer.commitment:
                answer = _committed(peer, files, outbox.base.path.with_name("inbox"))
    except ContractBroken as problem:
        outbox.refused(item, str(problem))
    except DeepPCOSError as problem:
        outbox.failed(item, str(problem))
    except Exception as problem:  # Whatever broke, the item must not be lost.
        LOG.exception("item %s could not be sent", item.id)
        outbox.failed(item, f"{type(problem).__name__}: {problem}")
    else:
        (outbox.sent if answer.is_taken else outbox.refused)(item, answer.words)


def send_due(
    outbox: Outbox,
    connections: Connections,
    *,
    peers: Sequence[str] | None = None,
    is_over: Callable[[], bool] = lambda: False,
    senders: Mapping[str, Send] = SENDERS,
) -> int:
    """Try everything that is due now.

    Args:
        outbox: The queue.
        connections: Who the peers are.
        peers: Only for these; all when None.
        is_over: Asked before each item.
        senders: What sends to each kind of peer.

    Returns:
        How many items were tried.
    """
    names = tuple(connections.peers) if peers is None else tuple(peers)
    tried = 0
    while not is_over() and (item := outbox.lease(names)) is not None:
        deliver(item, outbox=outbox, peer=connections.peer(item.peer), senders=senders)
        tried += 1
    return tried


@contextmanager
def keeping_sending(outbox: Outbox, connections: Connections) -> Iterator[None]:
    """Send in the background, each peer for itself, so that a slow one holds up no other."""
    over = threading.Event()

    def go_on(name: str) -> None:
        while not over.wait(LOOK_SECONDS):
            try:
                send_due(outbox, connections, peers=(name,), is_over=over.is_set)
            except Exception:  # The disk may be full for a moment; the next look will tell.
                LOG.exception("the outbox could not be read")

    outbox.release_dead()
    threads = [
        threading.Thread(target=go_on, args=(name,), name=f"to {name}", daemon=True)
        for name in connections.peers
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        until = time.monotonic() + 30.0
        for thread in threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))


@contextmanager
def _heartbeat(outbox: Outbox, item: Item) -> Iterator[None]:
    """Keep the lease while a slow peer takes its time."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            outbox.keep_lease(item)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _answer_of(outcomes: Sequence[Any]) -> Answer:
    """Outcomes of single files as one answer."""
    refused = [one for one in outcomes if one.state == "refused"]
    if refused:
        words = "; ".join(dict.fromkeys(one.words for one in refused))
        return Answer(is_taken=False, words=f"{len(refused)} of {len(outcomes)} refused: {words}")
    said = "; ".join(dict.fromkeys(one.words for one in outcomes if one.words))
    return Answer(is_taken=True, words=said or f"{len(outcomes)} stored")


def _committed(peer: DicomPeerTable, files: Sequence[Path], listening_into: Path) -> Answer:
    """Whether the archive takes responsibility for what it was sent.

    Most archives answer on a line of their own, to our listener, which leaves it in the inbox.
    """
    from pydicom.filereader import read_file_meta_info

    from deeppcos.records.dicom_network import Inbox
    from deeppcos.records.dicom_network.commitment import SentInstance, request_commitment

    metas = [read_file_meta_info(file) for file in files]
    asked = [
        SentInstance(
            sop_class_uid=str(one.MediaStorageSOPClassUID),
            sop_instance_uid=str(one.MediaStorageSOPInstanceUID),
        )
        for one in metas
    ]
    with Inbox(listening_into) as inbox:
        outcomes = request_commitment(asked, peer=as_peers.dicom(peer), inbox=inbox).outcomes
    failed = [one for one in outcomes if one.state == "failed"]
    if failed:
        words = "; ".join(dict.fromkeys(one.words for one in failed if one.words))
        return Answer(is_taken=False, words=f"{len(failed)} stored but not committed: {words}")
    unanswered = sum(one.state == "unanswered" for one in outcomes)
    said = f", {unanswered} not answered yet" if unanswered else ""
    return Answer(
        is_taken=True, words=f"{len(files)} stored, {len(files) - unanswered} committed{said}"
    )
