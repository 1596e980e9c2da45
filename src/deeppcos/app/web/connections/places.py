"""Where the desk keeps what its connections need, and the file that names them.

Owns the places. Everything in them is the business of ``deeppcos.app.connections``.
"""

from pathlib import Path

from django.conf import settings

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.settings import Connections, connections_file, read_connections


def folder() -> Path:
    """The folder of the connections in the data folder."""
    return Path(settings.DEEPPCOS_HOME) / "connections"


def inbox_folder() -> Path:
    """Where received images are kept."""
    return folder() / "inbox"


def file() -> Path:
    """``connections.toml``."""
    return connections_file(Path(settings.DEEPPCOS_HOME))


def is_connected() -> bool:
    """Whether there is a file of connections at all."""
    return file().is_file()


def connections() -> Connections:
    """What the file says.

    Raises:
        InvalidInput: If it is missing or wrong.
    """
    return read_connections(file())


def outbox(told: Connections | None = None) -> Outbox:
    """What waits to be sent."""
    return Outbox(folder(), pace=told.sending if told else None)
