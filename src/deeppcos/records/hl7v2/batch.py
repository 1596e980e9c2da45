"""Batches and files of messages (FHS, BHS): taken apart, and put together.

Owns the envelopes and the counts they state. A batch is whole or refused: a message that is
missing would go unnoticed.
"""

import datetime as dt
import re
from collections.abc import Sequence

from deeppcos.records.hl7v2.header import Header, header_of
from deeppcos.records.hl7v2.problems import MessageProblem, Reason
from deeppcos.records.hl7v2.text import escaped

LARGEST_BYTES = 64 * 1024**2
MOST_MESSAGES = 10_000
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")


def is_batch(content: bytes) -> bool:
    """Whether these bytes are a batch or a file of batches."""
    return content.removeprefix(b"\xef\xbb\xbf").startswith((b"FHS", b"BHS"))


def messages_of(content: bytes) -> tuple[bytes, ...]:
    r"""The messages of a batch or of a file of batches.

    Args:
        content: The bytes, without the frame of MLLP.

    Returns:
        The messages, in their order.

    Raises:
        MessageProblem: If an envelope is open or has another count than it states, or a line
            belongs to no message.

    Examples:
        >>> messages_of(b"BHS|^~\\&|A\rMSH|^~\\&|1\rPID|1\rMSH|^~\\&|2\rBTS|2\r")
        (b'MSH|^~\\&|1\rPID|1\r', b'MSH|^~\\&|2\r')
    """
    if len(content) > LARGEST_BYTES:
        raise _broken("BHS", "the batch is too large", value=f"{len(content):,} bytes")
    messages: list[bytes] = []
    state = _Envelopes()
    lines = [one for one in _LINE_END.split(content.removeprefix(b"\xef\xbb\xbf")) if one.strip()]
    for line in lines:
        name = line[:3]
        if name in _ENVELOPE:
            state.take(name.decode(), line, len(messages))
        elif name == b"MSH":
            state.begin(len(messages))
            messages.append(line + b"\r")
        elif state.is_in_message:
            messages[-1] += line + b"\r"
        else:
            raise _broken(name.decode("ascii", "replace"), "a segment stands outside every message")
    state.close()
    return tuple(messages)


class _Envelopes:
    """Which envelopes are open, and how many messages were before them."""

    def __init__(self) -> None:
        self._is_file = False
        self._batch_from: int | None = None
        self._batches = 0
        self._is_over = False
        self.is_in_message = False

    def begin(self, so_far: int) -> None:
        """A message begins."""
        if self._batch_from is None:
            raise _broken("BHS", "a message stands outside every batch")
        if so_far >= MOST_MESSAGES:
            raise _broken("BHS", "the batch has too many messages", accepted=f"{MOST_MESSAGES:,}")
        self.is_in_message = True

    def take(self, name: str, line: bytes, so_far: int) -> None:
        """An envelope opens or closes."""
        self.is_in_message = False
        if self._is_over:
            raise _broken(name, "something follows the end of the file")
        {"FHS": self._open_file, "BHS": self._open, "BTS": self._shut, "FTS": self._shut_file}[
            name
        ](line, so_far)

    def _open_file(self, line: bytes, so_far: int) -> None:
        if self._is_file or self._batch_from is not None or self._batches:
            raise _broken("FHS", "stands in the middle")
        self._is_file = True

    def _open(self, line: bytes, so_far: int) -> None:
        if self._batch_from is not None:
            raise _broken("BHS", "a batch begins inside another")
        self._batch_from = so_far

    def _shut(self, line: bytes, so_far: int) -> None:
        if self._batch_from is None:
            raise _broken("BTS", "ends a batch that never began")
        _compare("BTS-1", line, so_far - self._batch_from)
        self._batch_from = None
        self._batches += 1

    def _shut_file(self, line: bytes, so_far: int) -> None:
        if not self._is_file or self._batch_from is not None:
            raise _broken("FTS", "ends a file that never began, or before its batch")
        _compare("FTS-1", line, self._batches)
        self._is_over = True

    def close(self) -> None:
        """Nothing follows."""
        if self._batch_from is not None:
            raise _broken("BTS", "the batch has no end: messages may be missing")
        if self._is_file and not self._is_over:
            raise _broken("FTS", "the file has no end: batches may be missing")


def batch_of(messages: Sequence[bytes], *, answers: Header | None = None) -> bytes:
    """Messages as one batch.

    Args:
        messages: The messages, in UTF-8 or ASCII.
        answers: The header of the batch they answer, where they are acknowledgements.

    Returns:
        The batch.
    """
    now = f"{dt.datetime.now(tz=dt.UTC):%Y%m%d%H%M%S%z}"
    to = answers or Header()
    fields = [
        "BHS",
        "^~\\&",
        escaped(to.receiving_application) or "DEEPPCOS",
        escaped(to.receiving_facility),
        escaped(to.sending_application),
        escaped(to.sending_facility),
        now,
    ]
    if answers is not None:
        fields += ["", "", "", "", escaped(answers.control_id)]
    body = b"".join(one.rstrip(b"\r") + b"\r" for one in messages)
    return "|".join(fields).encode() + b"\r" + body + f"BTS|{len(messages)}\r".encode()


def header_of_batch(content: bytes) -> Header:
    """Who sent a batch: its BHS, which may stand after an FHS."""
    start = content.find(b"BHS")
    return header_of(content[max(start, 0) :])


def _compare(place: str, line: bytes, there: int) -> None:
    """Refuse a count that is not what is there; none stated is none compared."""
    fields = line.split(b"|")
    stated = fields[1].strip() if len(fields) > 1 else b""
    if stated and (not stated.isdigit() or int(stated) != there):
        raise _broken(
            place,
            "another number is stated than is there",
            value=f"{stated.decode('ascii', 'replace')[:20]}, not {there}",
        )


def _broken(place: str, what: str, *, value: str = "", accepted: str = "") -> MessageProblem:
    return MessageProblem(
        what,
        place=place,
        reason=Reason.SEGMENT_SEQUENCE,
        value=value,
        accepted=accepted,
        remedy="send the whole batch again",
    )
