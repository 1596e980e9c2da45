"""A private PostgreSQL server for the tests that need one; ended and removed after them."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVER_FOLDERS = ("/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin")
ACCOUNT = "postgres"
"""Who runs the server where the tests run as root: PostgreSQL refuses root."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, or None; Debian keeps it off the path."""
    found = shutil.which("pg_ctl")
    places = [*map(Path, SERVER_FOLDERS), *([Path(found).resolve().parent] if found else [])]
    return next((place for place in places if (place / "initdb").exists()), None)


def as_account(command: list[str]) -> list[str]:
    return ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", *command]


@contextmanager
def private_server() -> Iterator[str]:
    """Address of an empty data base on a private server."""
    place = programs()
    if place is None:
        pytest.skip("PostgreSQL's server is not installed")
    # Not below pytest's own folder, which another account may not enter.
    folder = Path(tempfile.mkdtemp(prefix="deeppcos-postgresql-"))
    is_root = os.geteuid() == 0
    if is_root:
        shutil.chown(folder, ACCOUNT, ACCOUNT)

    def run(*command: str) -> None:
        whole = as_account(list(command)) if is_root else list(command)
        # Its output goes nowhere: the server inherits it, and would keep a pipe open for ever.
        subprocess.run(whole, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=None)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    run(str(place / "initdb"), "-D", str(data), "-A", "trust", "-U", "desk", "-E", "UTF8")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(str(place / "pg_ctl"), "-D", str(data), "-o", options, "-l", f"{folder}/log", "-w", "start")
    try:
        yield f"postgres://desk@127.0.0.1:{port}/postgres"
    finally:
        run(str(place / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)
