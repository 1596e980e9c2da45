"""``deeppcos watch`` as cron runs it: its own process, its own data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("django", reason="watching needs the web extra")
pytest.importorskip("scipy", reason="watching needs the research extra")

SET_UP = """
from deeppcos.app.web.preparing import prepare, set_up_django
set_up_django(); prepare()
import datetime
from django.utils import timezone
from deeppcos.app.web.models import Patient, Site, Study, User, WatchReading
from deeppcos.app.web.monitoring.watching import name_window
site = Site.objects.get()
now = timezone.now()
def add(count, days, scanner):
    for n in range(count):
        patient = Patient.objects.create(site=site, identifier=f"{days}-{n}")
        study = Study.objects.create(site=site, patient=patient, accession=f"{days}-{n}")
        WatchReading.objects.create(study=study, patient=patient, site=site,
            observed_at=now - datetime.timedelta(days=days, minutes=-n), facts={"scanner": scanner})
add(40, 9, "A")
user = User.objects.create_user("rosa", password="only for this test")
day = timezone.localdate()
name_window(site, name="May", first=day - datetime.timedelta(days=10),
            last=day - datetime.timedelta(days=6), by=user)
import sys
if "changed" in sys.argv:
    add(20, 2, "B")
"""


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    given = {k: v for k, v in os.environ.items() if not k.startswith(("DEEPPCOS_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, *words],
        env=given | {"DEEPPCOS_HOME": str(home)},
        capture_output=True,
        encoding="utf-8",
        timeout=250,
        check=False,
    )


@pytest.mark.slow
def test_cron_is_told_by_the_status_whether_somebody_is_needed(tmp_path: Path) -> None:
    made = run(tmp_path, "-c", SET_UP, "changed")
    assert made.returncode == 0, made.stderr
    said = run(tmp_path, "-m", "deeppcos", "watch")
    assert said.returncode == 1, said.stderr
    assert "CHANGED" in said.stdout
    assert "alarm scanner" in said.stdout
    assert "OPEN" in said.stdout


@pytest.mark.slow
def test_a_quiet_site_has_status_zero_and_an_unknown_one_two(tmp_path: Path) -> None:
    assert run(tmp_path, "-c", SET_UP).returncode == 0
    quiet = run(tmp_path, "-m", "deeppcos", "watch")
    assert (quiet.returncode, "nothing yet" in quiet.stdout) == (0, True)
    nobody = run(tmp_path, "-m", "deeppcos", "watch", "--site", "elsewhere")
    assert nobody.returncode == 2
    assert "accepted" in nobody.stderr or "clinic" in nobody.stderr
