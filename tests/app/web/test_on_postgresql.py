"""The whole web room on PostgreSQL: its quick tests run again on a server of their own."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.network]

ROOT = Path(__file__).resolve().parents[3]
SERVER_FOLDERS = ("/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin")
ACCOUNT = "postgres"
"""Who runs the server where the tests run as root: PostgreSQL refuses root."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, or None."""
    found = shutil.which("pg_ctl")
    places = [Path(found).parent] if found else [Path(folder) for folder in SERVER_FOLDERS]
    return next((place for place in places if (place / "initdb").exists()), None)


def as_account(command: list[str]) -> list[str]:
    return ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", *command]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an empty data base on a private server."""
    place = programs()
    if place is None:
        pytest.skip("PostgreSQL's server is not installed")
    folder = tmp_path_factory.mktemp("postgresql")
    is_root = os.geteuid() == 0
    if is_root:
        shutil.chown(folder, ACCOUNT, ACCOUNT)
        for parent in (folder, *folder.parents[:3]):
            parent.chmod(parent.stat().st_mode | 0o011)

    def run(*command: str) -> None:
        whole = as_account(list(command)) if is_root else list(command)
        subprocess.run(whole, check=True, capture_output=True, cwd=folder)

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


def test_the_web_room_works_the_same_on_postgresql(server: str, tmp_path: Path) -> None:
    environment = os.environ | {"DEEPPCOS_DATABASE_URL": server, "DEEPPCOS_HOME": str(tmp_path)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/app/web",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
    ]
    run = subprocess.run(
        [*command, "-m", "not slow and not browser"],
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
        subprocess.run([*manage, *step], env=environment, check=True, capture_output=True)
    checked = subprocess.run(
        [*manage, "makemigrations", "--check", "--dry-run"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
