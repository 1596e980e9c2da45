"""Adds events to the audit trail, inside the transaction of what they tell of.

Owns the one way in. The hash chain is the business of ``deeppcos.app.desk.audit_chain``.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from deeppcos.app.desk.audit_chain import GENESIS, Event, event_hash
from deeppcos.app.web.models import AuditEvent, AuditHead, Site, Study, User


def record(
    action: str,
    *,
    actor: User | None,
    study: Study | None = None,
    about: str = "",
    site: Site | None = None,
    detail: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Add one event. If the work around it is rolled back, so is the event.

    Args:
        action: What was done, ``area.verb``, such as ``study.viewed``.
        actor: Who did it; None for the system itself.
        study: The study it was done to.
        about: Another thing it was done to, such as ``job:ID``.
        site: Where; the study's site when a study is given.
        detail: More, as JSON; no names of patients.

    Returns:
        The event.
    """
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().filter(pk=1).first()
        if head is None:
            head, _ = AuditHead.objects.select_for_update().get_or_create(
                pk=1, defaults={"number": 0, "hash": GENESIS}
            )
        event = AuditEvent(
            number=head.number + 1,
            at=timezone.now(),
            actor=actor,
            actor_name=actor.get_full_name() if actor else "DeepPCOS",
            action=action,
            about=f"study:{study.pk}" if study else about,
            site=study.site if study else site,
            detail=dict(detail or {}),
            previous_hash=head.hash,
        )
        event.hash = event_hash(as_event(event))
        event.save(force_insert=True)
        AuditHead.objects.filter(pk=1).update(number=event.number, hash=event.hash)
    return event


def as_event(row: AuditEvent) -> Event:
    """A row as the chain hashes it."""
    return Event(
        number=row.number,
        at=row.at,
        actor=row.actor_id,
        actor_name=row.actor_name,
        action=row.action,
        about=row.about,
        site=row.site_id,
        detail=row.detail,
        previous_hash=row.previous_hash,
    )
