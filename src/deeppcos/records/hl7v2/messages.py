"""What a message means: an order, results, a change of patients, or nothing we can use.

Owns the table of message types and the one road into it. Nothing is guessed: what cannot be used
is ``Refused`` with the segment and field, to be kept and shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeppcos.errors import InvalidInput
from deeppcos.records.hl7v2.header import header_of
from deeppcos.records.hl7v2.lab_message import LabResults, labs_in
from deeppcos.records.hl7v2.orders import Order, order_in
from deeppcos.records.hl7v2.patient_changes import (
    LINKS,
    MERGES,
    MOVES,
    NOT_READ,
    UPDATES,
    PatientChange,
    link_in,
    merge_in,
    move_in,
    update_in,
)
from deeppcos.records.hl7v2.problems import MessageProblem, Reason
from deeppcos.records.hl7v2.site import NO_SITE, Site
from deeppcos.records.hl7v2.text import message_of

if TYPE_CHECKING:
    import hl7

Said = LabResults | Order | PatientChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Irrelevant:
    """A message that asks nothing of us: taken, and nothing is done.

    Attributes:
        control_id: MSH-10.
        words: Why.
    """

    control_id: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A message that cannot be used.

    Attributes:
        control_id: MSH-10, or empty.
        kind: MSH-9, or empty.
        place: The segment and field at fault, such as ``PID-3``.
        reason: Of which kind.
        words: Why, for the hospital's own people: with the offending value.
        answer: Why, for the sender: without it.
    """

    control_id: str
    kind: str
    place: str
    reason: Reason
    words: str
    answer: str


Reading = Said | Irrelevant | Refused

READERS: dict[str, Callable[["hl7.Message", Site], Said]] = {
    "ORU^R01": labs_in,
    "ORM^O01": order_in,
    "OMG^O19": order_in,
    "OMI^O23": order_in,
    **{f"ADT^{event}": update_in for event in UPDATES},
    **{f"ADT^{event}": merge_in for event in MERGES},
    **{f"ADT^{event}": move_in for event in MOVES},
    **{f"ADT^{event}": link_in for event in LINKS},
}
"""Message types that are read, and by what."""


def read(content: bytes, site: Site = NO_SITE) -> Reading:
    """What a message means.

    Args:
        content: The message, without the frame of MLLP.
        site: How the site writes.

    Returns:
        What it says; ``Refused`` where it cannot be used. Raises nothing.
    """
    header = header_of(content)
    try:
        return _read(content, header.kind, site)
    except MessageProblem as problem:
        place, reason, answer = problem.place, problem.reason, problem.accepted_words
        words = str(problem)
    except InvalidInput as problem:  # such as a number of another part of the program
        place, reason, answer = "MSH", Reason.UNKNOWN_VALUE, problem.what
        words = str(problem)
    return Refused(
        control_id=header.control_id,
        kind=header.kind,
        place=place,
        reason=reason,
        words=words,
        answer=answer,
    )


def _read(content: bytes, kind: str, site: Site) -> Said | Irrelevant:
    """As ``read``, without catching."""
    message = message_of(content, unstated=site.unstated_character_set)
    control_id = header_of(content).control_id
    if not control_id:
        raise MessageProblem(
            "the message has no control ID",
            place="MSH-10",
            reason=Reason.FIELD_MISSING,
            accepted="a number of the message",
        )
    reader = READERS.get(kind)
    if reader is not None:
        return reader(message, site)
    _refuse_partial_move(kind)
    if kind.startswith("ADT^"):
        return Irrelevant(control_id=control_id, words=f"{kind} changes nothing here")
    raise MessageProblem(
        "is no message that is read",
        place="MSH-9",
        reason=Reason.UNKNOWN_KIND,
        value=kind,
        # A delimiter would be escaped on its way back to the sender.
        accepted=", ".join(sorted(one.replace("^", " ") for one in READERS)),
    )


def _refuse_partial_move(kind: str) -> None:
    """Refuse an event that moves some of a patient's records."""
    event = kind.partition("^")[2]
    if kind.startswith("ADT^") and event in NOT_READ:
        raise MessageProblem(
            f"moves single {NOT_READ[event]} of a patient, which studies do not state here",
            place="MSH-9",
            reason=Reason.UNKNOWN_EVENT,
            value=kind,
            accepted="ADT A43, which moves everything under a number",
            remedy="look through the studies of both patients",
        )
