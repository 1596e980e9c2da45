"""A backup of PostgreSQL comes back in another data base, and no half of it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.network]

FILL = """
from deeppcos.app.web.preparing import set_up_django, prepare
set_up_django()
prepare()
from deeppcos.app.web import audit
from deeppcos.app.web.models import *
site = Site.objects.get()
patient = Patient.objects.create(site=site, identifier="MRN-7", name="Nakamura, 花子")
study = Study.objects.create(site=site, patient=patient, accession="ACC-7", chart={"a": 1})
(study.folder / "images").mkdir(parents=True)
(study.folder / "images" / "one.png").write_bytes(bytes(range(256)) * 40)
audit.record("study.made", actor=None, study=study)
"""
LOOK = """
from deeppcos.app.web.preparing import set_up_django
set_up_django()
from deeppcos.app.web.models import *
study = Study.objects.select_related("patient").get()
print(study.accession, study.patient.name, len((study.folder / "images" / "one.png").read_bytes()))
"""


def run(home: Path, database: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in an installation on a data base."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DEEPPCOS_")}
    environment |= {"DEEPPCOS_HOME": str(home), "DEEPPCOS_DATABASE_URL": database}
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=280,
    )


def test_a_backup_of_postgresql_comes_back(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.app.web.postgresql import programs

    psycopg = pytest.importorskip("psycopg")
    place = programs()
    assert place is not None
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database again")
    other = server.rsplit("/", 1)[0] + "/again"
    file = tmp_path / "clinic.tar.gz"
    filled = run(tmp_path / "old", server, "-c", FILL)
    assert filled.returncode == 0, filled.stderr
    made = run(tmp_path / "old", server, "-m", "deeppcos", "backup", str(file))
    assert made.returncode == 0, made.stderr
    onto_sqlite = run(tmp_path / "lite", "", "-m", "deeppcos", "restore", str(file))
    assert onto_sqlite.returncode == 2
    assert "another kind of data base" in onto_sqlite.stderr
    back = run(tmp_path / "new", other, "-m", "deeppcos", "restore", str(file))
    assert back.returncode == 0, back.stderr
    assert run(tmp_path / "new", other, "-c", LOOK).stdout == "ACC-7 Nakamura, 花子 10240\n"
    verified = run(tmp_path / "new", other, "-m", "deeppcos", "audit-log", "verify")
    assert verified.stdout.startswith("whole: 1 events"), verified.stderr
    again = run(tmp_path / "new", other, "-m", "deeppcos", "restore", str(file))
    assert again.returncode == 2
    assert "there is an installation already" in again.stderr
