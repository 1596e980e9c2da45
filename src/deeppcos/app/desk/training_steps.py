"""Starts the process that trains a candidate, hears how far it is, and has it stop when asked.

Owns when the process is told to stop, and what a dead one means. What happens inside is the
business of ``training_process``; what becomes of the candidate that of the web room.
"""

import json
import queue
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from deeppcos.app.desk.own_process import lines_of, started
from deeppcos.app.desk.study_reading import LOOK_UP_SECONDS
from deeppcos.errors import InvalidInput, TemporaryFailure

STOP_SECONDS = 120.0
"""A step, a look at the validation fold and a checkpoint take less on any computer we know."""

TRAINING = "deeppcos.app.desk.training_process"

Answer = dict[str, Any]


def train_in_process(
    folder: Path,
    frozen: Path,
    hear: Callable[[Answer], None],
    *,
    is_stop_wanted: Callable[[], bool],
) -> Path | None:
    """Train a candidate in a process of its own, or go on with it.

    Args:
        folder: Folder of the candidate.
        frozen: File of the frozen test set.
        hear: Called with every answer: ``{"phase": ...}``, ``{"step": ...}``.
        is_stop_wanted: Asked about twice a second.

    Returns:
        Folder of the candidate; None when it was stopped and can go on.

    Raises:
        InvalidInput: If the process told of a problem.
        TemporaryFailure: If the disk is full, or the process died.
    """
    task = {"folder": str(folder), "frozen": str(frozen)}
    with started(TRAINING, task) as process:
        for answer in _answers(process, is_stop_wanted):
            if "problem" in answer:
                raise InvalidInput(answer["problem"])
            if "passing" in answer:
                raise TemporaryFailure(answer["passing"])
            if "candidate" in answer:
                return Path(answer["candidate"])
            if "stopped" in answer:
                return None
            hear(answer)
        if is_stop_wanted():
            return None
        status = process.wait(timeout=10)
    raise TemporaryFailure(
        "the training process ended before its work was done",
        value=f"exit status {status}",
        accepted="about 4 GB of free memory",
        remedy="it goes on from its last checkpoint; if it ends again, look at the memory",
    )


def _answers(
    process: "subprocess.Popen[str]", is_stop_wanted: Callable[[], bool]
) -> Iterator[Answer]:
    """Every line the process says, until it ends or has had its time to stop."""
    heard = lines_of(process)
    waited: float | None = None
    while waited is None or waited < STOP_SECONDS:
        if waited is None and is_stop_wanted():
            _tell_to_stop(process)
            waited = 0.0
        try:
            line = heard.get(timeout=LOOK_UP_SECONDS)
        except queue.Empty:
            waited = None if waited is None else waited + LOOK_UP_SECONDS
            continue
        if line is None:
            return
        yield json.loads(line)


def _tell_to_stop(process: "subprocess.Popen[str]") -> None:
    """One line; a process that is gone already needs none."""
    assert process.stdin is not None
    try:
        process.stdin.write("stop\n")
        process.stdin.flush()
    except BrokenPipeError:
        return
