"""An archive run: whole rows, a stopped run goes on, a dead worker loses nothing."""

import contextlib
import csv
import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deeppcos.app.archive import engines
from deeppcos.app.archive.engines import Outcome, Place, place_of
from deeppcos.app.archive.plan import PLAN_FILE
from deeppcos.app.archive.run import SUMMARY_FILE, analyse_archive, read_rows
from deeppcos.app.archive.shard import ShardTask, run_shard
from deeppcos.errors import InvalidInput

HERE = Place(engine="inline", address="", workers=1)


def _inline(tasks: Sequence[ShardTask], place: Place) -> Iterator[Outcome]:
    """Shards in this process, so that the quick tests start no other."""
    for task in tasks:
        if any("kills" in Path(file).name for file in task.files):
            yield task, "its worker process died"
        else:
            yield task, run_shard(task)


@pytest.fixture(autouse=True)
def _with_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.ENGINES, "inline", _inline)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in range(5):
        noise = np.random.default_rng(number).integers(0, 256, (80, 90, 3), np.uint8)
        cv2.imwrite(str(folder / f"still {number}.png"), noise)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return folder


def test_every_file_has_exactly_one_row_and_a_broken_one_its_reason(
    archive: Path, tmp_path: Path
) -> None:
    run = analyse_archive([archive], tmp_path / "out", HERE)
    rows = list(read_rows(tmp_path / "out"))
    assert run.files == 6
    assert [Path(row.source).name for row in rows] == [
        "broken.png",
        *(f"still {number}.png" for number in range(5)),
    ]
    assert rows[0].refused is not None
    assert "broken.png" in rows[0].refused
    assert all(row.refused is None and len(row.frames) == 1 for row in rows[1:])
    with (tmp_path / "out" / SUMMARY_FILE).open() as text:
        table = list(csv.DictReader(text))
    assert [line["frames"] for line in table] == ["0", "1", "1", "1", "1", "1"]
    assert table[1]["largest_section_count"] == "", "unknown is empty, never zero"


def test_a_run_that_was_stopped_goes_on_and_reads_nothing_twice(
    archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    analyse_archive([archive], out, HERE)
    again = analyse_archive([archive], out, HERE)
    assert (again.done_before, again.frames) == (6, 0)
    (rows_file,) = (out / "rows").glob("*.jsonl")
    rows_file.unlink()
    once_more = analyse_archive([archive], out, HERE)
    assert (once_more.done_before, once_more.frames) == (0, 5)


def test_only_the_file_that_kills_its_worker_is_refused(archive: Path, tmp_path: Path) -> None:
    (archive / "still 3.png").rename(archive / "kills.png")
    run = analyse_archive([archive], tmp_path / "out", HERE)
    rows = {Path(row.source).name: row for row in read_rows(tmp_path / "out")}
    assert len(rows) == run.files == 6
    assert rows["kills.png"].refused is not None
    assert "worker process died" in rows["kills.png"].refused
    assert rows["kills.png"].frames == []
    assert all(rows[f"still {n}.png"].refused is None for n in (0, 1, 2, 4))
    assert run.lost_workers >= 3
    again = analyse_archive([archive], tmp_path / "out", HERE)
    assert again.done_before == 6, "shards in parts count as done"


def test_other_files_in_the_same_folder_are_refused(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    analyse_archive([archive], out, HERE)
    (archive / "still 9.png").write_bytes((archive / "still 1.png").read_bytes())
    with pytest.raises(InvalidInput, match="other files or another release"):
        analyse_archive([archive], out, HERE)


def test_results_inside_the_archive_are_not_read_as_pictures(archive: Path) -> None:
    out = archive / "results"
    assert analyse_archive([archive], out, HERE).files == 6
    assert analyse_archive([archive], out, HERE).files == 6


def test_a_damaged_plan_is_named(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / PLAN_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(InvalidInput, match="damaged plan"):
        analyse_archive([archive], out, HERE)


def test_an_empty_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = analyse_archive([tmp_path / "empty"], tmp_path / "out", HERE)
    assert run.files == 0
    assert "holds no image" in (tmp_path / "out" / SUMMARY_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("on", ["dask", "local://there", "http://head:1"])
def test_an_unknown_place_is_refused(on: str) -> None:
    with pytest.raises(InvalidInput, match="unknown place"):
        place_of(on, workers=2)


class _BreaksWhileHandedOut(ThreadPoolExecutor):
    """A pool whose first process dies between two tasks: Python says so to whoever gives more."""

    broken = 0

    def __init__(self, **options: object) -> None:
        super().__init__(max_workers=1)
        self._given = 0

    def submit(self, *task: Any, **named: Any) -> Future[Any]:
        self._given += 1
        if self._given == 2 and not _BreaksWhileHandedOut.broken:
            _BreaksWhileHandedOut.broken += 1
            raise BrokenProcessPool("a process was terminated abruptly")
        return super().submit(*task, **named)


def test_a_process_that_dies_while_shards_are_handed_out_loses_no_file(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10, 130):
        (archive / f"more {number}.png").write_bytes((archive / "broken.png").read_bytes())
    monkeypatch.setattr(_BreaksWhileHandedOut, "broken", 0)
    monkeypatch.setattr(engines, "ProcessPoolExecutor", _BreaksWhileHandedOut)
    run = analyse_archive([archive], tmp_path / "out", Place(engine="local", address="", workers=1))
    assert _BreaksWhileHandedOut.broken == 1
    rows = [Path(row.source).name for row in read_rows(tmp_path / "out")]
    assert len(rows) == len(set(rows)) == run.files == 126
    assert run.lost_workers == 0, "the next round took them"


@pytest.mark.slow
def test_a_killed_process_loses_no_file(archive: Path, tmp_path: Path) -> None:
    """Real processes; one is killed as soon as it lives."""
    for number in range(10, 130):
        (archive / f"more {number}.png").write_bytes((archive / "still 1.png").read_bytes())
    out = tmp_path / "out"
    killer = _Killer(functools.partial(_is_worker_of, os.getpid()))
    killer.start()
    run = analyse_archive([archive], out, Place(engine="local", address="", workers=2))
    killer.stop()
    assert killer.killed is not None, "no worker was killed"
    rows = [Path(row.source).name for row in read_rows(out)]
    assert len(rows) == len(set(rows)) == run.files == 126
    assert sum(row.refused is not None for row in read_rows(out)) == 1, "the broken picture"


class _Killer(threading.Thread):
    """Kills the first process that is chosen, and says which.

    A thread: a forked copy of this process could wait for ever for a lock another thread held.
    """

    def __init__(self, chosen: Callable[[Path], bool]) -> None:
        super().__init__(daemon=True)
        self._chosen = chosen
        self._is_over = threading.Event()
        self.killed: int | None = None

    def run(self) -> None:
        """Look until a process is killed or the run is over."""
        while self.killed is None and not self._is_over.wait(0.01):
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and self._kill(entry):
                    return

    def _kill(self, entry: Path) -> bool:
        """Kill a process if it is a chosen one; false where it had just ended by itself."""
        with contextlib.suppress(OSError):
            if self._chosen(entry):
                os.kill(int(entry.name), signal.SIGKILL)
                self.killed = int(entry.name)
        return self.killed is not None

    def stop(self) -> None:
        """Stop looking."""
        self._is_over.set()
        self.join(10)


def _is_worker_of(parent: int, entry: Path) -> bool:
    """Whether a process is a pool worker of the parent, by its command line."""
    status = (entry / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return int(status[1]) == parent and b"spawn_main" in (entry / "cmdline").read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::UserWarning")
def test_ray_reads_the_same_rows_though_a_worker_is_killed(archive: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the cluster extra is not installed")
    for number in range(10, 130):
        (archive / f"more {number}.png").write_bytes((archive / "still 1.png").read_bytes())
    killer = _Killer(_is_ray_worker_at_a_shard)
    killer.start()
    out = tmp_path / "out"
    run = analyse_archive([archive], out, Place(engine="ray", address="", workers=2))
    killer.stop()
    assert killer.killed is not None, "no worker was killed"
    rows = [Path(row.source).name for row in read_rows(out)]
    assert len(rows) == len(set(rows)) == run.files == 126


def _is_ray_worker_at_a_shard(entry: Path) -> bool:
    """Whether a process is a Ray worker that has begun a shard: Ray writes it in its title."""
    return b"ray::run_shard" in (entry / "cmdline").read_bytes()
