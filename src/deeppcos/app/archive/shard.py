"""One shard: some files in, one file of rows out, whole or not there.

Owns the worker's side. A result file appears under its final name only when every row is on the
disk, so its existence means that the shard is done.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from deeppcos.app.archive.rows import ArchiveRow, rows_of
from deeppcos.errors import ContractBroken
from deeppcos.vision.release import SHIPPED, Release, load_release


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask:
    """What a worker is asked to do.

    Attributes:
        number: Number of the shard, from 0.
        part: Which part of a shard that killed its worker and was cut up; empty for a whole one.
        files: Files to read, absolute.
        out: Folder of the results.
        release_folder: The release; None for the shipped one.
        weights_sha256: Hash the release's weights must have.
    """

    number: int
    part: str
    files: tuple[str, ...]
    out: str
    release_folder: str | None
    weights_sha256: str

    @property
    def result_file(self) -> Path:
        """Where the rows go."""
        return Path(self.out) / f"rows-{self.number:06d}{self.part}.jsonl"

    def halves(self) -> tuple["ShardTask", "ShardTask"]:
        """The task in two, to find the file that kills its worker."""
        middle = len(self.files) // 2
        return self._with("a", self.files[:middle]), self._with("b", self.files[middle:])

    def _with(self, letter: str, files: tuple[str, ...]) -> "ShardTask":
        return ShardTask(
            number=self.number,
            part=f"{self.part}{letter}",
            files=files,
            out=self.out,
            release_folder=self.release_folder,
            weights_sha256=self.weights_sha256,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardDone:
    """What a worker reports.

    Attributes:
        files: Files read or refused.
        frames: Frames looked at.
        refused: Files of which something could not be read.
        seconds: Time of the worker.
    """

    files: int
    frames: int
    refused: int
    seconds: float


def run_shard(task: ShardTask) -> ShardDone:
    """Read the files of a shard and write their rows.

    Args:
        task: The shard.

    Returns:
        What was done.

    Raises:
        ContractBroken: If this worker has another release than the plan.
    """
    began = time.monotonic()
    release = _release(task.release_folder)
    if release.manifest.weights_sha256 != task.weights_sha256:
        raise ContractBroken(
            "this worker has another release than the run was planned with",
            value=release.manifest.weights_sha256,
            accepted=task.weights_sha256,
            remedy="install the same version of DeepPCOS on every machine",
        )
    rows = [row for file in task.files for row in rows_of(Path(file), release)]
    write_rows(task.result_file, rows)
    return ShardDone(
        files=len(task.files),
        frames=sum(len(row.frames) for row in rows),
        refused=sum(row.refused is not None for row in rows),
        seconds=time.monotonic() - began,
    )


@lru_cache(maxsize=1)
def _release(folder: str | None) -> Release:
    """The release, loaded once a process; one thread, since there is a process a core."""
    cv2.setNumThreads(1)
    return load_release(SHIPPED if folder is None else Path(folder), threads=1)


def write_rows(file: Path, rows: Sequence[ArchiveRow]) -> None:
    """Write rows so that the file is whole or absent.

    Args:
        file: Final name.
        rows: The rows.
    """
    fresh = file.with_suffix(f".{os.getpid()}.new")
    with fresh.open("w", encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps(row.model_dump(mode="json"), ensure_ascii=False) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
    fresh.replace(file)
