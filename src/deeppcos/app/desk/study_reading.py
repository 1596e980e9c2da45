"""Starts the process that reads a study's files, hears how far it is, and ends it when asked.

Owns limits, time-outs and what a dead process means. What happens inside is the business of
``reading_process``; storing the result that of the web room.
"""

import json
import queue
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deeppcos.app.desk.own_process import lines_of, started
from deeppcos.errors import InvalidInput, NotAssessable, TemporaryFailure

GIB = 1024**3
MEMORY_BYTES = 6 * GIB
"""Address space of the reading process; onnxruntime and OpenCV map far more than they use."""
CPU_SECONDS = 3600
SILENCE_SECONDS = 300.0
"""A process that says nothing for this long is stuck on a file."""
LOOK_UP_SECONDS = 0.5
OUT_OF_CPU = -24


SHADOW_SUFFIX = ".shadow"
"""Added to the name of a result: what a release in shadow said."""


class Cancelled(Exception):
    """Somebody asked for the work to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToRead:
    """One file and the id its pictures and findings are kept under."""

    id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTask:
    """What the reading process is asked to do.

    Attributes:
        files: Files, in the order in which they are shown.
        frames: Folder for the frames as pictures, a folder for each file inside.
        result: Where to write the assessment document.
        chart: The chart, ``deeppcos.chart/1``.
        profile: Criteria profile.
        name: Shown name of the condition.
        release: Folder of another release than the shipped one, or None.
        shadow: Folder of a release that reads beside it unseen, or None. What it says is written
            to ``result`` with ``.shadow`` added, or why it failed.
        memory_bytes: Address space the process may take, bytes.
        cpu_seconds: Processor time the process may take, seconds.
    """

    files: tuple[FileToRead, ...]
    frames: str
    result: str
    chart: dict[str, Any]
    profile: str
    name: str
    release: str | None = None
    shadow: str | None = None
    memory_bytes: int = MEMORY_BYTES
    cpu_seconds: int = CPU_SECONDS


def read_study(
    task: ReadingTask,
    hear: Callable[[dict[str, Any]], None],
    *,
    is_cancelled: Callable[[], bool],
    silence_seconds: float = SILENCE_SECONDS,
) -> None:
    """Read and assess a study in a process of its own.

    Args:
        task: What to do.
        hear: Called with every answer: ``{"image": ...}``, ``{"progress": ...}``.
        is_cancelled: Asked about twice a second.
        silence_seconds: How long the process may say nothing, seconds.

    Raises:
        Cancelled: If ``is_cancelled`` became true.
        NotAssessable: If the process told of a problem, or a file exhausted its limits.
        TemporaryFailure: If the process died for another reason.
    """
    Path(task.result).unlink(missing_ok=True)
    with started("deeppcos.app.desk.reading_process", asdict(task)) as process:
        ended_well = False
        for answer in _answers(process, is_cancelled, silence_seconds):
            if "problem" in answer:
                raise InvalidInput(answer["problem"])
            ended_well = ended_well or "finished" in answer
            hear(answer)
        status = process.wait(timeout=10)
    if not ended_well:
        raise _died(status)


def _answers(
    process: "subprocess.Popen[str]", is_cancelled: Callable[[], bool], silence_seconds: float
) -> Iterator[dict[str, Any]]:
    """Every line the process says, as JSON, until it ends."""
    heard = lines_of(process)
    silent = 0.0
    while True:
        if is_cancelled():
            raise Cancelled
        try:
            line = heard.get(timeout=LOOK_UP_SECONDS)
        except queue.Empty:
            silent += LOOK_UP_SECONDS
            if silent >= silence_seconds:
                raise NotAssessable(
                    "a file could not be read in time",
                    value=f"no progress for {silence_seconds:g} s",
                    remedy="remove the last file that was being read, or export it again",
                ) from None
            continue
        if line is None:
            return
        silent = 0.0
        yield json.loads(line)


def _died(status: int) -> Exception:
    if status == OUT_OF_CPU:
        return NotAssessable(
            "reading took too long",
            remedy="remove the file that was being read last, or export it again",
        )
    return TemporaryFailure(
        "the reading process ended before its work was done",
        value=f"exit status {status}",
        remedy="it is tried again; if it happens again, remove the file that was being read last",
    )
