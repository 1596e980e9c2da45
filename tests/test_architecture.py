"""The shape of the repository: import contracts, names, decisions, and nothing of one machine."""

import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import deeppcos

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "deeppcos"
DECISIONS = ROOT / "docs" / "decisions"
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc", "stuff"}
TRAIN_EXTRA = {"torch", "monai", "onnx", "scipy", "sklearn", "accelerate", "matplotlib"}
BUILT = {".git", ".venv", ".venv-dev", "build", "dist", "__pycache__", "runs"}
BINARY = {".onnx", ".png", ".jpg", ".webp", ".dcm", ".pdf", ".npz", ".ttf", ".woff2"}
# Home folders and this project's build folders: true on one machine only.
MACHINE_PATH = re.compile(r"(?<![\w.}~-])/(?:work|root|home|Users)/\w|[A-Z]:\\Users\\")


def kept_files() -> list[Path]:
    """Files in the history, or all but built ones where there is no git (an sdist)."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
        )
        paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not BUILT & set(path.parts)]
    return [path for path in paths if path.is_file()]


def module_names() -> list[str]:
    """Every module of the package, the package itself first."""
    walk = pkgutil.walk_packages([str(SOURCE)], prefix="deeppcos.", onerror=lambda name: None)
    return ["deeppcos", *sorted(module.name for module in walk)]


def test_imports_keep_the_contracts() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " 0 broken" in run.stdout, run.stdout


def test_every_contract_of_the_house_is_declared() -> None:
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in (
        "The house has one direction",
        "The clinical room needs nothing but the standard library",
        "Seeing needs no torch and no DICOM library",
    ):
        assert f'name = "{name}"' in declared


@pytest.mark.parametrize("name", module_names())
def test_every_module_imports_without_the_train_extra_unless_it_belongs_to_learning(
    name: str,
) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as problem:
        missing = (problem.name or "").partition(".")[0]
        assert missing in TRAIN_EXTRA, f"{name} needs {missing}, which no extra brings"
        assert name.startswith("deeppcos.learning."), f"{name} needs {missing} at import"


def test_the_public_package_and_the_command_line_load_without_torch() -> None:
    code = (
        f"import sys, deeppcos, deeppcos.app.cli;print(*sorted({TRAIN_EXTRA!r} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == ""


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = {
        part: path.relative_to(ROOT)
        for path in SOURCE.rglob("*.py")
        for part in path.relative_to(SOURCE).with_suffix("").parts
    }
    assert len(named) > 5
    assert {part: named[part] for part in VAGUE_NAMES & set(named)} == {}


def test_no_kept_text_names_a_path_of_one_machine() -> None:
    texts = [path for path in kept_files() if path.suffix not in BINARY]
    assert ROOT / "README.md" in texts
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in texts
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1
        )
        if MACHINE_PATH.search(line)
    ]
    assert named == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("open('/{}/main/x.png')".format("work"), True),
        ("cd /{}/ann".format("home"), True),
        ("src/work/x.py and docs/home/y", False),
        ("$HOME/work/x, ~/work/x, ./work/x", False),
    ],
)
def test_a_path_of_one_machine_is_recognised(line: str, *, is_found: bool) -> None:
    assert bool(MACHINE_PATH.search(line)) == is_found


@pytest.mark.parametrize(
    ("name", "content", "is_refused"),
    [
        ("study.dcm", b"\0" * 128 + b"DICM", True),
        ("tests/data/phantom.dcm", b"\0" * 128 + b"DICM", False),
        ("key.txt", b"-----BEGIN RSA " + b"PRIVATE KEY-----", True),
        ("big.bin", b"\0" * ((1 << 20) + 1), True),
        ("src/deeppcos/releases/ovary.onnx", b"\0" * ((1 << 20) + 1), False),
        ("small.txt", b"a word", False),
    ],
)
def test_files_that_must_not_enter_the_history_are_refused(
    tmp_path: Path, name: str, content: bytes, *, is_refused: bool
) -> None:
    kept = tmp_path / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "guard_files.py", name],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (run.returncode, name in run.stderr) == (int(is_refused), is_refused)


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in DECISIONS.glob("*.md"))
    numbers = [int(name[:4]) for name in names]
    assert numbers == list(range(1, len(names) + 1))
    assert len(numbers) >= 8
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name) for name in names)


@pytest.mark.parametrize("path", sorted(DECISIONS.glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_has_context_decision_and_consequences_on_one_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert text.startswith(f"# {path.name[:4]} ")
    assert headings == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60


def test_the_version_has_one_source() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.search(r'^version = "([^"]+)"$', project, re.MULTILINE)
    assert declared is not None
    assert deeppcos.__version__ == declared[1]
    assert f"## {declared[1]}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
