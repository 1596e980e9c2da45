"""The working day on PostgreSQL: its quick tests run again on a server of their own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.network]

ROOT = Path(__file__).resolve().parents[3]
SERVER_FOLDERS = ("/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin")
ACCOUNT = "postgres"
"""Who runs the server where the tests run as root: PostgreSQL refuses root."""


ABOUT_DATA = (
    *("access", "audit", "jobs", "worklist"),
    *("chart", "new_study", "assessment_page", "signoff"),
)
"""Tests of what the two data bases could do differently."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, or None; Debian keeps it off the path."""
    found = shutil.which("pg_ctl")
    places = [*map(Path, SERVER_FOLDERS), *([Path(found).resolve().parent] if found else [])]
    return next((place for place in places if (place / "initdb").exists()), None)


def as_account(command: list[str]) -> list[str]:
    return ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", *command]


@pytest.fixture
def server() -> Iterator[str]:
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


@pytest.mark.timeout(900)
def test_the_working_day_is_the_same_on_postgresql(server: str, tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    environment = os.environ | {"DEEPPCOS_DATABASE_URL": server, "DEEPPCOS_HOME": str(tmp_path)}
    paths = [f"tests/app/web/test_{name}.py" for name in ABOUT_DATA]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *paths, "-q", "-n", "0", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]


def test_every_migration_can_be_taken_back(server: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "DEEPPCOS_DATABASE_URL": server,
        "DEEPPCOS_HOME": str(tmp_path),
        "DEEPPCOS_SECRET_KEY": "only-for-tests-" * 4,
    }
    manage = [sys.executable, "-m", "deeppcos.app.web"]
    for step in (
        ["migrate", "-v", "0"],
        ["migrate", "web", "zero", "-v", "0"],
        ["migrate", "-v", "0"],
    ):
        run = subprocess.run(
            [*manage, *step], env=environment, check=False, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr[-3000:]
    checked = subprocess.run(
        [*manage, "makemigrations", "--check", "--dry-run"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
