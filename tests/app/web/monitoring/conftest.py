"""Women whose readings were taken down, before and after something changed."""

import datetime
import random
from collections.abc import Callable

import pytest
from django.utils import timezone

from deeppcos.app.web.models import Patient, Site, Study, User, WatchReading, WatchWindow
from deeppcos.app.web.monitoring.watching import name_window

pytest.importorskip("scipy", reason="subgroups need the research extra")

AddReadings = Callable[..., None]


def add_readings(
    site: Site,
    women: int,
    *,
    days_ago: int,
    seed: int = 1,
    scanner: str = "GE Voluson",
    more: int = 0,
) -> None:
    """Readings of so many women, from so many days ago on, one an hour."""
    chance = random.Random(seed)
    start = timezone.now() - datetime.timedelta(days=days_ago)
    for number in range(women):
        patient = Patient.objects.create(site=site, identifier=f"W{days_ago}-{seed}-{number}")
        study = Study.objects.create(site=site, patient=patient, accession=patient.identifier)
        at = start + datetime.timedelta(minutes=number)
        WatchReading.objects.create(
            study=study,
            patient=patient,
            site=site,
            observed_at=at,
            release="r-1",
            facts={
                "scanner": scanner,
                "vendor": scanner.split()[0],
                "route": chance.choice(["transvaginal", "transvaginal", "transabdominal"]),
                "depth_mm": chance.gauss(80, 10),
                "brightness": chance.gauss(60, 15),
                "has_scale": chance.random() < 0.9,
                "age_years": chance.uniform(17, 42),
                "bmi_kg_m2": chance.gauss(26, 5),
                "population": "general",
                "count": float(chance.randint(2, 20) + more),
                "abstained": chance.random() < 0.05,
                "status": chance.choice(["criteria_met", "criteria_not_met", "indeterminate"]),
                "phenotype": chance.choice(["A", "D", "B or C"]),
            },
            reader_at=at + datetime.timedelta(minutes=30),
            reader_facts={
                "edits": chance.choice([0, 0, 1, 3]),
                "count_difference": float(chance.choice([-1, 0, 0, 1])),
                "outside_interval": chance.random() < 0.1,
                "calibration": chance.gauss(0, 0.1),
            },
        )


@pytest.fixture
def window(site: Site, clinician: User) -> WatchWindow:
    """A frozen window of 60 women, nine days ago."""
    add_readings(site, 60, days_ago=9)
    day = timezone.localdate()
    return name_window(
        site,
        name="Usual weeks",
        first=day - datetime.timedelta(days=12),
        last=day - datetime.timedelta(days=7),
        by=clinician,
    )
