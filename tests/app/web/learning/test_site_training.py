"""Training at a desk: what would be learned from, who may ask, and how the work gives way."""

import datetime
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.learning.doing import colleague, frozen_here
from tests.app.web.learning.test_learning_export import CENTRES, one_still, read_blind

from deeppcos.app.desk.training_steps import train_in_process
from deeppcos.app.verbs.learn_training import _asked_to_stop
from deeppcos.app.web import jobs
from deeppcos.app.web.learning import training, training_job
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.app.web.learning.training import (
    checked_name,
    frozen_file,
    gathered_set,
    read_site_frozen,
    refuse_withdrawn,
    training_place,
    would_learn,
)
from deeppcos.app.web.models import AuditEvent, Job, JobState, Role, Study, User
from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.site.start import Asking, begin
from deeppcos.learning.site.training_set import FROZEN_PATIENTS, read_set_document
from deeppcos.vision.release import SHIPPED

pytest.importorskip("torch", reason="a desk trains with the train extra")

__all__ = ["one_still"]

pytestmark = [pytest.mark.django_db]
PAGE = "learning:training"


@pytest.fixture
def read_still(one_still: Study) -> Study:
    """A consented study that one reader finished."""
    read_blind(one_still, colleague(one_still, "bo"), *CENTRES)
    return one_still


def freeze_patient_of(study: Study) -> None:
    """Put the study's patient into the frozen test set."""
    frozen_here()
    document = json.loads(frozen_file().read_text())
    document["pictures"][0]["group"] = f"reviewed/{pseudonyms().patient(study.patient)}"
    frozen_file().write_text(json.dumps(document))


def test_what_would_be_learned_from_is_what_the_set_then_holds(read_still: Study) -> None:
    frozen_here()
    frozen = read_site_frozen(frozen_file())
    seen = would_learn(frozen)
    document = read_set_document(gathered_set(frozen, by=None, clean=False))
    assert (seen.patients, seen.marked_patients, seen.pictures) == (1, 1, 1)
    assert (document.patients, document.marked_patients, len(document.pictures)) == (1, 1, 1)
    assert seen.kinds == document.kinds == {"ovary": 1}
    assert seen.left_out == document.left_out == {}
    assert not list(training_place().glob(".export-*")), "no pictures lie about"


def test_who_is_left_out_is_told_before_and_after(read_still: Study) -> None:
    freeze_patient_of(read_still)
    frozen = read_site_frozen(frozen_file())
    assert would_learn(frozen).left_out == {FROZEN_PATIENTS: 1}
    with pytest.raises(InvalidInput, match="nothing is left to learn from; got 1 patients of the"):
        gathered_set(frozen, by=None, clean=False)
    read_still.patient.may_teach = None
    read_still.patient.save()
    assert would_learn(None).left_out == {"studies: consent to learning was never asked": 1}


def test_training_does_not_go_on_with_a_woman_who_took_her_consent_back(read_still: Study) -> None:
    frozen_here()
    learned = gathered_set(read_site_frozen(frozen_file()), by=None, clean=False)
    refuse_withdrawn(learned)
    read_still.patient.may_teach = False
    read_still.patient.save()
    with pytest.raises(InvalidInput, match=r"1 studies .* may no longer be learned from"):
        refuse_withdrawn(learned)


@pytest.mark.parametrize("name", ["", "Site 1", "../up", "shipped", "set-1"])
def test_a_candidate_has_a_name_that_a_release_can_have(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be kept"):
        checked_name(name)


@pytest.fixture
def root(administrator: User, client_of: ClientOf) -> Client:
    return client_of(administrator)


def ask(client: Client, **form: str) -> Any:
    return client.post(reverse("learning:train"), {"name": "site-1", "steps": "40", **form})


def test_the_page_tells_what_would_be_learned_from_and_what_is_missing(
    read_still: Study, root: Client
) -> None:
    page = root.get(reverse(PAGE)).content.decode()
    assert "1 picture" in page
    assert "Without it no candidate could be judged" in page
    assert 'name="steps"' not in page
    frozen_here()
    page = root.get(reverse(PAGE)).content.decode()
    assert "At least 10 patients outside the test set are needed" in page


def test_without_the_train_extra_the_page_says_so_and_nothing_begins(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen_here()
    monkeypatch.setattr(training, "NEEDED_PACKAGES", ("torch_that_is_not_there",))
    page = root.get(reverse(PAGE)).content.decode()
    assert "The train extra is not installed (torch_that_is_not_there is missing)" in page
    assert 'name="steps"' not in page
    answer = ask(root)
    assert answer.status_code == 400
    assert "deeppcos[train]" in answer.content.decode()
    assert not Job.objects.exists()


def test_only_who_may_teach_opens_the_page_or_begins(
    make_user: MakeUser, client_of: ClientOf
) -> None:
    frozen_here()
    clinician = client_of(make_user("cy", Role.CLINICIAN))
    assert clinician.get(reverse(PAGE)).status_code == 403
    assert ask(clinician).status_code == 403
    researcher = client_of(make_user("ri", Role.RESEARCHER))
    assert researcher.get(reverse(PAGE)).status_code == 200
    assert ask(researcher).status_code == 302


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"steps": "many"}, "Steps of a training"),
        ({"steps": "100000"}, "20 to 2000"),
        ({"name": "Site 1"}, "cannot be kept"),
    ],
)
def test_a_form_that_cannot_be_meant_is_refused(
    root: Client, form: dict[str, str], told: str
) -> None:
    frozen_here()
    answer = ask(root, **form)
    assert answer.status_code == 400
    assert told in answer.content.decode()


def test_one_candidate_is_trained_at_a_time_and_what_is_asked_is_recorded(root: Client) -> None:
    assert ask(root).status_code == 400, "no frozen test set"
    frozen_here()
    assert ask(root).status_code == 302
    assert "waits to be trained" in root.get(reverse(PAGE)).content.decode()
    assert ask(root, name="site-2").status_code == 400
    assert root.post(reverse("learning:stop-training")).status_code == 302
    assert root.post(reverse("learning:stop-training")).status_code == 400
    job = Job.objects.get()
    assert job.state == JobState.CANCELLED
    actions = list(
        AuditEvent.objects.filter(action__startswith="training.")
        .exclude(action="training.viewed")
        .order_by("number")
        .values_list("action", flat=True)
    )
    assert actions == ["training.asked", "training.stopped"]
    page = root.get(reverse(PAGE)).content.decode()
    assert "Go on" in page
    assert "stands at a checkpoint" in page


def asked_job(root: Client) -> Job:
    """A training whose set was gathered and whose candidate was begun."""
    frozen_here()
    learned = gathered_set(read_site_frozen(frozen_file()), by=None, clean=False)
    begin(
        training_place() / "site-1",
        Asking(name="site-1", training_set=learned.name, frozen=str(frozen_file()), steps=40),
        release=SHIPPED,
    )
    ask(root)
    return Job.objects.get(kind="train")


def run(job: Job) -> Job:
    jobs.run.func(str(job.pk))
    job.refresh_from_db()
    return job


Stopping = Callable[[], bool]


def test_training_gives_way_to_a_waiting_study_and_goes_on_later(
    read_still: Study, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[bool] = []

    def process(folder: Path, frozen: Path, hear: Any, *, is_stop_wanted: Stopping) -> None:
        hear({"step": 10, "steps": 40, "best_step": 0})
        stopped.append(is_stop_wanted())

    monkeypatch.setattr(training_job, "train_in_process", process)
    job = asked_job(root)
    waiting = jobs.ask("analyse", study=read_still)
    long_ago = timezone.now() - datetime.timedelta(minutes=1)
    Job.objects.filter(pk=waiting.pk).update(asked_at=long_ago)
    for _ in range(jobs.MOST_ATTEMPTS + 2):
        run(job)
    assert stopped == [True] * (jobs.MOST_ATTEMPTS + 2)
    assert (job.state, job.attempts, job.done) == (JobState.WAITING, 0, 10)
    assert "made room and goes on in a moment" in root.get(reverse(PAGE)).content.decode()


def test_a_worker_that_is_asked_to_end_leaves_the_training_for_the_next(
    read_still: Study, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = asked_job(root)
    monkeypatch.setattr(training_job, "train_in_process", lambda *a, **k: None)
    jobs.ENDING.set()
    try:
        assert run(job).state == JobState.WAITING
    finally:
        jobs.ENDING.clear()


def test_a_cancelled_training_ends_and_one_that_lost_many_workers_does_not(
    read_still: Study, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = asked_job(root)

    def cancelled(*_: Any, **__: Any) -> None:
        jobs.cancel(job)

    monkeypatch.setattr(training_job, "train_in_process", cancelled)
    Job.objects.filter(pk=job.pk).update(attempts=jobs.MOST_ATTEMPTS + 1)
    assert run(job).state == JobState.CANCELLED
    Job.objects.filter(pk=job.pk).update(
        attempts=jobs.MOST_TAKEN_OVER, state=JobState.WAITING, is_cancel_wanted=False
    )
    assert run(job).state == JobState.FAILED


def test_a_problem_of_the_process_ends_the_job_in_words(
    read_still: Study, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = asked_job(root)

    def damaged(*_: Any, **__: Any) -> None:
        raise InvalidInput("checkpoint.pt: damaged checkpoint", remedy="remove it")

    monkeypatch.setattr(training_job, "train_in_process", damaged)
    assert run(job).state == JobState.FAILED
    assert "damaged checkpoint" in root.get(reverse(PAGE)).content.decode()


SPEAKS = """
import json, sys
task = json.loads(sys.stdin.readline())
print(json.dumps({"phase": "training"}), flush=True)
%s
"""


@pytest.fixture
def process_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """The training process with something else inside."""

    real = subprocess.Popen

    def make(body: str) -> Callable[..., Any]:
        script = SPEAKS % body

        def popen(command: list[str], **more: Any) -> Any:
            return real([sys.executable, "-c", script], **more)

        monkeypatch.setattr(subprocess, "Popen", popen)

        def train(is_stop_wanted: Stopping = lambda: False) -> Any:
            heard: list[Any] = []
            done = train_in_process(
                tmp_path, tmp_path / "f.json", heard.append, is_stop_wanted=is_stop_wanted
            )
            return done, heard

        return train

    return make


def test_a_process_is_told_to_stop_and_may_end_in_its_own_time(
    process_that: Callable[..., Any],
) -> None:
    train = process_that("sys.stdin.readline(); print(json.dumps({'stopped': True}), flush=True)")
    done, heard = train(lambda: True)
    assert done is None
    assert heard == [{"phase": "training"}]


def test_a_process_that_finds_the_disk_full_or_dies_is_tried_again(
    process_that: Callable[..., Any],
) -> None:
    with pytest.raises(TemporaryFailure, match="no room"):
        process_that("print(json.dumps({'passing': 'no room'}), flush=True)")()
    with pytest.raises(TemporaryFailure, match="exit status 9"):
        process_that("sys.exit(9)")()
    with pytest.raises(InvalidInput, match="another network"):
        process_that("print(json.dumps({'problem': 'another network'}), flush=True)")()


def test_the_training_process_ends_when_nobody_listens_any_more(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "deeppcos.app.desk.training_process"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps({"folder": str(tmp_path), "frozen": str(tmp_path)}) + "\n")
    process.stdin.close()
    assert process.wait(timeout=60) in (-signal.SIGKILL, 1)
    assert process.stdout is not None
    process.stdout.close()


def test_a_signal_asks_the_terminal_to_stop_and_a_second_one_ends_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with _asked_to_stop() as is_stop_wanted:
        assert not is_stop_wanted()
        os.kill(os.getpid(), signal.SIGTERM)
        assert is_stop_wanted()
        assert signal.getsignal(signal.SIGTERM) == before, "the next one is not caught"
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_name_of_a_release_on_the_shelf_is_taken(read_still: Study) -> None:
    from tests.app.web.learning.doing import NAME, bring

    bring()
    with pytest.raises(InvalidInput, match=f"already holds a release {NAME}"):
        checked_name(NAME)
