"""Studies that came over DICOM, taken from the inbox into the desk.

Owns the step from a study nobody sends any more to a study of the worklist, and late images.
Receiving is the business of ``records.dicom_network``; it may be done any number of times: what
the desk holds already is recognised by its content.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deeppcos.app.connections.incoming import is_ours
from deeppcos.app.connections.rules import StudyFacts, facts_of, incoming_for
from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import IncomingTable
from deeppcos.app.desk.study_states import Event, State, follows
from deeppcos.app.web import audit, jobs
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.asking import note_arrival
from deeppcos.app.web.connections.identity import desk_number, patient_named, shown_name
from deeppcos.app.web.connections.lab_results import fill_from_messages
from deeppcos.app.web.connections.scanner_reports import chart_scanner_reports
from deeppcos.app.web.models import (
    AuditEvent,
    ExpectedStudy,
    Image,
    Job,
    JobState,
    Patient,
    Site,
    Study,
    StudyState,
)
from deeppcos.app.web.studies.forms import new_number
from deeppcos.app.web.studies.storing import keep_file
from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.records.identifiers import PatientIdentifier
from deeppcos.records.on_disk import sha256_of

if TYPE_CHECKING:
    from deeppcos.records.dicom_network.inbox import Inbox
    from deeppcos.records.dicom_network.kept import InboxStudy, KeptInstance

LOG = logging.getLogger("deeppcos.connections")

TAKEN, LATE, NOT_TAKEN = "taken", "late", "not taken"
NO_PICTURES = frozenset({"SR", "SEG", "PR", "KO", "DOC", "REG", "PLAN", "AU", "ECG", "RTSTRUCT"})
LOST_PAUSE = timedelta(minutes=1)
MOST_READINGS = 5
LOCKED = (StudyState.SIGNED, StudyState.SENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    """A study of the inbox, sorted."""

    study: "InboxStudy"
    pictures: tuple[Path, ...]
    reports: tuple[Path, ...]
    facts: StudyFacts


def take_quiet(inbox: "Inbox", connections: Connections) -> int:
    """Take every study that nobody sends any more into the desk.

    Args:
        inbox: What was received.
        connections: What is to be done with it.

    Returns:
        How many studies were taken.
    """
    listener = connections.listeners.dicom
    quiet_s = listener.quiet_s if listener else 0.0
    taken = 0
    for study in (*inbox.quiet_studies(quiet_s), *_late_and_open(inbox)):
        try:
            taken += _take(study, inbox, connections)
        except DeepPCOSError as problem:
            _tell_once(study.study_instance_uid, str(problem))
    return taken


def read_lost_again() -> int:
    """Have received studies read again whose worker was lost too often, as by power cuts.

    A file that ends its reading process is told as a problem; a job without one was lost.

    Returns:
        How many readings were asked for.
    """
    long_ago = timezone.now() - LOST_PAUSE
    lost = Job.objects.filter(
        kind="analyse", state=JobState.FAILED, problem="", asked_by=None, ended_at__lt=long_ago
    )
    asked = 0
    for study in Study.objects.filter(
        state=StudyState.ARRIVED, is_example=False, jobs__in=lost
    ).distinct():
        newest = study.jobs.filter(kind="analyse").first()
        if newest in lost and study.jobs.filter(kind="analyse").count() <= MOST_READINGS:
            jobs.ask("analyse", study=study)
            asked += 1
    return asked


def senders_of(study: Study) -> tuple[str, ...]:
    """AE titles that sent images of a study."""
    from deeppcos.records.dicom_network.inbox import Inbox

    if not study.study_uid or not places.inbox_folder().is_dir():
        return ()
    with Inbox(places.inbox_folder()) as inbox:
        kept = inbox.instances(study.study_uid)
    return tuple(dict.fromkeys(one.sender.ae_title for one in kept))


def late_images(study: Study) -> int:
    """How many images of a study wait because it is signed."""
    from deeppcos.records.dicom_network.inbox import Inbox

    if not study.study_uid or not places.inbox_folder().is_dir():
        return 0
    with Inbox(places.inbox_folder()) as inbox:
        waiting = inbox.studies(state=LATE)
        late = [one for one in waiting if one.study_instance_uid == study.study_uid]
        kept = inbox.instances(study.study_uid) if late else ()
    known = _known_content(study)
    pictures = [one for one in kept if one.modality not in NO_PICTURES and not one.is_conflict]
    return sum(sha256_of(one.path) not in known for one in pictures)


def _tell_once(uid: str, problem: str) -> None:
    """Say in the trail why a study is not taken; it is tried again until it can be."""
    about = f"uid:{uid}"[:80]
    told = AuditEvent.objects.filter(action="connection.not_taken", about=about).last()
    if told is None or told.detail.get("problem") != problem:
        LOG.warning("study %s is not taken: %s", uid, problem)
        audit.record("connection.not_taken", actor=None, about=about, detail={"problem": problem})


def _late_and_open(inbox: "Inbox") -> "list[InboxStudy]":
    """Studies whose late images waited for an amendment that has begun."""
    late = inbox.studies(state=LATE)
    locked = Study.objects.filter(
        study_uid__in=[one.study_instance_uid for one in late], state__in=LOCKED
    ).values_list("study_uid", flat=True)
    return [one for one in late if one.study_instance_uid not in set(locked)]


def _take(study: "InboxStudy", inbox: "Inbox", connections: Connections) -> bool:
    """One study, all of it or, after a crash, the rest of it."""
    arrived = _sorted(study, inbox.instances(study.study_instance_uid))
    if not arrived.pictures and not arrived.reports:
        return inbox.mark(study, NOT_TAKEN)
    table = incoming_for(connections, arrived.facts)
    desk_study = _desk_study(arrived, _site(table), connections.issuer)
    if desk_study.state in LOCKED:
        if _misses(desk_study, arrived.pictures):
            return inbox.mark(study, LATE)
        return inbox.mark(study, TAKEN)
    kept = [
        image
        for path in arrived.pictures
        if (image := keep_file(desk_study, path, name=path.name)) is not None
    ]
    chart_scanner_reports(desk_study, arrived.reports)
    _finish(desk_study, kept, arrived, table)
    fill_from_messages(desk_study)
    return inbox.mark(study, TAKEN)


def _sorted(study: "InboxStudy", instances: "Iterable[KeptInstance]") -> _Arrived:
    """What of a study is a picture, what a scanner's report; our own results are neither."""
    fitting = [one for one in instances if not one.is_conflict and not is_ours(one.path)]
    pictures = tuple(one.path for one in fitting if one.modality not in NO_PICTURES)
    reports = tuple(one.path for one in fitting if one.modality == "SR")
    facts = facts_of(
        [one.path for one in fitting], ae_titles={one.sender.ae_title for one in fitting}
    )
    return _Arrived(study=study, pictures=pictures, reports=reports, facts=facts)


def _site(table: IncomingTable) -> Site:
    """Where a study belongs."""
    if table.into_site:
        site = Site.objects.filter(slug=table.into_site).first()
        if site is None:
            raise InvalidInput(
                "connections.toml [[incoming]]: into_site names no site",
                value=table.into_site,
                accepted=", ".join(Site.objects.values_list("slug", flat=True)),
                remedy="correct it; the study is taken then",
            )
        return site
    first = Site.objects.order_by("pk").first()
    if first is None:
        raise InvalidInput("the desk has no site yet", remedy="start deeppcos serve once")
    return first


def _desk_study(arrived: _Arrived, site: Site, issuer: str) -> Study:
    """The desk's study of these images: known, expected, or new."""
    said = arrived.study
    with transaction.atomic():
        known = Study.objects.filter(site=site, study_uid=said.study_instance_uid).first()
        if known is not None:
            return known
        expected = _expected(site, said)
        patient = _patient(site, said, issuer)
        ordered = expected.study if expected else None
        if ordered and not ordered.study_uid and ordered.patient_id == patient.pk:
            ordered.study_uid = said.study_instance_uid
            ordered.performed_on = ordered.performed_on or said.study_date
            ordered.save(update_fields=["study_uid", "performed_on", "updated_at"])
            return ordered
        number = said.accession_number or new_number()
        if Study.objects.filter(site=site, accession=number).exists():
            # Another examination has the number: both stay, and this one says so.
            number = f"{number[:50]} {new_number()}"
        study = Study.objects.create(
            site=site,
            patient=patient,
            accession=number[:64],
            study_uid=said.study_instance_uid,
            performed_on=said.study_date,
            profile=settings.DEFAULT_PROFILE,
        )
        if expected is not None:
            ExpectedStudy.objects.filter(pk=expected.pk).update(study=study)
        audit.record(
            "study.received",
            actor=None,
            study=study,
            detail={"from": sorted(arrived.facts.ae_titles)},
        )
    return study


def _expected(site: Site, said: "InboxStudy") -> ExpectedStudy | None:
    """The order these images answer, by UID or accession number."""
    expected = ExpectedStudy.objects.filter(site=site).select_related("study")
    by_uid = expected.filter(study_uid=said.study_instance_uid).first()
    if by_uid is not None or not said.accession_number:
        return by_uid
    return expected.filter(accession=said.accession_number).first()


def _patient(site: Site, said: "InboxStudy", issuer: str) -> Patient:
    """Whose images they are, through merges told since."""
    from deeppcos.app.web.connections.merging import standing_number

    stated = (said.patient_id or "").strip()
    issued_by = said.issuer_of_patient_id or ""
    who = PatientIdentifier(issuer=issued_by, value=stated) if stated else None
    number = desk_number(who, home=issuer, otherwise=said.study_instance_uid)
    return patient_named(
        site,
        standing_number(site, number),
        name=shown_name(said.patient_name),
        birth_date=said.birth_date,
    )


def _misses(study: Study, pictures: Sequence[Path]) -> bool:
    """Whether the study lacks one of these files."""
    known = _known_content(study)
    return any(sha256_of(path) not in known for path in pictures)


def _known_content(study: Study) -> set[str]:
    """Hashes of every file of a study; one that was withdrawn is known and does not come back."""
    return set(Image.with_withdrawn.filter(study=study).values_list("sha256", flat=True))


def _finish(study: Study, kept: Sequence[Image], arrived: _Arrived, table: IncomingTable) -> None:
    """The state, the event, and the work that follows: all of it or nothing."""
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        count = Image.with_withdrawn.filter(study=now).count()
        if kept:
            now.state = StudyState(follows(now.state, Event.ADD_FILES))
            now.save(update_fields=["state", "updated_at"])
            audit.record(
                "study.files_received",
                actor=None,
                study=now,
                detail={"kept": len(kept), "from": sorted(arrived.facts.ae_titles)},
            )
        note_arrival(now, number=count)
        needs_reading = now.state in (State.ARRIVED, State.IN_REVIEW) and count
        is_read = now.state == State.IN_REVIEW and not kept
        if table.analyze and needs_reading and not is_read:
            jobs.ask("analyse", study=now)
