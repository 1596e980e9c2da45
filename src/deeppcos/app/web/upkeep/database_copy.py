"""A consistent copy of the data base while people work, and the way back.

Owns SQLite's backup interface and PostgreSQL's own tools; which one is asked of the settings.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings

from deeppcos.app.web.upkeep.connections_copy import copy_sqlite
from deeppcos.errors import InvalidInput, TemporaryFailure

SQLITE_NAME, POSTGRES_NAME = "desk.sqlite3", "desk.pgdump"
TOOL_SECONDS = 3600


def copy_name() -> str:
    """What the copy of this installation's data base is called."""
    return SQLITE_NAME if _is_sqlite() else POSTGRES_NAME


def write_copy(target: Path) -> None:
    """Copy the data base as it is at one moment.

    Args:
        target: File to write.

    Raises:
        TemporaryFailure: If PostgreSQL's tool is missing or fails.
    """
    if _is_sqlite():
        copy_sqlite(Path(_database()["NAME"]), target)
        return
    _run("pg_dump", "--format=custom", "--no-owner", "--file", str(target), *_place())


def read_copy(source: Path) -> None:
    """Fill the empty data base from a copy.

    Args:
        source: A file of ``write_copy``.

    Raises:
        InvalidInput: If the copy is of the other kind of data base.
        TemporaryFailure: If PostgreSQL's tool is missing or fails.
    """
    if source.name != copy_name():
        raise InvalidInput(
            "the backup is of another kind of data base",
            value=source.name,
            accepted=copy_name(),
            remedy="set DEEPPCOS_DATABASE_URL to the kind the backup was made from",
        )
    if _is_sqlite():
        shutil.copyfile(source, _database()["NAME"])
        return
    _run(
        "pg_restore",
        "--no-owner",
        "--exit-on-error",
        "--single-transaction",
        *_place(),
        str(source),
    )


def _is_sqlite() -> bool:
    return str(_database()["ENGINE"]).endswith("sqlite3")


def _database() -> dict[str, Any]:
    return dict(settings.DATABASES["default"])


def _place() -> list[str]:
    """Where PostgreSQL is, as its tools take it; the password goes through the environment."""
    database = _database()
    options = (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER"), ("--dbname", "NAME"))
    return [
        part for flag, key in options if database.get(key) for part in (flag, str(database[key]))
    ]


def _run(*command: str) -> None:
    """Run one of PostgreSQL's tools, which may lie outside the path."""
    environment = {**os.environ, "PGPASSWORD": str(_database().get("PASSWORD") or "")}
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", env=environment, timeout=TOOL_SECONDS
        )
    except FileNotFoundError:
        raise TemporaryFailure(
            f"{command[0]} is not installed", remedy="install the package postgresql-client"
        ) from None
    if done.returncode != 0:
        raise TemporaryFailure(
            f"{command[0]} failed",
            value=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message",
            remedy="check DEEPPCOS_DATABASE_URL and that the server answers",
        )
