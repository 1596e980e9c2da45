"""One example study and one run over it, shared by the journeys."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deeppcos.app.example_study import write_example_study

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def deeppcos_command() -> Command:
    """Run the command line as a user would, in its own process."""

    def run(*words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deeppcos", *map(str, words)],
            capture_output=True,
            encoding="utf-8",
            input=stdin,
            timeout=240,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ready example study."""
    folder = tmp_path_factory.mktemp("example") / "study"
    write_example_study(folder)
    return folder
