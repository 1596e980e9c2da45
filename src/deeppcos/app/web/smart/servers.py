"""The hospital's servers that may be asked, as the settings name them.

Owns which they are: an address from anywhere else is never visited.
"""

from pathlib import Path

from django.conf import settings

from deeppcos.errors import InvalidInput
from deeppcos.records.fhir.smart import (
    SigningKey,
    SmartClient,
    SmartConfiguration,
    discover,
)


def is_offered() -> bool:
    """Whether any server is named."""
    return bool(settings.SMART_SERVERS)


def known_server(address: str) -> str:
    """The server an address names, as the settings write it.

    Raises:
        InvalidInput: If the settings do not name it.
    """
    for server, _client in settings.SMART_SERVERS:
        if server.rstrip("/") == address.rstrip("/"):
            return str(server)
    raise InvalidInput(
        "this record system is not known here",
        value=address[:200],
        accepted="one that the settings name",
        remedy="ask an administrator to add it to DEEPPCOS_SMART_SERVERS",
    )


def client_of(server: str) -> SmartClient:
    """Who we are at a server."""
    names = dict(settings.SMART_SERVERS)
    key = SigningKey(file=Path(settings.SMART_KEY)) if settings.SMART_KEY else None
    return SmartClient(client_id=names[server], key=key)


def configuration_of(server: str) -> SmartConfiguration:
    """Where a server's endpoints are; asked each time, since hospitals move them."""
    return discover(server, ca_file=ca_file())


def ca_file() -> Path | None:
    """Authorities of the servers' certificates; None trusts the system's."""
    return Path(settings.SMART_CA_FILE) if settings.SMART_CA_FILE else None
