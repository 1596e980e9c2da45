"""Another DICOM application, and what became of a file given to it.

Owns the two records everything that sends is told in. It needs no network library.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deeppcos.errors import InvalidInput
from deeppcos.records.tls import TlsFiles

LONGEST_AE_TITLE = 16
OWN_AE_TITLE = "DEEPPCOS"


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomPeer:
    """A DICOM application entity we call.

    Attributes:
        ae_title: Its title, up to 16 characters.
        host: Its name or address.
        port: Its TCP port.
        own_ae_title: The title we call ourselves.
        tls: Certificates for an encrypted connection; None for a plain one.
        timeout_s: How long any one answer may take, seconds.

    Raises:
        InvalidInput: If a title, the port or the timeout is out of range.
    """

    ae_title: str
    host: str
    port: int
    own_ae_title: str = OWN_AE_TITLE
    tls: TlsFiles | None = None
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        check_ae_title(self.ae_title)
        check_ae_title(self.own_ae_title)
        if not 1 <= self.port <= 65535 or self.timeout_s <= 0:
            raise InvalidInput(
                f"the port or timeout of {self.ae_title} is out of range",
                value=f"port {self.port}, {self.timeout_s} s",
                accepted="ports 1 to 65535, more than 0 s",
                remedy="correct the peer's settings",
            )

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOutcome:
    """What a peer said to one file.

    Attributes:
        path: The file.
        sop_instance_uid: Its SOP Instance UID; empty when it could not be read.
        state: Whether the peer has it.
        words: The peer's words or status, empty for a plain success.
    """

    path: Path
    sop_instance_uid: str
    state: Literal["stored", "refused"]
    words: str = ""


def check_ae_title(title: str) -> None:
    """Refuse a title that DICOM does not know.

    Args:
        title: An application entity title.

    Raises:
        InvalidInput: If it is empty, too long or has characters no title may have.

    Examples:
        >>> check_ae_title("ARCHIVE")
        >>> check_ae_title("A TITLE MUCH TOO LONG")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        deeppcos.errors.InvalidInput: the AE title cannot be used; got 'A TITLE MUCH TOO LONG'; ...
    """
    is_plain = title.isascii() and title.isprintable() and "\\" not in title
    if not (is_plain and title.strip() and len(title) <= LONGEST_AE_TITLE):
        raise InvalidInput(
            "the AE title cannot be used",
            value=repr(title),
            accepted="1 to 16 characters of ASCII without back slash, not only spaces",
            remedy="correct the settings",
        )
