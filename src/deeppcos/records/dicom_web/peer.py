"""Another DICOM application behind a web address.

Owns the record, what lets us in there, and the check that it never travels in the open.
"""

import base64
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deeppcos.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomWebPeer:
    """A DICOMweb server.

    Attributes:
        url: Where its services begin, such as ``https://pacs.example/dicom-web``.
        token: Gives a bearer token that is valid now; None where none is needed.
        user: Who we are there, where it asks for a password instead; or empty.
        password: Gives the password of the user.
        ca_file: Authorities whose certificates it may show; None for those of the system.
        timeout_s: How long any one answer, or the next piece of it, may take, seconds.

    Raises:
        InvalidInput: If the address is none, there are two ways in or half of one, or a secret
            would travel unencrypted to another machine.
    """

    url: str
    token: Callable[[], str] | None = None
    user: str = ""
    password: Callable[[], str] | None = None
    ca_file: Path | None = None
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or self.timeout_s <= 0:
            raise InvalidInput(
                "the DICOMweb address or timeout cannot be used",
                value=f"{self.url!r}, {self.timeout_s} s",
                accepted="https://host/path, more than 0 s",
                remedy="correct the peer's settings",
            )
        if bool(self.user) is not bool(self.password) or (self.user and self.token):
            raise InvalidInput(
                "what lets us in is not clear",
                accepted="a token, or a user with a password, or neither",
                remedy="correct the peer's settings",
            )
        is_secret = bool(self.token or self.password)
        if is_secret and parts.scheme == "http" and not _is_this_machine(parts.hostname):
            raise InvalidInput(
                f"a {'token' if self.token else 'password'} would travel unencrypted",
                value=self.url,
                accepted="https, or http on this machine",
                remedy="use https",
            )

    def authorization(self) -> dict[str, str]:
        """The header that lets us in; none where nobody asks for one."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token()}"}
        if self.password is not None:
            pair = f"{self.user}:{self.password()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
        return {}

    def __str__(self) -> str:
        return f"the DICOMweb server at {self.url}"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
