"""``deeppcos serve``: prepares, starts a web server and a worker, and keeps both going.

Owns the processes of one computer: a server or worker that dies is started again, and both end
with this process. A hospital may run them apart (systemd, containers); the commands are those of
``commands_of``.
"""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from deeppcos.app.connections.settings import connections_file
from deeppcos.app.web import preparing

LOOK_SECONDS = 0.5
PAUSE_SECONDS = 2.0
"""A process that keeps dying is not started again more often than this."""
END_SECONDS = 30.0
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How to serve.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        home: Data folder, or None for the environment's.
        with_example: Whether a new installation gets the example study.
    """

    host: str
    port: int
    home: Path | None
    with_example: bool


def run(serving: Serving, *, say: Callable[[str], object]) -> None:
    """Serve until interrupted.

    Args:
        serving: How.
        say: Tells the person at the terminal.

    Raises:
        InvalidInput: If the environment is wrong.
    """
    environment = preparing.set_up_django(serving.home)
    link = preparing.prepare()
    if serving.with_example:
        preparing.add_example()
    address = f"http://{serving.host}:{serving.port}"
    say(f"DeepPCOS is at {address}")
    say(f"data folder: {environment.home}")
    if link is not None:
        say(f"set up the first account here, the link works once: {address}{link}")
    say("Research use. Not a medical device. Ctrl+C ends it.")
    is_connected = connections_file(environment.home).is_file()
    if is_connected:
        say("connections.toml is there: studies are received and results sent")
    _keep_going(commands_of(serving, is_connected=is_connected))


def commands_of(serving: Serving, *, is_connected: bool = False) -> tuple[list[str], ...]:
    """The server's command, the worker's, and the listener's where anybody is connected."""
    server = [
        *(sys.executable, "-m", "gunicorn", "deeppcos.app.web.wsgi:application"),
        *("--bind", f"{serving.host}:{serving.port}"),
        *("--workers", "2", "--threads", "4", "--timeout", "120", "--log-level", "warning"),
        # Gunicorn's own 2 s close connections just as a reader turns a page.
        *("--keep-alive", "15"),
        "--no-control-socket",
    ]
    worker = [sys.executable, "-m", "deeppcos.app.web", "work"]
    if not is_connected:
        return server, worker
    return server, worker, [sys.executable, "-m", "deeppcos.app.web", "listen"]


def _keep_going(commands: tuple[list[str], ...]) -> None:
    """Run the commands side by side until a signal asks for the end."""
    with _asked_to_end() as is_over:
        processes = {number: _start(command) for number, command in enumerate(commands)}
        while not is_over():
            time.sleep(LOOK_SECONDS)
            for number, process in processes.items():
                if process.poll() is not None and not is_over():
                    time.sleep(PAUSE_SECONDS)
                    processes[number] = _start(commands[number])
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            _end(process)


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, preexec_fn=_end_with_parent)


def _end_with_parent() -> None:
    """Have the kernel end the process when ours is gone, even by kill -9; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        # The job at hand is not lost: it is taken over at the next start.
        process.kill()
        process.wait()


@contextmanager
def _asked_to_end() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM has come."""
    asked = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
