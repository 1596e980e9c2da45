"""The process that trains a candidate: told where on standard input, telling how far on output.

Owns what happens inside that process. It knows no data base. It stops at a checkpoint when a line
comes, and ends at once when the other end of standard input closes: who asked is gone, and another
may soon go on from the checkpoint. Starting it is the business of ``training_steps``.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from deeppcos.errors import DeepPCOSError, TemporaryFailure

if TYPE_CHECKING:
    from deeppcos.learning.train.loop import Moment

TRAINING = "training"
NICENESS = 10
"""Whoever reads a study on the same computer comes first."""


def main(asked: TextIO, answers: TextIO) -> int:
    """Train one candidate as asked, or go on with it.

    Args:
        asked: One line of JSON: ``folder`` of the candidate and file of the ``frozen`` test set;
            any line after it asks to stop.
        answers: Where to tell phases, steps and problems, one JSON object a line.

    Returns:
        0 when the candidate is there or the run stands at a checkpoint, else 1.
    """
    task = json.loads(asked.readline())
    os.nice(NICENESS)
    telling = _Telling(answers)
    stop = _stop_when_told(asked, telling.stop_at_once)

    from deeppcos.learning.gate.frozen import read_frozen
    from deeppcos.learning.site.training import learn_on
    from deeppcos.learning.train.checkpoint import Stopped

    try:
        candidate = learn_on(
            Path(task["folder"]),
            read_frozen(Path(task["frozen"])),
            watch=telling.watch,
            is_stop_wanted=stop.is_set,
            say=telling.say,
        )
    except Stopped:
        telling.tell(stopped=True)
        return 0
    except DeepPCOSError as problem:
        kind = "passing" if isinstance(problem, TemporaryFailure) else "problem"
        telling.tell(**{kind: str(problem)})
        return 1
    telling.tell(candidate=str(candidate))
    return 0


class _Telling:
    """What is told, and in which phase this process is."""

    def __init__(self, answers: TextIO) -> None:
        self._answers = answers
        self._phase = ""

    def tell(self, **answer: Any) -> None:
        """One JSON object, one line."""
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()

    def say(self, phase: str) -> None:
        """A new phase."""
        self._phase = phase
        self.tell(phase=phase)

    def watch(self, moment: "Moment") -> None:
        """A step was done."""
        best = moment.stopping.best_step
        self.tell(step=moment.step, steps=moment.steps, best_step=best)

    def stop_at_once(self) -> None:
        """End now, where nothing can be lost: before the first step and after the last."""
        if self._phase != TRAINING:
            self.tell(stopped=True)
            os._exit(0)


def _stop_when_told(asked: TextIO, stop_at_once: Callable[[], None]) -> threading.Event:
    """Set by a line; the end of the input ends this process."""
    stop = threading.Event()

    def listen() -> None:
        while asked.readline():
            stop.set()
            stop_at_once()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=listen, daemon=True).start()
    return stop


if __name__ == "__main__":
    sys.exit(main(sys.stdin, sys.stdout))
