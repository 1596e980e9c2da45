"""Keeping how long somebody sat at a study's pictures, and what she was shown.

Owns taking the browser's word for the time, within reason: it only grows, and never faster than
the clock on the wall.
"""

from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deeppcos.app.web import audit
from deeppcos.app.web.models import Sitting, User
from deeppcos.app.web.viewer.keeping import role_at
from deeppcos.app.web.viewer.reading import StudyReading
from deeppcos.errors import InvalidInput

ALLOWANCE_SECONDS = 60.0
"""How much more than the time since a sitting was first heard of may have been worked."""


class SittingTold(BaseModel):
    """What a browser tells of a sitting.

    Attributes:
        id: Chosen by the browser when the page was opened.
        seconds: Worked so far, seconds.
        machine_marks_seen: Whether the machine's marks were shown before her first correction.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID
    seconds: Annotated[float, Field(ge=0, le=86_400)]
    machine_marks_seen: bool


def read_sitting(body: bytes) -> SittingTold:
    """Read what a browser sent.

    Raises:
        InvalidInput: If it is not as agreed.
    """
    try:
        return SittingTold.model_validate_json(body)
    except ValidationError as problem:
        raise InvalidInput(
            "the time spent cannot be read", remedy="load the page again"
        ) from problem


def keep_sitting(reading: StudyReading, user: User, told: SittingTold) -> Sitting | None:
    """Keep the time of a sitting.

    Args:
        reading: What is read.
        user: Who reads.
        told: What her browser says.

    Returns:
        The sitting as it is kept; None before the study was analysed.

    Raises:
        InvalidInput: If the id is that of another person's sitting or of another study.
    """
    if reading.base is None:
        return None
    was_shown = told.machine_marks_seen and not reading.starts_empty
    with transaction.atomic():
        kept, is_new = Sitting.objects.select_for_update().get_or_create(
            id=told.id,
            defaults={
                "study": reading.study,
                "base": reading.base,
                "reader": user,
                "reader_role": role_at(user, reading.study),
                "purpose": reading.purpose,
                "seconds": min(told.seconds, ALLOWANCE_SECONDS),
                "machine_shown_first": was_shown,
                "release_shown": reading.base.release if was_shown else "",
            },
        )
        if is_new:
            audit.record(
                "reading.timed", actor=user, study=reading.study, detail={"sitting": str(kept.pk)}
            )
        elif (kept.reader_id, kept.study_id) != (user.pk, reading.study.pk):
            raise InvalidInput("that is another sitting", remedy="load the page again")
        else:
            _grow(kept, told, was_shown=was_shown, release=reading.base.release)
    return kept


def _grow(kept: Sitting, told: SittingTold, *, was_shown: bool, release: str) -> None:
    """More time, and marks that were shown later but still before the first correction."""
    passed = (timezone.now() - kept.begun_at).total_seconds() + ALLOWANCE_SECONDS
    kept.seconds = max(kept.seconds, min(told.seconds, passed))
    kept.machine_shown_first = kept.machine_shown_first or was_shown
    kept.release_shown = kept.release_shown or (release if was_shown else "")
    kept.save(update_fields=["seconds", "machine_shown_first", "release_shown", "heard_at"])
