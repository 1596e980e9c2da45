"""A whole archive: go on where the last run stopped, lose nothing, say what was reached.

Owns the order: plan, shards still missing, the file that kills its worker, the summary.
"""

import csv
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from deeppcos.app.archive.engines import Place, run_on
from deeppcos.app.archive.plan import ArchivePlan, agreed_plan, make_plan
from deeppcos.app.archive.rows import ArchiveRow, refused_row
from deeppcos.app.archive.shard import ShardDone, ShardTask, write_rows
from deeppcos.vision.release import SHIPPED, read_manifest

ROWS_FOLDER = "rows"
SUMMARY_FILE = "summary.csv"
RUN_FILE = "run.json"
SUMMARY_COLUMNS = (
    "source",
    "kind",
    "frames",
    "assessable_frames",
    "largest_section_count",
    "refused",
)

Progress = Callable[[int, int], None]
"""Called with the files done and the files there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRun:
    """What a run reached.

    Attributes:
        files: Files of the archive.
        done_before: Files already done when it started.
        frames: Frames looked at by this run.
        refused: Files of which something could not be read, in this run.
        seconds: Wall time of this run.
        worker_seconds: Time of its workers, added up.
        lost_workers: Times a worker died.
    """

    files: int
    done_before: int
    frames: int
    refused: int
    seconds: float
    worker_seconds: float
    lost_workers: int

    @property
    def files_a_second(self) -> float:
        """Throughput of this run."""
        return (self.files - self.done_before) / self.seconds if self.seconds else 0.0


def analyse_archive(
    paths: Iterable[Path],
    out: Path,
    place: Place,
    *,
    release_folder: Path | None = None,
    progress: Progress | None = None,
) -> ArchiveRun:
    """Look at every file, each for itself.

    Args:
        paths: Files and folders.
        out: Folder of the results; a run that was stopped goes on there.
        place: Where the shards run.
        release_folder: Folder of a release; the shipped one when None.
        progress: Told of every shard.

    Returns:
        What was reached.

    Raises:
        InvalidInput: If there is no file, or ``out`` holds another run.
    """
    began = time.monotonic()
    manifest = read_manifest(release_folder or SHIPPED)
    wanted = make_plan(
        paths,
        weights_sha256=manifest.weights_sha256,
        release_folder=release_folder,
        leave_out=out,
    )
    plan = agreed_plan(out, wanted)
    rows = out / ROWS_FOLDER
    rows.mkdir(exist_ok=True)
    todo = [task for task in _tasks(plan, rows) if not _is_done(task)]
    done_before = plan.file_count - sum(len(task.files) for task in todo)
    reached: list[ShardDone] = []
    lost = 0
    files = done_before
    for report in _persistently(place, todo):
        if report is None:
            lost += 1
            continue
        reached.append(report)
        files += report.files
        if progress is not None:
            progress(files, plan.file_count)
    _write_summary(out, plan)
    run = ArchiveRun(
        files=plan.file_count,
        done_before=done_before,
        frames=sum(r.frames for r in reached),
        refused=sum(r.refused for r in reached),
        seconds=time.monotonic() - began,
        worker_seconds=sum(r.seconds for r in reached),
        lost_workers=lost,
    )
    (out / RUN_FILE).write_text(json.dumps(asdict(run), indent=1) + "\n", encoding="utf-8")
    return run


def _tasks(plan: ArchivePlan, rows: Path) -> Iterator[ShardTask]:
    """Every shard of the plan."""
    for number, files in enumerate(plan.shards):
        yield ShardTask(
            number=number,
            part="",
            files=tuple(files),
            out=str(rows),
            release_folder=plan.release_folder,
            weights_sha256=plan.weights_sha256,
        )


def _is_done(task: ShardTask) -> bool:
    """Whether every file of a shard has its row, whole or in parts."""
    if task.result_file.is_file():
        return True
    if len(task.files) < 2:
        return False
    return all(_is_done(half) for half in task.halves())


def _persistently(place: Place, tasks: list[ShardTask]) -> Iterator[ShardDone | None]:
    """Reports of all tasks; None for each lost worker.

    A shard whose worker died is cut in halves until the one file that kills workers stands
    alone; that file is refused, and every other one is read.
    """
    while tasks:
        again: list[ShardTask] = []
        for task, outcome in run_on(place, tasks):
            if isinstance(outcome, ShardDone):
                yield outcome
                continue
            yield None
            if len(task.files) > 1:
                again += [half for half in task.halves() if not _is_done(half)]
            else:
                yield _refused_alone(task, outcome)
        tasks = again


def _refused_alone(task: ShardTask, why: str) -> ShardDone:
    """Refuse the one file that kills its worker."""
    (file,) = task.files
    reason = f"{file}: {why} while reading it; look at the file, and report it to the authors"
    write_rows(task.result_file, [refused_row(file, reason)])
    return ShardDone(files=1, frames=0, refused=1, seconds=0.0)


def read_rows(out: Path) -> Iterator[ArchiveRow]:
    """Every row of a run, in the order of the files.

    Args:
        out: Folder of the run.

    Yields:
        Rows.
    """
    for file in sorted((out / ROWS_FOLDER).glob("rows-*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                yield ArchiveRow.model_validate_json(line)


def _write_summary(out: Path, plan: ArchivePlan) -> None:
    """One line a file, for a spreadsheet."""
    fresh = out / f"{SUMMARY_FILE}.new"
    with fresh.open("w", newline="", encoding="utf-8") as text:
        table = csv.writer(text)
        table.writerow(SUMMARY_COLUMNS)
        for source, reason in plan.unlisted:
            table.writerow([source, "", "", "", "", reason])
        for row in read_rows(out):
            table.writerow(_summary_of(row))
    fresh.replace(out / SUMMARY_FILE)


def _summary_of(row: ArchiveRow) -> list[str | int]:
    """One row as a line; empty where unknown."""
    judged = [frame for frame in row.frames if frame.assessable]
    counts = [o.follicle_count_section.value for frame in judged for o in frame.ovaries]
    return [
        row.source,
        row.kind or "",
        len(row.frames),
        len(judged),
        max(counts) if counts else "",
        row.refused or "",
    ]
