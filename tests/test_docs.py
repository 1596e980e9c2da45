"""What the documents say is true: commands, options, links, the tree, the README's output."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
WRITTEN_BY_THE_SITE = ROOT / "docs" / "reference" / "commands.md"
"""Made from the program whenever the site is built; no part of the repository."""
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if not path.name.startswith(".") and path != WRITTEN_BY_THE_SITE
)
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def text_of(path: Path) -> str:
    """Text of a page."""
    return path.read_text(encoding="utf-8")


def between(marker_start: str, marker_end: str) -> str:
    """What the README has between two marker comments."""
    before, found, rest = text_of(README).partition(f"<!-- {marker_start} -->")
    assert found, f"README.md has lost its marker {marker_start}; put it back"
    inside, found, _ = rest.partition(f"<!-- {marker_end} -->")
    assert found, f"README.md has lost its marker {marker_end}; put it back"
    assert before
    return inside.strip()


def fenced(text: str) -> str:
    """The one fenced block in a piece of Markdown."""
    blocks: list[str] = FENCE.findall(text)
    assert len(blocks) == 1
    return blocks[0]


@cache
def commands() -> dict[str, TyperCommand]:
    """Every command by its full name, sub-commands as ``group command``, from the program."""
    from deeppcos.app.cli import app

    def walk(group: TyperGroup, prefix: str) -> dict[str, TyperCommand]:
        found: dict[str, TyperCommand] = {}
        for name, command in group.commands.items():
            if isinstance(command, TyperGroup):
                found |= walk(command, f"{prefix}{name} ")
            else:
                assert isinstance(command, TyperCommand)
                found[f"{prefix}{name}"] = command
        return found

    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return walk(root, "")


def invocations(path: Path) -> list[list[str]]:
    """Words of every ``deeppcos ...`` line inside the fenced blocks of a page."""
    return [
        shlex.split(line.removeprefix("$ "), comments=True)
        for block in FENCE.findall(text_of(path))
        for line in block.replace("\\\n", " ").splitlines()
        if line.removeprefix("$ ").startswith("deeppcos ")
    ]


def anchor(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_the_program_has_the_commands_of_its_contract() -> None:
    assert {"analyze", "assess", "example"} <= set(commands())


def test_every_command_is_documented() -> None:
    pages = "\n".join(text_of(path) for path in PAGES)
    missing = [name for name in commands() if f"deeppcos {name}" not in pages]
    assert missing == []


def test_every_command_and_option_has_help() -> None:
    silent = [name for name, command in commands().items() if not (command.help or "").strip()]
    silent += [
        f"{name} {parameter.opts[0]}"
        for name, command in commands().items()
        for parameter in command.params
        if parameter.name != "help" and not (getattr(parameter, "help", None) or "").strip()
    ]
    assert silent == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_documented_commands_and_options_exist(path: Path) -> None:
    wrong = []
    for words in invocations(path):
        if words[1].startswith("--"):
            continue  # an option of the program itself, tried below
        name = next(
            (" ".join(words[1:n]) for n in (4, 3, 2) if " ".join(words[1:n]) in commands()), ""
        )
        options = {option for p in commands()[name].params for option in p.opts} if name else set()
        named = {word.partition("=")[0] for word in words[2:] if word.startswith("--")} - {"--help"}
        if not name or named - options:
            wrong.append(" ".join(words))
    assert wrong == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_repository_resolve(path: Path) -> None:
    broken = []
    prose = FENCE.sub("", text_of(path))
    for groups in LINK.findall(prose):
        target = groups[0] or groups[1]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        if not linked.exists():
            broken.append(target)
        elif fragment and linked.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(linked)), re.MULTILINE)
            if fragment not in {anchor(heading) for heading in headings}:
                broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", ["start", "check", ".ci/run", "scripts/make-venv"])
def test_the_scripts_are_executable_and_parse(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    run = subprocess.run(
        ["bash", "-n", ROOT / name], capture_output=True, encoding="utf-8", check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_scripts_named_in_the_readme_exist() -> None:
    named = {
        line.split()[0]
        for block in FENCE.findall(text_of(README))
        for line in block.splitlines()
        if line.startswith("./")
    }
    assert {"./start", "./check"} <= named
    assert all((ROOT / name).is_file() for name in named)


def test_the_first_screen_says_research_use_before_any_command() -> None:
    opening = text_of(README).partition("```")[0]
    assert "Research use" in opening
    assert "Not a medical device" in opening


def test_everything_in_the_readmes_tree_exists_and_every_room_is_in_it() -> None:
    lines = fenced(between("tree", "/tree")).splitlines()
    assert lines[0] == "src/deeppcos/"
    listed = {line.split()[0].rstrip("/") for line in lines[1:]}
    source = ROOT / "src" / "deeppcos"
    assert {name for name in listed if not (source / name).exists()} == set()
    rooms = {path.parent.name for path in source.glob("*/__init__.py")}
    assert rooms <= listed


def test_the_readmes_numbers_have_intervals_a_data_set_and_a_way_to_reproduce_them() -> None:
    numbers = between("numbers", "/numbers")
    rows = [line for line in numbers.splitlines() if re.search(r"\d\.\d+.*\d.*\bto\b.*\d", line)]
    assert len(rows) >= 3, (
        "README.md: three numbers with intervals (`0.81 (0.77 to 0.85)`), a line each"
    )
    assert "deeppcos evaluate" in numbers
    assert "images" in numbers


@pytest.mark.slow
def test_the_readmes_output_is_what_the_example_prints() -> None:
    shown = fenced(between("output:start", "output:end"))
    assert shown.strip(), "README.md has no output: run scripts/fill_readme.py"
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "fill_readme.py", "--print"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert shown.strip() == run.stdout.strip(), "README.md is stale: run scripts/fill_readme.py"


def test_the_changelog_puts_clinical_behaviour_first() -> None:
    headings = re.findall(r"^##+ (.+)$", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert re.match(r"\d+\.\d+\.\d+", headings[0])
    assert headings[1:4] == ["Clinical behaviour", "Features", "Fixes"]
