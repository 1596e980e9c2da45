"""Patients that the hospital corrects, or finds to be one.

Owns what ADT messages do here: each merge is a row of an append-only table and moves the studies,
with an event for each in the audit trail. Signed reports stay as they were signed. Which number
stands for which is the business of ``records.identifiers``.
"""

from typing import TYPE_CHECKING

from django.utils import timezone

from deeppcos.app.web import audit
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.identity import desk_number, patient_named
from deeppcos.app.web.models import ExpectedStudy, Patient, ReceivedMessage, Site
from deeppcos.records.identifiers import (
    MergeEvent,
    MergeKind,
    MergeTable,
    PatientIdentifier,
)

if TYPE_CHECKING:
    from deeppcos.records.hl7v2.patient_changes import PatientMerge, PatientUpdate
    from deeppcos.records.hl7v2.people import Patient as NamedPatient


def merge_table() -> MergeTable:
    """Everything that was told about merges."""
    places.folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return MergeTable(places.folder() / "merges.sqlite3")


def standing_number(site: Site, number: str) -> str:
    """The desk's number that stands for a number now.

    Args:
        site: Where; merges are told for the site that listens.
        number: As ``desk_number`` gives it.
    """
    return merge_table().canonical(PatientIdentifier(issuer=site.slug, value=number)).value


def update(said: "PatientUpdate", site: Site, number: str) -> str:
    """Correct what the desk knows of a patient.

    Args:
        said: Who she is now; what is empty was not said.
        site: Where.
        number: The desk's number.

    Returns:
        What was done, in words.
    """
    patient = Patient.objects.filter(site=site, identifier=standing_number(site, number)).first()
    if patient is None:
        return "she is not known here"
    name, changed = name_of(said.patient), []
    if name and name != patient.name:
        patient.name = name[:200]
        changed.append("name")
    if said.patient.birth_date and said.patient.birth_date != patient.birth_date:
        patient.birth_date = said.patient.birth_date
        changed.append("birth_date")
    if not changed:
        return "nothing is new"
    patient.save(update_fields=changed)
    audit.record(
        "patient.corrected",
        actor=None,
        site=site,
        about=f"patient:{patient.pk}",
        detail={"fields": changed},
    )
    return f"corrected: {', '.join(changed).replace('_', ' ')}"


def merge(said: "PatientMerge", site: Site, issuer: str, *, told_by: str) -> str:
    """Move the studies of every number that is somebody's no longer.

    Args:
        said: Who is whom.
        site: Where.
        issuer: Issuer of the hospital's own numbers.
        told_by: The message's control id.

    Returns:
        What was done, in words.

    Raises:
        InvalidInput: If a merge contradicts what was told before; nothing is moved then.
    """
    table, moved = merge_table(), 0
    for one in said.merged:
        survivor = one.survivor.number
        numbers = [
            desk_number(PatientIdentifier(issuer=who.issuer, value=who.value), home=issuer)
            for who in (one.prior, survivor)
        ]
        retired, surviving = (PatientIdentifier(issuer=site.slug, value=n) for n in numbers)
        table.append(
            MergeEvent(
                kind=MergeKind.MERGE,
                retired=retired,
                surviving=surviving,
                told_at=timezone.now(),
                told_by=told_by,
            )
        )
        moved += _move(site, retired.value, table.canonical(surviving).value, one.survivor)
    return f"{len(said.merged)} numbers merged, {moved} studies moved"


def name_of(patient: "NamedPatient") -> str:
    """A name as people write it."""
    return " ".join(one for one in (patient.given_name, patient.family_name) if one)


def _move(site: Site, retired: str, surviving: str, survivor: "NamedPatient") -> int:
    """Give the studies of one number to another."""
    ExpectedStudy.objects.filter(site=site, patient=retired).update(patient=surviving)
    ReceivedMessage.objects.filter(site=site, patient=retired).update(patient=surviving)
    prior = Patient.objects.filter(site=site, identifier=retired).first()
    if prior is None:
        return 0
    patient = patient_named(
        site, surviving, name=name_of(survivor) or prior.name, birth_date=survivor.birth_date
    )
    studies = list(prior.studies.all())
    for study in studies:
        study.patient = patient
        study.version += 1
        study.save(update_fields=["patient", "version", "updated_at", "search_key"])
        audit.record(
            "study.patient_merged",
            actor=None,
            study=study,
            detail={"from": str(prior.pk), "to": str(patient.pk)},
        )
    return len(studies)
