"""Starts a module in a process of its own, hands it its task and hears what it says line by line.

Owns the pipe and the end of the process. What is said, and when the process has said nothing for
too long, is the business of ``study_reading`` and ``training_steps``.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any


@contextmanager
def started(module: str, task: Mapping[str, Any]) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs a module, never left behind.

    Args:
        module: Name of the module to run.
        task: What to do; given as one line of JSON on standard input.

    Yields:
        The process.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=_environment(),
    )
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def lines_of(process: "subprocess.Popen[str]") -> "queue.Queue[str | None]":
    """Where every line the process says comes in, and None at its end.

    Args:
        process: A process of ``started``; ask once.
    """
    heard: queue.Queue[str | None] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=_listen, args=(process.stdout, heard), daemon=True).start()
    return heard


def _environment() -> dict[str, str]:
    """What the process needs, and no secret of the server."""
    kept = {"PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR"}
    return {name: value for name, value in os.environ.items() if name in kept}


def _listen(stream: IO[str], heard: "queue.Queue[str | None]") -> None:
    for line in stream:
        heard.put(line)
    heard.put(None)
