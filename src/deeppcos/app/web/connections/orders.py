"""Who is expected: from HL7 orders and the modality worklist, until their study is there.

Owns the rows of ``ExpectedStudy`` and beginning a study from one.
"""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deeppcos.app.web import audit
from deeppcos.app.web.connections.identity import desk_number, patient_named, shown_name
from deeppcos.app.web.connections.lab_results import fill_from_messages
from deeppcos.app.web.connections.merging import standing_number
from deeppcos.app.web.models import ExpectedStudy, Site, Study, User
from deeppcos.errors import InvalidInput
from deeppcos.records.identifiers import PatientIdentifier

if TYPE_CHECKING:
    from deeppcos.records.dicom_network.worklist import WorklistEntry
    from deeppcos.records.hl7v2.orders import Examination, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One examination as somebody announces it.

    Attributes:
        accession: Its number.
        study_uid: The UID its images will have, or empty.
        patient: The desk's number of the patient.
        name: Her name, or empty.
        birth_date: Her birth date, or None.
        description: What is to be done, in words.
        scheduled_at: When, or None.
        is_cancelled: Whether it was called off.
    """

    accession: str
    study_uid: str
    patient: str
    name: str
    birth_date: dt.date | None
    description: str
    scheduled_at: dt.datetime | None
    is_cancelled: bool = False


def apply(order: "Order", site: Site, number: str, *, source: str) -> str:
    """Note what an order asks for.

    Args:
        order: The order.
        site: Where.
        number: The desk's number of its patient.
        source: Who sent it.

    Returns:
        What was done, in words.
    """
    from deeppcos.records.hl7v2.orders import OrderControl

    patient = order.patient
    name = " ".join(one for one in (patient.given_name, patient.family_name) if one)
    words = [*order.questions, *order.others]
    for one in order.examinations:
        is_cancelled = one.control is OrderControl.CANCELLED
        accession = one.accession_number or one.filler_number or one.placer_number
        announced = Expected(
            accession=accession[:64],
            study_uid=one.study_instance_uid[:64],
            patient=number,
            name=name,
            birth_date=patient.birth_date,
            description=_asked_for(one),
            scheduled_at=one.asked_for_at,
            is_cancelled=is_cancelled,
        )
        expect(announced, site, source=source)
        words.append(f"{accession} {'cancelled' if is_cancelled else 'expected'}")
    return "; ".join(words)


def take_worklist(
    entries: "tuple[WorklistEntry, ...]", site: Site, *, source: str, issuer: str
) -> int:
    """Note what a modality worklist announces.

    Args:
        entries: Its entries; those without accession number or patient are passed over.
        site: Where.
        source: Name of the peer.
        issuer: Issuer of the hospital's own numbers.

    Returns:
        How many were noted.
    """
    noted = 0
    for one in entries:
        if not one.accession_number or not one.patient_id:
            continue
        who = PatientIdentifier(issuer=one.issuer_of_patient_id or "", value=one.patient_id)
        at = one.scheduled
        expect(
            Expected(
                accession=one.accession_number[:64],
                study_uid=(one.study_instance_uid or "")[:64],
                patient=desk_number(who, home=issuer),
                name=shown_name(one.patient_name),
                birth_date=one.birth_date,
                description=one.step or one.procedure or "",
                scheduled_at=timezone.make_aware(at) if at and timezone.is_naive(at) else at,
            ),
            site,
            source=source,
        )
        noted += 1
    return noted


def expect(announced: Expected, site: Site, *, source: str) -> ExpectedStudy:
    """Note one examination; what is known of it already is replaced by what is said now."""
    number = standing_number(site, announced.patient)
    expected, _ = ExpectedStudy.objects.update_or_create(
        site=site,
        accession=announced.accession,
        defaults={
            "study_uid": announced.study_uid,
            "patient": number,
            "name": announced.name[:200],
            "birth_date": announced.birth_date,
            "description": announced.description[:200],
            "scheduled_at": announced.scheduled_at,
            "source": source[:200],
            "is_cancelled": announced.is_cancelled,
        },
    )
    return expected


def begin_expected(expected: ExpectedStudy, *, by: User) -> Study:
    """Begin the study of an announced examination.

    Args:
        expected: The announcement.
        by: Who begins it.

    Returns:
        The study; the one there is, if it was begun before.

    Raises:
        InvalidInput: If it was cancelled, or another study has its number.
    """
    with transaction.atomic():
        now = ExpectedStudy.objects.select_for_update().get(pk=expected.pk)
        if now.study is not None:
            return now.study
        if now.is_cancelled:
            raise InvalidInput("this examination was cancelled", remedy="ask whoever ordered it")
        if Study.objects.filter(site=now.site, accession=now.accession).exists():
            raise InvalidInput(
                "another study has this accession number",
                value=now.accession,
                remedy="open that study, or begin one by hand",
            )
        patient = patient_named(now.site, now.patient, name=now.name, birth_date=now.birth_date)
        study = Study.objects.create(
            site=now.site,
            patient=patient,
            accession=now.accession,
            created_by=by,
            profile=settings.DEFAULT_PROFILE,
        )
        now.study = study
        now.save(update_fields=["study", "told_at"])
        audit.record("study.created", actor=by, study=study, detail={"from": now.source})
    fill_from_messages(study)
    return study


def _asked_for(one: "Examination") -> str:
    """What is to be done and why."""
    what = one.words or one.code
    return f"{what}: {one.reason}" if one.reason else what
