"""Asking for work longer than a request, and doing it.

Owns the way from a request to the queue and what a job's row says at every step.
"""

from collections.abc import Callable

from django.utils import timezone

from deeppcos.app.desk.study_reading import Cancelled
from deeppcos.app.web.models import Job, JobState, Study, User
from deeppcos.app.web.studies.analysis import analyse
from deeppcos.errors import DeepPCOSError

ANALYSE = "analyse"


def ask_for_analysis(study: Study, *, asked_by: User | None) -> Job:
    """Ask for a study to be read; one that is already being asked for is answered with that."""
    there = study.jobs.filter(kind=ANALYSE, state__in=[JobState.WAITING, JobState.RUNNING]).first()
    return there or Job.objects.create(kind=ANALYSE, study=study, asked_by=asked_by)


def do(job: Job) -> None:
    """Do one job and say how it ended."""
    job.state, job.started_at, job.attempts = JobState.RUNNING, timezone.now(), job.attempts + 1
    job.save()
    try:
        _WORK[job.kind](job)
    except Cancelled:
        _end(job, JobState.CANCELLED)
    except DeepPCOSError as problem:
        _end(job, JobState.FAILED, str(problem))
    else:
        _end(job, JobState.DONE)


def _end(job: Job, state: JobState, problem: str = "") -> None:
    Job.objects.filter(pk=job.pk).update(state=state, problem=problem, ended_at=timezone.now())


def _analyse(job: Job) -> None:
    assert job.study is not None
    analyse(job.study, job, is_cancelled=lambda: _is_cancelled(job))


def _is_cancelled(job: Job) -> bool:
    return Job.objects.filter(pk=job.pk, is_cancel_wanted=True).exists()


_WORK: dict[str, Callable[[Job], None]] = {ANALYSE: _analyse}
