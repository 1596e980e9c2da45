"""Simulated women as research tables, made once a session."""

from pathlib import Path
from typing import Any

import pytest

from deeppcos.research.simulation import SimulatedVisit, simulated_visits

pytest.importorskip("duckdb", reason="cohorts need the research extra")

from deeppcos.research.engine import engine
from deeppcos.research.table import ResearchTable, write_tables


def tables_of(visits: list[SimulatedVisit], folder: Path) -> ResearchTable:
    """Research tables of simulated visits."""
    rows = [visit.rows() for visit in visits]
    return write_tables(
        folder,
        {
            "assessments": [one.assessment for one in rows],
            "ovaries": [ovary for one in rows for ovary in one.ovaries],
            "labs": [lab for one in rows for lab in one.labs],
            "readings": [reading for visit in visits for reading in visit.readings],
        },
        source="simulated",
    )


@pytest.fixture(scope="session")
def visits() -> list[SimulatedVisit]:
    return list(simulated_visits(320, seed=5))


@pytest.fixture(scope="session")
def table(visits: list[SimulatedVisit], tmp_path_factory: pytest.TempPathFactory) -> ResearchTable:
    return tables_of(visits, tmp_path_factory.mktemp("table") / "table")


def answers(statement: str) -> list[tuple[Any, ...]]:
    """What the engine answers."""
    with engine() as connection:
        return connection.execute(statement).fetchall()
