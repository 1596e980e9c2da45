"""One file that holds an installation: data base, pictures, reports, what came and what waits.

Owns the layout of a backup. The data base is copied first and the files after it: a row never
names a file that the backup lacks. What belongs to it of the connections, and when, is the
business of ``connections_copy``. The secret key stays behind; sessions end with a restore.
"""

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, ValidationError

import deeppcos
from deeppcos.app.web.models import AuditHead, Study
from deeppcos.app.web.upkeep import connections_copy
from deeppcos.app.web.upkeep.database_copy import copy_name, read_copy, write_copy
from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.records.on_disk import force_file_to_disk, force_folder_to_disk, sha256_of

FOLDERS = ("studies", "research", "releases", "learning")
"""What of the data folder belongs to a backup as it is, beside the data base."""

LIST_FILE = "backup.json"
BLOCK = 1 << 20


class BackupList(BaseModel):
    """What a backup holds; the last thing written to it.

    Attributes:
        backup_schema: Version of this layout.
        version: DeepPCOS that wrote it.
        created: When, ISO 8601.
        database: Name of the data base's copy.
        migrations: Every migration that had been applied.
        studies: Number of studies.
        audit_number: Number of the last audit event.
        audit_hash: Its hash.
        files: SHA-256 of every file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backup_schema: Literal["deeppcos.backup/1"] = "deeppcos.backup/1"
    version: str
    created: str
    database: str
    migrations: list[str]
    studies: int
    audit_number: int
    audit_hash: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hashing:
    """Hashes what is read through it."""

    source: IO[bytes]
    digest: "hashlib._Hash"

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        block = self.source.read(size)
        self.digest.update(block)
        return block


def back_up(target: Path, *, say: Callable[[str], object] = lambda _: None) -> BackupList:
    """Write a backup while people work.

    Args:
        target: File to write, ``.tar.gz``; must not exist.
        say: Told how far it is.

    Returns:
        What the backup holds.

    Raises:
        InvalidInput: If the file exists.
        TemporaryFailure: If the data base cannot be copied.
    """
    if target.exists():
        raise InvalidInput(f"{target} already exists", remedy="name a new file")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.partial")
    head = AuditHead.objects.filter(pk=1).first()
    files: dict[str, str] = {}
    try:
        with tarfile.open(fresh, "w:gz", compresslevel=1) as archive:
            with tempfile.TemporaryDirectory(dir=target.parent) as working:
                for name, copy in _copied_tables(Path(working)):
                    files[name] = _add(archive, copy, name)
            say("data base copied")
            for number, (name, hashed) in enumerate(_added_files(archive), start=1):
                files[name] = hashed
                if number % 500 == 0:
                    say(f"{number} files")
            content = BackupList(
                version=deeppcos.__version__,
                created=timezone.now().isoformat(),
                database=copy_name(),
                migrations=sorted(_applied()),
                studies=Study.objects.count(),
                audit_number=head.number if head else 0,
                audit_hash=head.hash if head else "",
                files=files,
            )
            _add_text(archive, LIST_FILE, content.model_dump_json(indent=1))
        force_file_to_disk(fresh)
        fresh.replace(target)
        force_folder_to_disk(target.parent)
    finally:
        fresh.unlink(missing_ok=True)
    return content


def restore(source: Path, *, say: Callable[[str], object] = lambda _: None) -> BackupList:
    """Fill an empty installation from a backup; every file is checked against the list.

    Args:
        source: A file of ``back_up``.
        say: Told how far it is.

    Returns:
        What was restored.

    Raises:
        InvalidInput: If the installation is not empty, or the backup was written by a newer
            version.
        ContractBroken: If the backup is damaged; the installation is left empty.
    """
    home = Path(settings.DEEPPCOS_HOME)
    _require_empty(home)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".restoring-") as working:
        unpacked = Path(working)
        content = _unpack(source, unpacked)
        _require_known_migrations(content)
        say(f"{len(content.files)} files are whole")
        for folder in (*FOLDERS, connections_copy.FOLDER):
            if (unpacked / folder).is_dir():
                (unpacked / folder).rename(home / folder)
        _keep_from_others(home / connections_copy.FOLDER)
        connection.close()
        read_copy(unpacked / content.database)
    # Peers were told that it is kept: it is, from here on, whatever happens to the power.
    if hasattr(os, "sync"):  # not on Windows
        os.sync()
    say("data base restored")
    return content


def check(source: Path) -> BackupList:
    """Read a whole backup and compare every file with its list.

    Args:
        source: A file of ``back_up``.

    Returns:
        What it holds.

    Raises:
        ContractBroken: If it is damaged.
    """
    with tempfile.TemporaryDirectory() as working:
        return _unpack(source, Path(working))


def _copied_tables(working: Path) -> Iterator[tuple[str, Path]]:
    """Every table of the installation, copied in the order that leaves nothing out."""
    home, copy = Path(settings.DEEPPCOS_HOME), working / copy_name()
    yield from connections_copy.copied_tables(home, connections_copy.BEFORE_THE_DATA_BASE, working)
    write_copy(copy)
    yield copy.name, copy
    yield from connections_copy.copied_tables(home, connections_copy.AFTER_THE_DATA_BASE, working)


def _added_files(archive: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    """Add every file of the data folder that belongs to a backup; gives its name and hash."""
    home = Path(settings.DEEPPCOS_HOME)
    for path in (*_files(), *connections_copy.received_files(home)):
        name = path.relative_to(home).as_posix()
        yield name, _add(archive, path, name)
    for path in connections_copy.waiting_files(home):
        name = path.relative_to(home).as_posix()
        try:
            hashed = _add(archive, path, name)
        except FileNotFoundError:  # sent long ago, and cleared away just now
            continue
        yield name, hashed


def _files() -> Iterator[Path]:
    """Every file that belongs to a backup and to no connection."""
    for folder in FOLDERS:
        for path in sorted((Path(settings.DEEPPCOS_HOME) / folder).rglob("*")):
            if path.is_file() and not _is_unfinished(path):
                yield path


def _is_unfinished(path: Path) -> bool:
    """Whether a file, or the folder of a release, is still being written."""
    return path.name.endswith(".partial") or path.parent.name.startswith(".arriving-")


def _keep_from_others(folder: Path) -> None:
    """Received images are for the owner of the data folder only, as they were."""
    if folder.is_dir():
        folder.chmod(0o700)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> str:
    """Add a file; returns the hash of what was added."""
    with path.open("rb") as content:
        member = archive.gettarinfo(arcname=name, fileobj=content)
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        reader = _Hashing(source=content, digest=hashlib.sha256())
        archive.addfile(member, reader)
    return reader.digest.hexdigest()


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    """Add a small text file."""
    with tempfile.NamedTemporaryFile(suffix=name) as file:
        file.write(text.encode())
        file.flush()
        _add(archive, Path(file.name), name)


def _unpack(source: Path, target: Path) -> BackupList:
    """Unpack beside, check everything, and only then let it be used."""
    try:
        with tarfile.open(source, "r:gz") as archive:
            archive.extractall(target, filter="data")
        content = BackupList.model_validate(
            json.loads((target / LIST_FILE).read_text(encoding="utf-8"))
        )
    except (tarfile.TarError, OSError, EOFError, ValidationError, ValueError) as problem:
        raise ContractBroken(
            f"{source} is no whole backup",
            value=type(problem).__name__,
            accepted="a file written by deeppcos backup",
            remedy="use another backup; nothing was changed",
        ) from problem
    for name, sha256 in content.files.items():
        path = target / PurePosixPath(name)
        if not path.is_file() or sha256_of(path) != sha256:
            raise ContractBroken(
                f"{source}: a file is missing or differs from the backup's list",
                value=name,
                remedy="use another backup; nothing was changed",
            )
    return content


def _applied() -> list[str]:
    """Migrations of the data base."""
    return [f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()]


def _require_known_migrations(content: BackupList) -> None:
    """Refuse a backup of a newer version: its tables are not ours."""
    from django.db.migrations.loader import MigrationLoader

    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    unknown = sorted(set(content.migrations) - known)
    if unknown:
        raise InvalidInput(
            "the backup was written by a newer version of DeepPCOS",
            value=f"{content.version}, {unknown[0]}",
            accepted=f"up to version {deeppcos.__version__}",
            remedy="install that version, or a newer one, and restore there",
        )


def _require_empty(home: Path) -> None:
    """Refuse to restore over anything."""
    every = (*FOLDERS, connections_copy.FOLDER)
    taken = [folder for folder in every if any((home / folder).glob("*"))]
    if taken or connection.introspection.table_names():
        raise InvalidInput(
            "there is an installation already",
            value=", ".join(taken) or "tables in the data base",
            accepted="an empty data folder and an empty data base",
            remedy="name another data folder with --home, and an empty data base",
        )
