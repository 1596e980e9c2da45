"""Taking rows and pictures of a cohort along: made in the background, kept for a while, fetched.

Owns the job and the folder of finished exports. An export holds women who agreed when it was made;
when one of them withdraws, it leaves the disk, and another must be asked for.
"""

import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404

from deeppcos.app.desk.study_reading import Cancelled
from deeppcos.app.web import audit, jobs
from deeppcos.app.web.access import Right, rights_of
from deeppcos.app.web.jobs import Running
from deeppcos.app.web.models import Image, Job, JobState, Patient, SavedCohort, Study, User
from deeppcos.app.web.research.gathering import (
    assessment_name,
    home,
    kept,
    patient_name,
    research_key,
    snapshot,
    studies_with_documents,
)
from deeppcos.errors import InvalidInput
from deeppcos.research.query import CohortQuery, query_from
from deeppcos.research.table import ResearchTable

KIND = "export_rows"
PICTURES = "coco"
ROW_FORMS = ("parquet", "csv", "omop", "fhir")
KEPT_DAYS = 14
MOST_LISTED = 5
PACKED, WOMEN = "export.zip", "women.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """One export as the page of its cohort shows it.

    Attributes:
        job: The work.
        forms: What was asked for.
        bytes: Size of the file; None where there is none to fetch.
        women: Women in it; None where there is none to fetch.
        is_gone: Whether it was made and left the disk: a woman withdrew, or it was old.
    """

    job: Job
    forms: str
    bytes: int | None
    women: int | None
    is_gone: bool


def may_take(user: User, cohort: SavedCohort) -> bool:
    """Whether this person may export rows of every site the cohort rests on."""
    sites = cohort.sites.values_list("pk", flat=True)
    return all(Right.EXPORT_RESEARCH in rights_of(user, site) for site in sites)


def ask_for_rows(user: User, cohort: SavedCohort, forms: Sequence[str]) -> Job:
    """Ask for an export.

    Args:
        user: Who asks.
        cohort: The cohort.
        forms: Any of ``ROW_FORMS`` and ``PICTURES``.

    Raises:
        InvalidInput: If a form is not known or none is named.
    """
    unknown = [form for form in forms if form not in (*ROW_FORMS, PICTURES)]
    if unknown or not forms:
        raise InvalidInput(
            "form of an export",
            value=", ".join(unknown) or "none",
            accepted=", ".join((*ROW_FORMS, PICTURES)),
        )
    with transaction.atomic():
        _tell("research.rows_asked", user, cohort, forms=" ".join(forms))
        arguments = {"cohort": str(cohort.pk), "forms": list(forms)}
        return jobs.ask(KIND, asked_by=user, arguments=arguments)


def export_job(running: Running) -> None:
    """Make the export of a job and keep it where it is fetched.

    Raises:
        DeepPCOSError: If it cannot be done, or the person may no longer do it.
        Cancelled: If somebody asked to stop; nothing is kept.
    """
    job = running.job
    cohort = SavedCohort.objects.filter(pk=job.arguments["cohort"]).first()
    if cohort is None or job.asked_by is None or not may_take(job.asked_by, cohort):
        raise InvalidInput(
            "rows may not be exported any more",
            accepted="somebody with the right at every site of the cohort",
            remedy="ask whoever administers the site",
        )
    forget_old_exports()
    place = _place(job)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as name:
        fresh = Path(name) / "fresh"
        fresh.mkdir()
        women = _make(running, cohort, fresh)
        with transaction.atomic():
            running.hold()
            (fresh / WOMEN).write_text(json.dumps(asdict(women)), encoding="utf-8")
            shutil.rmtree(place, ignore_errors=True)
            fresh.rename(place)
            detail = {"job": str(job.pk), "forms": " ".join(job.arguments["forms"])}
            _tell("research.rows_made", job.asked_by, cohort, **detail, women=women.exported)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Women:
    """Who an export rests on.

    Attributes:
        exported: How many women are in it.
        agreed: Ids of all women of its sites who agreed when it was made.
    """

    exported: int
    agreed: list[str]


def _make(running: Running, cohort: SavedCohort, fresh: Path) -> _Women:
    """Write the packed export."""
    from deeppcos.app.cohorts.exporting import export_query

    sites = list(cohort.sites.values_list("pk", flat=True))
    _go_on(running, done=0, total=0, message="gathering")
    agreed = _agreed(sites)
    table, query = snapshot(sites), query_from(cohort.document["query"])
    forms = [one for one in running.job.arguments["forms"] if one != PICTURES]
    exported = 0
    with tempfile.TemporaryDirectory(prefix="deeppcos-export-") as name:
        folder = Path(name) / "export"
        if forms:
            _go_on(running, done=0, total=0, message="rows")
            key_file = home() / "deidentification.key"
            exported = export_query(
                table, query, folder, forms=forms, name=cohort.name, key_file=key_file
            ).women
        if PICTURES in running.job.arguments["forms"]:
            seen = _write_pictures(running, table, query, sites, folder / PICTURES)
            exported = max(exported, seen)
        _go_on(running, done=0, total=0, message="packing")
        with zipfile.ZipFile(fresh / PACKED, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(one for one in folder.rglob("*") if one.is_file()):
                archive.write(file, file.relative_to(folder).as_posix())
    return _Women(exported=exported, agreed=agreed)


def _write_pictures(
    running: Running, table: ResearchTable, query: CohortQuery, sites: list[int], out: Path
) -> int:
    """Cleaned pictures and outlines of the cohort's women; how many women."""
    from deeppcos.app.cohorts.outlined_folder import PicturesOf, agreed_assessments
    from deeppcos.app.cohorts.outlines import OutlinedStudy, export_outlines

    wanted, key = agreed_assessments(table, query), research_key()
    studies = []
    for study, standing, read_by in studies_with_documents(sites):
        if assessment_name(study, key) in wanted:
            studies.append(
                OutlinedStudy(
                    document=standing.document,
                    # The same woman has one pseudonym in rows and pictures.
                    patient_id=patient_name(study, key),
                    consent=study.patient.may_research,
                    read_by=read_by,
                    picture_of=PicturesOf(partial(_originals, study)),
                )
            )

    def told(done: int, total: int) -> None:
        _go_on(running, done=done, total=total, message="pictures")

    out.parent.mkdir(parents=True, exist_ok=True)
    export_outlines(studies, out, key=key, progress=told)
    return len({study.patient_id for study in studies})


def _originals(study: Study, source: str) -> Iterator[Path]:
    """The file of a study that a document names; a withdrawn one is not met."""
    yield from (image.original for image in study.images.filter(name=source))


def _go_on(running: Running, *, done: int, total: int, message: str) -> None:
    """Say how far the work is, unless it should stop."""
    if running.is_cancelled():
        raise Cancelled
    running.tell(done=done, total=total, message=message)


def takings(cohort: SavedCohort) -> list[Taking]:
    """The last exports of a cohort, newest first."""
    return [_taking(job) for job in _jobs(cohort)[:MOST_LISTED]]


def taking_for(cohort: SavedCohort, job_id: UUID) -> Taking:
    """One export of a cohort.

    Raises:
        Http404: If this cohort has none of that name.
    """
    job = _jobs(cohort).filter(pk=job_id).first()
    if job is None:
        raise Http404("no such export")
    return _taking(job)


def packed_file(taking: Taking) -> Path:
    """The file of an export.

    Raises:
        Http404: If there is none.
    """
    if taking.bytes is None:
        raise Http404("no such export")
    return _place(taking.job) / PACKED


def forget_exports_of_withdrawn() -> None:
    """Exports with a woman who no longer agrees leave the disk."""
    agreed = Patient.objects.filter(may_research=True).values_list("pk", flat=True)
    allowed = {str(one) for one in agreed}
    for place in _folder().glob("*/"):
        women = _women_of(place)
        # Without: being made; it is asked again when it is fetched.
        if women is not None and not set(women.agreed) <= allowed:
            shutil.rmtree(place, ignore_errors=True)


def forget_old_exports() -> None:
    """Exports older than ``KEPT_DAYS`` leave the disk."""
    for place in _folder().glob("*/"):
        if time.time() - place.stat().st_mtime > KEPT_DAYS * 86400:
            shutil.rmtree(place, ignore_errors=True)


def _women_of(place: Path) -> _Women | None:
    """Who a finished export rests on."""
    try:
        return _Women(**json.loads((place / WOMEN).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _taking(job: Job) -> Taking:
    """An export as it stands now."""
    if job.state == JobState.DONE:
        forget_exports_of_withdrawn()
        _forget_if_a_picture_was_withdrawn(job)
    women = _women_of(_place(job)) if job.state == JobState.DONE else None
    return Taking(
        job=job,
        forms=", ".join(job.arguments["forms"]),
        bytes=(_place(job) / PACKED).stat().st_size if women else None,
        women=women.exported if women else None,
        is_gone=job.state == JobState.DONE and women is None,
    )


def _forget_if_a_picture_was_withdrawn(job: Job) -> None:
    """A picture that never belonged to its study may be in there, or what was measured in it."""
    cohort = SavedCohort.objects.get(pk=job.arguments["cohort"])
    later = Image.with_withdrawn.filter(
        study__site__in=cohort.sites.all(), withdrawn_at__gte=job.started_at
    )
    if later.exists():
        shutil.rmtree(_place(job), ignore_errors=True)


def _jobs(cohort: SavedCohort) -> QuerySet[Job]:
    asked = Job.objects.filter(kind=KIND, arguments__cohort=str(cohort.pk))
    return asked.select_related("asked_by").order_by("-asked_at")


def _agreed(sites: Sequence[int]) -> list[str]:
    """Women of the sites who agree: all of them, so that none of the export is missed."""
    found = Patient.objects.filter(may_research=True, studies__site__in=sites)
    return sorted(str(one) for one in found.values_list("pk", flat=True).distinct())


def _folder() -> Path:
    """Finished exports: no part of a backup, since they can be made again."""
    return kept() / "exports"


def _place(job: Job) -> Path:
    return _folder() / str(job.pk)


def _tell(action: str, user: User, cohort: SavedCohort, **detail: str | int | None) -> None:
    """Record at every site the cohort rests on."""
    for site in cohort.sites.all():
        audit.record(action, actor=user, site=site, about=f"cohort:{cohort.pk}", detail=detail)
