"""Storage commitment as the sender: does the archive hold what we sent, safely?

Owns the request and the wait for its answer, which may come on the same line or later on one the
archive opens to our listener; the listener leaves it in the inbox.
"""

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydicom.dataset import Dataset
from pydicom.uid import UID

from deeppcos.errors import TemporaryFailure
from deeppcos.records.dicom_network.accepted import (
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
)
from deeppcos.records.dicom_network.peer import DicomPeer

if TYPE_CHECKING:
    from deeppcos.records.dicom_network.inbox import Inbox

REQUEST_COMMITMENT = 1
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SentInstance:
    """An instance a peer was given.

    Attributes:
        sop_class_uid: SOP Class UID.
        sop_instance_uid: SOP Instance UID.
    """

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentOutcome:
    """What a peer says about one instance.

    Attributes:
        sop_instance_uid: The instance.
        state: Whether it is kept there; ``unanswered`` while nobody has said.
        words: Why not; empty where there is nothing to say.
    """

    sop_instance_uid: str
    state: Literal["committed", "failed", "unanswered"]
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A request and what is known of it.

    Attributes:
        transaction_uid: Under this the inbox knows later answers.
        outcomes: One an instance, in the order asked.
    """

    transaction_uid: str
    outcomes: tuple[CommitmentOutcome, ...]


def request_commitment(
    instances: Iterable[SentInstance],
    *,
    peer: DicomPeer,
    inbox: "Inbox | None" = None,
    wait_s: float = 5.0,
) -> Commitment:
    """Ask a peer to take responsibility for instances.

    Args:
        instances: What was sent.
        peer: The peer.
        inbox: Where our listener leaves answers that come on a line of the peer's own.
        wait_s: How long to wait for the answer, seconds.

    Returns:
        The transaction and what is known so far; see ``commitment_answers`` for the rest.

    Raises:
        InvalidInput: If the peer does not know us or does no storage commitment.
        TemporaryFailure: If it is not there or does not take the request.
    """
    from pynetdicom import evt
    from pynetdicom.presentation import build_context

    from deeppcos.records.dicom_network.associations import associated
    from deeppcos.records.dicom_network.commitment_service import report_answers

    wanted, transaction = tuple(instances), f"2.25.{uuid.uuid4().int}"
    answers: dict[str, tuple[bool, str]] = {}

    def take(event: evt.Event) -> tuple[int, Dataset | None]:
        answers.update(report_answers(event.event_information))
        return 0, None

    handlers = [(evt.EVT_N_EVENT_REPORT, take)]
    with associated(peer, [build_context(STORAGE_COMMITMENT)], handlers=handlers) as association:
        status, _ = association.send_n_action(
            _request(wanted, transaction),
            REQUEST_COMMITMENT,
            STORAGE_COMMITMENT,
            STORAGE_COMMITMENT_INSTANCE,
        )
        if status.get("Status") != 0:
            said = f"status 0x{status.Status:04X}" if "Status" in status else "no answer"
            raise TemporaryFailure(f"{peer} did not take the commitment request", value=said)
        until = time.monotonic() + wait_s
        while len(answers) < len(wanted) and time.monotonic() < until:
            if inbox is not None:
                answers.update(inbox.commitments(transaction))
            time.sleep(_LOOK_EVERY_S)
    if inbox is not None and answers:
        inbox.add_commitments(transaction, answers)
    return Commitment(transaction_uid=transaction, outcomes=_outcomes(wanted, answers))


def commitment_answers(
    transaction_uid: str, instances: Iterable[SentInstance], *, inbox: "Inbox"
) -> Commitment:
    """What has been answered to an earlier request by now.

    Args:
        transaction_uid: Of the request.
        instances: What was asked about.
        inbox: Where the listener leaves answers.

    Returns:
        The same transaction with today's outcomes.
    """
    answers = inbox.commitments(transaction_uid)
    return Commitment(
        transaction_uid=transaction_uid, outcomes=_outcomes(tuple(instances), answers)
    )


def _request(wanted: tuple[SentInstance, ...], transaction: str) -> Dataset:
    asked = Dataset()
    asked.TransactionUID = UID(transaction)
    asked.ReferencedSOPSequence = []
    for one in wanted:
        item = Dataset()
        item.ReferencedSOPClassUID = UID(one.sop_class_uid)
        item.ReferencedSOPInstanceUID = UID(one.sop_instance_uid)
        asked.ReferencedSOPSequence.append(item)
    return asked


def _outcomes(
    wanted: tuple[SentInstance, ...], answers: dict[str, tuple[bool, str]]
) -> tuple[CommitmentOutcome, ...]:
    outcomes = []
    for one in wanted:
        uid = one.sop_instance_uid
        if uid not in answers:
            outcomes.append(CommitmentOutcome(sop_instance_uid=uid, state="unanswered"))
            continue
        is_kept, words = answers[uid]
        state: Literal["committed", "failed"] = "committed" if is_kept else "failed"
        outcomes.append(CommitmentOutcome(sop_instance_uid=uid, state=state, words=words))
    return tuple(outcomes)
