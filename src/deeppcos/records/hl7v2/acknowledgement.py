"""Acknowledgements: what is answered to a message, and what an answer says.

Owns MSA and ERR in the original and the enhanced mode. Whether a message was kept is the business
of ``answering``; an acknowledgement here is only its words.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from deeppcos.errors import InvalidInput
from deeppcos.records.hl7v2.header import Header, header_of
from deeppcos.records.hl7v2.problems import Code, Reason
from deeppcos.records.hl7v2.text import ENCODINGS, escaped, message_of, part

LONGEST_WORDS = 240
_ALWAYS, _NEVER, _ERRORS, _SUCCESS = "AL", "NE", "ER", "SU"
_ENHANCED_ERR = "2.5"
"""From this version on ERR has places for a code and words; before, MSA-3 alone has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an acknowledgement says.

    Attributes:
        code: MSA-1: AA, AE, AR, or CA, CE, CR.
        control_id: MSA-2.
        words: MSA-3, else those of ERR, or empty.
        error: ERR-3, a code of table 0357, or empty.
    """

    code: str
    control_id: str
    words: str = ""
    error: str = ""


def acknowledge(
    content: bytes, code: Code, *, words: str = "", place: str = "", reason: Reason | None = None
) -> bytes:
    """What to answer to a message.

    Args:
        content: The message, as far as it can be read.
        code: What became of it.
        words: Why, for people; without names of patients.
        place: The segment and field at fault, such as ``PID-3``.
        reason: The code of that.

    Returns:
        The acknowledgement without frame, in the character set of the message; empty where the
        sender wants none.
    """
    header = header_of(content)
    stated = _in_mode(code, header)
    if not stated:
        return b""
    now = dt.datetime.now(tz=dt.UTC)
    event = header.kind.partition("^")[2]
    known_set = header.character_set if header.character_set in ENCODINGS else ""
    fields = [
        "MSH",
        "^~\\&",
        _kept(header.receiving_application) or "DEEPPCOS",
        _kept(header.receiving_facility),
        _kept(header.sending_application),
        _kept(header.sending_facility),
        f"{now:%Y%m%d%H%M%S%z}",
        "",
        "^".join(["ACK", *([escaped(event), "ACK"] if event else [])]),
        uuid.uuid4().hex[:20],
        escaped(header.processing_id) or "P",
        escaped(header.version) or "2.5.1",
        *([""] * 5 + [known_set] if known_set else []),
    ]
    said = escaped(words)[:LONGEST_WORDS]
    lines = ["|".join(fields), f"MSA|{stated}|{escaped(header.control_id)}|{said}".rstrip("|")]
    if code is not Code.TAKEN and header.version >= _ENHANCED_ERR:
        segment, _, field = place.partition("-")
        where = f"{segment}^1^{field}".rstrip("^") if place else ""
        why = reason or Reason.INTERNAL
        lines.append(f"ERR||{where}|{why}^{why.name}^HL70357|E||||{said}")
    return ("\r".join(lines) + "\r").encode(ENCODINGS[known_set], errors="replace")


def read_answer(content: bytes) -> Answer | None:
    """What a peer answered; None where the bytes are no acknowledgement.

    Args:
        content: The answer, without frame.
    """
    try:
        message = message_of(content)
    except InvalidInput:
        return None
    by_name = {str(segment[0]): segment for segment in reversed(list(message))}
    said = by_name.get("MSA")
    if said is None or part(said, 1) not in {"AA", "AE", "AR", "CA", "CE", "CR"}:
        return None
    why = by_name.get("ERR")
    words = part(said, 3)
    if why is not None:
        words = words or part(why, 8) or part(why, 3, 2) or part(why, 1, 5)
    return Answer(
        code=part(said, 1),
        control_id=part(said, 2),
        words=words,
        error=part(why, 3) if why is not None else "",
    )


def _in_mode(code: Code, header: Header) -> str:
    """The code in the mode the sender asks for; empty where it wants no answer.

    In the enhanced mode the message is kept when it is answered, and that is what the sender is
    told (CA). Where it wants no word of that but one of the application, it gets the application's.
    """
    if not header.is_enhanced:
        return code.value
    is_wanted = {
        _ALWAYS: True,
        _NEVER: False,
        _ERRORS: code is not Code.TAKEN,
        _SUCCESS: code is Code.TAKEN,
    }
    if is_wanted.get(header.accept_wanted, False):
        return f"C{code[1]}"
    return code.value if is_wanted.get(header.answer_wanted, False) else ""


def _kept(text: str) -> str:
    """A name of two parts as the sender wrote it, in our delimiters."""
    return "^".join(escaped(one) for one in text.split("^"))
