"""The desk's work with the outside: receives, takes in, puts out, sends. One process does it.

Owns the loop. Each step may be broken off at any moment and is taken up again at the next start:
received images lie in the inbox, what must be sent in the data base and the outbox.
"""

import fcntl
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import close_old_connections

from deeppcos.app.connections.listeners import open_doors
from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.reach import keeping_watch
from deeppcos.app.connections.sending import keeping_sending
from deeppcos.app.connections.settings import Connections
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.arriving import read_lost_again, take_quiet
from deeppcos.app.web.connections.dispatching import dispatch_due, mark_sent
from deeppcos.app.web.connections.messages import apply_waiting, take_message
from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.records.dicom_network.inbox import Inbox

LOG = logging.getLogger("deeppcos.connections")

LOOK_SECONDS = 1.0
OVERLAP_SECONDS = 10.0
"""What was acknowledged while somebody looked is looked at again."""
CLEAR_SECONDS = 3600.0
WRONG_FILE_SECONDS = 5.0


def work(*, say: Callable[[str], object], is_over: Callable[[], bool]) -> None:
    """Do all of it until told to stop; a changed file is taken up by itself.

    Args:
        say: Tells the person at the terminal.
        is_over: Whether to stop.

    Raises:
        InvalidInput: If another process does it already.
    """
    with _alone():
        said = ""
        while not is_over():
            try:
                _work_with(places.connections(), say=say, is_over=is_over)
            except DeepPCOSError as problem:
                # A mistake in the file must not end what can be corrected while it waits.
                words = str(problem)
            except ModuleNotFoundError as missing:
                words = f"{missing.name} is not installed; pip install 'deeppcos[records]'"
            else:
                continue
            if words != said:
                say(f"not connected: {words}")
            said = words
            _pause(WRONG_FILE_SECONDS, is_over)


def look_once(inbox: Inbox, outbox: Outbox, connections: Connections, *, since: float = 0.0) -> int:
    """Take in and put out whatever is due now.

    Args:
        inbox: What was received.
        outbox: What is sent.
        connections: The file.
        since: When was looked last, seconds since 1970; 0 for the first time.

    Returns:
        How much was done.
    """
    done = 0
    steps: tuple[Callable[[], int], ...] = (
        lambda: take_quiet(inbox, connections),
        read_lost_again,
        lambda: apply_waiting(connections),
        lambda: dispatch_due(outbox, connections),
        lambda: mark_sent(outbox, since=since),
    )
    for step in steps:
        try:
            done += step()
        except Exception:  # One step must not hold up the others; the next look tries again.
            LOG.exception("a step of the connections broke")
    return done


def _work_with(
    connections: Connections, *, say: Callable[[str], object], is_over: Callable[[], bool]
) -> None:
    """Work until the file changes or the end."""
    outbox = places.outbox(connections)
    stamp, cleared = _stamp(), time.monotonic()
    with (
        Inbox(places.inbox_folder()) as inbox,
        open_doors(connections, inbox, take_message=take_message) as doors,
        keeping_sending(outbox, connections),
        keeping_watch(outbox, connections),
    ):
        say(f"{doors}; {len(connections.peers)} peers, {len(connections.rules)} rules")
        looked = 0.0
        while not is_over() and _stamp() == stamp:
            close_old_connections()
            now = outbox.clock() - OVERLAP_SECONDS
            if not look_once(inbox, outbox, connections, since=looked):
                _pause(LOOK_SECONDS, is_over)
            looked = now
            if time.monotonic() - cleared > CLEAR_SECONDS:
                outbox.clear()
                cleared, looked = time.monotonic(), 0.0


def _stamp() -> tuple[int, int] | None:
    """What tells one version of the file from another."""
    try:
        found = places.file().stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


@contextmanager
def _alone() -> Iterator[None]:
    """Be the only one; the lock goes with the process, however it ends."""
    places.folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    path: Path = places.folder() / "working.lock"
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInput(
                "another process works with the connections of this data folder",
                value=str(places.folder()),
                remedy="deeppcos serve does it where there is a connections.toml; stop one of them",
            ) from None
        yield


def _pause(seconds: float, is_over: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    wait = threading.Event()
    while time.monotonic() < until and not is_over():
        wait.wait(min(0.2, seconds))
