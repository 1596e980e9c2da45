"""Research tables of simulated women, made once a session, and a saved query."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="cohorts need the research extra")

from deeppcos.app.cohorts.making import make_simulated


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohorts") / "table"
    make_simulated(folder, women=160, seed=9)
    return folder


@pytest.fixture
def tables(made: Path, tmp_path: Path) -> Path:
    """A copy of one's own, with a ledger of its own."""
    folder = tmp_path / "table"
    shutil.copytree(made, folder)
    return folder
