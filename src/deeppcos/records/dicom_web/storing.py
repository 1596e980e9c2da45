"""STOW-RS: files to a server, each with its own outcome.

Owns how files are grouped into requests, what the server's answer means for each, and finding the
one file a server refuses a whole request for. Files travel as they are, straight from disk.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_header import items_of, number_of, text_of
from deeppcos.records.dicom_network.failure_reasons import REASONS
from deeppcos.records.dicom_network.peer import StoreOutcome
from deeppcos.records.dicom_network.sendable import SendableFile, sendable_file
from deeppcos.records.dicom_web.peer import DicomWebPeer
from deeppcos.vision.decoder_guard import guarded

MOST_FILES, MOST_BYTES = 100, 256 * 1024**2
REFUSED_AS_A_WHOLE = frozenset({400, 406, 409, 413, 415, 422})
OUT_OF_RESOURCES = range(0xA700, 0xA800)


def stow(files: Sequence[Path], *, peer: DicomWebPeer) -> tuple[StoreOutcome, ...]:
    """Store files.

    Args:
        files: DICOM files.
        peer: The server.

    Returns:
        One outcome a file, in the order given. A file that is no DICOM is refused here.

    Raises:
        InvalidInput: If the server does not let us in or has no STOW-RS there.
        TemporaryFailure: If the server is not there, drops the line or says to try later. Files
            sent before may be stored; sending them again is harmless.
    """
    outcomes: dict[Path, StoreOutcome] = {}
    sendable: list[SendableFile] = []
    for path in dict.fromkeys(files):
        try:
            sendable.append(sendable_file(path))
        except InvalidInput as error:
            outcomes[path] = _outcome(path, "", str(error))
    for batch in _batches(sendable):
        outcomes.update({outcome.path: outcome for outcome in _stored(batch, peer)})
    return tuple(outcomes[path] for path in files)


def _batches(files: Iterable[SendableFile]) -> Iterator[list[SendableFile]]:
    batch: list[SendableFile] = []
    size = 0
    for file in files:
        more = file.path.stat().st_size
        if batch and (len(batch) == MOST_FILES or size + more > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += more
    if batch:
        yield batch


def _stored(batch: list[SendableFile], peer: DicomWebPeer) -> list[StoreOutcome]:
    """Store a batch; where it is refused as a whole, each half by itself."""
    from deeppcos.records.dicom_web.exchange import exchange, failure, json_of, said

    body = _Body([file.path for file in batch])
    headers = {"Content-Type": body.content_type, "Accept": "application/dicom+json"}
    with exchange(peer, "POST", "/studies", headers=headers, body=body) as answer:
        is_report = "json" in answer.headers.get("Content-Type", "")
        if answer.status_code in (200, 202, 204):
            report = json_of(peer, answer) if is_report else {}
            return _reported(batch, report, peer, unnamed="")
        if answer.status_code not in REFUSED_AS_A_WHOLE:
            raise failure(peer, answer)
        if answer.status_code == 409 and is_report:
            return _reported(batch, json_of(peer, answer), peer, unnamed="HTTP 409")
        words = said(answer)
    if len(batch) == 1:
        return [_outcome(batch[0].path, batch[0].sop_instance_uid, words)]
    middle = len(batch) // 2
    return _stored(batch[:middle], peer) + _stored(batch[middle:], peer)


def _reported(
    batch: list[SendableFile], report: Any, peer: DicomWebPeer, *, unnamed: str
) -> list[StoreOutcome]:
    """The outcome of each file, by the server's report.

    Args:
        batch: What was sent.
        report: The answer's JSON.
        peer: The server.
        unnamed: Why a file the report does not name was refused; empty if it was not.
    """
    with guarded(str(peer), problem="does not answer as STOW-RS", remedy="check its address"):
        answer = Dataset.from_json(report[0] if isinstance(report, list) else report)
    refused = _failures(answer)
    warned = _warnings(answer)
    if any(reason in OUT_OF_RESOURCES for reason in refused.values()):
        raise TemporaryFailure(f"{peer} is out of resources")
    outcomes = []
    for file in batch:
        uid = file.sop_instance_uid
        if uid in refused:
            outcomes.append(_outcome(file.path, uid, in_words(refused[uid])))
        elif uid in warned or not unnamed:
            outcomes.append(
                StoreOutcome(
                    path=file.path, sop_instance_uid=uid, state="stored", words=warned.get(uid, "")
                )
            )
        else:
            outcomes.append(_outcome(file.path, uid, unnamed))
    return outcomes


def in_words(reason: int) -> str:
    """A failure reason in words.

    Examples:
        >>> in_words(0x0122), in_words(0xC123)
        ('SOP class not supported', 'reason 0xC123')
    """
    return REASONS.get(reason, f"reason 0x{reason:04X}")


def _failures(answer: Dataset) -> dict[str, int]:
    return {
        text_of(item, "ReferencedSOPInstanceUID") or "": int(number_of(item, "FailureReason") or 0)
        for item in items_of(answer, "FailedSOPSequence")
    }


def _warnings(answer: Dataset) -> dict[str, str]:
    """What was stored, with the server's warnings in words."""
    warned = {}
    for item in items_of(answer, "ReferencedSOPSequence"):
        reason = number_of(item, "WarningReason")
        words = f"warning 0x{int(reason):04X}" if reason else ""
        warned[text_of(item, "ReferencedSOPInstanceUID") or ""] = words
    return warned


def _outcome(path: Path, uid: str, words: str) -> StoreOutcome:
    return StoreOutcome(path=path, sop_instance_uid=uid, state="refused", words=words)


class _Body:
    """A multipart message that is read from its files while it is sent, its length known."""

    def __init__(self, files: Sequence[Path]) -> None:
        boundary = f"deeppcos-{uuid.uuid4().hex}"
        self.content_type = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
        head = f"\r\n--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode("ascii")
        self._tail = f"\r\n--{boundary}--\r\n".encode("ascii")
        self._length = len(self._tail) + sum(len(head) + one.stat().st_size for one in files)
        self._pieces = self._read(files, head)
        self._held = b""

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the message."""
        while size < 0 or len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        if size < 0:
            size = len(self._held)
        given, self._held = self._held[:size], self._held[size:]
        return given

    def _read(self, files: Sequence[Path], head: bytes) -> Iterator[bytes]:
        for path in files:
            yield head
            with path.open("rb") as stream:
                while block := stream.read(256 * 1024):
                    yield block
        yield self._tail
