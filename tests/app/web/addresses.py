"""Every address of the web room, for the tests that walk them all."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from deeppcos.app.web.access import GUARD_THEMSELVES
from deeppcos.app.web.models import Study, User


@dataclass(frozen=True, slots=True)
class Address:
    """One address: its full name and the names of what it takes."""

    name: str
    takes: frozenset[str]


def addresses() -> Iterator[Address]:
    """Every address whose views state who may see them."""

    def walk(resolver: URLResolver, space: str) -> Iterator[Address]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLPattern):
                takes = frozenset(entry.pattern.converters)
                yield Address(f"{space}:{entry.name}", takes)
            elif entry.namespace not in GUARD_THEMSELVES:
                yield from walk(entry, entry.namespace or space)

    return walk(get_resolver(), "")


def values_for(study: Study, user: User) -> dict[str, object]:
    """Something real for every converter where there is something, else something well formed."""
    image = study.images.first()
    return {
        "study_id": study.pk,
        "patient_id": study.patient_id,
        "image_id": image.pk if image else uuid.uuid4(),
        "link_id": uuid.uuid4(),
        "token_id": uuid.uuid4(),
        "job_id": uuid.uuid4(),
        "message_id": uuid.uuid4(),
        "expected_id": uuid.uuid4(),
        "cohort_id": uuid.uuid4(),
        "alarm_id": uuid.uuid4(),
        "figure": "ages",
        "form": "svg",
        "user_id": user.pk,
        "site_id": study.site_id,
        "number": 1,
        "frame": 0,
        "plane": "coronal",
        "name": "report.html",
        "release_name": "site-1",
        "secret": "made-up",
        "peer": "nobody",
        "who": "MQ",
        "token": "made-up",
    }
