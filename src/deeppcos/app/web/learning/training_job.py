"""Training a candidate in the background: asked for, done, stopped, gone on with.

Owns the job's row and its events. A job that makes room for a study, or whose worker died, goes on
from the last checkpoint; one that was cancelled does so when it is asked for again by its name.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from django.db import transaction

from deeppcos.app.desk.study_reading import Cancelled
from deeppcos.app.desk.training_steps import Answer, train_in_process
from deeppcos.app.web import audit, jobs
from deeppcos.app.web.jobs import GaveWay, Running
from deeppcos.app.web.learning.training import (
    checked_name,
    frozen_file,
    gathered_set,
    missing_package,
    read_site_frozen,
    refuse_withdrawn,
    release_to_start_from,
    training_place,
)
from deeppcos.app.web.models import Job, User
from deeppcos.errors import InvalidInput
from deeppcos.learning.site.fitness import refuse_unteachable
from deeppcos.learning.site.start import (
    BATCH,
    DRAWN_SCENES,
    STEPS,
    Asking,
    begin,
    begun,
    is_begun,
    is_finished,
)
from deeppcos.learning.site.training_set import read_set_document
from deeppcos.vision.release import read_manifest

KIND = "train"
FEWEST_STEPS, MOST_STEPS = 20, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateAsked:
    """What the form says.

    Attributes:
        name: Name of the candidate.
        steps: Optimiser steps at most.
        pictures_are_clean: Whether somebody made sure that no picture has a name burned in.
        others_are_drawn: Whether drawn scenes may be the only pictures of another kind.
        batch: Views a step.
        drawn_scenes: How many scenes are drawn.
    """

    name: str
    steps: int = STEPS
    batch: int = BATCH
    drawn_scenes: int = DRAWN_SCENES
    pictures_are_clean: bool = False
    others_are_drawn: bool = False


def open_training() -> Job | None:
    """The training that has not ended, if there is one."""
    return Job.objects.filter(kind=KIND, state__in=jobs.OPEN).first()


def ask_to_train(asked: CandidateAsked, *, by: User) -> Job:
    """Ask for a candidate, or to go on with one of this name.

    Args:
        asked: What the form says.
        by: Who asks.

    Raises:
        InvalidInput: If something is missing that would only be found out hours later.
    """
    package = missing_package()
    if package:
        raise InvalidInput(
            f"{package} is not installed here",
            accepted="an installation with the train extra",
            remedy="pip install 'deeppcos[train]', or train at a terminal that has it",
        )
    if not FEWEST_STEPS <= asked.steps <= MOST_STEPS:
        raise InvalidInput(
            "steps of a training",
            value=str(asked.steps),
            accepted=f"{FEWEST_STEPS} to {MOST_STEPS}",
        )
    checked_name(asked.name)
    read_site_frozen(frozen_file())
    with transaction.atomic():
        # The trail admits one writer at a time: two who ask at once follow one another.
        audit.record(
            "training.asked",
            actor=by,
            about=f"candidate:{asked.name}",
            detail={
                "steps": asked.steps,
                "pictures_are_clean": asked.pictures_are_clean,
                "others_are_drawn": asked.others_are_drawn,
            },
        )
        running = open_training()
        if running is not None:
            raise InvalidInput(
                "another candidate is being trained",
                value=str(running.arguments.get("name", "")),
                accepted="one at a time: it takes the whole computer",
                remedy="wait for it, or stop it",
            )
        return jobs.ask(KIND, asked_by=by, arguments=asdict(asked))


def stop_training(job: Job, *, by: User) -> None:
    """Have a training stop at its next checkpoint.

    Args:
        job: The training.
        by: Who asks.
    """
    with transaction.atomic():
        audit.record("training.stopped", actor=by, about=f"candidate:{job.arguments.get('name')}")
        jobs.cancel(job)


def train_job(running: Running) -> None:
    """Train the candidate of a job, or go on with it.

    Raises:
        DeepPCOSError: If it cannot be done.
        Cancelled: If somebody asked to stop; it stands at a checkpoint.
        GaveWay: If other work waits; it stands at a checkpoint.
    """
    asked = CandidateAsked(**running.job.arguments)
    folder = training_place() / asked.name
    running.tell(done=0, total=0, message="gathering")
    asking = _begun_or_begin(asked, folder, by=running.job.asked_by)
    candidate = folder_of_candidate(folder, Path(asking.frozen), running)
    if candidate is None:
        raise Cancelled if running.is_cancelled() else GaveWay
    manifest = read_manifest(candidate)
    with transaction.atomic():
        running.hold()
        audit.record(
            "training.finished",
            actor=running.job.asked_by,
            about=f"candidate:{asked.name}",
            detail={
                "weights_sha256": manifest.weights_sha256,
                "training_set": asking.training_set,
                "samples_sha256": manifest.training["samples"]["sha256"],
            },
        )


def folder_of_candidate(folder: Path, frozen: Path, running: Running) -> Path | None:
    """Train in a process of its own; None where it was stopped and can go on."""
    hearing = _Hearing(running)
    return train_in_process(
        folder,
        frozen,
        hearing.hear,
        is_stop_wanted=lambda: running.is_cancelled() or running.should_give_way(),
    )


def _begun_or_begin(asked: CandidateAsked, folder: Path, *, by: User | None) -> Asking:
    """What was begun under this name, with consent that still holds; or a new beginning."""
    if is_begun(folder):
        before = begun(folder)
        if not is_finished(folder):
            refuse_withdrawn(training_place() / before.training_set)
        return begin(
            folder,
            Asking(
                name=asked.name,
                training_set=before.training_set,
                frozen=str(frozen_file()),
                steps=asked.steps,
                batch=asked.batch,
                drawn_scenes=asked.drawn_scenes,
            ),
            release=release_to_start_from(),
        )
    frozen = read_site_frozen(frozen_file())
    learned = gathered_set(frozen, by=by, clean=asked.pictures_are_clean)
    refuse_unteachable(read_set_document(learned), others_are_drawn=asked.others_are_drawn)
    asking = Asking(
        name=asked.name,
        training_set=learned.name,
        frozen=str(frozen_file()),
        steps=asked.steps,
        batch=asked.batch,
        drawn_scenes=asked.drawn_scenes,
    )
    return begin(folder, asking, release=release_to_start_from())


class _Hearing:
    """Takes what the process says to the job's row."""

    def __init__(self, running: Running) -> None:
        self.running = running

    def hear(self, answer: Answer) -> None:
        """Store one answer."""
        if "phase" in answer:
            job = Job.objects.get(pk=self.running.job.pk)
            self.running.tell(done=job.done, total=job.total, message=answer["phase"])
            return
        step, steps = int(answer["step"]), int(answer["steps"])
        self.running.tell(
            done=step, total=steps, message=f"training|{step}|{steps}|{answer['best_step']}"
        )
