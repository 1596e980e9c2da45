"""From the bytes of a message to its acknowledgement, by way of the disk.

Owns the order of things: a message is read, kept for good with what it means, and only then
acknowledged. What cannot be used is kept too. How it is kept is the business of ``keep``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from deeppcos.errors import TemporaryFailure
from deeppcos.records.hl7v2.acknowledgement import acknowledge
from deeppcos.records.hl7v2.batch import batch_of, header_of_batch, is_batch, messages_of
from deeppcos.records.hl7v2.header import Header, header_of
from deeppcos.records.hl7v2.messages import Irrelevant, Reading, Refused, read
from deeppcos.records.hl7v2.problems import Code, MessageProblem, Reason
from deeppcos.records.hl7v2.site import NO_SITE, Site

Keep = Callable[[bytes, Reading], None]
"""Keeps a message and what it means for good before it returns; raises where it cannot. The same
message may come twice, with the same MSH-10."""


def answer(content: bytes, *, keep: Keep, site: Site = NO_SITE) -> bytes:
    """Keep a message or a batch, and say what became of it: the handler of a listener.

    Args:
        content: The bytes, without the frame of MLLP.
        keep: Keeps one message.
        site: How the site writes.

    Returns:
        The acknowledgement; empty where the sender wants none.
    """
    if not is_batch(content):
        return _answer(content, keep, site)
    header = header_of_batch(content)
    try:
        messages = messages_of(content)
    except MessageProblem as problem:
        refused = _refused(problem, header)
        said = _said(content, refused, keep)
        return batch_of([said], answers=header) if said else b""
    answers = [one for message in messages if (one := _answer(message, keep, site))]
    return batch_of(answers, answers=header)


def _answer(content: bytes, keep: Keep, site: Site) -> bytes:
    """One message."""
    return _said(content, read(content, site), keep)


def _said(content: bytes, reading: Reading, keep: Keep) -> bytes:
    """Keep, then answer."""
    try:
        keep(content, reading)
    except TemporaryFailure as error:
        words = f"not kept, send again: {error.what}"
        return acknowledge(content, Code.REJECTED, words=words, reason=Reason.INTERNAL)
    if isinstance(reading, Refused):
        return acknowledge(
            content,
            reading.reason.code,
            words=f"{reading.place} {reading.answer}",
            place=reading.place,
            reason=reading.reason,
        )
    words = reading.words if isinstance(reading, Irrelevant) else ""
    return acknowledge(content, Code.TAKEN, words=words)


def _refused(problem: MessageProblem, header: Header) -> Refused:
    """A batch that cannot be taken apart."""
    return Refused(
        control_id=header.control_id,
        kind="batch",
        place=problem.place,
        reason=problem.reason,
        words=str(problem),
        answer=problem.accepted_words,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A kept message, for whoever has to see to it.

    Attributes:
        header: Who sent it, of which kind, under which number.
        what: What it is, in one line.
        problem: Why it was not used, with place and value; empty where it was.
        segments: Its segments and how many of each, in their order.
    """

    header: Header
    what: str
    problem: str
    segments: tuple[tuple[str, int], ...]


def explain(content: bytes, *, site: Site = NO_SITE) -> Explanation:
    """What a kept message is, and why it was refused if it was.

    Args:
        content: The message, as it was kept.
        site: How the site writes: a corrected table may explain it otherwise than before.
    """
    header = header_of(content)
    names: dict[str, int] = {}
    for line in content.replace(b"\n", b"\r").split(b"\r"):
        if line.strip():
            name = line[:3].decode("ascii", "replace")
            names[name] = names.get(name, 0) + 1
    reading: Reading | None = None if is_batch(content) else read(content, site)
    sender = "^".join(one for one in (header.sending_application, header.sending_facility) if one)
    return Explanation(
        header=header,
        what=f"{header.kind or 'no message'} {header.control_id} from {sender or 'nobody named'}",
        problem=reading.words if isinstance(reading, Refused) else "",
        segments=tuple(names.items()),
    )
