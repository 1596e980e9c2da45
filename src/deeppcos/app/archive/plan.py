"""The plan of an archive run: which files, in which shards, looked at with which release.

Owns ``plan.json``. A plan is written once; going on with other files or another release in the
same folder is refused, since its rows would no longer belong together.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deeppcos.errors import InvalidInput
from deeppcos.records.open_study import files_of
from deeppcos.records.study_file import RefusedFile

PLAN_FILE = "plan.json"
FILES_A_SHARD = 50
"""Small enough that a killed worker costs under a minute, large enough to load a release once."""


class ArchivePlan(BaseModel):
    """What a run covers.

    Attributes:
        plan_schema: Version of this layout.
        release_folder: Where the release lies; None for the shipped one.
        weights_sha256: Hash of the release's weights.
        shards: Files of each shard, absolute.
        unlisted: Folders that could not be listed, with their reasons.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan_schema: Literal["deeppcos.archive-plan/1"] = "deeppcos.archive-plan/1"
    release_folder: str | None
    weights_sha256: str
    shards: list[list[str]]
    unlisted: list[tuple[str, str]]

    @property
    def file_count(self) -> int:
        """Files in all shards."""
        return sum(len(shard) for shard in self.shards)


def make_plan(
    paths: Iterable[Path],
    *,
    weights_sha256: str,
    release_folder: Path | None,
    leave_out: Path,
    files_a_shard: int = FILES_A_SHARD,
) -> ArchivePlan:
    """List the files and cut them into shards.

    Args:
        paths: Files and folders.
        weights_sha256: Hash of the release's weights.
        release_folder: The release's folder; None for the shipped one.
        leave_out: The run's own folder.
        files_a_shard: Files in a shard.

    Returns:
        The plan.

    Raises:
        InvalidInput: If there is no file at all.
    """
    files: dict[str, None] = {}
    unlisted: list[tuple[str, str]] = []
    own = leave_out.resolve()
    for found in _found(paths):
        if isinstance(found, RefusedFile):
            unlisted.append((found.source, found.reason))
        elif not found.resolve().is_relative_to(own):
            files[os.path.abspath(found)] = None
    if not files and not unlisted:
        raise InvalidInput("no files to read", remedy="name a folder with images")
    names = list(files)
    return ArchivePlan(
        release_folder=None if release_folder is None else str(release_folder.resolve()),
        weights_sha256=weights_sha256,
        shards=[names[i : i + files_a_shard] for i in range(0, len(names), files_a_shard)],
        unlisted=unlisted,
    )


def _found(paths: Iterable[Path]) -> Iterator[Path | RefusedFile]:
    """Every file below every path."""
    for path in paths:
        yield from files_of(path)


def agreed_plan(out: Path, wanted: ArchivePlan) -> ArchivePlan:
    """Write the plan, or find the same plan there and go on with it.

    Args:
        out: The run's folder.
        wanted: The plan of this call.

    Returns:
        The plan.

    Raises:
        InvalidInput: If the folder holds another run.
    """
    file = out / PLAN_FILE
    if not file.exists():
        out.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(wanted.model_dump(mode="json"), indent=1), encoding="utf-8")
        fresh.replace(file)
        return wanted
    try:
        there = ArchivePlan.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, ValueError) as problem:
        raise InvalidInput(f"{file}: damaged plan", remedy="name a new folder") from problem
    if there != wanted:
        raise InvalidInput(
            f"{out} holds a run of other files or another release",
            accepted=f"the same {there.file_count} files and the same weights",
            remedy="name a new folder for --out, or give the same inputs to go on",
        )
    return there
