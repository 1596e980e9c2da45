"""Writing so that a power cut leaves the old or the new, never half of either.

Owns the order of writing, syncing and renaming, and nothing of what is written.
"""

import os
import shutil
import tempfile
from pathlib import Path

from deeppcos.errors import TemporaryFailure
from deeppcos.records.on_disk import force_file_to_disk, force_folder_to_disk


def write_at_once(path: Path, text: str) -> None:
    """Replace a small file in one step.

    Args:
        path: The file.
        text: What it shall hold.

    Raises:
        TemporaryFailure: If the disk refuses; the file is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    before = path.with_name(f".{path.name}.before")
    has_moved = False
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        before.unlink(missing_ok=True)
        if path.exists():
            # Another name of the same bytes: putting them back needs no room on the disk.
            os.link(path, before)
        temporary.replace(path)
        has_moved = True
        force_folder_to_disk(path.parent)
    except OSError as problem:
        if has_moved:
            _put_back(path, before)
        temporary.unlink(missing_ok=True)
        before.unlink(missing_ok=True)
        raise _refused_by_disk(path, problem) from problem
    before.unlink(missing_ok=True)


def _put_back(path: Path, before: Path) -> None:
    """What stood there before; nothing where nothing did."""
    if before.exists():
        before.replace(path)
    else:
        path.unlink(missing_ok=True)


def copy_folder_at_once(source: Path, target: Path, *, names: tuple[str, ...]) -> None:
    """Copy files into a new folder that appears whole or not at all.

    Args:
        source: Folder of the files.
        target: Folder to make; must not exist.
        names: Files to copy.

    Raises:
        TemporaryFailure: If the disk refuses; nothing is left behind.
    """
    staging = Path(tempfile.mkdtemp(prefix=".arriving-", dir=target.parent))
    try:
        for name in names:
            shutil.copyfile(source / name, staging / name)
            force_file_to_disk(staging / name)
        force_folder_to_disk(staging)
        staging.chmod(0o755)
        staging.rename(target)
        force_folder_to_disk(target.parent)
    except OSError as problem:
        shutil.rmtree(staging, ignore_errors=True)
        raise _refused_by_disk(target, problem) from problem


def append_line(path: Path, line: str) -> None:
    """Add one line to a file and wait until it is on the disk.

    A line that a power cut left without its end was never acknowledged: it is taken away first.
    So is one the disk refused to keep.

    Args:
        path: The file.
        line: Without its end.

    Raises:
        TemporaryFailure: If the disk refuses.
    """
    try:
        with path.open("ab") as stream:
            end = _end_of_last_line(path)
            stream.truncate(end)
            try:
                stream.write((line + "\n").encode())
                stream.flush()
                os.fsync(stream.fileno())
                force_folder_to_disk(path.parent)
            except OSError:
                stream.truncate(end)
                raise
    except OSError as problem:
        raise _refused_by_disk(path, problem) from problem


def _end_of_last_line(path: Path) -> int:
    """Where the last whole line ends, in bytes."""
    return path.read_bytes().rfind(b"\n") + 1


def _refused_by_disk(path: Path, problem: OSError) -> TemporaryFailure:
    return TemporaryFailure(
        f"{path}: could not be written",
        value=problem.strerror or str(problem),
        accepted="a disk with room that this program may write to",
        remedy="make room and try again; what is served has not changed",
    )
