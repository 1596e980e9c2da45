"""A worker killed by ``kill -9`` in the middle of a study: nothing is lost, nothing is doubled."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 240.0
STOPS_WITHIN_SECONDS = 5.0
PREPARE = """
from deeppcos.app.web import preparing
preparing.set_up_django()
preparing.prepare()
preparing.add_example()
from deeppcos.app.web.models import Image
Image.objects.exclude(name="right_ovary_sweep.dcm").delete()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new installation with the example's sweep waiting to be read."""
    subprocess.run([sys.executable, "-c", PREPARE], env=environment(tmp_path), check=True)
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DEEPPCOS_")}
    return kept | {"DEEPPCOS_HOME": str(home)}


@contextmanager
def a_worker(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "deeppcos.app.web", "work"]
    process = subprocess.Popen(command, env=environment(home), stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def asked(home: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "desk.sqlite3", timeout=20)) as base:
        return base.execute(query).fetchall()


def reading_processes_of(worker: int) -> list[str]:
    """Processes that a worker started and that still read."""
    children = Path(f"/proc/{worker}/task").glob("*/children")
    numbers = " ".join(one.read_text() for one in children).split()
    lines = [Path(f"/proc/{number}/cmdline") for number in numbers]
    return [
        text for line in lines if line.exists() and "reading_process" in (text := line.read_text())
    ]


def waited_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def test_a_killed_workers_job_is_finished_by_another_once(home: Path) -> None:
    def state() -> tuple[object, ...]:
        [row] = asked(home, "select state, attempts, done from web_job")
        return row

    with a_worker(home) as first:
        waited_until(lambda: state()[0] == "running" and int(str(state()[2])) > 0)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert state()[0] == "running"
    with a_worker(home):
        waited_until(lambda: state()[0] == "done")
    assert state()[1] == 2
    assert asked(home, "select count(*) from web_assessment") == [(1,)]
    assert asked(home, "select state from web_study") == [("analysed",)]
    [frames] = (home / "studies").glob("*/frames/*")
    assert len(list(frames.glob("*.png"))) == 40
    assert not list(frames.glob(".*"))


def test_a_cancelled_sweep_stops_within_seconds_and_leaves_the_study_as_it_was(home: Path) -> None:
    with a_worker(home) as worker:
        waited_until(lambda: asked(home, "select message from web_job where done > 0") != [])
        waited_until(
            lambda: str(asked(home, "select message from web_job")[0][0]).startswith("findings|")
        )
        assert reading_processes_of(worker.pid), "the sweep is being looked at"
        with closing(sqlite3.connect(home / "desk.sqlite3", timeout=20)) as base:
            base.execute("update web_job set is_cancel_wanted = 1")
            base.commit()
        asked_at = time.monotonic()
        waited_until(lambda: asked(home, "select state from web_job") == [("cancelled",)])
        assert time.monotonic() - asked_at < STOPS_WITHIN_SECONDS
        assert not reading_processes_of(worker.pid)
    assert asked(home, "select count(*) from web_assessment") == [(0,)]
    assert asked(home, "select state from web_study") == [("arrived",)]
