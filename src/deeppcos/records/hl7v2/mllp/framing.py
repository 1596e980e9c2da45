"""Where a message begins and ends in a stream of bytes (HL7 v2, appendix C: MLLP).

Owns the start and end blocks and the largest message. A message is never guessed: one that
another begins inside of, or bytes that are in none, break the stream.
"""

from deeppcos.errors import InvalidInput

START, END, CARRIAGE_RETURN = b"\x0b", b"\x1c", b"\x0d"
_BETWEEN = b"\r\n"  # some senders end a line after the end block
HEADER_BYTES = 1024
LONGEST_SHOWN = 20


class BrokenFrame(InvalidInput):
    """The stream cannot be read on: close it.

    Attributes:
        beginning: The first bytes of the message it broke in, to answer it by; maybe none.
    """

    beginning: bytes = b""


def framed(message: bytes) -> bytes:
    r"""A message with its start and end blocks.

    Raises:
        InvalidInput: If the message holds a block character itself, or is empty.

    Examples:
        >>> framed(b"MSH|...")
        b'\x0bMSH|...\x1c\r'
    """
    if not message or START in message or END in message:
        raise InvalidInput(
            "the message cannot be framed",
            value=repr(message[:LONGEST_SHOWN]),
            accepted="bytes without 0x0B and 0x1C, at least one",
        )
    return START + message + END + CARRIAGE_RETURN


class Frames:
    r"""The messages of one stream, however it is cut into pieces.

    Args:
        largest_bytes: Longest message that is held.

    Examples:
        >>> frames = Frames(largest_bytes=100)
        >>> frames.feed(b"\x0bMSH|a\x1c\r\x0bMSH"), frames.feed(b"|b\x1c")
        ([b'MSH|a'], [b'MSH|b'])
    """

    def __init__(self, *, largest_bytes: int) -> None:
        self._largest = largest_bytes
        self._held = bytearray()
        self._is_inside = False

    @property
    def held_bytes(self) -> int:
        """Bytes of a message that has not ended."""
        return len(self._held)

    @property
    def is_inside(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._is_inside

    @property
    def beginning(self) -> bytes:
        """The first bytes of a message that has not ended, by which it can be answered."""
        return bytes(self._held[:HEADER_BYTES])

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes as they came.

        Args:
            chunk: The bytes.

        Returns:
            The messages that ended in them.

        Raises:
            BrokenFrame: If bytes stand between messages, a message begins inside another, or one
                is too long.
        """
        whole = []
        rest = chunk
        while rest:
            if not self._is_inside:
                rest = self._begun(rest.lstrip(_BETWEEN))
                continue
            text, end, rest = rest.partition(END)
            self._keep(text)
            if end:
                whole.append(bytes(self._held))
                self._held.clear()
                self._is_inside = False
        return whole

    def _begun(self, rest: bytes) -> bytes:
        """What follows a start block; nothing where nothing is left."""
        if rest and not rest.startswith(START):
            raise self._broken("bytes outside a message", rest)
        self._is_inside = bool(rest)
        return rest[1:]

    def _keep(self, text: bytes) -> None:
        """Hold a piece of the message that has begun."""
        if START in text:
            raise self._broken("a message began before the last one ended", text)
        if len(self._held) + len(text) > self._largest:
            raise self._broken(f"a message of over {self._largest:,} bytes", text)
        self._held += text

    def _broken(self, what: str, text: bytes) -> BrokenFrame:
        """The reason, with what there is of the message."""
        problem = BrokenFrame(
            what,
            value=repr(text[:LONGEST_SHOWN]),
            accepted=f"0x0B, a message of up to {self._largest:,} bytes, 0x1C, 0x0D",
            remedy="check that the sender speaks MLLP, without TLS where none is set",
        )
        problem.beginning = bytes((self._held + text)[:HEADER_BYTES]) if self._is_inside else b""
        return problem
