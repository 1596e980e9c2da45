"""HL7 v2 messages: kept before they are acknowledged, applied to the desk afterwards.

Owns the row of a message and its state. What a message means is the business of
``records.hl7v2``; what an order, a result or a merge does here that of ``orders``, ``lab_results``
and ``merging``.
"""

import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, close_old_connections, connection, transaction
from django.db.models import Q
from django.utils import timezone

from deeppcos.app.connections.settings import Connections
from deeppcos.app.web import audit
from deeppcos.app.web.connections import lab_results, merging, orders, places
from deeppcos.app.web.connections.identity import desk_number
from deeppcos.app.web.models import MessageState, ReceivedMessage, Site, Study
from deeppcos.errors import DeepPCOSError, InvalidInput, TemporaryFailure
from deeppcos.records.identifiers import PatientIdentifier

if TYPE_CHECKING:
    from deeppcos.records.hl7v2.messages import Reading
    from deeppcos.records.hl7v2.patient_changes import PatientChange
    from deeppcos.records.hl7v2.site import Site as HospitalTable

LOG = logging.getLogger("deeppcos.connections")
MOST_AT_ONCE = 100


def take_message(content: bytes) -> bytes:
    """Keep a message, or a batch of them, and acknowledge it.

    Args:
        content: The bytes as they came.

    Returns:
        The acknowledgement.
    """
    from deeppcos.records.hl7v2.answering import answer

    close_old_connections()
    try:
        connections = places.connections()
        return answer(content, keep=_keeping(connections), site=hospital_table(connections))
    finally:
        # Each sender has a thread of its own, which leaves its connection behind.
        connection.close()


def apply_waiting(connections: Connections) -> int:
    """Apply every message that waits, in the order they came.

    Args:
        connections: The file.

    Returns:
        How many were dealt with.
    """
    waiting = ReceivedMessage.objects.filter(state=MessageState.WAITING).order_by("received_at")
    # Results without a study would be read again at every look, and hold up what comes after.
    has_study = Study.objects.filter(state__in=lab_results.OPEN).values("patient__identifier")
    ready = waiting.exclude(Q(words=lab_results.NO_STUDY) & ~Q(patient__in=has_study))
    done = 0
    for message in ready.select_related("site")[:MOST_AT_ONCE]:
        try:
            with transaction.atomic():
                done += _apply(message, connections)
        except TemporaryFailure:
            raise
        except DeepPCOSError as problem:
            done += _settle(message, MessageState.REFUSED, str(problem))
    return done


def hospital_table(connections: Connections) -> "HospitalTable":
    """How the hospital writes its messages: its file, else what ``connections.toml`` says.

    Raises:
        InvalidInput: If the file is missing or wrong.
    """
    from deeppcos.records.hl7v2.site import PatientTable, read_site
    from deeppcos.records.hl7v2.site import Site as HospitalTable

    listener = connections.listeners.hl7
    if listener is not None and listener.mapping_file is not None:
        table = read_site(listener.mapping_file)
    else:
        table = HospitalTable(patient=PatientTable(issuer=connections.issuer))
    if listener is not None and listener.unstated_character_set:
        return table.model_copy(update={"unstated_character_set": listener.unstated_character_set})
    return table


def number_of(patient: Any, connections: Connections) -> str:
    """The desk's number of a message's patient."""
    who = PatientIdentifier(issuer=patient.number.issuer, value=patient.number.value)
    return desk_number(who, home=connections.issuer)


def _keeping(connections: Connections) -> "Callable[[bytes, Reading], None]":
    """What keeps a message for good."""

    def keep(content: bytes, reading: "Reading") -> None:
        from deeppcos.records.hl7v2.header import header_of
        from deeppcos.records.hl7v2.messages import Irrelevant, Refused

        header = header_of(content)
        sender = "^".join((header.sending_application, header.sending_facility))[:200]
        state, words = MessageState.WAITING, ""
        if isinstance(reading, Refused):
            state, words = MessageState.REFUSED, reading.words
        elif isinstance(reading, Irrelevant):
            state, words = MessageState.APPLIED, reading.words
        patient = getattr(reading, "patient", None)
        try:
            with transaction.atomic():
                ReceivedMessage.objects.get_or_create(
                    sender=sender,
                    sha256=hashlib.sha256(content).hexdigest(),
                    defaults={
                        "control_id": header.control_id[:200],
                        "kind": header.kind[:20],
                        "content": content,
                        "site": _site(connections),
                        "patient": number_of(patient, connections) if patient else "",
                        "state": state,
                        "words": words,
                    },
                )
        except DatabaseError as problem:
            raise TemporaryFailure("the message could not be kept", value=str(problem)) from problem

    return keep


def _apply(message: ReceivedMessage, connections: Connections) -> bool:
    """Do what one message says, with its events in the trail."""
    from deeppcos.records.hl7v2.lab_message import LabResults
    from deeppcos.records.hl7v2.messages import Irrelevant, Refused, read
    from deeppcos.records.hl7v2.orders import Order

    said = read(bytes(message.content), hospital_table(connections))
    site = message.site or _site(connections)
    if isinstance(said, Refused):
        return _settle(message, MessageState.REFUSED, said.words)
    if isinstance(said, Irrelevant):
        return _settle(message, MessageState.APPLIED, said.words)
    if isinstance(said, LabResults):
        return lab_results.apply(message, said, site)
    if isinstance(said, Order):
        number = number_of(said.patient, connections)
        words = orders.apply(said, site, number, source=message.sender)
    else:
        words = _change_patients(said, site, connections, told_by=message.control_id)
    return _settle(message, MessageState.APPLIED, words)


def _change_patients(
    said: "PatientChange", site: Site, connections: Connections, *, told_by: str
) -> str:
    """Correct, merge, move or link; says what was done."""
    from deeppcos.records.hl7v2.patient_changes import PatientLink, PatientMove, PatientUpdate

    issuer = connections.issuer
    if isinstance(said, PatientUpdate):
        return merging.update(said, site, number_of(said.patient, connections))
    if isinstance(said, PatientMove):
        return merging.move(said, site, issuer)
    if isinstance(said, PatientLink):
        return merging.link(said, site, issuer, told_by=told_by)
    return merging.merge(said, site, issuer, told_by=told_by)


def _settle(message: ReceivedMessage, state: MessageState, words: str) -> bool:
    with transaction.atomic():
        ReceivedMessage.objects.filter(pk=message.pk).update(
            state=state, words=words, applied_at=timezone.now()
        )
        audit.record(
            f"message.{state}",
            actor=None,
            site=message.site,
            about=f"message:{message.pk}",
            detail={"kind": message.kind},
        )
    return True


def _site(connections: Connections) -> Site:
    """The desk's site that messages are for."""
    listener = connections.listeners.hl7
    slug = listener.into_site if listener else ""
    site = Site.objects.filter(slug=slug).first() if slug else Site.objects.order_by("pk").first()
    if site is None:
        raise InvalidInput(
            "connections.toml [listeners.hl7]: into_site names no site",
            value=slug,
            accepted=", ".join(Site.objects.values_list("slug", flat=True)),
            remedy="correct it",
        )
    return site
