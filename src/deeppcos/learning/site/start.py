"""Beginning a candidate: what was asked, and the release it starts from, kept before any training.

::

    site-1/
      begun.json      what was asked: name, set, steps; a second call must ask the same
      start/          the release it starts from, copied
      run/            configuration, checkpoint, log
      candidate/      manifest and weights, as the gate takes them; appears whole

Owns the folder's layout and the claim on it. Needs no torch, so that a page can look.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.vision.release import MANIFEST_FILE, load_release

BEGUN_FILE, START, RUN, CANDIDATE = "begun.json", "start", "run", "candidate"
STEPS, BATCH, DRAWN_SCENES = 200, 8, 40
CHECKPOINT_EVERY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked for; saved in the run's folder.

    Attributes:
        name: Name of the candidate.
        training_set: Folder name of the set.
        frozen: File of the frozen test set.
        steps: Optimiser steps at most.
        batch: Views a step.
        drawn_scenes: Phantom scenes beside the site's pictures.
        seed: Seed of every random choice.
    """

    name: str
    training_set: str
    frozen: str
    steps: int = STEPS
    batch: int = BATCH
    drawn_scenes: int = DRAWN_SCENES
    seed: int = 1


def begin(folder: Path, asking: Asking, *, release: Path) -> Asking:
    """Claim a folder for a candidate, or find the same one begun.

    Args:
        folder: Folder of the whole.
        asking: What is asked for.
        release: Folder of the release to start from; a run that was begun keeps its own.

    Returns:
        What is asked for.

    Raises:
        InvalidInput: If the folder holds another candidate.
        TemporaryFailure: If the disk is full.
    """
    file = folder / BEGUN_FILE
    if file.is_file():
        before = begun(folder)
        differing = [k for k, v in asdict(asking).items() if asdict(before)[k] != v]
        if differing:
            raise InvalidInput(
                f"{asking.name} was begun otherwise",
                value="other " + ", ".join(differing),
                accepted="the same command, to go on",
                remedy="give the new candidate another name",
            )
        return before
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / START, ignore_errors=True)
        (folder / START).mkdir()
        manifest = load_release(release, threads=1).manifest
        for name in (MANIFEST_FILE, manifest.weights_file):
            shutil.copyfile(release / name, folder / START / name)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(asking), indent=1) + "\n", encoding="utf-8")
        fresh.replace(file)
    except OSError as problem:
        raise disk_refused(folder, problem) from problem
    return asking


def begun(folder: Path) -> Asking:
    """What a folder was begun with.

    Args:
        folder: Folder of the whole.

    Raises:
        InvalidInput: If nothing was begun there.
    """
    try:
        return Asking(**json.loads((folder / BEGUN_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as problem:
        raise InvalidInput(
            f"{folder.name}: no training was begun here",
            value=str(problem),
            remedy="begin it under another name",
        ) from problem


def is_begun(folder: Path) -> bool:
    """Whether a candidate was begun in a folder."""
    return (folder / BEGUN_FILE).is_file()


def is_finished(folder: Path) -> bool:
    """Whether the candidate of a folder is there, whole."""
    return (folder / CANDIDATE / MANIFEST_FILE).is_file()


def disk_refused(place: Path, problem: OSError) -> TemporaryFailure:
    """What a disk that takes no more means for a training."""
    return TemporaryFailure(
        f"{place}: could not be written",
        value=problem.strerror or str(problem),
        accepted="a disk with room for a release and its checkpoints",
        remedy="make room and give the same command again to go on",
    )
