"""A multipart answer as its parts, however large, a piece at a time.

Owns finding the boundaries. A message that ends before its last boundary is an error: the part it
ends in is not whole, and more may have followed. The standard library's reader wants the whole
message in memory.
"""

from collections.abc import Iterator
from email.message import Message

from deeppcos.errors import InvalidInput, TemporaryFailure

LONGEST_HEADER_BYTES = 16 * 1024


def boundary_of(content_type: str) -> bytes:
    """The boundary a content type names.

    Raises:
        InvalidInput: If it is not multipart, or names none.

    Examples:
        >>> boundary_of('multipart/related; type="application/dicom"; boundary="a b"')
        b'a b'
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_maintype() != "multipart" or not isinstance(boundary, str):
        raise InvalidInput(
            "the answer is not in parts",
            value=content_type or "no content type",
            accepted="multipart/related with a boundary",
            remedy="check the address of the server",
        )
    return boundary.encode("utf-8")


def parts(pieces: Iterator[bytes], boundary: bytes) -> Iterator[Iterator[bytes]]:
    """Cut a message into parts.

    Args:
        pieces: The message, in pieces of any size.
        boundary: Its boundary.

    Yields:
        For each part the pieces of its body; read one before you ask for the next.

    Raises:
        TemporaryFailure: If the message ends before its last boundary.
        InvalidInput: If the head of a part is too long.
    """
    cutter = _Cutter(pieces, b"\r\n--" + boundary)
    cutter.held = b"\r\n"  # so that a boundary at the very start is found like the others
    cutter.drop_to_delimiter()
    while not cutter.at_end():
        cutter.drop_head()
        body = cutter.body()
        yield body
        for _ in body:  # what the reader left
            pass


class _Cutter:
    """What has been read of a message and not yet used."""

    def __init__(self, pieces: Iterator[bytes], delimiter: bytes) -> None:
        self._pieces, self._delimiter = pieces, delimiter
        self.held = b""

    def at_end(self) -> bool:
        """Whether the delimiter just passed was the last; else it is followed by a part."""
        self._need(2)
        return self.held.startswith(b"--")

    def drop_head(self) -> None:
        """Pass the headers of a part, which say nothing we need."""
        while b"\r\n\r\n" not in self.held:
            if len(self.held) > LONGEST_HEADER_BYTES:
                raise InvalidInput("a part of the answer has an endless head")
            self._more()
        self.held = self.held.split(b"\r\n\r\n", 1)[1]

    def drop_to_delimiter(self) -> None:
        for _ in self.body():
            pass

    def body(self) -> Iterator[bytes]:
        """Everything up to the next delimiter, which is passed."""
        keep = len(self._delimiter) - 1
        while (at := self.held.find(self._delimiter)) < 0:
            if len(self.held) > keep:
                ready, self.held = self.held[:-keep], self.held[-keep:]
                yield ready
            self._more()
        ready, self.held = self.held[:at], self.held[at + len(self._delimiter) :]
        yield ready

    def _need(self, count: int) -> None:
        while len(self.held) < count:
            self._more()

    def _more(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise TemporaryFailure("the answer ended early", remedy="try again")
        self.held += piece
