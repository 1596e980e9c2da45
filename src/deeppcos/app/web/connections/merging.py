"""Patients that the hospital corrects, finds to be one, or takes apart.

Owns what ADT messages do here. A merge is a row of an append-only table and moves the studies, with
an event for each in the audit trail; a move does the same once and leaves the number in use; a link
moves nothing and is shown. Signed reports stay as they were signed. Which number stands for which
is the business of ``records.identifiers`` and ``records.patient_links``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from django.utils import timezone

from deeppcos.app.web import audit
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.identity import desk_number, patient_named
from deeppcos.app.web.models import ExpectedStudy, Patient, ReceivedMessage, Site
from deeppcos.errors import InvalidInput
from deeppcos.records.identifiers import (
    MergeEvent,
    MergeKind,
    MergeTable,
    PatientIdentifier,
)
from deeppcos.records.patient_links import LinkEvent, LinkKind, LinkTable

if TYPE_CHECKING:
    from deeppcos.records.hl7v2.patient_changes import (
        PatientLink,
        PatientMerge,
        PatientMove,
        PatientUpdate,
    )
    from deeppcos.records.hl7v2.people import Patient as NamedPatient
    from deeppcos.records.hl7v2.people import PatientNumber


def merge_table() -> MergeTable:
    """Everything that was told about merges."""
    places.folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return MergeTable(_tables())


def link_table() -> LinkTable:
    """Everything that was told about links."""
    places.folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return LinkTable(_tables())


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
    table = merge_table()
    events = [
        MergeEvent(
            kind=MergeKind.MERGE,
            retired=_known(one.prior, site, issuer),
            surviving=_known(one.survivor.number, site, issuer),
            told_at=timezone.now(),
            told_by=told_by,
        )
        for one in said.merged
    ]
    table.append(*events)
    moved = sum(
        _move(site, event.retired.value, table.canonical(event.surviving).value, one.survivor)
        for event, one in zip(events, said.merged, strict=True)
    )
    return f"{len(said.merged)} numbers merged, {moved} studies moved"


def move(said: "PatientMove", site: Site, issuer: str) -> str:
    """Give what is kept under a number to another patient; the number itself goes on.

    Args:
        said: Whose it is.
        site: Where.
        issuer: Issuer of the hospital's own numbers.

    Returns:
        What was done, in words.

    Raises:
        InvalidInput: If a number was merged into another: what came under it is not told apart.
    """
    moved, table = 0, merge_table()
    for one in said.moved:
        from_number = _known(one.prior, site, issuer)
        if table.canonical(from_number) != from_number:
            raise InvalidInput(
                "the number was merged into another, and what came under it is not told apart",
                value=f"{from_number.value}, now {table.canonical(from_number).value}",
                accepted="a number that stands for itself",
                remedy="look through the studies of both patients",
            )
        to_number = table.canonical(_known(one.survivor.number, site, issuer))
        if to_number == from_number:
            continue
        moved += _move(site, from_number.value, to_number.value, one.survivor, is_same=False)
    return f"{moved} studies moved; the numbers go on"


def link(said: "PatientLink", site: Site, issuer: str, *, told_by: str) -> str:
    """Note that two numbers are one person, or no longer. No study moves.

    Args:
        said: Which.
        site: Where.
        issuer: Issuer of the hospital's own numbers.
        told_by: The message's control id.

    Returns:
        What was done, in words.

    Raises:
        InvalidInput: If numbers that were merged are to be taken apart, or there is no such link.
    """
    one, other = (_known(who.number, site, issuer) for who in (said.one, said.other))
    table = merge_table()
    if not said.is_link and table.canonical(one) == table.canonical(other):
        raise InvalidInput(
            "the numbers were merged, not linked, and their studies are not told apart any more",
            value=f"{one.value} and {other.value}",
            accepted="two numbers that were linked (ADT A24)",
            remedy="look through the studies of both; nothing was changed",
        )
    is_new = link_table().append(
        LinkEvent(
            kind=LinkKind.LINK if said.is_link else LinkKind.UNLINK,
            one=one,
            other=other,
            told_at=timezone.now(),
            told_by=told_by,
        )
    )
    words = "one person" if said.is_link else "two people"
    if is_new:
        for number in (one.value, other.value):
            _note_link(site, number, is_link=said.is_link)
    return f"{words} from now on; each number keeps its studies"


def linked_numbers(site: Site, number: str) -> tuple[str, ...]:
    """Other numbers of the same person that are in use, as the hospital says.

    Args:
        site: Where.
        number: As ``desk_number`` gives it.
    """
    if not _tables().is_file():
        return ()
    who = PatientIdentifier(issuer=site.slug, value=number)
    return tuple(one.value for one in link_table().linked_with(who))


def name_of(patient: "NamedPatient") -> str:
    """A name as people write it."""
    return " ".join(one for one in (patient.given_name, patient.family_name) if one)


def _tables() -> Path:
    """The file of both tables."""
    return places.folder() / "merges.sqlite3"


def _known(number: "PatientNumber", site: Site, issuer: str) -> PatientIdentifier:
    """A number of a message as the tables know it: the desk's, at its site."""
    who = PatientIdentifier(issuer=number.issuer, value=number.value)
    return PatientIdentifier(issuer=site.slug, value=desk_number(who, home=issuer))


def _note_link(site: Site, number: str, *, is_link: bool) -> None:
    """An event for a patient the desk knows."""
    patient = Patient.objects.filter(site=site, identifier=number).first()
    if patient is not None:
        action = "patient.linked" if is_link else "patient.unlinked"
        audit.record(action, actor=None, site=site, about=f"patient:{patient.pk}")


def _move(
    site: Site, retired: str, surviving: str, survivor: "NamedPatient", *, is_same: bool = True
) -> int:
    """Give the studies of one number to another; of the same person, or of another one."""
    ExpectedStudy.objects.filter(site=site, patient=retired).update(patient=surviving)
    ReceivedMessage.objects.filter(site=site, patient=retired).update(patient=surviving)
    prior = Patient.objects.filter(site=site, identifier=retired).first()
    if prior is None:
        return 0
    name = name_of(survivor) or (prior.name if is_same else "")
    patient = patient_named(site, surviving, name=name, birth_date=survivor.birth_date)
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
