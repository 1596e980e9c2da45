"""The two commands of the README's first screen: they set themselves up, or say what is missing.

Here a small pretend python stands in for the real one, so that nothing is downloaded; `.ci/run`
runs the real commands from a fresh clone.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SYSTEM_TOOLS = (
    "bash",
    "cat",
    "cksum",
    "dirname",
    "env",
    "id",
    "mkdir",
    "mv",
    "readlink",
    "rm",
    "sed",
)

# Answers as python, venv and pip would, and writes every call into calls.txt.
PRETEND_PYTHON = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in
    --version) echo "Python ${PRETEND_VERSION:-3.11.2}" ;;
    *"sys.version_info < (3, 11)"*) [ -z "${PRETEND_OLD:-}" ] ;;
    *"sys.version_info[:2]"*) echo 3.11 ;;
    *"import ensurepip"*) [ -z "${PRETEND_NO_VENV:-}" ] ;;
    "-m venv --clear "*)
        mkdir -p "$4/bin"
        cat "$0" >"$4/bin/python"
        chmod +x "$4/bin/python" ;;
    "-m pip --version") [ -z "${PRETEND_NO_PIP:-}" ] ;;
    *"-m pip install"*) exit "${PRETEND_PIP_STATUS:-0}" ;;
    *"import cv2"*) if [ -n "${PRETEND_LACKS:-}" ]; then
        echo "ImportError: $PRETEND_LACKS: cannot open shared object file: No such file" >&2
        exit 1
    fi ;;
    "-m deeppcos example "*) mkdir -p "$4" && echo '{}' >"$4/chart.json" ;;
    "-m deeppcos analyze "*) echo "a conclusion"; exit "${PRETEND_ANALYZE_STATUS:-0}" ;;
esac
"""


class Clone:
    """A clone of the repository whose path has a space, and a machine with only what is given."""

    def __init__(self, folder: Path, *, has_python: bool = True) -> None:
        self.root = folder / "a clone"
        self.tools = folder / "bin"
        self.calls = folder / "calls.txt"
        for name in ("start", "check", "pyproject.toml", "scripts/make-venv"):
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
        self.tools.mkdir()
        for name in (*SYSTEM_TOOLS, "chmod"):
            found = shutil.which(name)
            assert found is not None
            (self.tools / name).symlink_to(found)
        if has_python:
            python = self.tools / "python3"
            python.write_text(PRETEND_PYTHON, encoding="utf-8")
            python.chmod(0o755)

    def run(self, command: str, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the first screen from another folder."""
        self.calls.write_text("", encoding="utf-8")
        return subprocess.run(
            [self.root / command, *words],
            cwd=self.tools,
            env={"PATH": str(self.tools), "CALLS": str(self.calls), **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def called(self, words: str) -> bool:
        """Whether python was called with these words in the last run."""
        return words in self.calls.read_text(encoding="utf-8")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_start_installs_writes_the_example_and_reads_it(clone: Clone) -> None:
    run = clone.run("start")
    assert (run.returncode, run.stdout) == (0, "a conclusion\n")
    assert clone.called(f"--editable {clone.root}\n")
    example = clone.root / "deeppcos-example"
    assert clone.called(f"analyze {example} --chart {example}/chart.json --out {example}/report\n")
    assert f"{example}/report/report.html" in run.stderr
    assert sorted(path.name for path in clone.root.glob("deeppcos-example*")) == [example.name]


def test_a_second_start_neither_installs_nor_writes_the_example_again(clone: Clone) -> None:
    clone.run("start")
    chart = clone.root / "deeppcos-example" / "chart.json"
    chart.write_text('{"changed": "by the user"}', encoding="utf-8")
    run = clone.run("start", PRETEND_PIP_STATUS="1")
    assert run.returncode == 0
    assert not clone.called("pip")
    assert "changed" in chart.read_text(encoding="utf-8")


def test_the_last_report_is_gone_before_the_study_is_read_again(clone: Clone) -> None:
    clone.run("start")
    overlay = clone.root / "deeppcos-example" / "report" / "overlay.png"
    overlay.parent.mkdir()
    overlay.touch()
    assert clone.run("start").returncode == 0
    assert not overlay.exists()


def test_a_changed_project_file_is_installed_again(clone: Clone) -> None:
    clone.run("start")
    with (clone.root / "pyproject.toml").open("a") as project:
        project.write("# one more dependency\n")
    assert clone.run("start").returncode == 0
    assert clone.called("pip install")


def test_an_interrupted_install_is_taken_up_again(clone: Clone) -> None:
    failed = clone.run("start", PRETEND_PIP_STATUS="1")
    assert failed.returncode == 1
    assert "Python package index" in failed.stderr
    assert not (clone.root / "deeppcos-example").exists()
    assert clone.run("start").returncode == 0
    assert clone.called("pip install")
    assert not clone.called("-m venv")


def test_a_half_made_environment_is_made_anew(clone: Clone) -> None:
    (clone.root / ".venv" / "bin").mkdir(parents=True)
    (clone.root / ".venv" / "pyvenv.cfg").write_text("home = nowhere\n", encoding="utf-8")
    assert clone.run("start").returncode == 0
    assert clone.called("-m venv --clear")


def test_an_interrupted_example_is_written_anew(clone: Clone) -> None:
    (clone.root / "deeppcos-example.partial").mkdir()
    (clone.root / "deeppcos-example.partial" / "half").touch()
    assert clone.run("start").returncode == 0
    assert not (clone.root / "deeppcos-example" / "half").exists()


def test_arguments_go_to_analyze_and_its_exit_status_comes_back(clone: Clone) -> None:
    run = clone.run("start", "my images", "--format", "json", PRETEND_ANALYZE_STATUS="1")
    assert (run.returncode, run.stdout) == (1, "a conclusion\n")
    assert clone.called("-m deeppcos analyze my images --format json\n")
    assert not (clone.root / "deeppcos-example").exists()


def test_check_passes_its_arguments_to_pytest(clone: Clone) -> None:
    assert clone.run("check", "-m", "slow").returncode == 0
    assert clone.called(f"--editable {clone.root}[dev]\n")
    assert clone.called("-m pytest -n auto --dist worksteal -m slow\n")


@pytest.mark.parametrize("command", ["start", "check"])
def test_without_python_the_debian_packages_are_named(tmp_path: Path, command: str) -> None:
    run = Clone(tmp_path, has_python=False).run(command)
    assert run.returncode == 2
    assert "found no python3" in run.stderr
    assert "apt-get install python3 python3-venv" in run.stderr


def test_an_old_python_is_named_with_its_version(clone: Clone) -> None:
    run = clone.run("start", PRETEND_OLD="1", PRETEND_VERSION="3.9.2")
    assert run.returncode == 2
    assert "found Python 3.9.2" in run.stderr
    assert not (clone.root / ".venv").exists()


def test_without_the_venv_module_its_debian_package_is_named(clone: Clone) -> None:
    run = clone.run("start", PRETEND_NO_VENV="1", PRETEND_NO_PIP="1")
    assert run.returncode == 2
    assert "apt-get install python3.11-venv" in run.stderr
    assert not (clone.root / ".venv").exists()


@pytest.mark.parametrize(
    ("library", "remedy"),
    [("libGL.so.1", "apt-get install libgl1"), ("libodd.so.4", "apt-file search libodd.so.4")],
)
def test_a_missing_system_library_is_named_with_its_package(
    clone: Clone, library: str, remedy: str
) -> None:
    run = clone.run("start", PRETEND_LACKS=library)
    assert run.returncode == 2
    assert library in run.stderr
    assert remedy in run.stderr
    assert clone.run("start").returncode == 0


def test_help_needs_no_set_up(clone: Clone) -> None:
    run = clone.run("start", "--help")
    assert run.returncode == 0
    assert "./start PATH..." in run.stdout
    assert not (clone.root / ".venv").exists()


def test_root_is_not_told_to_use_sudo(clone: Clone) -> None:
    run = clone.run("start", PRETEND_NO_VENV="1", PRETEND_NO_PIP="1")
    assert ("sudo" in run.stderr) == (os.geteuid() != 0)
