"""Fills an installation with made-up studies, to see how it bears an archive.

Owns nothing real: every name, number and state is drawn at random, and says that it is synthetic.
"""

import datetime
import random
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from deeppcos.app.web.models import Patient, Site, Study, StudyState, Urgency, User

BATCH = 2000
STUDIES_A_PATIENT = 2
THREE_YEARS_IN_MINUTES = 3 * 365 * 24 * 60
FIRST = (
    *("Ada", "Ayse", "Chen", "Dilan", "Elena", "Fatima", "Grace", "Hana", "Ines", "Jia"),
    *("Kemi", "Lena", "Maria", "Noor", "Olga", "Priya", "Rosa", "Sofia", "Tara", "Zoe"),
)
LAST = (
    *("Adler", "Bauer", "Costa", "Demir", "Ekici", "Flores", "Gupta", "Haddad", "Ivanova"),
    *("Jensen", "Kaya", "Lopez", "Meyer", "Novak", "Okafor", "Petrov", "Quinn", "Rossi"),
    *("Schmidt", "Tanaka", "Ueda", "Vogel", "Wang", "Yilmaz", "Zeller"),
)
STATES = {
    StudyState.ARRIVED: 2,
    StudyState.ANALYSED: 5,
    StudyState.IN_REVIEW: 3,
    StudyState.SIGNED: 30,
    StudyState.SENT: 60,
}
"""States and how common each is, in percent."""
STATUSES = ("criteria_met", "criteria_not_met", "indeterminate", "exclusion_incomplete")


class Command(BaseCommand):
    """``python -m deeppcos.app.web make_archive --studies 100000``."""

    help = "Add made-up studies without pictures"

    def add_arguments(self, parser: CommandParser) -> None:
        """How many, and the seed that makes the same ones again."""
        parser.add_argument("--studies", type=int, default=1000)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        """Add them at the first site."""
        site = Site.objects.order_by("pk").first()
        if site is None:
            site = Site.objects.create(name="Archive", slug="archive")
        # An archive arrived over years; the field would say now for all of them.
        Study._meta.get_field("arrived_at").auto_now_add = False
        chance = random.Random(options["seed"])
        people = list(User.objects.all())
        for numbers in _batches(options["studies"]):
            patients = {number // STUDIES_A_PATIENT: None for number in numbers}
            made = {key: _patient(site, key, chance) for key in patients}
            with transaction.atomic():
                Patient.objects.bulk_create(made.values())
                Study.objects.bulk_create(
                    _study(made[number // STUDIES_A_PATIENT], number, chance, people)
                    for number in numbers
                )
        self.stdout.write(f"added {options['studies']} synthetic studies")


def _batches(number: int) -> Iterator[range]:
    for start in range(0, number, BATCH):
        yield range(start, min(start + BATCH, number))


def _patient(site: Site, number: int, chance: random.Random) -> Patient:
    name = f"{chance.choice(LAST)}{number % 97}, {chance.choice(FIRST)}"
    patient = Patient(site=site, identifier=f"SYN-P{number:07d}", name=name)
    patient.search_key = f"{patient.name} {patient.identifier}".casefold()
    return patient


def _study(patient: Patient, number: int, chance: random.Random, people: list[User]) -> Study:
    [state] = chance.choices(list(STATES), list(STATES.values()))
    is_read = state != StudyState.ARRIVED
    count = float(round(chance.gauss(0, 8))) if is_read and chance.random() < 0.8 else None
    volume = round(chance.gauss(0, 4), 1) if is_read and chance.random() < 0.7 else None
    shares = [] if count is None else [abs(count) / 20]
    shares += [] if volume is None else [abs(volume) / 10]
    arrived = timezone.now() - datetime.timedelta(minutes=chance.randrange(THREE_YEARS_IN_MINUTES))
    accession = f"SYN-{number:07d}"
    return Study(
        site=patient.site,
        patient=patient,
        accession=accession,
        performed_on=arrived.date(),
        state=state,
        urgency=chance.choices(Urgency.values, [94, 5, 1])[0],
        assigned_to=chance.choice(people) if people and chance.random() < 0.3 else None,
        status=chance.choice(STATUSES) if is_read else "",
        count_margin=count,
        volume_margin_ml=volume,
        closeness=min(shares, default=None),
        search_key=f"{patient.search_key} {accession}".casefold(),
        arrived_at=arrived,
    )
