"""The working day on PostgreSQL: its quick tests run again on a server of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.network]

ROOT = Path(__file__).resolve().parents[3]
ABOUT_DATA = (
    *("access", "audit", "jobs", "worklist"),
    *("chart", "new_study", "assessment_page", "signoff"),
)
"""Tests of what the two data bases could do differently."""


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
        encoding="utf-8",
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
            [*manage, *step], env=environment, check=False, capture_output=True, encoding="utf-8"
        )
        assert run.returncode == 0, run.stderr[-3000:]
    checked = subprocess.run(
        [*manage, "makemigrations", "--check", "--dry-run"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
