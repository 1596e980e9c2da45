"""C-STORE as the sender: files to a peer, each with its own outcome.

Owns which presentation contexts files need, what a status means for a retry, and the outcome of
each file. Files travel as they are; only where a peer refuses a file's uncompressed encoding is
it written anew in the peer's. Queues and retries are the business of the caller.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_header import text_of
from deeppcos.records.dicom_network.peer import DicomPeer, StoreOutcome
from deeppcos.records.dicom_network.sendable import SendableFile, sendable_file

if TYPE_CHECKING:
    from pynetdicom.association import Association
    from pynetdicom.presentation import PresentationContext

MOST_CONTEXTS = 128
PLAIN_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
TRY_LATER = (range(0xA700, 0xA800), range(0x0110, 0x0111), range(0x0213, 0x0214))
"""Out of resources, processing failure, resource limitation: the same file may be taken later."""


def store(
    files: Sequence[Path],
    *,
    peer: DicomPeer,
    on_stored: Callable[[StoreOutcome], None] | None = None,
) -> tuple[StoreOutcome, ...]:
    """Send files over one association (more where they need over 128 contexts).

    Args:
        files: DICOM files.
        peer: The peer.
        on_stored: Told the outcome of each file as soon as it is known, so that nothing is sent
            again when the line drops in the middle.

    Returns:
        One outcome a file, in the order given. A file that is no DICOM is refused here.

    Raises:
        InvalidInput: If the peer does not know us, or TLS files or certificates do not fit.
        TemporaryFailure: If the peer is not there, drops the line or says to try later; what
            ``on_stored`` was told before still holds.
    """
    outcomes: dict[Path, StoreOutcome] = {}

    def tell(outcome: StoreOutcome) -> None:
        outcomes[outcome.path] = outcome
        if on_stored is not None:
            on_stored(outcome)

    sendable: dict[Path, SendableFile] = {}
    for path in dict.fromkeys(files):
        try:
            sendable[path] = sendable_file(path)
        except InvalidInput as error:
            tell(_refused(path, "", str(error)))
    for batch in _batches(sendable.values()):
        _send_batch(batch, peer, tell)
    return tuple(outcomes[path] for path in files)


def _offers(file: SendableFile) -> set[tuple[str, str]]:
    """The pairs of class and syntax to offer for a file: plain ones can be written anew."""
    offered = {(file.sop_class_uid, file.syntax)}
    if file.syntax in PLAIN_SYNTAXES:
        offered.add((file.sop_class_uid, ImplicitVRLittleEndian))
    return offered


def _batches(files: Iterable[SendableFile]) -> Iterator[list[SendableFile]]:
    """Files that fit in one association each."""
    batch: list[SendableFile] = []
    needed: set[tuple[str, str]] = set()
    for file in files:
        if len(needed | _offers(file)) > MOST_CONTEXTS:
            yield batch
            batch, needed = [], set()
        batch.append(file)
        needed |= _offers(file)
    if batch:
        yield batch


def _contexts(batch: list[SendableFile]) -> "list[PresentationContext]":
    """One context for each pair, so that each syntax is answered by itself."""
    from pynetdicom.presentation import build_context

    pairs = sorted({pair for file in batch for pair in _offers(file)})
    return [build_context(sop_class, syntax) for sop_class, syntax in islice(pairs, MOST_CONTEXTS)]


def _send_batch(
    batch: list[SendableFile], peer: DicomPeer, tell: Callable[[StoreOutcome], None]
) -> None:
    from deeppcos.records.dicom_network.associations import NothingAccepted, associated

    try:
        _send_over_one(associated(peer, _contexts(batch)), batch, peer, tell)
    except NothingAccepted:
        for file in batch:
            tell(_not_accepted(file))


def _send_over_one(
    opening: "AbstractContextManager[Association]",
    batch: list[SendableFile],
    peer: DicomPeer,
    tell: Callable[[StoreOutcome], None],
) -> None:
    with opening as association:
        accepted = {
            (str(context.abstract_syntax), str(context.transfer_syntax[0]))
            for context in association.accepted_contexts
        }
        for number, file in enumerate(batch):
            given = _as_accepted(file, accepted)
            if isinstance(given, StoreOutcome):
                tell(given)
            else:
                tell(_send(association, file, given, number=number, peer=peer))


def _as_accepted(
    file: SendableFile, accepted: set[tuple[str, str]]
) -> Path | Dataset | StoreOutcome:
    """The file, its data set where it must be written anew, or that the peer will not have it."""
    if (file.sop_class_uid, file.syntax) in accepted:
        return file.path
    if not _offers(file) & accepted:
        return _not_accepted(file)
    return dcmread(file.path)


def _not_accepted(file: SendableFile) -> StoreOutcome:
    what, how = UID(file.sop_class_uid).name, UID(file.syntax).name
    return _refused(file.path, file.sop_instance_uid, f"the peer does not accept {what} in {how}")


def _send(
    association: "Association",
    file: SendableFile,
    given: Path | Dataset,
    *,
    number: int,
    peer: DicomPeer,
) -> StoreOutcome:
    if not association.is_established:
        raise _dropped(peer)
    try:
        status = association.send_c_store(given, msg_id=number % 0xFFFF + 1)
    except ValueError as error:
        return _refused(file.path, file.sop_instance_uid, str(error))
    except RuntimeError as error:  # the line dropped since we looked
        raise _dropped(peer) from error
    if "Status" not in status:
        raise _dropped(peer)
    words = _said(status)
    if any(status.Status in later for later in TRY_LATER):
        raise TemporaryFailure(f"{peer} could not store {file.path.name} now", value=words)
    if status.Status == 0 or status.Status & 0xF000 == 0xB000:
        return StoreOutcome(
            path=file.path, sop_instance_uid=file.sop_instance_uid, state="stored", words=words
        )
    return _refused(file.path, file.sop_instance_uid, words)


def _dropped(peer: DicomPeer) -> TemporaryFailure:
    return TemporaryFailure(f"{peer} dropped the line or did not answer in time")


def _said(status: Dataset) -> str:
    """A status in words: the peer's comment, else its number; nothing for plain success."""
    if status.Status == 0:
        return ""
    comment = text_of(status, "ErrorComment")
    number = f"status 0x{status.Status:04X}"
    return f"{comment} ({number})" if comment else number


def _refused(path: Path, uid: str, words: str) -> StoreOutcome:
    return StoreOutcome(path=path, sop_instance_uid=uid, state="refused", words=words)
