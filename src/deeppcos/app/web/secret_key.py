"""The key of signatures, kept in the data folder where the environment gives none.

Owns its file. Django's settings read it; the backup carries it.
"""

import os
import secrets
from pathlib import Path

from deeppcos.app.web.told import SHORTEST_SECRET

SECRET_FILE = "secret-key"


def stored_secret(home: Path) -> str:
    """The key kept in the data folder, or nothing where there is none yet."""
    try:
        return (home / SECRET_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def keep_a_secret(home: Path) -> None:
    """Make the key of a new data folder, readable by its owner only.

    Args:
        home: The data folder; made when it is missing.
    """
    home.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(home / SECRET_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(SHORTEST_SECRET) + "\n")
