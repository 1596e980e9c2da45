"""The right to receive into a folder, which one process has at a time.

SQLite's lock goes with its process, however it ends, on every system.
"""

import sqlite3
from pathlib import Path

from deeppcos.errors import InvalidInput


def claimed_by_this_process(folder: Path) -> sqlite3.Connection:
    """Claim the right to receive into a folder.

    Args:
        folder: The inbox.

    Returns:
        The claim; it ends when this is closed, or with the process.

    Raises:
        InvalidInput: If another process has it.
    """
    claim = sqlite3.connect(folder / "receiver.sqlite3", timeout=0, check_same_thread=False)
    try:
        claim.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        claim.close()
        raise InvalidInput(
            f"another process receives into {folder}",
            remedy="stop it, or give another folder",
        ) from error
    return claim
