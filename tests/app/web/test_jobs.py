import datetime
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from deeppcos.app.desk.study_reading import Cancelled
from deeppcos.app.web import jobs
from deeppcos.app.web.jobs import LEASE, MOST_ATTEMPTS, Running, Superseded
from deeppcos.app.web.models import Job, JobState, Study
from deeppcos.errors import ContractBroken, InvalidInput, TemporaryFailure

done_by: list[Running] = []
"""What the made-up kind of work was called with."""
doing: list[Callable[[Running], None]] = []


def work(running: Running) -> None:
    done_by.append(running)
    for step in doing:
        step(running)


@pytest.fixture(autouse=True)
def _made_up_kind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(jobs, "_doer", lambda kind: work)
    yield
    done_by.clear()
    doing.clear()


def fail_with(problem: Exception) -> Callable[[Running], None]:
    def fail(running: Running) -> None:
        raise problem

    return fail


def run(job: Job) -> Job:
    jobs.run.func(str(job.pk))
    job.refresh_from_db()
    return job


def test_work_is_queued_with_the_change_that_made_it_necessary(study: Study) -> None:
    with transaction.atomic():
        jobs.ask("analyse", study=study)
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert not DBTaskResult.objects.exists()
    job = jobs.ask("analyse", study=study)
    job.refresh_from_db()
    assert DBTaskResult.objects.get().pk == job.task


def test_a_study_is_not_asked_for_twice_while_it_is_open(study: Study) -> None:
    first = jobs.ask("analyse", study=study)
    assert jobs.ask("analyse", study=study) == first
    run(first)
    assert jobs.ask("analyse", study=study) != first


def test_finished_work_is_done_once(study: Study) -> None:
    job = run(jobs.ask("analyse", study=study))
    assert (job.state, job.attempts) == (JobState.DONE, 1)
    run(job)
    assert len(done_by) == 1


def test_our_own_errors_end_a_job_in_words(study: Study) -> None:
    doing.append(fail_with(InvalidInput("no picture", remedy="add one")))
    job = run(jobs.ask("analyse", study=study))
    assert (job.state, job.problem) == (JobState.FAILED, "no picture; add one")


def test_a_passing_failure_is_tried_again_but_not_for_ever(study: Study) -> None:
    doing.append(fail_with(TemporaryFailure("the disk is full")))
    job = run(jobs.ask("analyse", study=study))
    assert job.state == JobState.WAITING
    while job.state == JobState.WAITING:
        job = run(job)
    assert (job.state, job.attempts) == (JobState.FAILED, MOST_ATTEMPTS)


def test_a_waiting_job_is_cancelled_at_once(study: Study) -> None:
    job = jobs.ask("analyse", study=study)
    jobs.cancel(job)
    assert run(job).state == JobState.CANCELLED
    assert done_by == []


def test_a_running_job_hears_that_it_is_cancelled(study: Study) -> None:
    def somebody_cancels(running: Running) -> None:
        assert not running.is_cancelled()
        jobs.cancel(running.job)
        assert running.is_cancelled()
        raise Cancelled

    doing.append(somebody_cancels)
    assert run(jobs.ask("analyse", study=study)).state == JobState.CANCELLED


def test_the_job_of_a_dead_worker_is_taken_over_and_the_dead_may_not_store(study: Study) -> None:
    job = jobs.ask("analyse", study=study)
    dead = jobs._begin(str(job.pk))
    assert dead is not None
    assert jobs.take_over_lost() == 0
    Job.objects.update(heard_at=timezone.now() - LEASE - datetime.timedelta(seconds=1))
    assert jobs.take_over_lost() == 1
    assert dead.is_cancelled()
    assert run(job).state == JobState.DONE
    with pytest.raises(Superseded), transaction.atomic():
        dead.hold()


def test_a_job_that_kills_every_worker_is_given_up(study: Study) -> None:
    job = jobs.ask("analyse", study=study)
    for _ in range(MOST_ATTEMPTS):
        assert jobs._begin(str(job.pk)) is not None
        Job.objects.update(heard_at=timezone.now() - 2 * LEASE)
        assert jobs.take_over_lost() == 1
    assert jobs._begin(str(job.pk)) is None
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_a_kind_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch, study: Study) -> None:
    monkeypatch.undo()
    with pytest.raises(ContractBroken, match="unknown kind of job"):
        jobs.ask("dance", study=study)


def test_every_kind_names_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert all(callable(jobs._doer(kind)) for kind in jobs.KINDS)
