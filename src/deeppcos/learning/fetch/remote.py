"""What a source offers: its files, and the licence it states at this moment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file to bring.

    Attributes:
        name: File name, without folders.
        url: Where it is.
        size: Bytes, or None when the source does not say.
        checksum: ``md5:...`` or ``sha256:...``; empty when the source states none.
    """

    name: str
    url: str
    size: int | None = None
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a source says of itself when asked.

    Attributes:
        files: Files to bring.
        licence: Licence as the source states it; empty when it states none.
        version: Version as the source names it; empty when it has none.
    """

    files: tuple[RemoteFile, ...]
    licence: str = ""
    version: str = ""
