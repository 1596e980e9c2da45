"""Files of a run that are whole or not there: a kill or a full disk leaves the one before.

A file is written beside the old one, forced to the disk and then put in its place. Owns that and
the words for a disk that takes no more; what is in the files is the business of others.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput, TemporaryFailure


def put(file: Path, content: bytes | memoryview) -> None:
    """Write a file beside the old one, then switch.

    Args:
        file: Where.
        content: All of it.

    Raises:
        TemporaryFailure: If the disk takes no more; the old file stays.
    """
    fresh = file.with_suffix(".new")
    with disk_named(file, size=len(content)):
        try:
            with fresh.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(file)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise


@contextmanager
def disk_named(file: Path, *, size: int) -> Iterator[None]:
    """Say what to do when a file cannot be written.

    Args:
        file: The file.
        size: Bytes that were to be written.

    Raises:
        TemporaryFailure: In place of an error of the disk.
    """
    try:
        yield
    except OSError as problem:
        kept = f"the last whole {file.name} is kept" if file.is_file() else "nothing was saved yet"
        raise TemporaryFailure(
            f"{file}: cannot be written ({problem.strerror})",
            value=f"{size / 1e6:.1f} MB",
            accepted="a disk with room for two checkpoints",
            remedy=f"{kept}; make room and give the same command again to go on",
        ) from problem


def put_fields(file: Path, fields: dict[str, Any]) -> None:
    """Write plain fields as JSON; a file that holds them already is left alone.

    Args:
        file: Where.
        fields: What json can write.

    Raises:
        TemporaryFailure: If the disk takes no more; the old file stays.
    """
    content = json.dumps(fields, indent=1, sort_keys=True).encode()
    if not (file.is_file() and file.read_bytes() == content):
        put(file, content)


def read_fields(file: Path) -> dict[str, Any]:
    """Read plain fields.

    Args:
        file: A file of ``put_fields``.

    Returns:
        The fields.

    Raises:
        InvalidInput: If the file is damaged.
    """
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as problem:
        raise InvalidInput(
            f"{file}: damaged",
            value=str(problem)[:120],
            remedy="restore it from a copy, or name a new folder",
        ) from problem
    if not isinstance(fields, dict):
        raise InvalidInput(f"{file}: not written by a run", remedy="name a new folder")
    return fields
