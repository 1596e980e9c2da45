"""The text of HL7 v2 messages: bytes to a message, and fields that hold what they should.

Owns encodings, the required segments and escaping. What a message means is the business of
``messages``.
"""

import datetime as dt
import re
from typing import TYPE_CHECKING

from deeppcos.records.hl7v2.header import header_of
from deeppcos.records.hl7v2.problems import MessageProblem, Reason

if TYPE_CHECKING:
    import hl7

LARGEST_BYTES = 4 * 1024**2
ENCODINGS = {
    "": "ascii",
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "UNICODE UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "ISO IR87": "iso2022_jp",
    "GB 18030-2000": "gb18030",
}
"""Character sets of MSH-18 (table 0211) that are read. Without one, what the site states of its
senders, else ASCII: never a guess."""

_DELIMITERS = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
_TIME = re.compile(r"(\d{8})(\d{4})?(\d{2})?(?:\.\d{1,4})?([+-]\d{4})?")


def message_of(content: bytes, *, unstated: str = "") -> "hl7.Message":
    """A message, in the character set it states.

    Args:
        content: The message, without the frame of MLLP.
        unstated: What a message without MSH-18 is written in, as ``ENCODINGS`` names it.

    Returns:
        The message.

    Raises:
        MessageProblem: If it is none, too large, states an unknown character set, or is not in the
            one it states.
    """
    import hl7

    if len(content) > LARGEST_BYTES:
        raise MessageProblem(
            "the message is too large",
            place="MSH",
            reason=Reason.DATA_TYPE,
            value=f"{len(content):,} bytes",
            accepted=f"up to {LARGEST_BYTES:,}",
        )
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.startswith(b"MSH") or len(content) < len(b"MSH|^~\\&|"):
        raise MessageProblem(
            "this is no HL7 v2 message",
            place="MSH",
            reason=Reason.SEGMENT_SEQUENCE,
            value=repr(content[:20]),
            accepted="a message that begins with MSH",
            remedy="send one message without a batch header",
        )
    text = decoded(content, unstated=unstated)
    lines = text.replace("\r\n", "\r").replace("\n", "\r").split("\r")
    text = "\r".join(line for line in lines if line.strip()) + "\r"
    _refuse_delimiters(text)
    if "\rMSH" in text:
        raise MessageProblem(
            "a second message stands inside the message",
            place="MSH",
            reason=Reason.SEGMENT_SEQUENCE,
            accepted="one message, or a batch with BHS and BTS",
        )
    try:
        return hl7.parse(text)
    except (hl7.HL7Exception, LookupError, ValueError, AssertionError) as error:
        raise MessageProblem(
            "the message cannot be read",
            place="MSH",
            reason=Reason.SEGMENT_SEQUENCE,
            value=str(error)[:120],
        ) from error


def _refuse_delimiters(text: str) -> None:
    """Refuse delimiters that cannot tell parts apart: the parser would not."""
    second = text[4:].split("\r")[0].split(text[3])[0]
    every = text[3] + second
    is_usable = len(second) in (4, 5) and len(set(every)) == len(every)
    if not is_usable or any(
        one.isalnum() or one.isspace() or not one.isprintable() for one in every
    ):
        raise MessageProblem(
            "the delimiters cannot be told apart",
            place="MSH-2",
            reason=Reason.DATA_TYPE,
            value=repr(every[:10]),
            accepted="five different signs, such as |^~\\&",
        )


def codec_of(character_set: str) -> str:
    """Python's codec of a character set as MSH-18 names it.

    Raises:
        MessageProblem: If it is none that is read.
    """
    if character_set not in ENCODINGS:
        raise MessageProblem(
            "names a character set that is not read",
            place="MSH-18",
            value=character_set,
            accepted=", ".join(one for one in ENCODINGS if one),
            remedy="send UNICODE UTF-8",
        )
    return ENCODINGS[character_set]


def decoded(content: bytes, *, unstated: str = "") -> str:
    """The text of a message, in the character set its header states.

    Args:
        content: The message.
        unstated: Its character set where the header states none.

    Raises:
        MessageProblem: If the set is not read, or the bytes are not in it.
    """
    stated = header_of(content).character_set
    name = stated or unstated
    codec = codec_of(name)
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        raise MessageProblem(
            f"the message is not in the character set it {_by_whom(stated)}, {name or 'ASCII'}",
            place="MSH-18",
            reason=Reason.DATA_TYPE,
            value=f"byte {error.start}",
            accepted="bytes of that character set",
            remedy="state the character set in MSH-18",
        ) from error


def _by_whom(stated: str) -> str:
    return "states" if stated else "is taken to be in"


def segments_of(message: "hl7.Message", name: str) -> "list[hl7.Segment]":
    """The segments of a name; none where there are none."""
    return [segment for segment in message if str(segment[0]) == name]


def require_segments(message: "hl7.Message", *names: str) -> None:
    """Refuse a message that lacks a segment.

    Args:
        message: The message.
        names: Segments it must have.

    Raises:
        MessageProblem: Naming those that are missing.
    """
    there = {str(segment[0]) for segment in message}
    missing = [name for name in names if name not in there]
    if missing:
        raise MessageProblem(
            f"the message has no {' and no '.join(missing)} segment",
            place=missing[0],
            reason=Reason.SEGMENT_SEQUENCE,
            value=", ".join(sorted(there)),
            accepted=", ".join(names),
            remedy="ask whoever sends it for a complete message",
        )


def part(segment: "hl7.Segment", place: int, component: int = 1) -> str:
    """One component of a field, without escapes; empty where there is none.

    Args:
        segment: The segment.
        place: Number of the field, from 1.
        component: Number of the component, from 1.
    """
    if len(segment) <= place:
        return ""
    field = str(segment[place])
    # The message states its own delimiters: repetition, component and the escape character.
    components = field.split(segment.separators[2])[0].split(segment.separators[3])
    found = components[component - 1] if len(components) >= component else ""
    return unescaped(found.strip(), escape=segment.esc)


def repetitions(segment: "hl7.Segment", place: int) -> list[list[list[str]]]:
    """A field whole: its repetitions, their components, their subcomponents, without escapes.

    Args:
        segment: The segment.
        place: Number of the field, from 1.
    """
    stated = str(segment[place]) if len(segment) > place else ""
    repetition, component, sub = segment.separators[2:5]
    return [
        [
            [unescaped(leaf.strip(), escape=segment.esc) for leaf in one.split(sub)]
            for one in whole.split(component)
        ]
        for whole in stated.split(repetition)
        if whole.strip()
    ]


def leaf(components: list[list[str]], component: int, sub: int = 1) -> str:
    """One part of a repetition, from 1; empty where there is none."""
    if len(components) < component or len(components[component - 1]) < sub:
        return ""
    return components[component - 1][sub - 1]


def repeats(segment: "hl7.Segment", place: int) -> int:
    """How many repetitions a field has."""
    return str(segment[place]).count(segment.separators[2]) + 1 if len(segment) > place else 0


def escaped(text: str) -> str:
    """Text as it may stand in a field; line ends become spaces."""
    plain = " ".join(text.split())
    return "".join(_DELIMITERS.get(letter, letter) for letter in plain)


def unescaped(text: str, *, escape: str = "\\") -> str:
    """Text of a field as it was meant; escapes that are not delimiters stay as they are."""
    meant = {written[1]: letter for letter, written in _DELIMITERS.items()}
    around = re.escape(escape)
    return re.sub(f"{around}([EFSTR]){around}", lambda found: meant[found.group(1)], text)


def time_of(text: str) -> tuple[dt.datetime | None, bool]:
    """An HL7 time stamp, and whether it states a time of day; a month alone is no day.

    Examples:
        >>> time_of("20260105")[0].date().isoformat(), time_of("202601")
        ('2026-01-05', (None, False))
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None, False
    day, minutes, seconds, offset = found.groups()
    try:
        at = dt.datetime.strptime(
            f"{day}{minutes or '0000'}{seconds or '00'}{offset or '+0000'}", "%Y%m%d%H%M%S%z"
        )
    except ValueError:
        return None, False
    return at, minutes is not None


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment; fields that are not given stay empty."""
    last = max(place for place, value in fields.items() if value)
    return "|".join([name, *(fields.get(place, "") for place in range(1, last + 1))])
