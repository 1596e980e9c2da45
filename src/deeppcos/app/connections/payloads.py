"""What is to be sent, kept as files that never change, named by their SHA-256.

Owns writing them so that a power cut leaves a whole file or none, and reading them back only as
they were written. Which of them wait for whom is the business of ``outbox``.
"""

import hashlib
import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from deeppcos.errors import ContractBroken
from deeppcos.records.on_disk import force_folder_to_disk, sha256_of

READ_ONLY = 0o400
ORPHAN_AGE_S = 86_400.0
"""A file nobody refers to may be one that is being referred to just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One file.

    Attributes:
        name: What it is called for people, such as ``report.dcm``.
        sha256: Hash of its content.
        size: Bytes.
    """

    name: str
    sha256: str
    size: int


class Payloads:
    """A folder of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, content: bytes, *, name: str) -> Payload:
        """Write a file, once; it is on the disk when this returns.

        Args:
            content: The bytes.
            name: What it is called for people.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        kept = Payload(name=name, sha256=sha256, size=len(content))
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self.folder / sha256
        if target.exists():
            # It may be an orphan that is about to be cleared away.
            os.utime(target)
            return kept
        fresh = self.folder / f".{sha256}.{uuid4().hex}"
        try:
            with fresh.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.chmod(READ_ONLY)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
        force_folder_to_disk(self.folder)
        return kept

    def path(self, payload: Payload) -> Path:
        """Where a file lies, after checking that it is what was written.

        Raises:
            ContractBroken: If it is gone or has changed.
        """
        path = self.folder / payload.sha256
        if not path.is_file() or sha256_of(path) != payload.sha256:
            raise ContractBroken(
                f"{payload.name} is not what was put aside for sending",
                value=payload.sha256[:12],
                remedy="have it made again, or restore it from a backup",
            )
        return path

    def clear(self, wanted: Collection[str]) -> int:
        """Remove files nobody refers to any more, except fresh ones.

        Args:
            wanted: SHA-256 of every file that is referred to.

        Returns:
            How many were removed.
        """
        if not self.folder.is_dir():
            return 0
        before = time.time() - ORPHAN_AGE_S
        old = [
            path
            for path in self.folder.iterdir()
            if path.name not in wanted and path.stat().st_mtime < before
        ]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)
