"""Work longer than a request: asking for it, doing it, taking it over from a dead worker.

Owns what a job's row says at every step, and its lease. The queue underneath is django-tasks with
its data base backend (decision 0011); what a kind of job does stands in the file it names.

To add a kind: a function of a ``Running`` and one line in ``KINDS``.
"""

import datetime
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.db import close_old_connections, transaction
from django.db.models import F, Q
from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from deeppcos.app.desk.study_reading import Cancelled
from deeppcos.app.web import audit
from deeppcos.app.web.models import Job, JobState, Study, User
from deeppcos.errors import ContractBroken, DeepPCOSError, TemporaryFailure

LOG = logging.getLogger("deeppcos.jobs")

KINDS: dict[str, str] = {
    "analyse": "deeppcos.app.web.studies.analysis:analyse_job",
    "export_rows": "deeppcos.app.web.research.taking:export_job",
    "train": "deeppcos.app.web.learning.training_job:train_job",
}
"""Kind of job, and the function that does it as ``module:name``."""

GIVES_WAY = frozenset({"train"})
"""Kinds that nobody waits for at a desk."""

HEARTBEAT_SECONDS = 5.0
LEASE = datetime.timedelta(seconds=30)
MOST_ATTEMPTS = 3
MOST_TAKEN_OVER = 20
"""Of work that gives way: each attempt goes on where the one before was lost."""
OPEN = (JobState.WAITING, JobState.RUNNING)
PATIENCE = datetime.timedelta(seconds=3)
"""What waits for less may have another worker on its way to it."""
LATER = -50
"""Priority in the queue of work that gives way to whatever somebody waits for."""

ENDING = threading.Event()
"""Set where this worker was asked to end: long work stops where it can go on."""


class Superseded(Exception):
    """Another worker has taken this job over: whatever was done here must not be stored."""


class GaveWay(Exception):
    """The work stopped where it can go on, so that something else is done first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One attempt at a job.

    Attributes:
        job: The job as it was when the attempt began.
        attempt: Number of the attempt, from 1.
    """

    job: Job
    attempt: int

    def is_cancelled(self) -> bool:
        """Whether the work should stop: somebody asked, or another worker has it."""
        return not self._mine().filter(is_cancel_wanted=False).exists()

    def tell(self, *, done: int, total: int, message: str = "") -> None:
        """Say how far the work is."""
        self._mine().update(done=done, total=total, message=message[:300], heard_at=timezone.now())

    def should_give_way(self) -> bool:
        """Whether somebody waits for other work, or this worker was asked to end."""
        waiting = Job.objects.filter(state=JobState.WAITING, is_cancel_wanted=False)
        long_ago = timezone.now() - PATIENCE
        others = waiting.exclude(kind=self.job.kind).filter(asked_at__lt=long_ago)
        return ENDING.is_set() or others.exists()

    def hold(self) -> None:
        """Call inside the transaction that stores the result.

        Raises:
            Superseded: If another worker has the job; nothing may be stored.
        """
        if self._mine().select_for_update().first() is None:
            raise Superseded

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job.pk, attempts=self.attempt, state=JobState.RUNNING)


def ask(
    kind: str,
    *,
    study: Study | None = None,
    asked_by: User | None = None,
    arguments: dict[str, Any] | None = None,
) -> Job:
    """Ask for work, in the transaction of whatever made it necessary.

    Args:
        kind: One of ``KINDS``.
        study: The study it is about. A study has at most one open job of a kind.
        asked_by: Who asked; None for the system.
        arguments: More, as JSON.

    Returns:
        The new job, or the open one there already is.
    """
    _doer(kind)
    with transaction.atomic():
        if study is not None:
            Study.objects.select_for_update().get(pk=study.pk)
            there = study.jobs.filter(kind=kind, state__in=OPEN, is_cancel_wanted=False).first()
            if there is not None:
                return there
        job = Job.objects.create(
            kind=kind, study=study, asked_by=asked_by, arguments=arguments or {}
        )
        _enqueue(job)
        detail = {"kind": kind, "job": str(job.pk)}
        audit.record("job.asked", actor=asked_by, study=study, detail=detail)
    return job


def cancel(job: Job) -> None:
    """Ask for a job to stop; one that nobody has begun is over at once."""
    Job.objects.filter(pk=job.pk, state__in=OPEN).update(is_cancel_wanted=True)
    Job.objects.filter(pk=job.pk, state=JobState.WAITING).update(
        state=JobState.CANCELLED, ended_at=timezone.now()
    )


def take_over_lost() -> int:
    """Give the jobs of workers that were not heard of to the queue again.

    Returns:
        How many.
    """
    long_ago = timezone.now() - LEASE
    lost = Job.objects.filter(state=JobState.RUNNING).filter(
        Q(heard_at__lt=long_ago) | Q(heard_at=None, started_at__lt=long_ago)
    )
    taken = 0
    for job in lost:
        with transaction.atomic():
            still = Job.objects.filter(
                pk=job.pk, state=JobState.RUNNING, attempts=job.attempts, heard_at=job.heard_at
            )
            if not still.update(state=JobState.WAITING, message=""):
                continue
            DBTaskResult.objects.filter(pk=str(job.task)).update(
                status="FAILED", finished_at=timezone.now(), traceback="the worker was lost"
            )
            _enqueue(job)
            taken += 1
            LOG.warning("job %s was lost by its worker and is tried again", job.pk)
    return taken


@task()
def run(job_id: str) -> None:
    """Do one job and say how it ended; a job that is not waiting is somebody else's."""
    running = _begin(job_id)
    if running is None:
        return
    try:
        with _heartbeat(running):
            _doer(running.job.kind)(running)
    except Superseded:
        return
    except (Cancelled, GaveWay) as stopped:
        _stop(running, stopped)
    except TemporaryFailure as problem:
        _try_again(running, str(problem))
    except DeepPCOSError as problem:
        _end(running, JobState.FAILED, str(problem))
    except Exception:
        LOG.exception("job %s broke", job_id)
        _end(running, JobState.FAILED, "")
        raise
    else:
        _end(running, JobState.DONE)


def _enqueue(job: Job) -> None:
    asked = run.using(priority=LATER) if job.kind in GIVES_WAY else run
    result = asked.enqueue(str(job.pk))
    Job.objects.filter(pk=job.pk).update(task=result.id)


def _begin(job_id: str) -> Running | None:
    """Take a waiting job, or nothing if it was cancelled, is done, or has failed too often."""
    waiting = Job.objects.filter(pk=job_id, state=JobState.WAITING)
    long_work = waiting.filter(kind__in=GIVES_WAY).exists()
    if waiting.filter(attempts__gte=MOST_TAKEN_OVER if long_work else MOST_ATTEMPTS).update(
        state=JobState.FAILED, ended_at=timezone.now()
    ):
        return None
    now = timezone.now()
    if not waiting.update(
        state=JobState.RUNNING, attempts=F("attempts") + 1, started_at=now, heard_at=now
    ):
        return None
    job = Job.objects.select_related("study", "asked_by").get(pk=job_id)
    return Running(job=job, attempt=job.attempts)


def _end(running: Running, state: JobState, problem: str = "") -> None:
    running._mine().update(state=state, problem=problem, ended_at=timezone.now())


def _try_again(running: Running, problem: str) -> None:
    """Put a job that failed for a passing reason back, until it has failed too often."""
    if running.attempt >= MOST_ATTEMPTS:
        _end(running, JobState.FAILED, problem)
        return
    with transaction.atomic():
        if running._mine().update(state=JobState.WAITING, problem=problem):
            _enqueue(running.job)


def _stop(running: Running, why: Cancelled | GaveWay) -> None:
    """End a cancelled job; put one back behind the others that made room.

    Making room does not count: that attempt has ended by itself, so its number is free again.
    """
    if isinstance(why, Cancelled):
        _end(running, JobState.CANCELLED)
        return
    with transaction.atomic():
        if running._mine().update(state=JobState.WAITING, attempts=F("attempts") - 1):
            _enqueue(running.job)


@contextmanager
def _heartbeat(running: Running) -> Iterator[None]:
    """Keep the lease while the work goes on, whatever it is busy with."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            running._mine().update(heard_at=timezone.now())
        close_old_connections()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _doer(kind: str) -> Callable[[Running], None]:
    if kind not in KINDS:
        raise ContractBroken(
            "unknown kind of job", value=kind, accepted=", ".join(KINDS), remedy="add it to KINDS"
        )
    module, name = KINDS[kind].split(":")
    doer: Callable[[Running], None] = getattr(import_module(module), name)
    return doer
