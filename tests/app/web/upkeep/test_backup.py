"""Backup and restore: what comes back is what was there, or nothing is changed."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from deeppcos.app.web.models import Study
from deeppcos.app.web.upkeep.backup import LIST_FILE, back_up, check, restore
from deeppcos.app.web.upkeep.checks import Verdict, worst
from deeppcos.app.web.upkeep.doctor import examine
from deeppcos.errors import ContractBroken, InvalidInput

IN_A_FILE = pytest.mark.django_db(transaction=True)


def _deeppcos(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the program itself, with a data folder of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DEEPPCOS_")}
    environment |= {"DEEPPCOS_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "deeppcos", *words],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=280,
    )


def _django(home: Path, code: str) -> str:
    """Run some lines inside an installation."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DEEPPCOS_")}
    environment |= {"DEEPPCOS_HOME": str(home)}
    start = "from deeppcos.app.web.preparing import set_up_django, prepare\nset_up_django()\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FILL = """
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
from deeppcos.app.web.models import *
study = Study.objects.select_related("patient").get()
print(study.accession, study.patient.name, len((study.folder / "images" / "one.png").read_bytes()))
print(AuditEvent.objects.count())
"""


@pytest.mark.slow
def test_what_was_backed_up_comes_back_in_another_place(tmp_path: Path) -> None:
    _django(tmp_path / "old", FILL)
    file = tmp_path / "clinic.tar.gz"
    made = _deeppcos(tmp_path / "old", "backup", str(file))
    assert made.returncode == 0, made.stderr
    assert "1 studies" in made.stdout
    whole = _deeppcos(tmp_path / "any", "restore", str(file), "--check")
    assert "is whole" in whole.stdout
    back = _deeppcos(tmp_path / "new", "restore", str(file))
    assert back.returncode == 0, back.stderr
    assert _django(tmp_path / "new", LOOK) == "ACC-7 Nakamura, 花子 10240\n1\n"
    key = "secret-key"
    assert (tmp_path / "old" / key).read_text(encoding="utf-8") != (
        tmp_path / "new" / key
    ).read_text(encoding="utf-8")
    healthy = _deeppcos(tmp_path / "new", "doctor")
    assert "audit trail: 1 events, unbroken" in healthy.stdout, healthy.stdout
    again = _deeppcos(tmp_path / "new", "restore", str(file))
    assert again.returncode == 2
    assert "there is an installation already" in again.stderr


@IN_A_FILE
def test_a_backup_is_never_written_over(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "clinic.tar.gz"
    file.write_bytes(b"")
    with pytest.raises(InvalidInput, match="already exists"):
        back_up(file)


def _changed(source: Path, target: Path, name: str, content: bytes) -> None:
    """Another archive with one member's content changed."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for member in old.getmembers():
            data = old.extractfile(member)
            held = data.read() if data else b""
            if member.name == name:
                held = content
                member.size = len(held)
            new.addfile(member, io.BytesIO(held))


@pytest.fixture
def backup_file(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup whose data base is a stand-in file: the tests' own lies in memory."""
    from deeppcos.app.web.upkeep import backup as module

    monkeypatch.setattr(module, "write_copy", lambda target: target.write_bytes(b"tables"))
    (study.folder / "images").mkdir(parents=True)
    (study.folder / "images" / "one.png").write_bytes(b"picture")
    file = tmp_path / "clinic.tar.gz"
    back_up(file)
    return file


def test_every_file_stands_in_the_list(backup_file: Path, study: Study) -> None:
    content = check(backup_file)
    assert content.studies == 1
    assert sorted(content.files) == [
        "desk.sqlite3",
        f"studies/{study.pk}/images/one.png",
    ]
    assert not list(backup_file.parent.glob(".*partial"))


@IN_A_FILE
def test_what_is_served_and_the_frozen_test_set_belong_to_a_backup(
    study: Study, tmp_path: Path, settings: "object"
) -> None:
    home = Path(settings.DEEPPCOS_HOME)  # type: ignore[attr-defined]
    kept = ("releases/current.json", "releases/site-1/manifest.json", "learning/frozen.json")
    for name in (*kept, "releases/.arriving-x/manifest.json", "training/set-1/labels/p.png"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("{}")
    back_up(tmp_path / "clinic.tar.gz")
    held = set(check(tmp_path / "clinic.tar.gz").files)
    assert {name for name in held if name.endswith(".json")} == set(kept)


def test_a_changed_file_is_named_and_nothing_is_restored(
    backup_file: Path, study: Study, tmp_path: Path
) -> None:
    name = f"studies/{study.pk}/images/one.png"
    other = tmp_path / "other.tar.gz"
    _changed(backup_file, other, name, b"Picture")
    with pytest.raises(ContractBroken, match=r"one\.png"):
        check(other)


def test_half_a_backup_is_refused(backup_file: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.tar.gz"
    half.write_bytes(backup_file.read_bytes()[:-40])
    with pytest.raises(ContractBroken, match="no whole backup"):
        check(half)


def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar.gz"
    with tarfile.open(bad, "w:gz") as archive:
        member = tarfile.TarInfo("../escaped")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(ContractBroken, match="no whole backup"):
        check(bad)
    assert not (tmp_path.parent / "escaped").exists()


def test_a_restore_never_touches_what_is_there(backup_file: Path, study: Study) -> None:
    with pytest.raises(InvalidInput, match="there is an installation already"):
        restore(backup_file)


def test_the_list_is_written_last(backup_file: Path) -> None:
    with tarfile.open(backup_file) as archive:
        assert archive.getnames()[-1] == LIST_FILE


def test_the_doctor_names_a_readable_key_and_its_remedy(study: Study, settings: "object") -> None:
    home = Path(settings.DEEPPCOS_HOME)  # type: ignore[attr-defined]
    home.mkdir(parents=True, exist_ok=True)
    key = home / "secret-key"
    key.write_text("x" * 60, encoding="utf-8")
    key.chmod(0o644)
    found = {check.what: check for check in examine(with_web=True)}
    assert found["secret key"].verdict is Verdict.WRONG
    assert found["secret key"].remedy.startswith("chmod 600")
    assert found["data base"].verdict is Verdict.FINE
    assert worst(found.values()) is Verdict.WRONG


def test_the_doctor_sees_a_broken_audit_trail(study: Study, settings: "object") -> None:
    from deeppcos.app.web import audit
    from deeppcos.app.web.models import AuditEvent

    Path(settings.DEEPPCOS_HOME).mkdir(parents=True, exist_ok=True)  # type: ignore[attr-defined]
    audit.record("study.viewed", actor=None, study=study)
    AuditEvent.objects.update(action="study.nothing")
    found = {check.what: check for check in examine(with_web=True)}
    assert found["audit trail"].verdict is Verdict.WRONG
    assert "was changed after it was written" in found["audit trail"].said


def test_the_doctor_warns_of_hosts_without_https(study: Study, settings: "object") -> None:
    settings.ALLOWED_HOSTS = ["clinic.example"]  # type: ignore[attr-defined]
    settings.SESSION_COOKIE_SECURE = False  # type: ignore[attr-defined]
    found = {check.what: check for check in examine(with_web=True)}
    assert "clinic.example without HTTPS" in found["exposure"].said
