"""A limit to the items of sequences, counted before anything is decoded.

Owns counting. pydicom makes an object of every item, some 20 microseconds each: 400 kB of empty
ones hold up a reader for a second, many more on a busy machine, and a large file for minutes.
Each reader knows how many honest files of its kind have.
"""

import io
from typing import BinaryIO

from deeppcos.errors import InvalidInput

MOST_OF_PICTURES = 20_000
"""Items in the header of a picture. Enhanced multi-frame images have under ten a frame."""

MOST_OF_REPORTS = 20_000
"""A report of sixty follicles has under 2,000."""

MOST_OF_SEGMENTATIONS = 400_000
"""Seven for each mask: a cine of 1,000 frames with fifty follicles in each has 350,000."""

HEADER_BYTES = 8 * 1024**2
"""How much of a picture is looked at: behind its header lie pixels and their fragments."""

_ITEMS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_BLOCK_BYTES = 64 * 1024


def refuse_many_items(
    stream: BinaryIO, source: str, *, most: int, within_bytes: int | None = None
) -> None:
    """Refuse a file with more items than any honest one; the stream is put back.

    What looks like an item within pixels or text is counted too: the limits leave room for it.

    Args:
        stream: The file, not deflated.
        source: The file, as the user named it.
        most: Items it may have.
        within_bytes: How much of it is looked at; None looks at all of it.

    Raises:
        InvalidInput: If it has more.

    Examples:
        >>> from io import BytesIO
        >>> refuse_many_items(BytesIO(bytes.fromhex("feff00e000000000")), "a.dcm", most=1)
        >>> refuse_many_items(BytesIO(bytes.fromhex("feff00e000000000")), "a.dcm", most=0)
        Traceback (most recent call last):
        ...
        deeppcos.errors.InvalidInput: a.dcm: has too many items in its sequences; got more than 0; \
accepted: up to 0; check where the file comes from
    """
    start, found, left, tail = stream.tell(), 0, within_bytes, b""
    while block := stream.read(_BLOCK_BYTES if left is None else min(left, _BLOCK_BYTES)):
        seen = tail + block
        found += max(seen.count(one) for one in _ITEMS)
        if found > most:
            raise InvalidInput(
                f"{source}: has too many items in its sequences",
                value=f"more than {most}",
                accepted=f"up to {most}",
                remedy="check where the file comes from",
            )
        tail = block[-3:]
        left = None if left is None else left - len(block)
    stream.seek(start, io.SEEK_SET)
