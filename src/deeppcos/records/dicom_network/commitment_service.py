"""Storage commitment as the keeper: what we hold, and what others say they hold for us.

Owns the answer to N-ACTION (is each instance here, whole and with the hash it came with?), its
delivery as N-EVENT-REPORT, and taking such reports for what we sent. Asking is the business of
``commitment``. Needs the records extra.
"""

import logging
import threading
import time
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import build_context

from deeppcos.errors import DeepPCOSError, TemporaryFailure
from deeppcos.records.dicom_header import items_of, number_of, text_of
from deeppcos.records.dicom_network.accepted import (
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
)
from deeppcos.records.dicom_network.associations import associated
from deeppcos.records.dicom_network.failure_reasons import REASONS
from deeppcos.records.dicom_network.inbox import Inbox
from deeppcos.records.dicom_network.listen_settings import ListenSettings
from deeppcos.records.dicom_network.peer import DicomPeer
from deeppcos.records.dicom_network.whole import is_whole

LOGGER = logging.getLogger(__name__)

SUCCESS, PROCESSING_FAILURE, NO_SUCH_ACTION = 0x0000, 0x0110, 0x0123
NO_SUCH_INSTANCE, CLASS_CONFLICT, DAMAGED = 0x0112, 0x0119, 0x0110
ALL_KEPT, SOME_MISSING = 1, 2
MOST_ASKED = 100_000
_DELAYS_S = (0.2, 5.0, 30.0)


def answer_commitment(
    event: evt.Event, settings: ListenSettings, inbox: Inbox
) -> tuple[int, Dataset | None]:
    """Take a request; the verdict follows as a report, on this line or a new one.

    Args:
        event: The N-ACTION.
        settings: Where to report when the asker has hung up.
        inbox: What we hold.

    Returns:
        The status of the request itself, and no data set.
    """
    if event.action_type != 1:
        return NO_SUCH_ACTION, None
    try:
        asked = event.action_information
    # A malformed data set raises whatever pydicom's converters raise.
    except Exception:
        return PROCESSING_FAILURE, None
    transaction = text_of(asked, "TransactionUID")
    wanted = items_of(asked, "ReferencedSOPSequence")
    if not transaction or not wanted or len(wanted) > MOST_ASKED:
        return PROCESSING_FAILURE, None
    threading.Thread(
        target=_report,
        args=(event.assoc, settings, inbox, transaction, wanted),
        name="commitment-report",
        daemon=True,
    ).start()
    return SUCCESS, None


def verdict(inbox: Inbox, transaction: str, wanted: list[Dataset]) -> Dataset:
    """Which of the wanted instances are kept, each looked at on the disk.

    Args:
        inbox: What we hold.
        transaction: The asker's Transaction UID.
        wanted: Items with Referenced SOP Class and Instance UID.

    Returns:
        The event information of the report.
    """
    report = Dataset()
    report.TransactionUID = transaction
    kept: list[Dataset] = []
    missing: list[Dataset] = []
    for one in wanted:
        reason = _why_missing(inbox, one)
        item = Dataset()
        item.ReferencedSOPClassUID = text_of(one, "ReferencedSOPClassUID") or ""
        item.ReferencedSOPInstanceUID = text_of(one, "ReferencedSOPInstanceUID") or ""
        if reason:
            item.FailureReason = reason
        (missing if reason else kept).append(item)
    if kept:
        report.ReferencedSOPSequence = kept
    if missing:
        report.FailedSOPSequence = missing
    return report


def take_commitment_report(event: evt.Event, inbox: Inbox) -> tuple[int, Dataset | None]:
    """Remember what a peer reports about instances we sent.

    Args:
        event: The N-EVENT-REPORT.
        inbox: Where it is remembered.

    Returns:
        The status, and no data set.
    """
    try:
        information = event.event_information
    # A malformed data set raises whatever pydicom's converters raise.
    except Exception:
        return PROCESSING_FAILURE, None
    transaction = text_of(information, "TransactionUID")
    if not transaction:
        return PROCESSING_FAILURE, None
    inbox.add_commitments(transaction, report_answers(information))
    return SUCCESS, None


def report_answers(information: Dataset) -> dict[str, tuple[bool, str]]:
    """A report as SOP Instance UID to verdict and words."""
    answers = {}
    for item in items_of(information, "ReferencedSOPSequence"):
        answers[text_of(item, "ReferencedSOPInstanceUID") or ""] = (True, "")
    for item in items_of(information, "FailedSOPSequence"):
        reason = int(number_of(item, "FailureReason") or 0)
        words = REASONS.get(reason, f"reason 0x{reason:04X}")
        answers[text_of(item, "ReferencedSOPInstanceUID") or ""] = (False, words)
    answers.pop("", None)
    return answers


def _why_missing(inbox: Inbox, wanted: Dataset) -> int:
    """0 where the instance is here as it came, else a failure reason of DICOM."""
    found = inbox.with_uid(text_of(wanted, "ReferencedSOPInstanceUID") or "")
    if not found:
        return NO_SUCH_INSTANCE
    if found[0].sop_class_uid != text_of(wanted, "ReferencedSOPClassUID"):
        return CLASS_CONFLICT
    return 0 if is_whole(found[0]) else DAMAGED


def _report(
    association: Association,
    settings: ListenSettings,
    inbox: Inbox,
    transaction: str,
    wanted: list[Dataset],
) -> None:
    """Deliver the verdict: on the asker's line while it is open, else on one of our own."""
    report = verdict(inbox, transaction, wanted)
    kind = SOME_MISSING if "FailedSOPSequence" in report else ALL_KEPT
    caller = str(association.requestor.ae_title).strip()
    peer = next((one for one in settings.commitment_peers if one.ae_title == caller), None)
    for delay in _DELAYS_S:
        time.sleep(delay)
        try:
            _deliver(association, peer, report, kind)
        except (DeepPCOSError, RuntimeError, ValueError) as error:
            LOGGER.warning("commitment report to %s: %s", caller, error)
        else:
            return


def _deliver(association: Association, peer: DicomPeer | None, report: Dataset, kind: int) -> None:
    if association.is_established:
        _send_report(association, report, kind)
        return
    if peer is None:
        raise TemporaryFailure("the asker has hung up, and no peer is known to report to")
    role = SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid = UID(STORAGE_COMMITMENT)
    role.scu_role, role.scp_role = False, True
    contexts = [build_context(STORAGE_COMMITMENT)]
    with associated(peer, contexts, negotiation=[role]) as fresh:
        _send_report(fresh, report, kind)


def _send_report(association: Association, report: Dataset, kind: int) -> None:
    status, _ = association.send_n_event_report(
        report, kind, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
    )
    answered: Any = status.get("Status")
    if answered != SUCCESS:
        raise TemporaryFailure("the report was not taken", value=f"status {answered}")
