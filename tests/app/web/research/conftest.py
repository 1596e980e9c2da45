"""Simulated women at a site, and people who may look at them."""

import pytest
from pytest_django.fixtures import Settings
from tests.app.web.conftest import MakeUser

from deeppcos.app.web.management.commands.simulate_cohort import add_visit
from deeppcos.app.web.models import Role, Site, User
from deeppcos.research.simulation import simulated_visits

pytest.importorskip("duckdb", reason="cohorts need the research extra")


def add_women(site: Site, women: int, *, seed: int = 1) -> None:
    """Simulated women with their assessments."""
    for visit in simulated_visits(women, seed=seed):
        add_visit(site, visit)


@pytest.fixture
def women(site: Site, settings: Settings) -> Site:
    """A site with 160 simulated women, of whom about 115 agreed to research."""
    add_women(site, 160)
    return site


@pytest.fixture
def researcher(make_user: MakeUser) -> User:
    return make_user("rosa", Role.RESEARCHER)
